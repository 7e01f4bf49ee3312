/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLS 1.3 with a key that both ends have from elsewhere, and no certificates (RFC 8446, 2.2; the
 * key exchange stays, so that a key that leaks later opens nothing). For blocking sockets and one
 * thread.
 */
#ifndef DOMM_MOVE_TLS_H
#define DOMM_MOVE_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/move/wire.h"

struct domm_tls;

/* Sends and reads nothing yet. fd and key are borrowed. */
int domm_tls_new(bool server, int fd, const unsigned char key[DOMM_DATA_KEY_BYTES],
                 struct domm_tls **tls_r, struct domm_error *err);
void domm_tls_free(struct domm_tls *tls); /* null is fine */

/* Fails if the other end has another key. */
int domm_tls_handshake(struct domm_tls *tls, struct domm_error *err);

int domm_tls_write(struct domm_tls *tls, const void *bytes, size_t size, struct domm_error *err);

/* Waits for something. *got_r is 0 if the other end has said that this is the end; an end without
 * these words, which anybody on the way can bring about, is a failure. */
int domm_tls_read(struct domm_tls *tls, void *bytes_r, size_t size, size_t *got_r,
                  struct domm_error *err);

/* As many bytes as that, or a failure. */
int domm_tls_read_all(struct domm_tls *tls, void *bytes_r, size_t size, struct domm_error *err);

/* Whether there is something to read that the socket has already given. */
bool domm_tls_pending(const struct domm_tls *tls);

/* Says that this is the end. */
int domm_tls_end(struct domm_tls *tls, struct domm_error *err);

#endif
