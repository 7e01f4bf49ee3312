/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/guest/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

/* Debian's kernels have a hundred thousand symbols, in 1.5 MB. */
#define MAX_SYMBOLS (1u << 20)
#define MAX_NAMES (32u << 20)
#define TOKENS 256u
#define MAX_TOKENS_BYTES (65536u + DOMM_SYMBOL_LENGTH)

#define STEXT "_stext"

struct symbol {
    uint64_t address;
    uint32_t name;  /* in names */
    uint32_t place; /* in the table: of several at one address, Linux names the first */
};

struct kallsyms {
    size_t count;
    struct symbol *symbols; /* by address */
    unsigned char *names;
    size_t names_length;
    char tokens[MAX_TOKENS_BYTES];
    uint16_t token_index[TOKENS];
};

void kallsyms_free(struct kallsyms *kallsyms)
{
    if (!kallsyms)
        return;
    free(kallsyms->symbols);
    free(kallsyms->names);
    free(kallsyms);
}

/* As much as is there, up to the size: what follows a table may not be mapped. */
static int read_up_to(const struct kallsyms_source *source, uint64_t address, void *buffer,
                      size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t rest = DOMM_GUEST_PAGE - (size_t)((address + done) % DOMM_GUEST_PAGE);
        size_t part = size - done < rest ? size - done : rest;
        int rc = source->read(source->context, address + done, (char *)buffer + done, part);
        if (rc)
            return done ? 0 : rc;
        done += part;
    }
    return 0;
}

static int load_tokens(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                       const struct kallsyms_addresses *addresses)
{
    unsigned int last = 0;
    int rc = source->read(source->context, addresses->token_index, kallsyms->token_index,
                          sizeof(kallsyms->token_index));
    for (size_t i = 0; i < TOKENS; i++)
        last = kallsyms->token_index[i] > last ? kallsyms->token_index[i] : last;
    /* The final byte stays the terminator. */
    return rc ? rc
              : read_up_to(source, addresses->token_table, kallsyms->tokens,
                           last + DOMM_SYMBOL_LENGTH - 1);
}

/* One name's length, in tokens, and where they begin; false at the end of what is read. */
static bool get_entry(const struct kallsyms *kallsyms, size_t at, size_t *tokens_r, size_t *begin_r)
{
    if (at >= kallsyms->names_length)
        return false;
    size_t length = kallsyms->names[at++];
    if (length & 0x80) { /* since Linux 6.1, two bytes */
        if (at >= kallsyms->names_length)
            return false;
        length = (length & 0x7f) | (size_t)kallsyms->names[at++] << 7;
    }
    *tokens_r = length;
    *begin_r = at;
    return length <= kallsyms->names_length - at;
}

/* How long all names are is known only by going through them: they are read in growing pieces. */
static int grow_names(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                      uint64_t address)
{
    size_t size = kallsyms->names_length ? kallsyms->names_length * 2 : 256u << 10;
    if (size > MAX_NAMES)
        return -EPROTO;
    unsigned char *names = realloc(kallsyms->names, size);
    if (!names)
        return -ENOMEM;
    memset(names + kallsyms->names_length, 0, size - kallsyms->names_length);
    kallsyms->names = names;
    int rc = read_up_to(source, address + kallsyms->names_length, names + kallsyms->names_length,
                        size - kallsyms->names_length);
    kallsyms->names_length = size;
    return rc;
}

static int load_names(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                      uint64_t address)
{
    size_t at = 0;
    for (size_t i = 0; i < kallsyms->count; i++) {
        size_t tokens, begin;
        while (!get_entry(kallsyms, at, &tokens, &begin)) {
            int rc = grow_names(kallsyms, source, address);
            if (rc)
                return rc;
        }
        if (tokens == 0 || tokens >= DOMM_SYMBOL_LENGTH)
            return -EPROTO;
        kallsyms->symbols[i].name = (uint32_t)at;
        kallsyms->symbols[i].place = (uint32_t)i;
        at = begin + tokens;
    }
    return 0;
}

/* The symbol's type, a letter, and its name. */
static void expand(const struct kallsyms *kallsyms, size_t at, char text_r[1 + DOMM_SYMBOL_LENGTH])
{
    size_t tokens = 0, begin = 0, used = 0;
    bool there = get_entry(kallsyms, at, &tokens, &begin);
    for (size_t i = 0; there && i < tokens && used < DOMM_SYMBOL_LENGTH; i++) {
        const char *token = kallsyms->tokens + kallsyms->token_index[kallsyms->names[begin + i]];
        size_t length = strnlen(token, DOMM_SYMBOL_LENGTH - used);
        memcpy(text_r + used, token, length);
        used += length;
    }
    text_r[used] = '\0';
    domm_make_printable(text_r);
}

/*
 * Up to Linux 6.14, offsets are signed: the negative ones are below the base by one more, the
 * others are small absolute addresses of per-CPU variables. Since then they are unsigned, from the
 * base.
 */
static uint64_t address_of(uint64_t base, uint32_t offset, bool is_signed)
{
    if (!is_signed)
        return base + offset;
    return offset & UINT32_C(0x80000000) ? base + (UINT64_C(0x100000000) - offset) - 1 : offset;
}

/* Token by token, since few names are alike in their first. */
static bool is_named(const struct kallsyms *kallsyms, size_t at, const char *name)
{
    size_t tokens = 0, begin = 0;
    bool type = true; /* comes first */
    if (!get_entry(kallsyms, at, &tokens, &begin))
        return false;
    for (size_t i = 0; i < tokens; i++) {
        const char *token = kallsyms->tokens + kallsyms->token_index[kallsyms->names[begin + i]];
        if (type && *token) {
            token++;
            type = false;
        }
        for (; *token; token++, name++) {
            if (*token != *name)
                return false;
        }
    }
    return !*name && !type;
}

/* The place of the first of that name in the order of the table. */
static ssize_t find_name(const struct kallsyms *kallsyms, const char *name)
{
    ssize_t found = -ENOENT;
    for (size_t i = 0; i < kallsyms->count; i++) {
        if (is_named(kallsyms, kallsyms->symbols[i].name, name) &&
            (found < 0 || kallsyms->symbols[i].place < kallsyms->symbols[found].place))
            found = (ssize_t)i;
    }
    return found;
}

static int set_addresses(struct kallsyms *kallsyms, const uint32_t *offsets, uint64_t base,
                         uint64_t stext)
{
    ssize_t place = find_name(kallsyms, STEXT);
    if (place < 0)
        return -EPROTO;
    bool is_signed = address_of(base, offsets[place], true) == stext;
    if (!is_signed && address_of(base, offsets[place], false) != stext)
        return -EPROTO;
    for (size_t i = 0; i < kallsyms->count; i++)
        kallsyms->symbols[i].address = address_of(base, offsets[i], is_signed);
    return 0;
}

static int load_addresses(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                          const struct vmcoreinfo *info)
{
    uint64_t base;
    uint32_t *offsets = calloc(kallsyms->count, sizeof(*offsets));
    if (!offsets)
        return -ENOMEM;
    int rc = source->read(source->context, info->kallsyms.relative_base, &base, sizeof(base));
    if (!rc)
        rc = source->read(source->context, info->kallsyms.offsets, offsets,
                          kallsyms->count * sizeof(*offsets));
    if (!rc)
        rc = set_addresses(kallsyms, offsets, base, info->stext);
    free(offsets);
    return rc;
}

static int compare(const void *left_pointer, const void *right_pointer)
{
    const struct symbol *left = left_pointer, *right = right_pointer;
    if (left->address != right->address)
        return left->address < right->address ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static int load(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                const struct vmcoreinfo *info)
{
    uint32_t count;
    int rc = source->read(source->context, info->kallsyms.num_syms, &count, sizeof(count));
    if (rc)
        return rc;
    if (!count || count > MAX_SYMBOLS)
        return -EPROTO;
    kallsyms->count = count;
    kallsyms->symbols = calloc(count, sizeof(*kallsyms->symbols));
    if (!kallsyms->symbols)
        return -ENOMEM;
    rc = load_tokens(kallsyms, source, &info->kallsyms);
    if (!rc)
        rc = load_names(kallsyms, source, info->kallsyms.names);
    if (!rc)
        rc = load_addresses(kallsyms, source, info);
    if (!rc)
        qsort(kallsyms->symbols, kallsyms->count, sizeof(*kallsyms->symbols), compare);
    return rc;
}

int kallsyms_load(const struct kallsyms_source *source, const struct vmcoreinfo *info,
                  struct kallsyms **kallsyms_r)
{
    if (!info->kallsyms.names)
        return -ENOTSUP;
    struct kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
    if (!kallsyms)
        return -ENOMEM;
    int rc = load(kallsyms, source, info);
    if (rc) {
        kallsyms_free(kallsyms);
        /* A table that is not there makes no sense either. */
        return rc == -EFAULT ? -EPROTO : rc;
    }
    *kallsyms_r = kallsyms;
    return 0;
}

size_t kallsyms_count(const struct kallsyms *kallsyms)
{
    return kallsyms->count;
}

void kallsyms_get(const struct kallsyms *kallsyms, size_t place, struct domm_symbol *symbol_r)
{
    const struct symbol *symbol = &kallsyms->symbols[place];
    char text[1 + DOMM_SYMBOL_LENGTH];
    size_t next = place + 1;
    while (next < kallsyms->count && kallsyms->symbols[next].address == symbol->address)
        next++;
    expand(kallsyms, symbol->name, text);
    symbol_r->address = symbol->address;
    symbol_r->size = next < kallsyms->count ? kallsyms->symbols[next].address - symbol->address : 0;
    symbol_r->type = text[0];
    memcpy(symbol_r->name, text[0] ? text + 1 : text, sizeof(symbol_r->name));
}

ssize_t kallsyms_find(const struct kallsyms *kallsyms, const char *name)
{
    return find_name(kallsyms, name);
}

ssize_t kallsyms_find_at(const struct kallsyms *kallsyms, uint64_t virtual_address)
{
    size_t low = 0, high = kallsyms->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kallsyms->symbols[middle].address <= virtual_address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return -ENOENT;
    for (low--; low > 0 && kallsyms->symbols[low - 1].address == kallsyms->symbols[low].address;)
        low--;
    return (ssize_t)low;
}
