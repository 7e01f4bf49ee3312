/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast keyed digests of pages are, one thread, by the CPU time of this process. All are of 128
 * bits. `make bench-digests`. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE_BYTES 4096u
#define PAGES 32768u /* 128 MiB: more than a cache */
#define DIGEST_BYTES 16u

struct mac {
    const char *algorithm;
    char cipher[16]; /* of GMAC and CMAC */
    size_t key_bytes;
};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* OpenSSL copies the parameters in EVP_MAC_init. */
static int begin(EVP_MAC_CTX *context, struct mac *mac)
{
    static const unsigned char key[32] = "not random, but as good for this";
    unsigned char nonce[12] = {0};
    size_t size = DIGEST_BYTES;
    OSSL_PARAM params[3] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(),
                            OSSL_PARAM_construct_end()};
    if (mac->cipher[0]) {
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, mac->cipher, 0);
        params[1] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce, sizeof(nonce));
    } else if (mac->algorithm[0] != 'P') {
        params[0] = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size);
    }
    return EVP_MAC_init(context, key, mac->key_bytes, params);
}

static void measure(struct mac *mac, const unsigned char *pages)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, mac->algorithm, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    unsigned char digest[DIGEST_BYTES];
    size_t size;
    double start = cpu_seconds();
    for (size_t i = 0; i < PAGES; i++) {
        if (!begin(context, mac) || !EVP_MAC_update(context, pages + i * PAGE_BYTES, PAGE_BYTES) ||
            !EVP_MAC_final(context, digest, &size, sizeof(digest)))
            abort();
    }
    printf("%-12s %6.2f GB/s\n", mac->algorithm,
           PAGES * PAGE_BYTES / 1e9 / (cpu_seconds() - start));
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
}

int main(void)
{
    struct mac macs[] = {
        {"SIPHASH", "", 16},  {"BLAKE2BMAC", "", 32},      {"BLAKE2SMAC", "", 32},
        {"POLY1305", "", 32}, {"GMAC", "AES-128-GCM", 16}, {"CMAC", "AES-128-CBC", 16},
    };
    unsigned char *pages = malloc((size_t)PAGES * PAGE_BYTES);
    if (!pages || RAND_bytes(pages, (int)(PAGES * PAGE_BYTES)) != 1)
        return 1;
    for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
        measure(&macs[i], pages);
    free(pages);
    return 0;
}
