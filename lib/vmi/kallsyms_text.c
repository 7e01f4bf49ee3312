/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols from a text that was given by hand. Its table is like the kernel's, with a token for each
 * letter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/vmi/kallsyms_internal.h"

/* "ADDRESS TYPE NAME", for symbols of modules with "\t[MODULE]" after it. */
struct text_line {
    uint64_t address;
    const char *symbol; /* type, space, name */
    size_t length;      /* of the name, with the type before it */
    bool of_module;
};

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool parse_address(const char **at, const char *end, uint64_t *address_r)
{
    const char *start = *at;
    *address_r = 0;
    while (*at < end && hex_digit(**at) >= 0)
        *address_r = *address_r << 4 | (uint64_t)hex_digit(*(*at)++);
    return *at > start && *at - start <= 16;
}

static bool parse_line(const char *at, const char *end, struct text_line *line_r)
{
    if (!parse_address(&at, end, &line_r->address) || end - at < 4 || at[0] != ' ' || at[2] != ' ')
        return false;
    const char *tab = memchr(at, '\t', (size_t)(end - at));
    line_r->of_module = tab;
    line_r->symbol = at + 1;
    line_r->length = (size_t)((tab ? tab : end) - at) - 2;
    if (line_r->length < 2 || line_r->length >= DOMM_SYMBOL_LENGTH)
        return false;
    for (const char *letter = at + 3; letter < (tab ? tab : end); letter++) {
        if (*letter <= ' ' || *letter > '~')
            return false;
    }
    return at[1] > ' ' && at[1] <= '~';
}

static void make_tokens(struct kallsyms *kallsyms)
{
    for (unsigned int i = 0; i < KALLSYMS_TOKENS; i++) {
        kallsyms->token_index[i] = (uint16_t)(2 * i);
        kallsyms->tokens[2 * i] = (char)i;
    }
}

/* The length as in Linux, of two bytes if it needs them. The room is reserved. */
static void put_symbol(struct kallsyms *kallsyms, const struct text_line *line)
{
    struct kallsyms_symbol *symbol = &kallsyms->symbols[kallsyms->count];
    unsigned char *names = kallsyms->names;
    *symbol = (struct kallsyms_symbol){.address = line->address,
                                       .name = (uint32_t)kallsyms->names_length,
                                       .position = (uint32_t)kallsyms->count};
    bool big = line->length > 0x7f;
    names[kallsyms->names_length++] = (unsigned char)((line->length & 0x7f) | (big ? 0x80 : 0));
    if (big)
        names[kallsyms->names_length++] = (unsigned char)(line->length >> 7);
    names[kallsyms->names_length++] = (unsigned char)line->symbol[0];
    memcpy(names + kallsyms->names_length, line->symbol + 2, line->length - 1);
    kallsyms->names_length += line->length - 1;
    kallsyms->count++;
}

static int parse_lines(struct kallsyms *kallsyms, const char *text, size_t size)
{
    for (const char *at = text, *end = text + size; at < end;) {
        struct text_line line;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline || !parse_line(at, newline, &line))
            return -EINVAL;
        at = newline + 1;
        if (line.of_module)
            continue;
        if (kallsyms->count == KALLSYMS_MAX_SYMBOLS)
            return -EINVAL;
        put_symbol(kallsyms, &line);
    }
    return 0;
}

/* Moves the image's symbols to where the kernel was loaded. Others are absolute: per-CPU
 * variables. */
static int move(struct kallsyms *kallsyms, const struct vmcoreinfo *info)
{
    ssize_t stext = kallsyms_find(kallsyms, KALLSYMS_STEXT);
    if (stext < 0)
        return -EINVAL;
    uint64_t distance = info->stext - kallsyms->symbols[stext].address;
    if (distance && distance != info->kaslr_offset)
        return -EPROTO;
    for (size_t i = 0; i < kallsyms->count; i++)
        kallsyms->symbols[i].address += kallsyms->symbols[i].address >= KERNEL_MAP ? distance : 0;
    return 0;
}

static size_t count_lines(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    return count;
}

int kallsyms_parse(const char *text, size_t size, const struct vmcoreinfo *info,
                   struct kallsyms **kallsyms_r)
{
    size_t lines = count_lines(text, size);
    if (!lines || size > KALLSYMS_MAX_NAMES || lines > KALLSYMS_MAX_SYMBOLS)
        return -EINVAL;
    struct kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
    if (!kallsyms)
        return -ENOMEM;
    make_tokens(kallsyms);
    /* A line is longer than its name with two bytes of length. */
    kallsyms->names = malloc(size);
    kallsyms->symbols = calloc(lines, sizeof(*kallsyms->symbols));
    int rc = kallsyms->names && kallsyms->symbols ? parse_lines(kallsyms, text, size) : -ENOMEM;
    if (!rc)
        rc = move(kallsyms, info);
    if (rc) {
        kallsyms_free(kallsyms);
        return rc;
    }
    kallsyms_sort(kallsyms);
    *kallsyms_r = kallsyms;
    return 0;
}
