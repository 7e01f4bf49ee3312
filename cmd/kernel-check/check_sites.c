/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where and how Linux patches its own text after boot: jump labels (static keys) and static calls,
 * for x86-64 (arch/x86/kernel/jump_label.c, static_call.c; include/linux/jump_label.h,
 * static_call_types.h in Linux). Their tables are read-only data, taken from the baseline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/cleanup.h"

#define BREAKPOINT 0xcc
#define CALL 0xe8
#define JUMP 0xe9
#define SHORT_JUMP 0xeb
#define LONG_BYTES 5 /* call or jump with 32 bits of distance */
#define SHORT_BYTES 2
#define CONDITIONAL_BYTES SITE_BYTES

static const unsigned char nop5[LONG_BYTES] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
static const unsigned char nop2[SHORT_BYTES] = {0x66, 0x90};
/* A static call of a function that only returns 0. Kernels have used both forms. */
static const unsigned char clear5[LONG_BYTES] = {0x2e, 0x2e, 0x2e, 0x31, 0xc0};
static const unsigned char clear5_old[LONG_BYTES] = {0x66, 0x66, 0x48, 0x31, 0xc0};
static const unsigned char return5[LONG_BYTES] = {0xc3, 0xcc, 0xcc, 0xcc, 0xcc};

#define MAX_ENTRIES (1u << 18)
#define JUMP_ENTRY 16 /* s32 code, s32 target, s64 key: each relative to its own address */
#define CALL_ENTRY 8  /* s32 site, s32 key */
#define KEY_FLAGS UINT64_C(3)

#define TRAMPOLINE "__SCT__"
#define KEY "__SCK__"

static int read_baseline(const void *context, uint64_t address, void *buffer, size_t size)
{
    const struct baseline *baseline = context;
    unsigned char page[DOMM_VMI_PAGE];
    struct domm_error err;
    for (size_t done = 0; done < size;) {
        size_t within = (size_t)((address + done) % DOMM_VMI_PAGE);
        size_t rest = DOMM_VMI_PAGE - within;
        size_t part = size - done < rest ? size - done : rest;
        ssize_t position = baseline_position(baseline, address + done);
        if (position < 0)
            return -EFAULT;
        if (baseline_page(baseline, (size_t)position, page, &err))
            return -EIO;
        memcpy((char *)buffer + done, page + within, part);
        done += part;
    }
    return 0;
}

static bool in_text(const struct knowledge *knowledge, uint64_t address)
{
    const struct area *text = &knowledge->baseline->areas[AREA_TEXT];
    return address >= text->start && address < text->end;
}

static uint64_t symbol_address(const struct knowledge *knowledge, const char *name)
{
    struct domm_symbol symbol;
    ssize_t position = knowledge->symbols ? kallsyms_find(knowledge->symbols, name) : -1;
    if (position < 0)
        return 0;
    kallsyms_get(knowledge->symbols, (size_t)position, &symbol);
    return symbol.address;
}

/* `base` plus a signed distance of 32 bits. */
static uint64_t follow32(uint64_t base, const unsigned char *distance)
{
    int32_t value;
    memcpy(&value, distance, sizeof(value));
    return base + (uint64_t)(int64_t)value;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* Makes room for `more` sites. */
static bool make_room(struct knowledge *knowledge, size_t more)
{
    struct site *sites =
        reallocarray(knowledge->sites, knowledge->n_sites + more + 1, sizeof(*knowledge->sites));
    if (sites)
        knowledge->sites = sites;
    return sites;
}

static void add_site(struct knowledge *knowledge, enum site_kind kind, uint64_t address,
                     uint64_t other)
{
    if (in_text(knowledge, address))
        knowledge->sites[knowledge->n_sites++] =
            (struct site){.address = address, .other = other, .kind = kind};
}

static void add_jump(struct knowledge *knowledge, uint64_t at, const unsigned char *entry)
{
    uint64_t target = follow32(at + 4, entry + 4);
    if (in_text(knowledge, target))
        add_site(knowledge, SITE_JUMP, follow32(at, entry), target);
}

static void add_call(struct knowledge *knowledge, uint64_t at, const unsigned char *entry)
{
    add_site(knowledge, SITE_CALL, follow32(at, entry), follow32(at + 4, entry + 4) & ~KEY_FLAGS);
}

/* Loads the table between two symbols. */
static bool load_table(struct knowledge *knowledge, const char *start_name, const char *end_name,
                       size_t entry_size,
                       void (*add)(struct knowledge *, uint64_t, const unsigned char *))
{
    uint64_t start = symbol_address(knowledge, start_name);
    uint64_t end = symbol_address(knowledge, end_name);
    if (!start || end <= start)
        return true; /* the kernel has none */
    uint64_t count = (end - start) / entry_size;
    if (count > MAX_ENTRIES || !make_room(knowledge, (size_t)count))
        return count > MAX_ENTRIES;
    cleanup_free unsigned char *table = malloc((size_t)count * entry_size + 1);
    if (!table || read_baseline(knowledge->baseline, start, table, (size_t)count * entry_size))
        return table;
    for (size_t i = 0; i < count; i++)
        add(knowledge, start + i * entry_size, table + i * entry_size);
    return true;
}

/* The symbols with a prefix, sorted by the rest of the name. */
struct named {
    char *name; /* the rest */
    uint64_t address;
};

struct names {
    struct named *list;
    size_t count;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].name);
    free(names->list);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct named *)left)->name, ((const struct named *)right)->name);
}

static bool sites_collect(const struct kallsyms *symbols, const char *prefix, struct names *names_r)
{
    struct domm_symbol symbol;
    for (size_t i = 0; i < kallsyms_count(symbols); i++) {
        kallsyms_get(symbols, i, &symbol);
        if (strncmp(symbol.name, prefix, strlen(prefix)) != 0)
            continue;
        struct named *list = reallocarray(names_r->list, names_r->count + 1, sizeof(*list));
        char *name = strdup(symbol.name + strlen(prefix));
        names_r->list = list ? list : names_r->list;
        if (!list || !name) {
            free(name);
            return false;
        }
        list[names_r->count++] = (struct named){.name = name, .address = symbol.address};
    }
    if (names_r->count)
        qsort(names_r->list, names_r->count, sizeof(*names_r->list), compare_names);
    return true;
}

/* A static call's trampoline is a site too; its key has the same name. */
static bool load_trampolines(struct knowledge *knowledge)
{
    DOMM_CLEANUP(free_names) struct names trampolines = {.count = 0}, keys = {.count = 0};
    if (!knowledge->symbols)
        return true;
    if (!sites_collect(knowledge->symbols, TRAMPOLINE, &trampolines) ||
        !sites_collect(knowledge->symbols, KEY, &keys) || !make_room(knowledge, trampolines.count))
        return false;
    for (size_t i = 0; i < trampolines.count; i++) {
        const struct named *key =
            bsearch(&trampolines.list[i], keys.list, keys.count, sizeof(*keys.list), compare_names);
        if (key)
            add_site(knowledge, SITE_CALL, trampolines.list[i].address, key->address);
    }
    return true;
}

static int compare_sites(const void *left_pointer, const void *right_pointer)
{
    const struct site *left = left_pointer, *right = right_pointer;
    return left->address < right->address ? -1 : left->address > right->address;
}

static void load_syscall_table(struct knowledge *knowledge)
{
    struct domm_symbol symbol;
    ssize_t position =
        knowledge->symbols ? kallsyms_find(knowledge->symbols, "sys_call_table") : -ENOENT;
    if (position < 0)
        return;
    kallsyms_get(knowledge->symbols, (size_t)position, &symbol);
    knowledge->syscall_table = symbol.address;
    knowledge->syscall_table_end = symbol.address + symbol.size / 8 * 8;
}

/* Those that were given by hand, or those in the baseline. Without symbols, changes are reported by
 * address only. */
static int load_symbols(const struct baseline *baseline, struct knowledge *knowledge,
                        struct domm_error *err)
{
    struct kallsyms_source source = {.read = read_baseline, .context = baseline};
    cleanup_free char *given = NULL;
    struct vmcoreinfo info;
    int rc = baseline_symbols(baseline, &given, err);
    if (rc || !vmcoreinfo_parse(baseline->vmcoreinfo, &info))
        return rc;
    rc = given ? kallsyms_parse(given, baseline->symbols.size, &info, &knowledge->symbols)
               : kallsyms_load(&source, &info, &knowledge->symbols);
    return rc == -ENOMEM ? domm_no_memory(err) : 0;
}

int knowledge_load(const struct baseline *baseline, struct knowledge *knowledge_r,
                   struct domm_error *err)
{
    *knowledge_r = (struct knowledge){.baseline = baseline};
    int rc = load_symbols(baseline, knowledge_r, err);
    if (rc)
        return rc;
    knowledge_r->return_thunk = symbol_address(knowledge_r, "__x86_return_thunk");
    knowledge_r->return0 = symbol_address(knowledge_r, "__static_call_return0");
    load_syscall_table(knowledge_r);
    if (!load_table(knowledge_r, "__start___jump_table", "__stop___jump_table", JUMP_ENTRY,
                    add_jump) ||
        !load_table(knowledge_r, "__start_static_call_sites", "__stop_static_call_sites",
                    CALL_ENTRY, add_call) ||
        !load_trampolines(knowledge_r))
        return domm_no_memory(err);
    if (knowledge_r->n_sites)
        qsort(knowledge_r->sites, knowledge_r->n_sites, sizeof(*knowledge_r->sites), compare_sites);
    return 0;
}

void knowledge_free(struct knowledge *knowledge)
{
    kallsyms_free(knowledge->symbols);
    free(knowledge->sites);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* The size of a site, by its bytes in the baseline; 0 if it is not one. */
static unsigned int site_size(const struct knowledge *knowledge, const struct site *site)
{
    unsigned char code[CONDITIONAL_BYTES];
    if (read_baseline(knowledge->baseline, site->address, code, sizeof(code)))
        return 0;
    if (site->kind == SITE_CALL)
        return code[0] == 0x0f && (code[1] & 0xf0) == 0x80 ? CONDITIONAL_BYTES : LONG_BYTES;
    if (code[0] == JUMP || memcmp(code, nop5, sizeof(nop5)) == 0)
        return LONG_BYTES;
    return code[0] == SHORT_JUMP || memcmp(code, nop2, sizeof(nop2)) == 0 ? SHORT_BYTES : 0;
}

bool knowledge_site(const struct knowledge *knowledge, uint64_t address, struct site *site_r)
{
    size_t low = 0, high = knowledge->n_sites;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (knowledge->sites[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || address - knowledge->sites[low - 1].address >= CONDITIONAL_BYTES)
        return false;
    *site_r = knowledge->sites[low - 1];
    site_r->size = site_size(knowledge, site_r);
    return address - site_r->address < site_r->size;
}

/* A jump or call with a 32-bit distance. */
static bool leads_to(const struct site *site, const unsigned char *code, uint64_t target)
{
    return target && follow32(site->address + site->size, code + site->size - 4) == target;
}

static bool jump_is_legal(const struct site *site, const unsigned char *code)
{
    if (site->size == SHORT_BYTES)
        return memcmp(code, nop2, sizeof(nop2)) == 0 ||
               (code[0] == SHORT_JUMP &&
                site->address + SHORT_BYTES + (uint64_t)(int64_t)(int8_t)code[1] == site->other);
    return memcmp(code, nop5, sizeof(nop5)) == 0 ||
           (code[0] == JUMP && leads_to(site, code, site->other));
}

/* Whether a function of the kernel's own text begins at the address. */
static bool is_function(const struct knowledge *knowledge, uint64_t address)
{
    struct domm_symbol symbol;
    ssize_t position = knowledge->symbols ? kallsyms_find_at(knowledge->symbols, address) : -ENOENT;
    if (position < 0 || !in_text(knowledge, address))
        return false;
    kallsyms_get(knowledge->symbols, (size_t)position, &symbol);
    return symbol.address == address;
}

/* Whether a static call of this function (0: none) may be these bytes. */
static bool call_fits(const struct knowledge *knowledge, const struct site *site,
                      const unsigned char *code, uint64_t function)
{
    if (site->size == CONDITIONAL_BYTES) {
        unsigned char was[CONDITIONAL_BYTES];
        return read_baseline(knowledge->baseline, site->address, was, sizeof(was)) == 0 &&
               memcmp(code, was, 2) == 0 &&
               leads_to(site, code, function ? function : knowledge->return_thunk);
    }
    if (code[0] == CALL || code[0] == JUMP)
        return leads_to(site, code, function) ||
               (!function && code[0] == JUMP && leads_to(site, code, knowledge->return_thunk));
    if (function)
        return function == knowledge->return0 &&
               (memcmp(code, clear5, sizeof(clear5)) == 0 ||
                memcmp(code, clear5_old, sizeof(clear5_old)) == 0);
    return memcmp(code, nop5, sizeof(nop5)) == 0 || memcmp(code, return5, sizeof(return5)) == 0;
}

/* Accepts only what the static call's key names now, and only if that is a function of the
 * kernel. */
static bool call_is_legal(const struct knowledge *knowledge, const struct site *site,
                          const struct domm_kernel *kernel, const unsigned char *code)
{
    uint64_t function;
    return domm_kernel_read(kernel, site->other, &function, sizeof(function)) == 0 &&
           (!function || is_function(knowledge, function)) &&
           call_fits(knowledge, site, code, function);
}

bool site_is_legal(const struct knowledge *knowledge, const struct site *site,
                   const struct domm_kernel *kernel, const unsigned char *code)
{
    return site->kind == SITE_JUMP ? jump_is_legal(site, code)
                                   : call_is_legal(knowledge, site, kernel, code);
}

bool site_is_half_way(const struct knowledge *knowledge, const struct site *site,
                      const unsigned char *code)
{
    if (code[0] == BREAKPOINT || site->kind == SITE_JUMP)
        return code[0] == BREAKPOINT;
    /* The key of a static call is written before its sites. */
    uint64_t target = follow32(site->address + site->size, code + site->size - 4);
    return (is_function(knowledge, target) && call_fits(knowledge, site, code, target)) ||
           call_fits(knowledge, site, code, 0) ||
           (knowledge->return0 && call_fits(knowledge, site, code, knowledge->return0));
}
