/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The source's end of a guest's stream over TCP. A child process resolves the host, connects and
 * authenticates, so that neither a name server nor the other host blocks this process; then it
 * stays as the stream's relay.
 */
#ifndef DOMM_MIGRATE_TRANSPORT_CONNECT_H
#define DOMM_MIGRATE_TRANSPORT_CONNECT_H

#include "lib/migrate/transport/data.h"

extern int domm_connect_ms; /* for the whole connect; assigned by unit tests only */

/* Connects by TCP or TLS, as domm_stream_connect. */
int domm_connect(const struct domm_route *route, unsigned int guest, struct domm_stream *stream_r,
                 struct domm_error *err);

#endif
