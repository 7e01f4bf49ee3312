/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coding of guests' streams on their way: what is decoded is what was fed, and what is no coded
 * stream is refused. */
#include "tests/unit/unit.h"

#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/migrate/transport/coding.h"
#include "lib/stream/stream.h"
#include "lib/xen/hv.h"

#define BROKEN UINT64_C(0xd000000000000000)

struct bytes {
    size_t size, room;
    unsigned char *at;
};

static struct bytes plain, coded, decoded;

static int append(void *context, const unsigned char *bytes, size_t size, struct domm_error *err)
{
    struct bytes *to = context;
    (void)err;
    if (to->room - to->size < size) {
        to->room = 2 * (to->size + size);
        to->at = realloc(to->at, to->room);
        assert_non_null(to->at);
    }
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
    return 0;
}

static void put(const void *bytes, size_t size)
{
    struct domm_error err;
    append(&plain, bytes, size, &err);
}

static uint64_t next_random(void)
{
    static uint64_t seed = 1;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

enum kind { ZERO, RANDOM, REPETITIVE, KERNEL_LIKE, ALMOST_ZERO, KINDS };

static void put_page(enum kind kind)
{
    static const char text[] = "\x48\x89\xe5\x41\x54\x55\x53printk: module %s\n\0\0\0\0\xe8";
    unsigned char page[DOMM_PAGE_SIZE] = {0};
    for (size_t i = 0; i < sizeof(page); i++) {
        if (kind == RANDOM || (kind == KERNEL_LIKE && i % 16 < 3))
            page[i] = (unsigned char)next_random();
        else if (kind == REPETITIVE)
            page[i] = (unsigned char)(i % 7);
        else if (kind == KERNEL_LIKE)
            page[i] = (unsigned char)text[i % sizeof(text)];
    }
    if (kind == ALMOST_ZERO)
        page[next_random() % sizeof(page)] = 1;
    put(page, sizeof(page));
}

static void put_head(uint32_t type, uint32_t length)
{
    put(&(struct domm_libxc_head){.type = type, .length = length}, sizeof(struct domm_libxc_head));
}

/* Every seventh entry is without a page. */
static void put_pages(uint32_t count, enum kind kind)
{
    uint32_t with_page = count - (count + 6) / 7;
    put_head(DOMM_LIBXC_PAGE_DATA, 8 + 8 * count + DOMM_PAGE_SIZE * with_page);
    put(&(struct domm_libxc_pages){.count = count}, 8);
    for (uint32_t i = 0; i < count; i++)
        put(&(uint64_t){i | (i % 7 ? 0 : BROKEN)}, 8);
    for (uint32_t i = 0; i < with_page; i++)
        put_page(kind == KINDS ? (enum kind)(next_random() % KINDS) : kind);
}

static void put_others(void)
{
    static const unsigned char body[6000] = "context of a vCPU, or a table";
    for (uint32_t type = 2; type < 0x14; type++) {
        uint32_t length = (uint32_t)(next_random() % 3000) * (type % 3);
        put_head(type, length);
        put(body, (length + 7u) & ~7u);
    }
}

static void put_begin(void)
{
    static const unsigned char headers[DOMM_LIBXC_HEADER_BYTES] = {0xff, 0xff, 0xff, 0xff};
    plain.size = 0;
    put(domm_libxl_begin, sizeof(domm_libxl_begin));
    put(headers, sizeof(headers));
}

static void put_end(void)
{
    put_head(0, 0);
    put(domm_libxl_end, sizeof(domm_libxl_end));
}

static void make_stream(void)
{
    put_begin();
    put_others();
    for (enum kind kind = 0; kind <= KINDS; kind++)
        put_pages(DOMM_LIBXC_BATCH, kind);
    put_pages(1, ZERO);
    put_pages(7, RANDOM);
    put_pages(74, KINDS);
    put_head(DOMM_LIBXC_VERIFY, 0);
    put_pages(100, KINDS);
    put_others();
    put_end();
}

static void make_small_stream(void)
{
    put_begin();
    put_pages(8, KERNEL_LIKE);
    put_pages(3, ZERO);
    put_pages(9, KINDS);
    put_end();
}

static void code(size_t piece)
{
    struct domm_error err = {0};
    cleanup_coder struct domm_coder *coder = NULL;
    coded.size = 0;
    assert_int_equal(domm_coder_new(append, &coded, &coder, &err), 0);
    for (size_t at = 0; at < plain.size; at += piece) {
        size_t size = plain.size - at < piece ? plain.size - at : piece;
        assert_int_equal(domm_coder_feed(coder, plain.at + at, size, &err), 0);
    }
    assert_int_equal(domm_coder_end(coder, &err), 0);
}

/* Each piece is a buffer of its own, so that a sanitizer sees what is read behind it. */
static int decode_some(const unsigned char *bytes, size_t size, size_t piece,
                       struct domm_error *err)
{
    cleanup_decoder struct domm_decoder *decoder = NULL;
    decoded.size = 0;
    int rc = domm_decoder_new(append, &decoded, &decoder, err);
    for (size_t at = 0; !rc && at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        cleanup_free unsigned char *copy = malloc(n);
        memcpy(copy, bytes + at, n);
        rc = domm_decoder_feed(decoder, copy, n, err);
    }
    if (rc)
        return rc;
    return domm_decoder_end(decoder, err);
}

static void it_comes_back(size_t code_piece, size_t decode_piece)
{
    struct domm_error err = {0};
    code(code_piece);
    if (decode_some(coded.at, coded.size, decode_piece, &err))
        fail_msg("%s", err.text);
    assert_int_equal(decoded.size, plain.size);
    assert_memory_equal(decoded.at, plain.at, plain.size);
}

static void each_kind_of_page_comes_back(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        unsigned int percent; /* at most */
    } cases[] = {{ZERO, 1}, {RANDOM, 101}, {REPETITIVE, 1}, {KERNEL_LIKE, 40}, {ALMOST_ZERO, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_begin();
        put_pages(DOMM_LIBXC_BATCH, cases[i].kind);
        put_end();
        it_comes_back(plain.size, coded.size + 1);
        assert_in_range(coded.size * 100 / plain.size, 0, cases[i].percent);
    }
}

static void a_stream_comes_back(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 4095, 4096, 65536, 1 << 20, 1 << 26};
    make_stream();
    for (size_t i = 0; i < COUNT(pieces); i++)
        it_comes_back(pieces[i], pieces[COUNT(pieces) - 1 - i]);
}

/* Neither does a cut anywhere change it, nor is anything but pages of a record held back. */
static void nothing_is_held_back(void **state)
{
    (void)state;
    struct domm_error err = {0};
    make_small_stream();
    size_t pages_end = plain.size - 16;
    for (size_t cut = 1; cut < plain.size; cut += cut < 200 || cut > pages_end ? 1 : 509) {
        cleanup_coder struct domm_coder *coder = NULL;
        coded.size = 0;
        assert_int_equal(domm_coder_new(append, &coded, &coder, &err), 0);
        assert_int_equal(domm_coder_feed(coder, plain.at, cut, &err), 0);
        assert_int_equal(decode_some(coded.at, coded.size, coded.size, &err), -DOMM_REFUSED);
        assert_memory_equal(decoded.at, plain.at, decoded.size);
        if (cut < sizeof(domm_libxl_begin) + DOMM_LIBXC_HEADER_BYTES || cut >= pages_end)
            assert_int_equal(decoded.size, cut);
        assert_int_equal(domm_coder_feed(coder, plain.at + cut, plain.size - cut, &err), 0);
        assert_int_equal(domm_coder_end(coder, &err), 0);
        assert_int_equal(decode_some(coded.at, coded.size, coded.size, &err), 0);
        assert_int_equal(decoded.size, plain.size);
        assert_memory_equal(decoded.at, plain.at, plain.size);
    }
}

/* What is no stream of a guest, or one that ends early, is still passed on. */
static void anything_comes_back(void **state)
{
    (void)state;
    plain.size = 0;
    it_comes_back(1, 1);
    for (size_t i = 0; i < 100000; i++)
        put(&(uint64_t){next_random()}, 8);
    it_comes_back(65536, 65536);
    make_small_stream();
    size_t whole = plain.size;
    for (plain.size = 1; plain.size < whole; plain.size += 501)
        it_comes_back(1000, 1000);
    make_small_stream();
    for (size_t at = 64; at < 64 + 16; at++) {
        plain.at[at] ^= 0x41;
        it_comes_back(1000, 1000);
        plain.at[at] ^= 0x41;
    }
}

static void an_early_end_is_no_end(void **state)
{
    (void)state;
    make_small_stream();
    code(65536);
    for (size_t size = 0; size < coded.size; size++) {
        struct domm_error err = {0};
        assert_int_equal(decode_some(coded.at, size, 65536, &err), -DOMM_REFUSED);
        assert_contains(err.text, "without its end");
        assert_memory_equal(decoded.at, plain.at, decoded.size);
    }
}

static void nothing_follows_the_end(void **state)
{
    (void)state;
    struct domm_error err = {0};
    make_small_stream();
    code(65536);
    append(&coded, (const unsigned char *)"", 1, &err);
    assert_int_equal(decode_some(coded.at, coded.size, 65536, &err), -DOMM_REFUSED);
    assert_contains(err.text, "behind its end");
}

/* Whatever comes of it, it is within bounds. */
static void flipped_bits_do_no_harm(void **state)
{
    (void)state;
    make_small_stream();
    code(65536);
    for (size_t at = 0; at < coded.size; at += at < 200 ? 1 : 7) {
        struct domm_error err = {0};
        unsigned char bit = (unsigned char)(1u << next_random() % 8);
        coded.at[at] ^= bit;
        int rc = decode_some(coded.at, coded.size, 65536, &err);
        assert_true(rc == 0 || rc == -DOMM_REFUSED);
        assert_true(decoded.size <= plain.size + 2 * DOMM_CODING_BYTES);
        if (at < DOMM_CODING_BEGIN_BYTES)
            assert_int_equal(rc, -DOMM_REFUSED);
        coded.at[at] ^= bit;
    }
}

static void begin_coded(void)
{
    static const unsigned char begin[DOMM_CODING_BEGIN_BYTES] = {'D', 'O', 'M', 'P', 0, 1, 0, 0};
    struct domm_error err;
    coded.size = 0;
    append(&coded, begin, sizeof(begin), &err);
}

static void put_coded_head(unsigned char packing, uint32_t size, uint32_t coded_size,
                           uint64_t zero_pages)
{
    struct domm_error err;
    unsigned char head[DOMM_CODING_HEAD_BYTES] = {packing};
    for (size_t i = 0; i < 4; i++) {
        head[1 + i] = (unsigned char)(size >> 8 * (3 - i));
        head[5 + i] = (unsigned char)(coded_size >> 8 * (3 - i));
    }
    for (size_t i = 0; i < 8; i++)
        head[9 + i] = (unsigned char)(zero_pages >> 8 * (7 - i));
    append(&coded, head, sizeof(head), &err);
}

static void heads_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned char packing;
        uint32_t size, coded;
        uint64_t zero_pages;
        const char *why;
    } cases[] = {
        {3, 4096, 4096, 0, "value is unknown"},
        {0, 1, 0, 0, "its end has a size"},
        {0, 0, 1, 0, "its end has a size"},
        {0, 0, 0, 1, "its end has a size"},
        {1, 0, 0, 0, "size is out of bounds"},
        {1, DOMM_CODING_BYTES + 1, DOMM_CODING_BYTES + 1, 0, "size is out of bounds"},
        {1, UINT32_MAX, UINT32_MAX, 0, "size is out of bounds"},
        {1, 65 * 4096, 0, 1, "size is out of bounds"}, /* more pages than bits */
        {1, UINT32_MAX - 4095, 0, 1, "size is out of bounds"},
        {1, 4096, 4095, 0, "coded size"},
        {1, 4096, 4097, 0, "coded size"},
        {1, 4096, 1, 1, "coded size"},
        {2, 4096, 4096, 0, "coded size"},
        {2, 4096, 0, 0, "coded size"},
        {2, 4096, 0, 1, "coded size"},
        {2, 4096, UINT32_MAX, 0, "coded size"},
        {1, 4096, 0, 2, "zero pages"},
        {1, 4095, 0, 1, "zero pages"},
        {1, 100, 100, 1, "zero pages"},
        {1, 63 * 4096, 0, UINT64_MAX, "zero pages"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct domm_error err = {0};
        begin_coded();
        put_coded_head(cases[i].packing, cases[i].size, cases[i].coded, cases[i].zero_pages);
        assert_int_equal(decode_some(coded.at, coded.size, coded.size, &err), -DOMM_REFUSED);
        assert_contains(err.text, "the coded stream at byte 8: ");
        assert_contains(err.text, cases[i].why);
        assert_int_equal(decoded.size, 0);
    }
}

/* A frame that unpacks to another size than the head's, or is more than one. */
static void frames_are_bounded(void **state)
{
    (void)state;
    static const unsigned char zeroes[1 << 20];
    static unsigned char frame[4096];
    static const struct {
        size_t packed;
        uint32_t size;
        const char *why;
    } cases[] = {
        {1 << 20, 4096, "Destination buffer is too small"},
        {4097, 4096, "Destination buffer is too small"},
        {4095, 4096, "shorter than it says"},
        {0, 4096, "shorter than it says"},
    };
    struct domm_error err = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t size = ZSTD_compress(frame, sizeof(frame), zeroes, cases[i].packed, 1);
        begin_coded();
        put_coded_head(2, cases[i].size, (uint32_t)size, 0);
        append(&coded, frame, size, &err);
        assert_int_equal(decode_some(coded.at, coded.size, 100, &err), -DOMM_REFUSED);
        assert_contains(err.text, cases[i].why);
    }
    size_t size = ZSTD_compress(frame, sizeof(frame), zeroes, 2048, 1);
    begin_coded();
    put_coded_head(2, 4096, (uint32_t)(2 * size), 0);
    append(&coded, frame, size, &err);
    append(&coded, frame, size, &err);
    assert_int_equal(decode_some(coded.at, coded.size, 100, &err), -DOMM_REFUSED);
    assert_contains(err.text, "not one frame");
}

static void something_else_is_refused(void **state)
{
    (void)state;
    struct domm_error err = {0};
    make_small_stream();
    assert_int_equal(decode_some(plain.at, plain.size, 100, &err), -DOMM_REFUSED);
    assert_contains(err.text, "the coded stream at byte 0: it does not begin as one of domm");
    begin_coded();
    coded.at[5]++;
    assert_int_equal(decode_some(coded.at, coded.size, 100, &err), -DOMM_REFUSED);
    assert_contains(err.text, "it is of another version");
    for (int round = 0; round < 1000; round++) {
        begin_coded();
        for (int i = 0; i < 100; i++)
            append(&coded, (const unsigned char *)&(uint64_t){next_random()}, 8, &err);
        assert_int_equal(decode_some(coded.at, coded.size, 100, &err), -DOMM_REFUSED);
    }
}

static int free_all(void **state)
{
    (void)state;
    free(plain.at);
    free(coded.at);
    free(decoded.at);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_page_comes_back),
        cmocka_unit_test(a_stream_comes_back),
        cmocka_unit_test(nothing_is_held_back),
        cmocka_unit_test(anything_comes_back),
        cmocka_unit_test(an_early_end_is_no_end),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(flipped_bits_do_no_harm),
        cmocka_unit_test(heads_out_of_bounds_are_refused),
        cmocka_unit_test(frames_are_bounded),
        cmocka_unit_test(something_else_is_refused),
    };
    return cmocka_run_group_tests_name("coding", tests, NULL, free_all);
}
