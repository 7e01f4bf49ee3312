/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's stream of any bytes is coded and decoded: it comes back byte for byte. A byte of the
 * input may stand for a page of that byte, so that short inputs make long streams. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/migrate/transport/coding.h"
#include "lib/stream/stream.h"

#define MAX_STREAM (1u << 20)

static unsigned char stream[MAX_STREAM];
static size_t stream_size, decoded;

static int compare(void *context, const unsigned char *bytes, size_t size, struct domm_error *err)
{
    (void)context;
    (void)err;
    MUST(size <= stream_size - decoded && memcmp(bytes, stream + decoded, size) == 0);
    decoded += size;
    return 0;
}

static int pass_on(void *context, const unsigned char *bytes, size_t size, struct domm_error *err)
{
    return domm_decoder_feed(context, bytes, size, err);
}

static void append(const void *bytes, size_t size)
{
    size_t room = sizeof(stream) - stream_size;
    size = size < room ? size : room;
    memcpy(stream + stream_size, bytes, size);
    stream_size += size;
}

static void append_page(uint8_t byte)
{
    unsigned char page[4096];
    memset(page, byte, sizeof(page));
    append(page, sizeof(page));
}

static void build(struct fuzz_input *input)
{
    static const unsigned char headers[DOMM_LIBXC_HEADER_BYTES];
    stream_size = 0;
    if (fuzz_below(input, 1, 4)) {
        append(domm_libxl_begin, sizeof(domm_libxl_begin));
        append(headers, sizeof(headers));
    }
    while (input->size) {
        size_t length = fuzz_below(input, 1, 64);
        if (length & 32) {
            for (length &= 31; length; length--)
                append_page((uint8_t)fuzz_number(input, 1));
            continue;
        }
        length = length < input->size ? length : input->size;
        append(input->data, length);
        input->data += length;
        input->size -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct domm_error err;
    cleanup_coder struct domm_coder *coder = NULL;
    cleanup_decoder struct domm_decoder *decoder = NULL;
    size_t piece = 1 + fuzz_below(&input, 2, 9000);
    build(&input);
    decoded = 0;
    MUST(domm_decoder_new(compare, NULL, &decoder, &err) == 0);
    MUST(domm_coder_new(pass_on, decoder, &coder, &err) == 0);
    for (size_t i = 0; i < stream_size; i += piece)
        MUST(domm_coder_feed(coder, stream + i, piece < stream_size - i ? piece : stream_size - i,
                             &err) == 0);
    MUST(domm_coder_end(coder, &err) == 0 && domm_decoder_end(decoder, &err) == 0);
    MUST(decoded == stream_size);
    return 0;
}
