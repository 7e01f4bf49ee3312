/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter behind libxenguest, which a guest's memory and p2m shape. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/stream/stream_filter.h"
#include "lib/xen/hv.h"

#define GFNS 16

static struct domm_shadow *new_shadow(uint64_t sent)
{
    static const unsigned char page[DOMM_PAGE_SIZE];
    struct domm_shadow *shadow;
    struct domm_error err;
    MUST(domm_shadow_new(GFNS, &shadow, &err) == 0);
    for (uint64_t gfn = 0; gfn < GFNS; gfn++) {
        if (sent >> gfn & 1)
            domm_shadow_note(shadow, gfn, page);
    }
    return shadow;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int null = -1;
    struct fuzz_input input = {data, size};
    struct domm_error err;
    struct domm_stream_filter *filter;
    if (null < 0)
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bool verify = fuzz_below(&input, 1, 2);
    struct domm_shadow *shadow = new_shadow(fuzz_number(&input, 2));
    struct domm_sink sink = {.fd = null};
    size_t piece = 1 + fuzz_below(&input, 2, 4096);
    int rc = 0;
    MUST(domm_stream_filter_new(shadow, &sink, verify, &filter, &err) == 0);
    while (!rc && input.size) {
        size_t taken = piece < input.size ? piece : input.size;
        rc = domm_stream_filter_feed(filter, input.data, taken, &err);
        input.data += taken;
        input.size -= taken;
    }
    domm_stream_filter_at_pages(filter);
    domm_stream_filter_free(filter);
    domm_shadow_free(shadow);
    return 0;
}
