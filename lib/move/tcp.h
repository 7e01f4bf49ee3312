/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TCP connections between the two hosts of a migration. */
#ifndef DOMM_MOVE_TCP_H
#define DOMM_MOVE_TCP_H

#include <stdint.h>

#include "lib/base/error.h"

/* Listens at all addresses of this host, on a port that is free. Accepting never blocks. */
int domm_tcp_listen(int *listener_r, uint16_t *port_r, struct domm_error *err);

/* Connects to the first address of the host that answers; what stands before an @ is left out.
 * timeout_ms is for all addresses together, but not for finding them. */
int domm_tcp_connect(const char *host, uint16_t port, int timeout_ms, int *fd_r,
                     struct domm_error *err);

/* Lets a connection fail when the other host is gone. */
void domm_tcp_guard(int fd);

#endif
