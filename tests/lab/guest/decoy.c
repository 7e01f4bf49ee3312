/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decoy: a module in a target's kernel that moves the frames behind its pages, as an intruder would
 * to leave a monitor with what it has mapped so far while the guest runs something else.
 *
 *     insmod decoy.ko [text=ADDRESS] [beyond=GFN]
 *     echo ACTION > /sys/module/decoy/parameters/do
 *
 * It has a page of its own with the text "decoy: clean N", and tells its gfn in the kernel's log. N
 * counts the actions. ACTION is
 *
 *     swap    the page's frame becomes another one, which says "decoy: evil N" or, the next time,
 *             "decoy: clean N"
 *     swaps   the same, 10 times a second, until "stop"
 *     hook    the frame that the kernel text at ADDRESS is in becomes another one, in which the
 *             byte there is an INT3; or, the next time, the byte that it was
 *     hooks   the same, 10 times a second, until "stop"
 *     hide    gfn GFN, where the guest has no memory, gets a frame that says "decoy: evil N"
 *     hide-text  gfn GFN gets a copy of the page of ADDRESS with an INT3, and the kernel's page
 *             tables map it there; the frame that was executed stays where it was
 *     stop    ends swaps and hooks
 *
 * Xen frees the frame that is replaced (XENMEM_add_to_physmap, xen/arch/x86/mm/p2m.c), once nobody
 * else has it mapped.
 */
#include <asm/pgtable.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/interface/memory.h>

#undef pr_fmt
#define pr_fmt(text) KBUILD_MODNAME ": " text

#define INT3 0xcc
#define EVERY_MS 100
#define PATIENCE_MS 5000 /* for the monitor to give the old frame back */

static ulong text;
module_param(text, ulong, 0);
static ulong beyond;
module_param(beyond, ulong, 0);

static void *own;  /* the page that says what it is */
static void *copy; /* whose frame takes the place of another one */
static bool evil;  /* which of the two own or text is */
static u8 clean_byte;
static unsigned int count;
static struct task_struct *thread;

/* The gfn of copy has no frame any more. */
static int populate(void)
{
    xen_pfn_t gfn = page_to_pfn(virt_to_page(copy));
    struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};
    unsigned int waited;
    set_xen_guest_handle(reservation.extent_start, &gfn);
    for (waited = 0; waited < PATIENCE_MS; waited += 10) {
        if (HYPERVISOR_memory_op(XENMEM_populate_physmap, &reservation) == 1)
            return 0;
        msleep(10);
    }
    return -ENOMEM;
}

/* The frame of copy becomes that of gfn. */
static int move_copy_to(unsigned long gfn)
{
    struct xen_add_to_physmap move = {.domid = DOMID_SELF,
                                      .space = XENMAPSPACE_gmfn,
                                      .idx = page_to_pfn(virt_to_page(copy)),
                                      .gpfn = gfn};
    int rc = HYPERVISOR_memory_op(XENMEM_add_to_physmap, &move);
    return rc ?: populate();
}

static void say_in_copy(void)
{
    memset(copy, 0, PAGE_SIZE);
    snprintf(copy, PAGE_SIZE, "decoy: %s %u\n", evil ? "evil" : "clean", count);
}

static int swap_own(void)
{
    evil = !evil;
    say_in_copy();
    return move_copy_to(page_to_pfn(virt_to_page(own)));
}

static void copy_text(bool hooked)
{
    memcpy(copy, (void *)(text & PAGE_MASK), PAGE_SIZE);
    ((u8 *)copy)[text & ~PAGE_MASK] = hooked ? INT3 : clean_byte;
}

static int swap_text(void)
{
    unsigned int level;
    pte_t *entry = lookup_address(text, &level);
    unsigned long gfn;
    if (!entry)
        return -EFAULT;
    gfn = pte_pfn(*entry);
    if (level == PG_LEVEL_2M)
        gfn += text >> PAGE_SHIFT & (PTRS_PER_PTE - 1);
    evil = !evil;
    copy_text(evil);
    return move_copy_to(gfn);
}

static int hide_page(void)
{
    evil = true;
    say_in_copy();
    return move_copy_to(beyond);
}

static void flush_all(void)
{
    unsigned long flags, cr4;
    local_irq_save(flags);
    cr4 = __read_cr4();
    asm volatile("mov %0, %%cr4" ::"r"(cr4 & ~X86_CR4_PGE) : "memory");
    asm volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
    local_irq_restore(flags);
}

/* The 2 MiB page that text is in becomes a table of small ones, all of them as they were but one. */
static int hide_text(void)
{
    unsigned int level, i;
    pte_t *entry = lookup_address(text, &level), old;
    u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);
    if (!entry || level != PG_LEVEL_2M || !table)
        return -EFAULT;
    old = *entry;
    for (i = 0; i < PTRS_PER_PTE; i++)
        table[i] = (pte_val(old) & ~(u64)_PAGE_PSE) + i * PAGE_SIZE;
    i = text >> PAGE_SHIFT & (PTRS_PER_PTE - 1);
    table[i] = (table[i] & ~PTE_PFN_MASK) | (u64)beyond << PAGE_SHIFT;
    copy_text(true);
    if (move_copy_to(beyond))
        return -EIO;
    WRITE_ONCE(*(u64 *)entry, __pa(table) | _KERNPG_TABLE);
    flush_all();
    return *(u8 *)text == INT3 ? 0 : -EIO;
}

static int repeat(void *context)
{
    int (*act)(void) = context;
    while (!kthread_should_stop()) {
        int rc = act();
        if (rc)
            pr_err("action %u: %d\n", count, rc);
        count++;
        msleep(EVERY_MS);
    }
    return 0;
}

static int begin(int (*act)(void))
{
    if (thread)
        return -EBUSY;
    thread = kthread_run(repeat, act, KBUILD_MODNAME);
    return PTR_ERR_OR_ZERO(thread);
}

static int stop(void)
{
    if (thread)
        kthread_stop(thread);
    thread = NULL;
    pr_info("%u actions\n", count);
    return 0;
}

static int act(const char *value, const struct kernel_param *parameter)
{
    int rc = -EINVAL;
    count++;
    if (sysfs_streq(value, "swap"))
        rc = swap_own();
    else if (sysfs_streq(value, "swaps"))
        rc = begin(swap_own);
    else if (sysfs_streq(value, "hook") && text)
        rc = swap_text();
    else if (sysfs_streq(value, "hooks") && text)
        rc = begin(swap_text);
    else if (sysfs_streq(value, "hide") && beyond)
        rc = hide_page();
    else if (sysfs_streq(value, "hide-text") && text && beyond)
        rc = hide_text();
    else if (sysfs_streq(value, "stop"))
        rc = stop();
    pr_info("action %u: %d\n", count, rc);
    return rc;
}

static const struct kernel_param_ops act_ops = {.set = act};
module_param_cb(do, &act_ops, NULL, 0200);

static int __init decoy_init(void)
{
    own = (void *)get_zeroed_page(GFP_KERNEL);
    copy = (void *)get_zeroed_page(GFP_KERNEL);
    if (!own || !copy)
        return -ENOMEM;
    if (text)
        clean_byte = *(u8 *)text;
    say_in_copy();
    memcpy(own, copy, PAGE_SIZE);
    pr_info("gfn %lu\n", page_to_pfn(virt_to_page(own)));
    return 0;
}

/* Its pages stay: what stands in their frames is not the kernel's to give to others. */
static void __exit decoy_exit(void)
{
    if (thread)
        kthread_stop(thread);
}

module_init(decoy_init);
module_exit(decoy_exit);
MODULE_LICENSE("GPL");
