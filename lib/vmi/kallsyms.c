/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking up symbols in a table that is complete. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/vmi/kallsyms_internal.h"

void kallsyms_free(struct kallsyms *kallsyms)
{
    if (!kallsyms)
        return;
    free(kallsyms->symbols);
    free(kallsyms->names);
    free(kallsyms);
}

bool kallsyms_entry(const struct kallsyms *kallsyms, size_t at, size_t *tokens_r, size_t *begin_r)
{
    if (at >= kallsyms->names_length)
        return false;
    size_t length = kallsyms->names[at++];
    if (length & 0x80) { /* since Linux 6.1, two bytes; names had at most 127 tokens before */
        if (at >= kallsyms->names_length)
            return false;
        length = (length & 0x7f) | (size_t)kallsyms->names[at++] << 7;
    }
    *tokens_r = length;
    *begin_r = at;
    return length <= kallsyms->names_length - at;
}

static const char *token_of(const struct kallsyms *kallsyms, size_t at)
{
    return kallsyms->tokens + kallsyms->token_index[kallsyms->names[at]];
}

/* The symbol's type, a letter, and its name. */
static void expand(const struct kallsyms *kallsyms, size_t at, char text_r[1 + DOMM_SYMBOL_LENGTH])
{
    size_t tokens = 0, begin = 0, used = 0;
    bool there = kallsyms_entry(kallsyms, at, &tokens, &begin);
    for (size_t i = 0; there && i < tokens && used < DOMM_SYMBOL_LENGTH; i++) {
        const char *token = token_of(kallsyms, begin + i);
        size_t length = strnlen(token, DOMM_SYMBOL_LENGTH - used);
        memcpy(text_r + used, token, length);
        used += length;
    }
    text_r[used] = '\0';
    domm_make_printable(text_r);
}

/* Token by token, since few names are alike in their first. No name has an empty token. */
static bool is_named(const struct kallsyms *kallsyms, size_t at, const char *name)
{
    size_t tokens = 0, begin = 0;
    if (!kallsyms_entry(kallsyms, at, &tokens, &begin))
        return false;
    for (size_t i = 0; i < tokens; i++) {
        const char *token = token_of(kallsyms, begin + i);
        if (!*token)
            return false;
        for (token += i == 0; *token; token++, name++) { /* the type comes first */
            if (*token != *name)
                return false;
        }
    }
    return !*name && tokens;
}

ssize_t kallsyms_find(const struct kallsyms *kallsyms, const char *name)
{
    ssize_t found = -ENOENT;
    for (size_t i = 0; i < kallsyms->count; i++) {
        if (is_named(kallsyms, kallsyms->symbols[i].name, name) &&
            (found < 0 || kallsyms->symbols[i].position < kallsyms->symbols[found].position))
            found = (ssize_t)i;
    }
    return found;
}

static int kallsyms_compare(const void *left_pointer, const void *right_pointer)
{
    const struct kallsyms_symbol *left = left_pointer, *right = right_pointer;
    if (left->address != right->address)
        return left->address < right->address ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

void kallsyms_sort(struct kallsyms *kallsyms)
{
    qsort(kallsyms->symbols, kallsyms->count, sizeof(*kallsyms->symbols), kallsyms_compare);
}

size_t kallsyms_count(const struct kallsyms *kallsyms)
{
    return kallsyms->count;
}

/* The number of symbols at lower addresses. */
static size_t kallsyms_below(const struct kallsyms *kallsyms, uint64_t address)
{
    size_t low = 0, high = kallsyms->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kallsyms->symbols[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The number of symbols that are not above the address. */
static size_t kallsyms_up_to(const struct kallsyms *kallsyms, uint64_t address)
{
    return address == UINT64_MAX ? kallsyms->count : kallsyms_below(kallsyms, address + 1);
}

void kallsyms_get(const struct kallsyms *kallsyms, size_t position, struct domm_symbol *symbol_r)
{
    const struct kallsyms_symbol *symbol = &kallsyms->symbols[position];
    char text[1 + DOMM_SYMBOL_LENGTH];
    size_t next = kallsyms_up_to(kallsyms, symbol->address);
    expand(kallsyms, symbol->name, text);
    symbol_r->address = symbol->address;
    symbol_r->size = next < kallsyms->count ? kallsyms->symbols[next].address - symbol->address : 0;
    symbol_r->type = text[0];
    memcpy(symbol_r->name, text[0] ? text + 1 : text, sizeof(symbol_r->name));
}

ssize_t kallsyms_find_at(const struct kallsyms *kallsyms, uint64_t virtual_address)
{
    size_t count = kallsyms_up_to(kallsyms, virtual_address);
    if (!count)
        return -ENOENT;
    return (ssize_t)kallsyms_below(kallsyms, kallsyms->symbols[count - 1].address);
}
