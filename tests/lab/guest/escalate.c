/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * escalate: a module in the monitor's kernel that tries to make more of a mapping than dommd has
 * made: to write, to keep, to copy. Xen is to refuse all of it.
 *
 *     insmod escalate.ko pid=PID va=ADDRESS target=DOMID [entry=PTE | control=1]
 *
 * PID is the process that has the mapping, at ADDRESS; DOMID is whose frame it is. With entry= the
 * mapping was taken back, and this is what it was. With control=1 a page of the monitor's own
 * stands in for the target's: then all that does not name the target must succeed, which shows that
 * the attempts are made as they should be. All slots around ADDRESS must be empty for that.
 *
 * Writes a line for each attempt to the kernel's log, "escalate: WHAT: refused (ERROR)" or
 * "escalate: WHAT: succeeded", and what the slot held before and holds after all.
 */
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <xen/grant_table.h>
#include <xen/interface/version.h>
#include <xen/interface/xen.h>
#include <xen/xenbus.h>

#include "slot.h"

#undef pr_fmt
#define pr_fmt(text) KBUILD_MODNAME ": " text

#define OWN_READ_ONLY 0x8000000000000061ull
#define OWN_WRITABLE 0x8000000000000063ull
#define USER_WRITABLE 0x8000000000000367ull
#define FORGED_SLOT 5 /* any */

static int pid;
module_param(pid, int, 0);
static ulong va;
module_param(va, ulong, 0);
static ushort target;
module_param(target, ushort, 0);
static unsigned long long entry;
module_param(entry, ullong, 0);
static bool control;
module_param(control, bool, 0);

static struct mm_struct *mm;
static pte_t *slot;    /* in a page table of the process; the next slot is its neighbour's */
static u64 slot_at;    /* its machine address */
static u64 found[2];   /* what both held at first */
static void *own;      /* a page of this kernel's */
static void *stand_in; /* another, for control */
static ushort own_domid;

static u64 held(unsigned int n)
{
    return READ_ONCE(slot[n].pte);
}

static unsigned long frame(void)
{
    return (entry & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static int update(u64 at, u64 value, domid_t owner)
{
    struct mmu_update one = {.ptr = at, .val = value};
    return HYPERVISOR_mmu_update(&one, 1, NULL, owner);
}

static int make_writable(void)
{
    return update(slot_at, entry | _PAGE_RW, DOMID_SELF);
}

static int make_writable_as_targets(void)
{
    return update(slot_at, entry | _PAGE_RW, target);
}

static int make_writable_in_use(void)
{
    return update(slot_at | MMU_PT_UPDATE_PRESERVE_AD, entry | _PAGE_RW, DOMID_SELF);
}

static int make_writable_by_store(void)
{
    return xen_safe_write_ulong((unsigned long *)slot, entry | _PAGE_RW);
}

static int copy_entry(void)
{
    return update(slot_at + sizeof(*slot), entry, DOMID_SELF);
}

static int copy_entry_as_targets(void)
{
    return update(slot_at + sizeof(*slot), entry, target);
}

static int copy_entry_by_store(void)
{
    return xen_safe_write_ulong((unsigned long *)(slot + 1), entry);
}

static int make_again(void)
{
    int rc = update(slot_at, 0, DOMID_SELF);
    return rc ? -rc : update(slot_at, entry, DOMID_SELF);
}

static int make_again_as_targets(void)
{
    int rc = update(slot_at, 0, DOMID_SELF);
    return rc ? -rc : update(slot_at, entry, target);
}

/* In place of this kernel's own page; puts that back. */
static int remap_own(u64 flags)
{
    int rc = HYPERVISOR_update_va_mapping(
        (unsigned long)own, __pte_ma((u64)frame() << PAGE_SHIFT | flags), UVMF_INVLPG);
    WARN_ON(HYPERVISOR_update_va_mapping(
        (unsigned long)own, __pte_ma((u64)virt_to_mfn(own) << PAGE_SHIFT | OWN_WRITABLE),
        UVMF_INVLPG));
    return rc;
}

static int map_for_kernel(void)
{
    return remap_own(OWN_READ_ONLY);
}

static int map_for_kernel_writable(void)
{
    return remap_own(OWN_WRITABLE);
}

static int page_table_op(unsigned int command)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = virt_to_mfn(own)};
    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* A page table is one for Xen only while nobody can write it. */
static int pin_forged(u64 forged)
{
    u64 at = (u64)virt_to_mfn(own) << PAGE_SHIFT;
    int rc;
    ((u64 *)own)[FORGED_SLOT] = forged;
    rc =
        HYPERVISOR_update_va_mapping((unsigned long)own, __pte_ma(at | OWN_READ_ONLY), UVMF_INVLPG);
    if (rc)
        return -rc;
    rc = page_table_op(MMUEXT_PIN_L1_TABLE);
    if (!rc)
        page_table_op(MMUEXT_UNPIN_TABLE);
    WARN_ON(
        HYPERVISOR_update_va_mapping((unsigned long)own, __pte_ma(at | OWN_WRITABLE), UVMF_INVLPG));
    ((u64 *)own)[FORGED_SLOT] = 0;
    return rc;
}

static int pin_forged_read_only(void)
{
    return pin_forged(entry);
}

static int pin_forged_writable(void)
{
    return pin_forged(entry | _PAGE_RW);
}

static int clear_page_by_xen(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = frame()};
    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static int copy_page_by_xen(void)
{
    struct mmuext_op op = {
        .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = frame(), .arg2.src_mfn = virt_to_mfn(own)};
    return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* Xen's word for whose frame it is, and so what a scan would take it for. */
static int rename_frame(void)
{
    return update((u64)frame() << PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
                  virt_to_pfn(control ? stand_in : own), DOMID_SELF);
}

static int grant_copy(struct gnttab_copy *copy)
{
    copy->source.u.gmfn = virt_to_mfn(own);
    copy->source.domid = copy->dest.domid = DOMID_SELF;
    copy->len = 8;
    return HYPERVISOR_grant_table_op(GNTTABOP_copy, copy, 1) ?: copy->status;
}

static int copy_to_frame(void)
{
    struct gnttab_copy copy = {.dest.u.gmfn = frame()};
    return grant_copy(&copy);
}

/* As if the frame were the monitor's to grant. */
static int copy_to_granted(void)
{
    struct gnttab_copy copy = {.flags = GNTCOPY_dest_gref};
    int rc, reference = gnttab_grant_foreign_access(own_domid, frame(), 0);
    if (reference < 0)
        return -reference;
    copy.dest.u.ref = reference;
    rc = grant_copy(&copy);
    WARN_ON(!gnttab_try_end_foreign_access(reference));
    return rc;
}

static int write_by_processor(void)
{
    return put_user(0x6d6d6f64, (u32 __user *)va);
}

static int answer_to_it(void)
{
    return HYPERVISOR_xen_version(XENVER_extraversion, (void *)va);
}

/* The count of updates done is what is written; Xen does not say whether it could be. */
static int count_to_it(void)
{
    struct mmu_update same = {.ptr = slot_at + sizeof(*slot), .val = held(1)};
    u32 before, after;
    int rc = get_user(before, (u32 __user *)va);
    rc = rc ?: HYPERVISOR_mmu_update(&same, 1, (int *)va, DOMID_SELF);
    rc = rc ?: get_user(after, (u32 __user *)va);
    return rc ?: before == after ? -EFAULT : 0;
}

static const struct attempt {
    const char *what;
    int (*run)(void); /* as Xen does: 0 or a negative error; positive if it could not be tried */
} attempts[] = {
    {"make it writable", make_writable},
    {"make it writable, as the target's", make_writable_as_targets},
    {"make it writable, keeping its bits", make_writable_in_use},
    {"make it writable by a store", make_writable_by_store},
    {"copy it to another slot", copy_entry},
    {"copy it to another slot, as the target's", copy_entry_as_targets},
    {"copy it to another slot by a store", copy_entry_by_store},
    {"map its frame for the kernel", map_for_kernel},
    {"map its frame for the kernel, writable", map_for_kernel_writable},
    {"pin a forged table with it", pin_forged_read_only},
    {"pin a forged table with it, writable", pin_forged_writable},
    {"have Xen clear its frame", clear_page_by_xen},
    {"have Xen copy to its frame", copy_page_by_xen},
    {"give its frame a number of the monitor's", rename_frame},
    {"copy to its frame by grant table", copy_to_frame},
    {"copy to its frame as one that the monitor grants", copy_to_granted},
    {"write through it", write_by_processor},
    {"have Xen write its version through it", answer_to_it},
    {"have Xen write a count through it", count_to_it},
    {"make it again after it was taken back", make_again},
    {"make it again after it was taken back, as the target's", make_again_as_targets},
};

/* Undoes what has succeeded. */
static void put_back(void)
{
    struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    unsigned int n;
    for (n = 0; n < 2; n++) {
        if (held(n) != found[n])
            update(slot_at + n * sizeof(*slot), found[n], DOMID_SELF);
    }
    HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF);
}

static void try_all(void)
{
    unsigned int i;
    for (i = 0; i < ARRAY_SIZE(attempts); i++) {
        int rc = attempts[i].run();
        if (rc > 0)
            pr_err("%s: not tried (%d)\n", attempts[i].what, rc);
        else if (rc)
            pr_info("%s: refused (%d)\n", attempts[i].what, rc);
        else
            pr_info("%s: succeeded\n", attempts[i].what);
        if (control)
            put_back();
    }
    pr_info("the slot held %#llx and holds %#llx, the next %#llx and %#llx\n", found[0], held(0),
            found[1], held(1));
}

static int find_slot(void)
{
    slot = slot_of(mm, va);
    if (!slot)
        return -EFAULT;
    slot_at = arbitrary_virt_to_machine(slot).maddr;
    found[0] = held(0);
    found[1] = held(1);
    return 0;
}

/* What is tried, and for control the slot as dommd could have left it. */
static int set_up(void)
{
    if (!control) {
        entry = entry ?: found[0];
        return entry & _PAGE_PRESENT ? 0 : -ENOENT;
    }
    if (found[0] || found[1])
        return -EBUSY;
    entry = (u64)virt_to_mfn(stand_in) << PAGE_SHIFT | USER_WRITABLE;
    found[0] = entry;
    return update(slot_at, entry, DOMID_SELF);
}

struct run {
    struct completion done;
    int rc;
};

/* A kernel thread, so that it can take the process's address space for its own. */
static int run(void *context)
{
    struct run *run = context;
    kthread_use_mm(mm);
    mmap_read_lock(mm);
    run->rc = find_slot();
    if (!run->rc)
        run->rc = set_up();
    mmap_read_unlock(mm);
    if (!run->rc)
        try_all();
    if (!run->rc && control) {
        found[0] = 0;
        put_back();
    }
    kthread_unuse_mm(mm);
    kthread_complete_and_exit(&run->done, 0);
}

static int run_in_process(void)
{
    struct run state = {.done = COMPLETION_INITIALIZER_ONSTACK(state.done)};
    struct task_struct *thread = kthread_run(run, &state, KBUILD_MODNAME);
    if (IS_ERR(thread))
        return PTR_ERR(thread);
    wait_for_completion(&state.done);
    return state.rc;
}

static int __init escalate_init(void)
{
    struct task_struct *task;
    int rc = -ESRCH;
    rcu_read_lock();
    task = pid_task(find_vpid(pid), PIDTYPE_PID);
    mm = task ? get_task_mm(task) : NULL;
    rcu_read_unlock();
    own = (void *)get_zeroed_page(GFP_KERNEL);
    stand_in = (void *)get_zeroed_page(GFP_KERNEL);
    if (xenbus_scanf(XBT_NIL, "domid", "", "%hu", &own_domid) == 1 && mm && own && stand_in)
        rc = run_in_process();
    free_page((unsigned long)own);
    free_page((unsigned long)stand_in);
    if (mm)
        mmput(mm);
    return rc;
}

static void __exit escalate_exit(void)
{
}

module_init(escalate_init);
module_exit(escalate_exit);
MODULE_LICENSE("GPL");
