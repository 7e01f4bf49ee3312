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

static void put_bytes(struct fake_kernel *kernel, uint64_t offset, const char *bytes, size_t size)
{
    memcpy(fake_kernel_at(kernel, offset), bytes, size);
}

static void make_info(struct fake_kernel *kernel, unsigned int levels)
{
    snprintf(fake_kernel_info(kernel), DOMM_GUEST_PAGE,
             "OSRELEASE=6.1.0-fake\nPAGESIZE=4096\n"
             "SYMBOL(init_top_pgt)=%" PRIx64 "\nSYMBOL(_stext)=%" PRIx64 "\n"
             "SYMBOL(kallsyms_names)=%" PRIx64 "\nSYMBOL(kallsyms_num_syms)=%" PRIx64 "\n"
             "SYMBOL(kallsyms_token_table)=%" PRIx64 "\nSYMBOL(kallsyms_token_index)=%" PRIx64 "\n"
             "SYMBOL(kallsyms_offsets)=%" PRIx64 "\nSYMBOL(kallsyms_relative_base)=%" PRIx64 "\n"
             "NUMBER(phys_base)=%" PRId64 "\nNUMBER(pgtable_l5_enabled)=%u\nKERNELOFFSET=0\n",
             FAKE_BASE + FAKE_ROOT, FAKE_BASE + FAKE_TEXT, FAKE_BASE + FAKE_NAMES,
             FAKE_BASE + FAKE_NUM_SYMS, FAKE_BASE + FAKE_TOKEN_TABLE, FAKE_BASE + FAKE_TOKEN_INDEX,
             FAKE_BASE + FAKE_OFFSETS, FAKE_BASE + FAKE_RELATIVE_BASE,
             (int64_t)FAKE_LOADED - 0x1000000, levels - 4);
}

static void make_table(struct fake_kernel *kernel, uint64_t table, unsigned int place,
                       uint64_t address, unsigned int flags)
{
    fake_kernel_put64(kernel, table + 8 * (uint64_t)place, address | flags | PRESENT);
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
    for (unsigned int i = 0; i < FAKE_END / DOMM_GUEST_PAGE; i++)
        make_table(kernel, FAKE_L1, i, FAKE_LOADED + i * (uint64_t)DOMM_GUEST_PAGE, 0);
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
        uint16_t place = (uint16_t)(2 * i);
        memcpy(fake_kernel_at(kernel, FAKE_TOKEN_INDEX + 2 * i), &place, sizeof(place));
        *fake_kernel_at(kernel, FAKE_TOKEN_TABLE + place) = (unsigned char)i;
    }
}

static void make_symbols(struct fake_kernel *kernel)
{
    uint64_t at = FAKE_NAMES;
    put32(kernel, FAKE_NUM_SYMS, SYMBOLS);
    fake_kernel_put64(kernel, FAKE_RELATIVE_BASE, FAKE_BASE);
    for (unsigned int i = 0; i < SYMBOLS; i++) {
        bool image = symbols[i].address >= FAKE_BASE;
        put32(kernel, FAKE_OFFSETS + 4 * i,
              image ? FAKE_BASE - 1 - symbols[i].address : symbols[i].address);
        *fake_kernel_at(kernel, at++) = (unsigned char)strlen(symbols[i].name);
        put_bytes(kernel, at, symbols[i].name, strlen(symbols[i].name));
        at += strlen(symbols[i].name);
    }
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
    fake_kernel_put64(kernel, FAKE_DATA, FAKE_DIRECT + FAKE_VMCOREINFO);
    return kernel;
}
