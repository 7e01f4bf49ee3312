/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forge: a module in the monitor's kernel that makes of what dommd reads there all that Xen allows.
 *
 *     insmod forge.ko [shared_info=ADDRESS] [pid=PID va=ADDRESS pages=N] [roots=N]
 *
 * shared_info: that of the kernel's variable HYPERVISOR_shared_info: the page shared with Xen says
 * that this guest has one page.
 * pid: the entries of N pages of that process get all flags that Xen lets a guest change.
 * roots: N page tables of the highest level, all of whose entries lead to one table of the third
 * level, its entries to one of the second, and those to one of the first, which is empty: an address
 * space of 2^27 page tables for who walks all of it.
 *
 * rmmod takes back the first and the last. Writes a line for each to the kernel's log.
 */
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <xen/interface/xen.h>

#include "slot.h"

#undef pr_fmt
#define pr_fmt(text) KBUILD_MODNAME ": " text

#define CHANGEABLE (_PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SOFTW1 | _PAGE_SOFTW2)
#define MAPPED_WRITABLE 0x8000000000000063ull
#define MAPPED_READ_ONLY 0x8000000000000061ull
#define TABLE 0x67ull
#define LEVELS 4
#define USER_ROOTS 256 /* entries of a root that are not Xen's or the kernel's */

static ulong shared_info;
module_param(shared_info, ulong, 0);
static int pid;
module_param(pid, int, 0);
static ulong va;
module_param(va, ulong, 0);
static ulong pages;
module_param(pages, ulong, 0);
static uint roots;
module_param(roots, uint, 0);

static unsigned long max_pfn_before;
static u64 *tables[LEVELS - 1]; /* one of each level below the roots, the first level first */
static u64 **made;              /* the roots that Xen has taken */
static uint n_made;

static struct shared_info *shared(void)
{
    return *(struct shared_info **)shared_info;
}

static void set_flags(struct mm_struct *mm)
{
    unsigned long n, changed = 0, refused = 0;
    for (n = 0; n < pages; n++) {
        pte_t *slot = slot_of(mm, va + n * PAGE_SIZE);
        u64 held = slot ? READ_ONCE(slot->pte) : 0;
        struct mmu_update one = {.val = held | CHANGEABLE};
        if (!(held & _PAGE_PRESENT))
            continue;
        one.ptr = arbitrary_virt_to_machine(slot).maddr;
        if (HYPERVISOR_mmu_update(&one, 1, NULL, DOMID_SELF))
            refused++;
        else
            changed++;
    }
    pr_info("%lu entries have all flags, %lu were refused\n", changed, refused);
}

static int map_as(void *page, u64 flags)
{
    u64 at = (u64)virt_to_mfn(page) << PAGE_SHIFT;
    return HYPERVISOR_update_va_mapping((unsigned long)page, __pte_ma(at | flags), UVMF_INVLPG);
}

/* A page whose first entries all lead to `below`; read-only, as Xen wants tables to be. */
static u64 *make_table(u64 *below, unsigned int entries)
{
    u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);
    unsigned int i;
    for (i = 0; table && below && i < entries; i++)
        table[i] = (u64)virt_to_mfn(below) << PAGE_SHIFT | TABLE;
    if (table && map_as(table, MAPPED_READ_ONLY)) {
        free_page((unsigned long)table);
        return NULL;
    }
    return table;
}

static void free_table(u64 *table)
{
    if (!table)
        return;
    if (map_as(table, MAPPED_WRITABLE))
        pr_err("a page is a table for Xen still, and is lost\n");
    else
        free_page((unsigned long)table);
}

static int pin(u64 *root, unsigned int command)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = virt_to_mfn(root)};
    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void make_roots(void)
{
    int level;
    u64 *root;
    made = kcalloc(roots, sizeof(*made), GFP_KERNEL);
    for (level = 0; made && level < LEVELS - 1; level++) {
        tables[level] = make_table(level ? tables[level - 1] : NULL, PTRS_PER_PTE);
        if (!tables[level])
            return;
    }
    while (made && n_made < roots) {
        root = make_table(tables[LEVELS - 2], USER_ROOTS);
        if (!root)
            break;
        if (pin(root, MMUEXT_PIN_L4_TABLE)) {
            free_table(root);
            break;
        }
        made[n_made++] = root;
    }
    pr_info("%u roots are made\n", n_made);
}

static int __init begin(void)
{
    struct pid *found = pid ? find_get_pid(pid) : NULL;
    struct task_struct *task = get_pid_task(found, PIDTYPE_PID);
    struct mm_struct *mm = task ? get_task_mm(task) : NULL;
    if (mm) {
        set_flags(mm);
        mmput(mm);
    }
    if (task)
        put_task_struct(task);
    put_pid(found);
    if (shared_info) {
        max_pfn_before = shared()->arch.max_pfn;
        shared()->arch.max_pfn = 1;
        pr_info("max_pfn was %lu\n", max_pfn_before);
    }
    if (roots)
        make_roots();
    return 0;
}

static void __exit end(void)
{
    int level;
    if (shared_info)
        shared()->arch.max_pfn = max_pfn_before;
    while (n_made) {
        pin(made[--n_made], MMUEXT_UNPIN_TABLE);
        free_table(made[n_made]);
    }
    for (level = LEVELS - 2; level >= 0; level--)
        free_table(tables[level]);
    kfree(made);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Makes wrong what is read of a monitor");
