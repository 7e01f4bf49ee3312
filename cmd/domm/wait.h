/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting until a monitor is ready. */
#ifndef DOMM_CMD_WAIT_H
#define DOMM_CMD_WAIT_H

#include "cmd/domm/host.h"

/* Waits until the agent of a monitor answers and all of its targets are ready, or only `target` if
 * that is not null. Shows progress. DOMM_FAILED after `seconds`, with what is not ready;
 * DOMM_ABORTED if interrupted. It reads the inventory anew. */
int cmd_wait_ready(struct cmd_host *host, const struct domm_uuid *monitor,
                   const struct domm_uuid *target, unsigned seconds, struct domm_error *err);

#endif
