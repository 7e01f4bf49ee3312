/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The requests of lib/mapping/protocol.h. */
#ifndef DOMM_DOMMD_REQUESTS_H
#define DOMM_DOMMD_REQUESTS_H

#include "cmd/dommd/monitor.h"

/* What the request costs, in tokens, to be taken before it is served: roughly in proportion to the
 * time it takes dom0 and the time it keeps the monitor paused. */
int64_t request_cost(const struct domm_request *request);

/* Carries out the request and fills the reply. */
void request_serve(struct service *service, struct monitor *monitor, struct client *client,
                   const struct domm_request *request, struct domm_reply *reply_r);

#endif
