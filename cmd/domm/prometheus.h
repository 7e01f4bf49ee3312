/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_PROMETHEUS_H
#define DOMM_CMD_PROMETHEUS_H

#include "lib/pair/status.h"

/* Prometheus' text format (exposition formats, version 0.0.4), for node_exporter's textfile
 * collector. */
void cmd_print_prometheus(const struct domm_status *statuses, size_t count);

#endif
