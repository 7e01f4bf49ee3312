/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/vmi/vmcoreinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

/* Pages read at once while searching. */
#define CHUNK_PAGES ((size_t)64)

#define FIRST_KEY "OSRELEASE="

struct line {
    const char *key, *value;
    size_t key_length, value_length;
};

/* The next line of the text, which ends at the first zero byte or with the page. */
static bool next_line(const char **at, const char *end, struct line *line_r)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (!newline)
        return false;
    const char *equals = memchr(*at, '=', (size_t)(newline - *at));
    const char *key_end = equals ? equals : newline;
    const char *value = equals ? equals + 1 : newline;
    *line_r = (struct line){.key = *at,
                            .key_length = (size_t)(key_end - *at),
                            .value = value,
                            .value_length = (size_t)(newline - value)};
    *at = newline + 1;
    return true;
}

/* The number of lines with that key; the last of them. */
static unsigned int find_lines(const char *page, const char *key, struct line *line_r)
{
    const char *at = page, *end = page + strnlen(page, VMCOREINFO_BYTES);
    struct line line;
    unsigned int count = 0;
    while (next_line(&at, end, &line)) {
        if (line.key_length == strlen(key) && memcmp(line.key, key, line.key_length) == 0) {
            *line_r = line;
            count++;
        }
    }
    return count;
}

/* Finds the only line of that key. */
static bool vmcoreinfo_find(const char *page, const char *key, struct line *line_r)
{
    return find_lines(page, key, line_r) == 1;
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

static bool vmcoreinfo_parse_number(const char *text, size_t length, unsigned int base,
                                    uint64_t *number_r)
{
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned int digit = (unsigned int)digit_of(text[i]);
        if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *number_r = number;
    return length > 0;
}

static bool get_hex(const char *page, const char *key, uint64_t *number_r)
{
    struct line line;
    return vmcoreinfo_find(page, key, &line) &&
           vmcoreinfo_parse_number(line.value, line.value_length, 16, number_r);
}

/* Decimal, and signed. */
static bool get_integer(const char *page, const char *key, int64_t *number_r)
{
    struct line line;
    uint64_t magnitude;
    if (!vmcoreinfo_find(page, key, &line))
        return false;
    bool negative = line.value_length && line.value[0] == '-';
    if (!vmcoreinfo_parse_number(line.value + negative, line.value_length - negative, 10,
                                 &magnitude) ||
        magnitude > INT64_MAX)
        return false;
    *number_r = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

/* Reads a symbol in the kernel's image. */
static bool get_symbol(const char *page, const char *key, uint64_t *address_r)
{
    return get_hex(page, key, address_r) && *address_r >= KERNEL_MAP &&
           *address_r - KERNEL_MAP < KERNEL_MAP_SIZE;
}

static bool get_release(const char *page, char *release_r, size_t room)
{
    struct line line;
    if (!vmcoreinfo_find(page, "OSRELEASE", &line) || !line.value_length ||
        line.value_length >= room)
        return false;
    for (size_t i = 0; i < line.value_length; i++) {
        if (line.value[i] <= ' ' || line.value[i] > '~')
            return false;
    }
    memcpy(release_r, line.value, line.value_length);
    release_r[line.value_length] = '\0';
    return true;
}

/* A key that is absent is 0. False if it is there, but not as it should be. */
static bool get_optional_symbol(const char *page, const char *key, uint64_t *address_r)
{
    struct line line;
    *address_r = 0;
    return !find_lines(page, key, &line) || get_symbol(page, key, address_r);
}

static void get_kallsyms(const char *page, struct kallsyms_addresses *addresses_r)
{
    struct kallsyms_addresses got;
    bool all = get_symbol(page, "SYMBOL(kallsyms_names)", &got.names) &&
               get_symbol(page, "SYMBOL(kallsyms_num_syms)", &got.num_syms) &&
               get_symbol(page, "SYMBOL(kallsyms_token_table)", &got.token_table) &&
               get_symbol(page, "SYMBOL(kallsyms_token_index)", &got.token_index) &&
               get_optional_symbol(page, "SYMBOL(kallsyms_offsets)", &got.offsets) &&
               get_optional_symbol(page, "SYMBOL(kallsyms_relative_base)", &got.relative_base) &&
               get_optional_symbol(page, "SYMBOL(kallsyms_addresses)", &got.addresses);
    bool one_form = all && (got.addresses ? !got.offsets && !got.relative_base : got.offsets);
    *addresses_r = one_form ? got : (struct kallsyms_addresses){0};
}

bool vmcoreinfo_parse(const char page[VMCOREINFO_BYTES], struct vmcoreinfo *info_r)
{
    int64_t five_levels = 0;
    *info_r = (struct vmcoreinfo){.kaslr_offset = 0};
    if (memcmp(page, FIRST_KEY, strlen(FIRST_KEY)) != 0 ||
        !get_release(page, info_r->release, sizeof(info_r->release)) ||
        !get_symbol(page, "SYMBOL(_stext)", &info_r->stext) ||
        !get_integer(page, "NUMBER(phys_base)", &info_r->phys_base) ||
        !get_integer(page, "NUMBER(pgtable_l5_enabled)", &five_levels) || five_levels < 0 ||
        five_levels > 1 || !get_hex(page, "KERNELOFFSET", &info_r->kaslr_offset) ||
        info_r->kaslr_offset >= KERNEL_MAP_SIZE)
        return false;
    info_r->five_levels = five_levels == 1;
    get_kallsyms(page, &info_r->kallsyms);
    return get_symbol(page, "SYMBOL(init_top_pgt)", &info_r->page_table) ||
           get_symbol(page, "SYMBOL(swapper_pg_dir)", &info_r->page_table);
}

/* The index of the first candidate in a chunk; the number of its pages if there is none. */
static size_t next_in(const char *chunk, size_t pages, struct vmcoreinfo *info_r)
{
    for (size_t i = 0; i < pages; i++) {
        const char *page = chunk + i * VMCOREINFO_BYTES;
        if (memcmp(page, FIRST_KEY, strlen(FIRST_KEY)) == 0 && vmcoreinfo_parse(page, info_r))
            return i;
    }
    return pages;
}

int vmcoreinfo_next(const struct domm_physical *physical, uint64_t *address,
                    struct vmcoreinfo *info_r)
{
    cleanup_free char *chunk = malloc(CHUNK_PAGES * VMCOREINFO_BYTES);
    if (!chunk)
        return -ENOMEM;
    for (uint64_t gfn = *address / VMCOREINFO_BYTES; gfn < physical->frames; gfn += CHUNK_PAGES) {
        uint64_t rest = physical->frames - gfn;
        size_t pages = rest < CHUNK_PAGES ? (size_t)rest : CHUNK_PAGES;
        int rc = physical->read(physical->context, gfn * VMCOREINFO_BYTES, chunk,
                                pages * VMCOREINFO_BYTES);
        if (rc)
            return rc;
        size_t position = next_in(chunk, pages, info_r);
        if (position < pages) {
            *address = (gfn + position) * VMCOREINFO_BYTES;
            return 0;
        }
    }
    return -ENOENT;
}
