/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page tables of processes, for the modules of the tests. */
#include <linux/mm.h>

/* The slot of an address in the last level of the page tables; null if there is no such table. */
static inline pte_t *slot_of(struct mm_struct *mm, unsigned long address)
{
    pgd_t *pgd = pgd_offset(mm, address);
    p4d_t *p4d = pgd_none(*pgd) ? NULL : p4d_offset(pgd, address);
    pud_t *pud = !p4d || p4d_none(*p4d) ? NULL : pud_offset(p4d, address);
    pmd_t *pmd = !pud || pud_none(*pud) ? NULL : pmd_offset(pud, address);
    return !pmd || pmd_none(*pmd) ? NULL : pte_offset_kernel(pmd, address);
}
