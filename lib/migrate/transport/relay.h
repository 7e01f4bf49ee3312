/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A relay: a process in a guest's stream, between the plain descriptor that libxenguest needs and
 * the connection. It codes the stream (coding.h), limits the bandwidth and does TLS. The relay is a
 * child without privileges that only the stream depends on; it ends with the thread that has
 * started it (lib/stream/child.h).
 *
 * The plain side is a socket. At the destination the reader of a stream sees an end of file only if
 * the source has ended the stream in order; after any other end, the relay's death included, the
 * read fails with ECONNRESET. The kernel returns that error if the relay closes its socket with
 * bytes unread. One byte therefore waits at the relay's side, which the relay reads only after an
 * end in order.
 */
#ifndef DOMM_MIGRATE_TRANSPORT_RELAY_H
#define DOMM_MIGRATE_TRANSPORT_RELAY_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/migrate/transport/tls.h"

struct domm_relay {
    pid_t pid;
    int plain;
};

/* Memory that a relay shares with its parent; all of it is read and written atomically. */
struct domm_relay_shared {
    uint64_t bytes_per_s; /* the limit for coded bytes, which the parent may change; 0: none */
    uint64_t bytes;       /* of the stream that have gone through so far */
    uint64_t wire_bytes;  /* the same as they travel, coded */
};

/* Runs in the child; its result is the child's exit status. The child has standard error and these
 * descriptors of the parent. */
typedef int (*domm_relay_run)(void *context, struct domm_error *err);

#define DOMM_RELAY_PLAIN 3
#define DOMM_RELAY_FAR 4 /* if one was given */

/* far (or -1) stays the caller's. */
int domm_relay_start(int far, domm_relay_run run, void *context, struct domm_relay *relay_r,
                     struct domm_error *err);

/* Ends the stream in order if that succeeds within this time, and ends the process in any case. */
void domm_relay_end(struct domm_relay *relay, int grace_ms);

/* The functions from here on run in the child. Gives up all privileges that copying does not need;
 * call it before the child trusts a byte from the network. */
int domm_relay_confine(struct domm_error *err);

/* Codes what comes from the plain side until its other end is closed, for whatever reason; the
 * stream then ends in order. Keeps to the limit, and counts. tls is null for clear text. Fails if
 * the other end closes. */
int domm_relay_send(int far, struct domm_tls *tls, struct domm_relay_shared *shared,
                    struct domm_error *err);

/* Decodes to the plain side until the other end ends the stream in order. Logs why a stream could
 * not be decoded, since the reader sees only ECONNRESET. */
int domm_relay_receive(int far, struct domm_tls *tls, struct domm_log *log, struct domm_error *err);

#endif
