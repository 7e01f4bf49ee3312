/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TCP connections between the two hosts of a migration. */
#ifndef DOMM_MIGRATE_TRANSPORT_TCP_H
#define DOMM_MIGRATE_TRANSPORT_TCP_H

#include <stdint.h>

#include "lib/base/error.h"

/* Listens at all addresses of this host on a free port. Accepting never blocks. */
int domm_tcp_listen(int *listener_r, uint16_t *port_r, struct domm_error *err);

/* Connects to the first address of the host that answers; a "USER@" before its name is ignored.
 * timeout_ms is for all addresses together, without the resolving. */
int domm_tcp_connect(const char *host, uint16_t port, int timeout_ms, int *fd_r,
                     struct domm_error *err);

/* Makes a connection fail when the other host is gone. */
void domm_tcp_guard(int fd);

#endif
