/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fake-kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESENT 1u
#define LARGE 0x80u

static int read_memory(const void *context, uint64_t address, void *buffer, size_t size)
{
    const struct fake_kernel *kernel = context;
    if (kernel->broken)
        return -EIO;
    if (address > FAKE_BYTES || size > FAKE_BYTES - address)
        abort(); /* the interface promises not to */
    memcpy(buffer, kernel->memory + address, size);
    return 0;
}

struct domm_physical fake_kernel_memory(const struct fake_kernel *kernel)
{
    return (struct domm_physical){.read = read_memory, .context = kernel, .frames = FAKE_FRAMES};
}

unsigned char *fake_kernel_at(struct fake_kernel *kernel, uint64_t offset)
{
    return kernel->memory + FAKE_LOADED + offset;
}

void fake_kernel_put64(struct fake_kernel *kernel, uint64_t offset, uint64_t value)
{
    memcpy(fake_kernel_at(kernel, offset), &value, sizeof(value));
}

char *fake_kernel_info(struct fake_kernel *kernel)
{
    return (char *)kernel->memory + FAKE_VMCOREINFO;
}

static void put32(struct fake_kernel *kernel, uint64_t offset, uint64_t value)
{
    uint32_t low = (uint32_t)value;
    memcpy(fake_kernel_at(kernel, offset), &low, sizeof(low));
}

static void put16(struct fake_kernel *kernel, uint64_t offset, unsigned int value)
{
    uint16_t low = (uint16_t)value;
    memcpy(fake_kernel_at(kernel, offset), &low, sizeof(low));
}

static void put_bytes(struct fake_kernel *kernel, uint64_t offset, const char *bytes, size_t size)
{
    memcpy(fake_kernel_at(kernel, offset), bytes, size);
}

static void make_info(struct fake_kernel *kernel, unsigned int levels)
{
    snprintf(fake_kernel_info(kernel), DOMM_VMI_PAGE,
             "OSRELEASE=6.1.0-fake\nPAGESIZE=4096\n"
             "SYMBOL(init_top_pgt)=%" PRIx64 "\nSYMBOL(_stext)=%" PRIx64 "\n"
             "SYMBOL(kallsyms_names)=%" PRIx64 "\nSYMBOL(kallsyms_num_syms)=%" PRIx64 "\n"
             "SYMBOL(kallsyms_token_table)=%" PRIx64 "\nSYMBOL(kallsyms_token_index)=%" PRIx64 "\n"
             "NUMBER(phys_base)=%" PRId64 "\nNUMBER(pgtable_l5_enabled)=%u\nKERNELOFFSET=0\n",
             FAKE_BASE + FAKE_ROOT, FAKE_BASE + FAKE_TEXT, FAKE_BASE + FAKE_NAMES,
             FAKE_BASE + FAKE_NUM_SYMS, FAKE_BASE + FAKE_TOKEN_TABLE, FAKE_BASE + FAKE_TOKEN_INDEX,
             (int64_t)FAKE_LOADED - 0x1000000, levels - 4);
}

static void publish(struct fake_kernel *kernel, const char *symbol, uint64_t offset)
{
    char *info = fake_kernel_info(kernel);
    size_t used = strlen(info);
    snprintf(info + used, DOMM_VMI_PAGE - used, "SYMBOL(%s)=%" PRIx64 "\n", symbol,
             FAKE_BASE + offset);
}

static void make_table(struct fake_kernel *kernel, uint64_t table, unsigned int position,
                       uint64_t address, unsigned int flags)
{
    fake_kernel_put64(kernel, table + 8 * (uint64_t)position, address | flags | PRESENT);
}

/* The image by small pages, the beginning of memory by a large one where Linux maps it all. */
static void make_tables(struct fake_kernel *kernel, unsigned int levels)
{
    uint64_t top = FAKE_ROOT;
    if (levels == 5) {
        make_table(kernel, FAKE_ROOT, 511, FAKE_LOADED + FAKE_L4, 0);
        top = FAKE_L4;
    }
    make_table(kernel, top, 511, FAKE_LOADED + FAKE_L3, 0);
    make_table(kernel, top, (FAKE_DIRECT >> 39) & 511, FAKE_LOADED + FAKE_DIRECT_L3, 0);
    make_table(kernel, FAKE_L3, 510, FAKE_LOADED + FAKE_L2, 0);
    make_table(kernel, FAKE_L2, 8, FAKE_LOADED + FAKE_L1, 0);
    for (unsigned int i = 0; i < FAKE_END / DOMM_VMI_PAGE; i++)
        make_table(kernel, FAKE_L1, i, FAKE_LOADED + i * (uint64_t)DOMM_VMI_PAGE, 0);
    make_table(kernel, FAKE_DIRECT_L3, 0, FAKE_LOADED + FAKE_DIRECT_L2, 0);
    make_table(kernel, FAKE_DIRECT_L3, 1, 0, LARGE);
    make_table(kernel, FAKE_DIRECT_L2, 0, 0, LARGE);
}

/* By address. The first is a per-CPU variable. */
static const struct {
    uint64_t address;
    const char *name; /* with its type */
} symbols[] = {
    {0x1000, "Apercpu"},
    {FAKE_BASE + FAKE_TEXT, "T_stext"},
    {FAKE_BASE + FAKE_TEXT, "T_text"},
    {FAKE_BASE + FAKE_OPEN, "Tdo_open"},
    {FAKE_BASE + FAKE_CALLER, "tcaller"},
    {FAKE_BASE + FAKE_SWITCH, "tswitch"},
    {FAKE_BASE + FAKE_SHORT, "tshort_switch"},
    {FAKE_BASE + FAKE_TEXT_END - 8, "T_etext"},
    {FAKE_BASE + FAKE_RODATA, "D__start_rodata"},
    {FAKE_BASE + FAKE_SYSCALLS, "Dsys_call_table"},
    {FAKE_BASE + FAKE_SYSCALLS + 128, "Dother_table"},
    {FAKE_BASE + FAKE_JUMPS, "D__start___jump_table"},
    {FAKE_BASE + FAKE_JUMPS + 32, "D__stop___jump_table"},
    {FAKE_BASE + FAKE_CALLS, "D__start_static_call_sites"},
    {FAKE_BASE + FAKE_CALLS + 8, "D__stop_static_call_sites"},
    {FAKE_BASE + FAKE_BANNER, "Dlinux_banner"},
    {FAKE_BASE + FAKE_RODATA_END, "D__end_rodata"},
    {FAKE_BASE + FAKE_DATA, "bvmcoreinfo_data"},
    {FAKE_BASE + FAKE_KEY, "d__SCK__open"},
    {FAKE_BASE + FAKE_IDT, "bidt_table"},
    {FAKE_BASE + FAKE_END, "B_end"},
};

#define SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

/* Each token is one character. */
static void make_tokens(struct fake_kernel *kernel)
{
    for (unsigned int i = 0; i < 256; i++) {
        uint16_t position = (uint16_t)(2 * i);
        memcpy(fake_kernel_at(kernel, FAKE_TOKEN_INDEX + 2 * i), &position, sizeof(position));
        *fake_kernel_at(kernel, FAKE_TOKEN_TABLE + position) = (unsigned char)i;
    }
}

/* Returns the end. */
static uint64_t put_names(struct fake_kernel *kernel, uint64_t at)
{
    for (unsigned int i = 0; i < SYMBOLS; i++) {
        *fake_kernel_at(kernel, at++) = (unsigned char)strlen(symbols[i].name);
        put_bytes(kernel, at, symbols[i].name, strlen(symbols[i].name));
        at += strlen(symbols[i].name);
    }
    return at;
}

static void make_symbols(struct fake_kernel *kernel)
{
    put32(kernel, FAKE_NUM_SYMS, SYMBOLS);
    put_names(kernel, FAKE_NAMES);
}

static uint64_t align8(uint64_t at)
{
    return (at + 7) / 8 * 8;
}

/* Its parts as scripts/kallsyms.c in Linux puts them. The first token is empty. */
static void make_hidden(struct fake_kernel *kernel)
{
    uint64_t at = FAKE_HIDDEN_OFFSETS;
    for (unsigned int i = 0; i < SYMBOLS; i++, at += 4)
        put32(kernel, at,
              symbols[i].address >= FAKE_BASE ? FAKE_BASE - 1 - symbols[i].address
                                              : symbols[i].address);
    at = align8(at);
    fake_kernel_put64(kernel, at, FAKE_BASE);
    fake_kernel_put64(kernel, at + 8, SYMBOLS);
    at = align8(put_names(kernel, at + 16)) + 8; /* one marker, 0 */
    for (unsigned int i = 1; i < 256; i++)
        *fake_kernel_at(kernel, at + 2 * i - 1) = (unsigned char)i;
    at = align8(at + 511);
    for (unsigned int i = 1; i < 256; i++)
        put16(kernel, at + 2 * i, 2 * i - 1);
}

static void put_address(struct fake_kernel *kernel, enum fake_layout layout, unsigned int i)
{
    uint64_t address = symbols[i].address, place = FAKE_OFFSETS + 4 * (uint64_t)i;
    bool image = address >= FAKE_BASE;
    if (layout == FAKE_ABSOLUTE)
        fake_kernel_put64(kernel, FAKE_OFFSETS + 8 * (uint64_t)i, address);
    else if (layout == FAKE_PLACE) /* per-CPU variables are in the image, too */
        put32(kernel, place, image ? address - (FAKE_BASE + place) : 0);
    else if (layout == FAKE_UNSIGNED)
        put32(kernel, place, image ? address - FAKE_BASE : 0);
    else
        put32(kernel, place, image ? FAKE_BASE - 1 - address : address);
}

void fake_kernel_lay_out(struct fake_kernel *kernel, enum fake_layout layout)
{
    char *published = strstr(fake_kernel_info(kernel), "SYMBOL(kallsyms_offsets)");
    if (published)
        memset(published, 0, strlen(published));
    if (layout == FAKE_HIDDEN) {
        memcpy(strstr(fake_kernel_info(kernel), "kallsyms_names"), "hidden", 6);
        memset(fake_kernel_at(kernel, FAKE_NUM_SYMS), 0, FAKE_HIDDEN_OFFSETS - FAKE_NUM_SYMS);
        make_hidden(kernel);
        return;
    }
    if (layout == FAKE_ABSOLUTE)
        publish(kernel, "kallsyms_addresses", FAKE_OFFSETS);
    else
        publish(kernel, "kallsyms_offsets", FAKE_OFFSETS);
    if (layout == FAKE_SIGNED || layout == FAKE_UNSIGNED)
        publish(kernel, "kallsyms_relative_base", FAKE_RELATIVE_BASE);
    fake_kernel_put64(kernel, FAKE_RELATIVE_BASE, FAKE_BASE);
    for (unsigned int i = 0; i < SYMBOLS; i++)
        put_address(kernel, layout, i);
}

char *fake_kernel_map(uint64_t moved)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        abort();
    for (unsigned int i = 0; i < SYMBOLS; i++) {
        bool image = symbols[i].address >= FAKE_BASE;
        fprintf(stream, "%016" PRIx64 " %c %s\n", symbols[i].address - (image ? moved : 0),
                symbols[i].name[0], symbols[i].name + 1);
    }
    fclose(stream);
    return text;
}

static void make_call(struct fake_kernel *kernel)
{
    *fake_kernel_at(kernel, FAKE_CALLER) = 0xe8;
    put32(kernel, FAKE_CALLER + 1, (uint64_t)FAKE_OPEN - (FAKE_CALLER + 5));
    put32(kernel, FAKE_CALLS, (uint64_t)FAKE_CALLER - FAKE_CALLS);
    put32(kernel, FAKE_CALLS + 4, (uint64_t)FAKE_KEY - (FAKE_CALLS + 4));
    fake_kernel_put64(kernel, FAKE_KEY, FAKE_BASE + FAKE_OPEN);
}

static void make_jump(struct fake_kernel *kernel, uint64_t entry, uint64_t code, uint64_t target)
{
    put32(kernel, entry, code - entry);
    put32(kernel, entry + 4, target - (entry + 4));
}

struct fake_kernel *fake_kernel_new(unsigned int levels)
{
    struct fake_kernel *kernel = calloc(1, sizeof(*kernel));
    if (!kernel)
        abort();
    for (uint64_t i = FAKE_TEXT; i < FAKE_TEXT_END; i++)
        *fake_kernel_at(kernel, i) = (unsigned char)(0x50 + i % 7);
    put_bytes(kernel, FAKE_SWITCH, "\x0f\x1f\x44\x00\x00", 5);
    put_bytes(kernel, FAKE_SHORT, "\x66\x90", 2);
    make_jump(kernel, FAKE_JUMPS, FAKE_SWITCH, FAKE_SWITCH + 0x40);
    make_jump(kernel, FAKE_JUMPS + 16, FAKE_SHORT, FAKE_SHORT + 0x20);
    make_call(kernel);
    for (unsigned int i = 0; i < 16; i++)
        fake_kernel_put64(kernel, FAKE_SYSCALLS + 8 * i, FAKE_BASE + FAKE_OPEN);
    make_tokens(kernel);
    make_symbols(kernel);
    make_tables(kernel, levels);
    make_info(kernel, levels);
    fake_kernel_lay_out(kernel, FAKE_SIGNED);
    put_bytes(kernel, FAKE_BANNER, "Linux version 6.1.0-fake (a test)", 34);
    fake_kernel_put64(kernel, FAKE_DATA, FAKE_DIRECT + FAKE_VMCOREINFO);
    return kernel;
}
