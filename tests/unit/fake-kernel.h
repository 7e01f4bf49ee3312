/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A memory with as much of a kernel in it as domm looks at: VMCOREINFO, page tables, kallsyms, text
 * with patch sites, read-only data, an IDT. The tests break it on purpose.
 */
#ifndef DOMM_TESTS_FAKE_KERNEL_H
#define DOMM_TESTS_FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/vmi/domm-guest.h"

#define FAKE_FRAMES 256u
#define FAKE_BYTES (FAKE_FRAMES * DOMM_VMI_PAGE)

/* The image: virtual and physical addresses of its beginning. */
#define FAKE_BASE UINT64_C(0xffffffff81000000)
#define FAKE_LOADED UINT64_C(0x40000)
#define FAKE_DIRECT UINT64_C(0xffff888000000000)

/* From the image's beginning. */
enum {
    FAKE_TEXT = 0,
    FAKE_OPEN = 0x100,      /* do_open, a function */
    FAKE_CALLER = 0x200,    /* a static call of do_open */
    FAKE_SWITCH = 0x300,    /* a jump label that leads to + 0x40 */
    FAKE_SHORT = 0x400,     /* another, short, to + 0x20 */
    FAKE_TEXT_END = 0x3000, /* two pages more than is needed */
    FAKE_RODATA = 0x3000,
    FAKE_SYSCALLS = 0x3100, /* 16 entries */
    FAKE_JUMPS = 0x3400,
    FAKE_CALLS = 0x3800,
    FAKE_BANNER = 0x3c00,
    FAKE_NUM_SYMS = 0x4000,
    FAKE_RELATIVE_BASE = 0x4008,
    FAKE_OFFSETS = 0x4100,
    FAKE_TOKEN_INDEX = 0x4400,
    FAKE_TOKEN_TABLE = 0x4800,
    FAKE_NAMES = 0x5000,
    FAKE_HIDDEN_OFFSETS = 0x5400, /* the whole table */
    FAKE_RODATA_END = 0x6000,
    FAKE_DATA = 0x6000, /* vmcoreinfo_data */
    FAKE_KEY = 0x6008,  /* of the static call */
    FAKE_IDT = 0x7000,
    FAKE_ROOT = 0x8000, /* page tables; the rest of them follow */
    FAKE_L4 = 0x9000,   /* with five levels, below the root */
    FAKE_L3 = 0xa000,
    FAKE_L2 = 0xb000,
    FAKE_L1 = 0xc000,
    FAKE_DIRECT_L3 = 0xd000,
    FAKE_DIRECT_L2 = 0xe000,
    FAKE_END = 0xf000,
};

/* Where its VMCOREINFO is, a physical address. */
#define FAKE_VMCOREINFO UINT64_C(0x20000)

struct fake_kernel {
    unsigned char memory[FAKE_BYTES];
    bool broken; /* reading it fails with EIO */
};

/* How the addresses of symbols are stored. */
enum fake_layout {
    FAKE_SIGNED,   /* from a base, downwards; from 0 for per-CPU variables: Linux 6.0 to 6.14 */
    FAKE_UNSIGNED, /* from a base: 6.15 to 6.19 */
    FAKE_PLACE,    /* from where the offset is: 7.0 */
    FAKE_ABSOLUTE, /* without KALLSYMS_BASE_RELATIVE */
    FAKE_HIDDEN,   /* as FAKE_SIGNED, elsewhere, and nothing says where: before 6.0 */
    FAKE_LAYOUTS
};

/* Levels of page tables: 4 or 5. FAKE_SIGNED. Allocated; to be freed. */
struct fake_kernel *fake_kernel_new(unsigned int levels);

/* Stores the symbols in this way, and publishes where. */
void fake_kernel_lay_out(struct fake_kernel *kernel, enum fake_layout layout);

/* Its symbols as a System.map has them, for an image that is moved by so many bytes when it is
 * loaded. Allocated; to be freed. */
char *fake_kernel_map(uint64_t moved);

struct domm_physical fake_kernel_memory(const struct fake_kernel *kernel);

/* A place in the image. */
unsigned char *fake_kernel_at(struct fake_kernel *kernel, uint64_t offset);
void fake_kernel_put64(struct fake_kernel *kernel, uint64_t offset, uint64_t value);
/* The text of VMCOREINFO. */
char *fake_kernel_info(struct fake_kernel *kernel);

#endif
