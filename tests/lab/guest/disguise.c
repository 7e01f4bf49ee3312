/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disguise: a module in the kernel of a PV target, whose tables of frames are its own to write.
 *
 *     insmod disguise.ko
 *     echo ACTION > /sys/module/disguise/parameters/do
 *
 * It has a page of its own with the text "disguise: clean 0", and another one; it tells the gfns of
 * both in the kernel's log. Each ACTION first sets right what the one before said of them, and then
 * has the page say "disguise: evil N", where N counts the actions:
 *
 *     swap      in a new frame; the old one is given back to Xen
 *     misname   and the guest's own table (p2m) say that another frame is there
 *     unname    and Xen's table (m2p) say that its frame has no place
 *     rename    and both tables say that the two pages have each other's gfn
 */
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/interface/memory.h>

#undef pr_fmt
#define pr_fmt(text) KBUILD_MODNAME ": " text

#define PATIENCE_MS 5000 /* for the monitor to give the old frame back */

static void *own, *other; /* the page that says what it is, and one that it can be taken for */
static xen_pfn_t own_mfn, other_mfn; /* where they are in truth */
static unsigned int count;

static unsigned long gfn_of(void *page)
{
    return page_to_pfn(virt_to_page(page));
}

static void say(const char *what)
{
    memset(own, 0, PAGE_SIZE);
    snprintf(own, PAGE_SIZE, "disguise: %s %u\n", what, count);
}

static int tell_xen(unsigned long mfn, unsigned long gfn)
{
    struct mmu_update update = {.ptr = (u64)mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = gfn};
    return HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF);
}

static int reserve(unsigned int op, xen_pfn_t *frame)
{
    struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle(reservation.extent_start, frame);
    return HYPERVISOR_memory_op(op, &reservation) == 1 ? 0 : -ENOMEM;
}

/* The old frame counts as the guest's until nobody has it mapped. */
static int take_new_frame(xen_pfn_t *frame)
{
    unsigned int waited;
    for (waited = 0; waited < PATIENCE_MS; waited += 10) {
        *frame = gfn_of(own);
        if (reserve(XENMEM_populate_physmap, frame) == 0)
            return 0;
        msleep(10);
    }
    return -ENOMEM;
}

static int swap_frame(void)
{
    xen_pfn_t old = own_mfn;
    int rc = HYPERVISOR_update_va_mapping((unsigned long)own, __pte_ma(0), UVMF_INVLPG | UVMF_ALL);
    rc = rc ?: reserve(XENMEM_decrease_reservation, &old);
    rc = rc ?: take_new_frame(&own_mfn);
    if (rc)
        return rc;
    xen_p2m_addr[gfn_of(own)] = own_mfn;
    return HYPERVISOR_update_va_mapping((unsigned long)own, mfn_pte(own_mfn, PAGE_KERNEL),
                                        UVMF_INVLPG | UVMF_ALL);
}

/* Both tables of both pages. */
static int tell(xen_pfn_t at_own, xen_pfn_t at_other, unsigned long own_gfn,
                unsigned long other_gfn)
{
    int rc;
    xen_p2m_addr[gfn_of(own)] = at_own;
    xen_p2m_addr[gfn_of(other)] = at_other;
    rc = tell_xen(own_mfn, own_gfn);
    return rc ?: tell_xen(other_mfn, other_gfn);
}

static int act(const char *value, const struct kernel_param *parameter)
{
    unsigned long a = gfn_of(own), b = gfn_of(other);
    int rc = tell(own_mfn, other_mfn, a, b);
    count++;
    if (rc)
        return rc;
    if (sysfs_streq(value, "swap"))
        rc = swap_frame();
    else if (sysfs_streq(value, "misname"))
        rc = tell(other_mfn, other_mfn, a, b);
    else if (sysfs_streq(value, "unname"))
        rc = tell(own_mfn, other_mfn, ~0ul, b);
    else if (sysfs_streq(value, "rename"))
        rc = tell(other_mfn, own_mfn, b, a);
    else
        rc = -EINVAL;
    if (rc == 0)
        say("evil");
    pr_info("action %u: %d\n", count, rc);
    return rc;
}

static const struct kernel_param_ops act_ops = {.set = act};
module_param_cb(do, &act_ops, NULL, 0200);

static int __init disguise_init(void)
{
    own = (void *)get_zeroed_page(GFP_KERNEL);
    other = (void *)get_zeroed_page(GFP_KERNEL);
    if (!own || !other)
        return -ENOMEM;
    own_mfn = xen_p2m_addr[gfn_of(own)];
    other_mfn = xen_p2m_addr[gfn_of(other)];
    say("clean");
    pr_info("gfn %lu, other %lu\n", gfn_of(own), gfn_of(other));
    return 0;
}

module_init(disguise_init);
MODULE_LICENSE("GPL");
