/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the command check. Each adds to the findings. */
#ifndef DOMM_CMD_CHECK_H
#define DOMM_CMD_CHECK_H

#include "cmd/domm/finding.h"

/* This host: Xen, dommd, modules, scripts, bridges, ssh, disk space, leftovers. */
void cmd_check_host(struct cmd_context *context, struct cmd_findings *findings);

/* The preflight of a migration of the pair to the host. */
void cmd_check_pair(struct cmd_context *context, struct cmd_findings *findings, const char *pair,
                    const char *host);

/* A configuration. This works away from Xen. */
void cmd_check_config(struct cmd_findings *findings, const char *path);

#endif
