/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of this host, for what nobody may be at a terminal to read. */
#ifndef DOMM_CMD_HOST_LOG_H
#define DOMM_CMD_HOST_LOG_H

#include "cmd/domm/fields.h"

/* Logs the message: in the journal with the fields and the message ID (or null), otherwise in
 * syslog without. The priority is one of syslog(3). Changes the message to printable ASCII. A log
 * that cannot be written is no failure. */
void cmd_host_log(int priority, const char *message_id, char *message,
                  const struct cmd_fields *fields);

#endif
