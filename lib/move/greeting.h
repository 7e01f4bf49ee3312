/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two ends of a guest's stream say to each other over TCP before it begins.
 *
 * In clear text the destination sends a challenge and the source an answer, which proves that it
 * has the key that the control link has carried, without telling it: the HMAC-SHA256 of the
 * challenge and the guest's number. Under TLS the handshake has proved that, and the source only
 * introduces itself. Then the destination sends DOMM_WELCOME, or closes the connection. The bytes
 * of the guest's stream follow.
 */
#ifndef DOMM_MOVE_GREETING_H
#define DOMM_MOVE_GREETING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/move/wire.h"

#define DOMM_STREAM_MAGIC "DOMS"
#define DOMM_WELCOME 'W' /* one byte */

struct domm_challenge {
    unsigned char magic[4];
    unsigned char random[32];
};

struct domm_introduction {
    unsigned char magic[4];
    unsigned char guest[4]; /* its number, big-endian */
};

struct domm_answer {
    struct domm_introduction who;
    unsigned char proof[32];
};

int domm_random(void *bytes_r, size_t size, struct domm_error *err);

int domm_challenge_make(struct domm_challenge *challenge_r, struct domm_error *err);

void domm_introduction_make(unsigned int guest, struct domm_introduction *introduction_r);

/* False if it is none. */
bool domm_introduction_read(const struct domm_introduction *introduction, unsigned int *guest_r);

/* DOMM_REFUSED if the challenge is none: something else listens there. */
int domm_answer_make(const struct domm_challenge *challenge,
                     const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int guest,
                     struct domm_answer *answer_r, struct domm_error *err);

/* DOMM_REFUSED if it does not prove the key. Takes as long, wherever it is wrong. */
int domm_answer_check(const struct domm_answer *answer, const struct domm_challenge *challenge,
                      const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int *guest_r,
                      struct domm_error *err);

#endif
