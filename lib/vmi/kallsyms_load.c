/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the kernel's own table of symbols from its memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/vmi/kallsyms_internal.h"

/* Reads up to `size` bytes: the memory behind a table may not be mapped. */
static int read_up_to(const struct kallsyms_source *source, uint64_t address, void *buffer,
                      size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t rest = DOMM_VMI_PAGE - (size_t)((address + done) % DOMM_VMI_PAGE);
        size_t part = size - done < rest ? size - done : rest;
        int rc = kallsyms_spend_bytes(source, part)
                     ? source->read(source->context, address + done, (char *)buffer + done, part)
                     : -ETIMEDOUT;
        if (rc)
            return done && rc != -ETIMEDOUT ? 0 : rc;
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
    for (size_t i = 0; i < KALLSYMS_TOKENS; i++)
        last = kallsyms->token_index[i] > last ? kallsyms->token_index[i] : last;
    /* The final byte stays the terminator. */
    if (rc)
        return rc;
    return read_up_to(source, addresses->token_table, kallsyms->tokens,
                      last + DOMM_SYMBOL_LENGTH - 1);
}

/* The length of all names is unknown in advance: they are read in growing pieces. */
static int grow_names(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                      uint64_t address)
{
    size_t size = kallsyms->names_length ? kallsyms->names_length * 2 : 256u << 10;
    if (size > KALLSYMS_MAX_NAMES)
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
        if (i % KALLSYMS_STRIDE == 0 && !kallsyms_spend(source, KALLSYMS_STRIDE))
            return -ETIMEDOUT;
        while (!kallsyms_entry(kallsyms, at, &tokens, &begin)) {
            int rc = grow_names(kallsyms, source, address);
            if (rc)
                return rc;
        }
        if (tokens == 0 || tokens >= DOMM_SYMBOL_LENGTH)
            return -EPROTO;
        kallsyms->symbols[i].name = (uint32_t)at;
        kallsyms->symbols[i].position = (uint32_t)i;
        at = begin + tokens;
    }
    return 0;
}

/* The addresses as they are stored, and what they are relative to. */
struct stored {
    const void *list;  /* uint64_t if absolute, else uint32_t */
    uint64_t position; /* of the list, virtual */
    uint64_t base;
};

/* How Linux has stored them. The order is that of the trials. */
enum form {
    /* Up to 6.14 on more than one CPU: offsets are signed; the negative ones are below the base by
     * one more, the others are small absolute addresses of per-CPU variables. */
    FORM_SIGNED,
    FORM_UNSIGNED, /* from the base: 6.15 to 6.19, and before for a single CPU */
    FORM_PLACE,    /* since 7.0: signed, from the place of the offset itself */
    FORM_ABSOLUTE, /* without KALLSYMS_BASE_RELATIVE, which went with 6.11 */
    FORMS
};

static uint64_t address_of(const struct stored *stored, enum form form, size_t i)
{
    if (form == FORM_ABSOLUTE)
        return ((const uint64_t *)stored->list)[i];
    uint32_t offset = ((const uint32_t *)stored->list)[i];
    bool negative = offset & UINT32_C(0x80000000);
    if (form == FORM_UNSIGNED)
        return stored->base + offset;
    if (form == FORM_PLACE)
        return stored->position + i * sizeof(offset) + (uint64_t)(int64_t)(int32_t)offset;
    return negative ? stored->base + (UINT64_C(0x100000000) - offset) - 1 : offset;
}

/* The keys of VMCOREINFO leave open only whether offsets from a base are signed. */
static bool form_is_possible(enum form form, const struct kallsyms_addresses *addresses)
{
    if (addresses->addresses)
        return form == FORM_ABSOLUTE;
    return addresses->relative_base ? form == FORM_SIGNED || form == FORM_UNSIGNED
                                    : form == FORM_PLACE;
}

static int set_addresses(struct kallsyms *kallsyms, const struct stored *stored,
                         const struct kallsyms_addresses *addresses, uint64_t text)
{
    ssize_t stext = kallsyms_find(kallsyms, KALLSYMS_STEXT);
    enum form form = 0;
    while (form < FORMS && (stext < 0 || !form_is_possible(form, addresses) ||
                            address_of(stored, form, (size_t)stext) != text))
        form++;
    if (form == FORMS)
        return -EPROTO;
    for (size_t i = 0; i < kallsyms->count; i++)
        kallsyms->symbols[i].address = address_of(stored, form, i);
    return 0;
}

static int load_addresses(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                          const struct kallsyms_addresses *addresses, uint64_t text)
{
    bool absolute = addresses->addresses;
    size_t size = absolute ? sizeof(uint64_t) : sizeof(uint32_t);
    cleanup_free void *list = calloc(kallsyms->count, size);
    struct stored stored = {.list = list,
                            .position = absolute ? addresses->addresses : addresses->offsets};
    int rc = list ? 0 : -ENOMEM;
    if (!rc && !kallsyms_spend_bytes(source, kallsyms->count * size))
        rc = -ETIMEDOUT;
    if (!rc && addresses->relative_base)
        rc = source->read(source->context, addresses->relative_base, &stored.base,
                          sizeof(stored.base));
    if (!rc)
        rc = source->read(source->context, stored.position, list, kallsyms->count * size);
    return rc ? rc : set_addresses(kallsyms, &stored, addresses, text);
}

static int kallsyms_load_table(struct kallsyms *kallsyms, const struct kallsyms_source *source,
                               const struct kallsyms_addresses *addresses, uint64_t text)
{
    uint32_t count;
    int rc = source->read(source->context, addresses->num_syms, &count, sizeof(count));
    if (rc)
        return rc;
    if (!count || count > KALLSYMS_MAX_SYMBOLS)
        return -EPROTO;
    kallsyms->count = count;
    kallsyms->symbols = calloc(count, sizeof(*kallsyms->symbols));
    if (!kallsyms->symbols)
        return -ENOMEM;
    rc = load_tokens(kallsyms, source, addresses);
    if (rc)
        return rc;
    rc = load_names(kallsyms, source, addresses->names);
    if (rc)
        return rc;
    rc = load_addresses(kallsyms, source, addresses, text);
    if (rc)
        return rc;
    if (!kallsyms_spend(source, count))
        return -ETIMEDOUT;
    kallsyms_sort(kallsyms);
    return 0;
}

int kallsyms_load(const struct kallsyms_source *source, const struct vmcoreinfo *info,
                  struct kallsyms **kallsyms_r)
{
    struct kallsyms_addresses addresses = info->kallsyms;
    int rc = addresses.names ? 0 : kallsyms_search(source, info->stext, &addresses);
    if (rc == -ENOTSUP && !kallsyms_spend(source, 1))
        rc = -ETIMEDOUT; /* it may be where the work did not suffice to look */
    if (rc)
        return rc;
    struct kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
    if (!kallsyms)
        return -ENOMEM;
    rc = kallsyms_load_table(kallsyms, source, &addresses, info->stext);
    if (rc) {
        kallsyms_free(kallsyms);
        /* A table that is not mapped is malformed, too. */
        return rc == -EFAULT ? -EPROTO : rc;
    }
    *kallsyms_r = kallsyms;
    return 0;
}
