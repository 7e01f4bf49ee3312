/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The source's end of a guest's stream over TCP. A child process finds the host, connects and says
 * what is to be said, so that no name server and no peer holds this process up; then it hands the
 * connection over, or stays as its relay.
 */
#ifndef DOMM_MOVE_CONNECT_H
#define DOMM_MOVE_CONNECT_H

#include "lib/move/data.h"

extern int domm_connect_ms; /* for all of it; assigned by the unit tests alone */

int domm_connect(const struct domm_route *route, unsigned int guest, struct domm_stream *stream_r,
                 struct domm_error *err);

#endif
