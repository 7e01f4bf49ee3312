/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Authentication of a guest's stream over TCP, before its first byte.
 *
 * In clear text the destination sends a challenge, and the source answers with the HMAC-SHA256 of
 * the challenge and the guest's number, which proves that it knows the key from the control link.
 * Under TLS the handshake proves that, and the source only sends the guest's number. Then the
 * destination sends DOMM_WELCOME, or closes the connection. The guest's stream follows.
 */
#ifndef DOMM_MIGRATE_TRANSPORT_STREAM_AUTH_H
#define DOMM_MIGRATE_TRANSPORT_STREAM_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/migrate/protocol/messages.h"

#define DOMM_STREAM_MAGIC "DOMS"
#define DOMM_WELCOME 'W' /* one byte */

struct domm_auth_challenge {
    unsigned char magic[4];
    unsigned char random[32];
};

struct domm_auth_introduction {
    unsigned char magic[4];
    unsigned char guest[4]; /* its number, big-endian */
};

struct domm_auth_response {
    struct domm_auth_introduction who;
    unsigned char proof[32];
};

/* Fills the buffer with random bytes for keys. */
int domm_random(void *bytes_r, size_t size, struct domm_error *err);

/* Makes a challenge with random bytes. */
int domm_auth_challenge_make(struct domm_auth_challenge *challenge_r, struct domm_error *err);

/* Fills in the magic and the number of the guest. */
void domm_auth_introduction_make(unsigned int guest, struct domm_auth_introduction *introduction_r);

/* Reads the guest's number; false if the magic is wrong. */
bool domm_auth_introduction_read(const struct domm_auth_introduction *introduction,
                                 unsigned int *guest_r);

/* DOMM_REFUSED if it is not a challenge of domm. */
int domm_auth_response_make(const struct domm_auth_challenge *challenge,
                            const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int guest,
                            struct domm_auth_response *answer_r, struct domm_error *err);

/* DOMM_REFUSED if it does not prove the key. Takes constant time. */
int domm_auth_response_check(const struct domm_auth_response *answer,
                             const struct domm_auth_challenge *challenge,
                             const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int *guest_r,
                             struct domm_error *err);

#endif
