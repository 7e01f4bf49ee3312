/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A coded stream, once whole and once in pieces: both give the same bytes or the same refusal. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/migrate/transport/coding.h"

struct digest {
    uint64_t bytes, sum;
};

static int count(void *context, const unsigned char *bytes, size_t size, struct domm_error *err)
{
    struct digest *digest = context;
    (void)err;
    MUST(size <= DOMM_CODING_BYTES);
    digest->bytes += size;
    for (size_t i = 0; i < size; i++)
        digest->sum = digest->sum * 31 + bytes[i];
    return 0;
}

static struct digest decode(const uint8_t *data, size_t size, size_t piece, int *rc_r)
{
    cleanup_decoder struct domm_decoder *decoder = NULL;
    struct domm_error err;
    struct digest digest = {0};
    MUST(domm_decoder_new(count, &digest, &decoder, &err) == 0);
    *rc_r = 0;
    while (!*rc_r && size) {
        size_t taken = piece < size ? piece : size;
        *rc_r = domm_decoder_feed(decoder, data, taken, &err);
        data += taken;
        size -= taken;
    }
    if (!*rc_r)
        *rc_r = domm_decoder_end(decoder, &err);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int rc, cut_rc;
    struct digest whole = decode(data, size, size, &rc);
    struct digest cut = decode(data, size, 1 + size / 7, &cut_rc);
    MUST(rc == cut_rc && whole.bytes == cut.bytes && whole.sum == cut.sum);
    MUST(rc == 0 || rc == -DOMM_REFUSED);
    return 0;
}
