/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/stream_auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#define MAGIC_BYTES (sizeof(DOMM_STREAM_MAGIC) - 1)
#define LABEL "domm stream" /* binds the proof to this purpose */

int domm_random(void *bytes_r, size_t size, struct domm_error *err)
{
    ssize_t got;
    do
        got = getrandom(bytes_r, size, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (size_t)got != size) /* up to 256 bytes are never returned in part */
        return domm_fail_errno(err, DOMM_FAILED, errno, "getting random bytes");
    return 0;
}

int domm_auth_challenge_make(struct domm_auth_challenge *challenge_r, struct domm_error *err)
{
    memcpy(challenge_r->magic, DOMM_STREAM_MAGIC, MAGIC_BYTES);
    return domm_random(challenge_r->random, sizeof(challenge_r->random), err);
}

void domm_auth_introduction_make(unsigned int guest, struct domm_auth_introduction *introduction_r)
{
    memcpy(introduction_r->magic, DOMM_STREAM_MAGIC, MAGIC_BYTES);
    for (int i = 0; i < 4; i++)
        introduction_r->guest[i] = (unsigned char)(guest >> (24 - 8 * i));
}

bool domm_auth_introduction_read(const struct domm_auth_introduction *introduction,
                                 unsigned int *guest_r)
{
    *guest_r = 0;
    for (int i = 0; i < 4; i++)
        *guest_r = *guest_r << 8 | introduction->guest[i];
    return memcmp(introduction->magic, DOMM_STREAM_MAGIC, MAGIC_BYTES) == 0;
}

static int stream_auth_prove(const struct domm_auth_challenge *challenge,
                             const unsigned char key[DOMM_DATA_KEY_BYTES],
                             struct domm_auth_response *answer, struct domm_error *err)
{
    unsigned char message[sizeof(LABEL) + sizeof(*challenge) + sizeof(answer->who)];
    memcpy(message, LABEL, sizeof(LABEL));
    memcpy(message + sizeof(LABEL), challenge, sizeof(*challenge));
    memcpy(message + sizeof(LABEL) + sizeof(*challenge), &answer->who, sizeof(answer->who));
    if (!HMAC(EVP_sha256(), key, DOMM_DATA_KEY_BYTES, message, sizeof(message), answer->proof,
              NULL))
        return domm_fail(err, DOMM_FAILED, "computing an HMAC-SHA256");
    return 0;
}

int domm_auth_response_make(const struct domm_auth_challenge *challenge,
                            const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int guest,
                            struct domm_auth_response *answer_r, struct domm_error *err)
{
    if (memcmp(challenge->magic, DOMM_STREAM_MAGIC, MAGIC_BYTES) != 0)
        return domm_fail(err, DOMM_REFUSED, "the program that listens there is not domm");
    domm_auth_introduction_make(guest, &answer_r->who);
    return stream_auth_prove(challenge, key, answer_r, err);
}

int domm_auth_response_check(const struct domm_auth_response *answer,
                             const struct domm_auth_challenge *challenge,
                             const unsigned char key[DOMM_DATA_KEY_BYTES], unsigned int *guest_r,
                             struct domm_error *err)
{
    struct domm_auth_response right = {.who = answer->who};
    if (!domm_auth_introduction_read(&answer->who, guest_r))
        return domm_fail(err, DOMM_REFUSED, "it does not speak domm's protocol");
    int rc = stream_auth_prove(challenge, key, &right, err);
    if (rc)
        return rc;
    if (CRYPTO_memcmp(right.proof, answer->proof, sizeof(right.proof)) != 0)
        return domm_fail(err, DOMM_REFUSED, "it does not know the key");
    return 0;
}
