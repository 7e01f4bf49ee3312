/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY "domm" /* identity of the only key */
#define SUITE "TLS_AES_128_GCM_SHA256"

static const unsigned char suite_id[] = {0x13, 0x01};

struct domm_tls {
    SSL_CTX *context;
    SSL *ssl;
};

static int tls_fail(const char *doing, struct domm_error *err)
{
    int reason = errno;
    unsigned long first = ERR_get_error();
    const char *text = first ? ERR_reason_error_string(first) : NULL;
    ERR_clear_error();
    if (first)
        return domm_fail(err, DOMM_FAILED, "%s: %s", doing, text ? text : "TLS failed");
    if (reason)
        return domm_fail_errno(err, DOMM_FAILED, reason, "%s", doing);
    return domm_fail(err, DOMM_FAILED, "%s: the other end has closed the connection", doing);
}

static SSL_SESSION *make_session(SSL *ssl)
{
    const unsigned char *key = SSL_get_app_data(ssl);
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *suite = SSL_CIPHER_find(ssl, suite_id);
    if (session && suite && SSL_SESSION_set1_master_key(session, key, DOMM_DATA_KEY_BYTES) &&
        SSL_SESSION_set_cipher(session, suite) &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

static int offer_key(SSL *ssl, const EVP_MD *md, const unsigned char **identity_r, size_t *length_r,
                     SSL_SESSION **session_r)
{
    (void)md; /* there is only one suite */
    *identity_r = (const unsigned char *)IDENTITY;
    *length_r = sizeof(IDENTITY) - 1;
    *session_r = make_session(ssl);
    return *session_r != NULL;
}

/* A server without a session would need a certificate. */
static int tls_find_key(SSL *ssl, const unsigned char *identity, size_t length,
                        SSL_SESSION **session_r)
{
    bool ours = length == sizeof(IDENTITY) - 1 && memcmp(identity, IDENTITY, length) == 0;
    *session_r = ours ? make_session(ssl) : NULL;
    return !ours || *session_r;
}

static bool set_up(struct domm_tls *tls, bool server, int fd, const unsigned char *key)
{
    tls->context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!tls->context || !SSL_CTX_set_min_proto_version(tls->context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(tls->context, SUITE) ||
        !SSL_CTX_set_num_tickets(tls->context, 0)) /* sessions are never resumed with one */
        return false;
    SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_psk_find_session_callback(tls->context, tls_find_key);
    SSL_CTX_set_psk_use_session_callback(tls->context, offer_key);
    if (!server) /* a certificate is no substitute for the key */
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    tls->ssl = SSL_new(tls->context);
    if (!tls->ssl || !SSL_set_app_data(tls->ssl, (void *)(uintptr_t)key) ||
        !SSL_set_fd(tls->ssl, fd))
        return false;
    if (server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return true;
}

int domm_tls_new(bool server, int fd, const unsigned char key[DOMM_DATA_KEY_BYTES],
                 struct domm_tls **tls_r, struct domm_error *err)
{
    struct domm_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return domm_no_memory(err);
    errno = 0;
    if (!set_up(tls, server, fd, key)) {
        domm_tls_free(tls);
        return tls_fail("setting up TLS", err);
    }
    *tls_r = tls;
    return 0;
}

void domm_tls_free(struct domm_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    free(tls);
}

int domm_tls_handshake(struct domm_tls *tls, struct domm_error *err)
{
    errno = 0;
    if (SSL_do_handshake(tls->ssl) != 1)
        return tls_fail("agreeing on TLS", err);
    if (!SSL_session_reused(tls->ssl)) /* reused means: by the key */
        return domm_fail(err, DOMM_REFUSED, "agreeing on TLS: without the key");
    return 0;
}

int domm_tls_write(struct domm_tls *tls, const void *bytes, size_t size, struct domm_error *err)
{
    size_t written;
    errno = 0;
    if (SSL_write_ex(tls->ssl, bytes, size, &written) !=
        1) /* writes everything: the default mode */
        return tls_fail("sending under TLS", err);
    return 0;
}

int domm_tls_read(struct domm_tls *tls, void *bytes_r, size_t size, size_t *got_r,
                  struct domm_error *err)
{
    *got_r = 0;
    errno = 0;
    if (SSL_read_ex(tls->ssl, bytes_r, size, got_r) == 1 ||
        SSL_get_error(tls->ssl, 0) == SSL_ERROR_ZERO_RETURN)
        return 0;
    return tls_fail("receiving under TLS", err);
}

int domm_tls_read_all(struct domm_tls *tls, void *bytes_r, size_t size, struct domm_error *err)
{
    size_t done = 0, got = 1;
    int rc = 0;
    while (!rc && done < size && got) {
        rc = domm_tls_read(tls, (unsigned char *)bytes_r + done, size - done, &got, err);
        done += got;
    }
    if (rc)
        return rc;
    if (done < size)
        return domm_fail(err, DOMM_FAILED, "receiving under TLS: it ended early");
    return 0;
}

bool domm_tls_pending(const struct domm_tls *tls)
{
    return SSL_pending(tls->ssl) > 0;
}

int domm_tls_end(struct domm_tls *tls, struct domm_error *err)
{
    errno = 0;
    return SSL_shutdown(tls->ssl) < 0 ? tls_fail("ending TLS", err) : 0;
}
