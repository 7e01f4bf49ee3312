/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a memory's image as an ELF core, as Linux's own /proc/vmcore has it and crash(8),
 * drgn and makedumpfile(8) read it: a segment with all of the memory, from physical address 0 on,
 * where the kernel has it mapped; one with the same memory from the kernel's text on, where that is
 * mapped, since the page tables that lead to all else lie there; the kernel's VMCOREINFO; the
 * registers of each CPU.
 */
#ifndef DOMM_VMI_CORE_HEADER_H
#define DOMM_VMI_CORE_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "lib/vmi/domm-guest.h"

struct core_facts {
    uint64_t frames;                  /* of the memory, holes included */
    uint64_t direct_map;              /* the virtual address of physical address 0 */
    const struct domm_kernel *kernel; /* of that memory; null: not known, nor its VMCOREINFO */
    const struct user_regs_struct *registers;
    size_t n_registers; /* CPUs */
};

/* Where the kernel maps all of its memory: as it says, or where Linux does without KASLR
 * (Documentation/arch/x86/x86_64/mm.rst). */
uint64_t core_direct_map(struct domm_kernel *kernel);

/* Makes the head, whose size is a multiple of a page; the memory follows it. Null if there is no
 * memory for it. The caller's to free. */
unsigned char *core_header_make(const struct core_facts *facts, size_t *size_r);

#endif
