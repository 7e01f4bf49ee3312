/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_PROMETHEUS_H
#define DOMM_CMD_PROMETHEUS_H

#include <stdio.h>

#include "lib/pair/status.h"

/* Prometheus' text format (exposition formats, version 0.0.4), for node_exporter's textfile
 * collector, which drops a file as a whole if one line of it is not valid or comes twice. */
void cmd_print_prometheus(FILE *file, const struct domm_status *statuses, size_t count);

#endif
