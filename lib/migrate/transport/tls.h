/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLS 1.3 with a key that both ends share beforehand, and no certificates (RFC 8446, 2.2; with key
 * exchange, so that a key that leaks later decrypts nothing). For blocking sockets and one thread.
 */
#ifndef DOMM_MIGRATE_TRANSPORT_TLS_H
#define DOMM_MIGRATE_TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/migrate/protocol/messages.h"

struct domm_tls;

/* Creates the object; sends and reads nothing. fd and key are borrowed. */
int domm_tls_new(bool server, int fd, const unsigned char key[DOMM_DATA_KEY_BYTES],
                 struct domm_tls **tls_r, struct domm_error *err);
void domm_tls_free(struct domm_tls *tls); /* null is fine */

static inline void domm_cleanup_tls(struct domm_tls **tls)
{
    domm_tls_free(*tls);
}

#define cleanup_tls DOMM_CLEANUP(domm_cleanup_tls)

/* Fails if the other end has another key. */
int domm_tls_handshake(struct domm_tls *tls, struct domm_error *err);

/* Writes all bytes. */
int domm_tls_write(struct domm_tls *tls, const void *bytes, size_t size, struct domm_error *err);

/* Reads available bytes, or waits. *got_r is 0 if the other end has ended the stream in order; any
 * other end, which an attacker on the way can cause, is a failure. */
int domm_tls_read(struct domm_tls *tls, void *bytes_r, size_t size, size_t *got_r,
                  struct domm_error *err);

/* Reads that many bytes, or fails. */
int domm_tls_read_all(struct domm_tls *tls, void *bytes_r, size_t size, struct domm_error *err);

/* Whether decrypted bytes are available without reading the socket. */
bool domm_tls_pending(const struct domm_tls *tls);

/* Ends the stream in order. */
int domm_tls_end(struct domm_tls *tls, struct domm_error *err);

#endif
