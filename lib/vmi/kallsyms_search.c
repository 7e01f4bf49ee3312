/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding the kernel's table of symbols where VMCOREINFO does not say where it is: before Linux
 * 6.0. Up to 6.3 its parts follow each other, each at a multiple of 8 bytes (scripts/kallsyms.c in
 * Linux): offsets, relative base, number of symbols, names, markers (where each 256th name begins),
 * in some an order of names, tokens, index of tokens. The tokens are found by what they are, the
 * others from there backwards; each part must agree with another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/vmi/kallsyms_internal.h"

/* How far behind the beginning of the text the table may be. */
#define MAX_IMAGE (UINT64_C(96) << 20)
/* Linux unmaps what is left of 2 MiB behind a section. */
#define MAX_GAP ((size_t)2 << 20)
/* Read at once; chunks overlap by more than is searched for. */
#define CHUNK_BYTES ((size_t)64 * DOMM_VMI_PAGE)
#define CHUNK_STEP (CHUNK_BYTES - 32)

#define ALIGNMENT 8u
#define PER_MARKER 256u

/* Digits are in many names, so that each is a token of its own. */
static const unsigned char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
#define FIRST_DIGIT '0'

static uint64_t align_up(uint64_t address)
{
    return (address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Reads what there is; the pages of gaps are zeroes. */
static int read_with_gaps(const struct kallsyms_source *source, uint64_t address,
                          unsigned char *bytes, size_t size, bool *any_r)
{
    int rc = source->read(source->context, address, bytes, size);
    *any_r = !rc;
    for (size_t done = 0, part; rc == -EFAULT && done < size; done += part) {
        size_t rest = DOMM_VMI_PAGE - (size_t)((address + done) % DOMM_VMI_PAGE);
        part = size - done < rest ? size - done : rest;
        int failed = source->read(source->context, address + done, bytes + done, part);
        if (failed && failed != -EFAULT)
            return failed;
        if (failed)
            memset(bytes + done, 0, part);
        *any_r |= !failed;
    }
    return rc == -EFAULT ? 0 : rc;
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* Bytes around the digits, which begin in their middle. */
#define MAX_TABLE ((size_t)KALLSYMS_TOKENS * 32)

struct window {
    uint64_t start; /* virtual */
    unsigned char bytes[2 * MAX_TABLE];
};

/* Where the first token begins: `count` tokens before this one. Each ends with a zero byte. */
static bool step_back(const struct window *window, size_t at, unsigned int count, size_t *first_r)
{
    while (count--) {
        if (!at || window->bytes[--at])
            return false;
        while (at && window->bytes[at - 1])
            at--;
    }
    *first_r = at;
    return at > 0;
}

/* Whether behind the tokens that begin at `first` is an index of just these. */
static bool has_index(const struct window *window, size_t first, size_t *index_r)
{
    uint16_t positions[KALLSYMS_TOKENS];
    size_t at = first;
    for (size_t i = 0; i < KALLSYMS_TOKENS; i++) {
        positions[i] = (uint16_t)(at - first);
        const unsigned char *end = memchr(window->bytes + at, 0, sizeof(window->bytes) - at);
        if (!end)
            return false;
        at = (size_t)(end - window->bytes) + 1;
    }
    at = (size_t)(align_up(window->start + at) - window->start);
    *index_r = at;
    return at + sizeof(positions) <= sizeof(window->bytes) &&
           memcmp(window->bytes + at, positions, sizeof(positions)) == 0;
}

static bool find_index(const struct kallsyms_source *source, uint64_t digits_address,
                       struct kallsyms_addresses *addresses_r)
{
    struct window window = {.start = digits_address - MAX_TABLE};
    size_t first, index;
    if (source->read(source->context, window.start, window.bytes, sizeof(window.bytes)) ||
        !step_back(&window, MAX_TABLE, FIRST_DIGIT, &first) || !has_index(&window, first, &index))
        return false;
    addresses_r->token_table = window.start + first;
    addresses_r->token_index = window.start + index;
    return addresses_r->token_table % ALIGNMENT == 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* What is right before the names. */
struct table_head {
    uint64_t relative_base, count;
};

/* The base is the image's first symbol. */
#define BASE_BEFORE_TEXT (UINT64_C(2) << 20)

static bool is_head(const struct table_head *head, uint64_t stext)
{
    return head->relative_base <= stext && stext - head->relative_base <= BASE_BEFORE_TEXT &&
           head->count && head->count <= KALLSYMS_MAX_SYMBOLS;
}

/* Whether these are `count` names with their markers behind them. */
static bool are_names(const struct kallsyms *names, size_t count)
{
    size_t tokens, next, n_markers = (count + PER_MARKER - 1) / PER_MARKER, at = 0;
    cleanup_free uint32_t *markers = calloc(n_markers, sizeof(*markers));
    for (size_t i = 0; i < count; i++) {
        if (!markers || !kallsyms_entry(names, at, &tokens, &next) || !tokens)
            return false;
        if (i % PER_MARKER == 0)
            markers[i / PER_MARKER] = (uint32_t)at;
        at = next + tokens;
    }
    at = (size_t)align_up(at);
    return at <= names->names_length && n_markers * sizeof(*markers) <= names->names_length - at &&
           memcmp(names->names + at, markers, n_markers * sizeof(*markers)) == 0;
}

static bool has_names(const struct kallsyms_source *source, uint64_t start, uint64_t tokens,
                      size_t count)
{
    size_t size = (size_t)(tokens - start);
    cleanup_free unsigned char *bytes = malloc(size);
    struct kallsyms names = {.names = bytes, .names_length = size};
    return bytes && kallsyms_spend(source, count) && kallsyms_spend_bytes(source, size) &&
           source->read(source->context, start, bytes, size) == 0 && are_names(&names, count);
}

static void set_table(struct kallsyms_addresses *addresses, uint64_t names, size_t count)
{
    addresses->names = names;
    addresses->num_syms = names - ALIGNMENT;
    addresses->relative_base = addresses->num_syms - ALIGNMENT;
    addresses->offsets = addresses->relative_base - align_up(count * sizeof(uint32_t));
}

/* Goes back from the tokens. 0, -ENOTSUP, or an error of reading. */
static int find_names(const struct kallsyms_source *source, uint64_t stext, unsigned char *chunk,
                      struct kallsyms_addresses *addresses)
{
    struct table_head head;
    uint64_t tokens = addresses->token_table;
    for (uint64_t end = tokens; tokens - end < KALLSYMS_MAX_NAMES; end -= CHUNK_STEP) {
        uint64_t start = end - CHUNK_BYTES;
        bool any = false;
        int rc = kallsyms_spend_bytes(source, CHUNK_BYTES)
                     ? read_with_gaps(source, start, chunk, CHUNK_BYTES, &any)
                     : -ETIMEDOUT;
        if (rc || !any)
            return rc ? rc : -ENOTSUP;
        for (size_t at = 0; at + sizeof(head) <= CHUNK_BYTES; at += ALIGNMENT) {
            uint64_t names = start + at + sizeof(head);
            memcpy(&head, chunk + at, sizeof(head));
            if (!is_head(&head, stext) || !has_names(source, names, tokens, (size_t)head.count))
                continue;
            set_table(addresses, names, (size_t)head.count);
            return 0;
        }
    }
    return -ENOTSUP;
}

/* ---------------------------------------------------------------------------------------------- */

/* The table whose tokens have these digits. 0, -ENOTSUP if there is none, or an error of reading.
 */
static int find_table(const struct kallsyms_source *source, uint64_t stext, uint64_t digits_address,
                      struct kallsyms_addresses *addresses_r)
{
    *addresses_r = (struct kallsyms_addresses){.names = 0};
    if (!kallsyms_spend_bytes(source, 2 * MAX_TABLE))
        return -ETIMEDOUT;
    if (!find_index(source, digits_address, addresses_r))
        return -ENOTSUP;
    cleanup_free unsigned char *chunk = malloc(CHUNK_BYTES);
    return chunk ? find_names(source, stext, chunk, addresses_r) : -ENOMEM;
}

int kallsyms_search(const struct kallsyms_source *source, uint64_t stext,
                    struct kallsyms_addresses *addresses_r)
{
    cleanup_free unsigned char *chunk = malloc(CHUNK_BYTES);
    size_t gap = 0;
    if (!chunk)
        return -ENOMEM;
    for (uint64_t address = stext; address - stext < MAX_IMAGE; address += CHUNK_STEP) {
        const unsigned char *at = chunk;
        bool any = false;
        int rc = kallsyms_spend_bytes(source, CHUNK_BYTES)
                     ? read_with_gaps(source, address, chunk, CHUNK_BYTES, &any)
                     : -ETIMEDOUT;
        gap = any ? 0 : gap + CHUNK_BYTES;
        if (rc || gap > MAX_GAP)
            return rc ? rc : -ENOTSUP;
        while ((at = memmem(at, (size_t)(chunk + CHUNK_BYTES - at), digits, sizeof(digits)))) {
            rc = find_table(source, stext, address + (uint64_t)(at - chunk), addresses_r);
            if (rc != -ENOTSUP)
                return rc;
            at++;
        }
    }
    return -ENOTSUP;
}
