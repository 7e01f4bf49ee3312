/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much of a PV guest's word about its own size is taken. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/mapping/pause_guard.h"
#include "lib/xen/hv_internal.h"
#include "lib/xen/reader.h"
#include "lib/xen/store.h"

#define GIB (UINT64_C(1) << (30 - 12)) /* in frames */

static xen_pfn_t claimed;
static uint64_t may_have;
static const char *static_max; /* in KiB; null: no such node */
static unsigned int read_layouts, paused_layouts;

int __wrap_xc_domain_nr_gpfns(xc_interface *xch, uint32_t domid, xen_pfn_t *gpfns);
int __wrap_xc_domain_nr_gpfns(xc_interface *xch, uint32_t domid, xen_pfn_t *gpfns)
{
    (void)xch;
    (void)domid;
    *gpfns = claimed;
    return 0;
}

int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info);
int __wrap_xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info)
{
    (void)xch;
    (void)max;
    *info = (xc_domaininfo_t){.domain = (domid_t)first, .max_pages = may_have};
    return 1;
}

int __wrap_xc_map_domain_meminfo(xc_interface *xch, uint32_t domid, struct xc_domain_meminfo *info);
int __wrap_xc_map_domain_meminfo(xc_interface *xch, uint32_t domid, struct xc_domain_meminfo *info)
{
    (void)xch;
    (void)domid;
    (void)info;
    read_layouts++;
    errno = EIO; /* it was asked, which is all that counts here */
    return -1;
}

int __wrap_domm_store_open(struct domm_store **store_r, struct domm_error *err);
int __wrap_domm_store_open(struct domm_store **store_r, struct domm_error *err)
{
    (void)err;
    *store_r = NULL;
    return 0;
}

int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err);
int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err)
{
    (void)store;
    assert_string_equal(path, "/local/domain/7/memory/static-max");
    *value_r = static_max ? strdup(static_max) : NULL;
    return *value_r ? 0 : domm_fail(err, DOMM_NOT_FOUND, "no");
}

int __wrap_domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                                   struct domm_error *err);
int __wrap_domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                                   struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    paused_layouts++;
    *layout_r = (struct domm_layout){0};
    return 0;
}

static struct domm_hv hv;

static bool is_read(uint64_t frames)
{
    struct domm_layout layout;
    struct domm_error err;
    claimed = frames;
    read_layouts = 0;
    int rc = domm_hv_layout(&hv, 7, &layout, &err);
    assert_int_equal(rc, read_layouts ? -DOMM_FAILED : -DOMM_REFUSED);
    return read_layouts;
}

static int begin(void **state)
{
    (void)state;
    may_have = GIB / 2;
    static_max = NULL;
    paused_layouts = 0;
    return 0;
}

static void a_p2m_with_holes_is_read(void **state)
{
    (void)state;
    assert_true(is_read(GIB / 2));
    assert_true(is_read(GIB / 2 + 4 * GIB));
}

/* Its leaves may all be one page, so that the claim costs the guest nothing. */
static void a_p2m_of_the_size_of_the_host_is_refused(void **state)
{
    (void)state;
    assert_false(is_read(64 * GIB));
    static_max = "524288";
    assert_false(is_read(64 * GIB));
    static_max = "rubbish";
    assert_false(is_read(64 * GIB));
}

/* xl mem-set lowers what a guest may have; its p2m stays as it was made. */
static void one_that_was_made_larger_is_read(void **state)
{
    (void)state;
    assert_false(is_read(16 * GIB));
    static_max = "16777216";
    assert_true(is_read(16 * GIB));
}

static void a_running_guest_is_paused_for_it(void **state)
{
    struct domm_reader *reader;
    struct domm_error err;
    (void)state;
    read_layouts = 0;
    assert_int_equal(domm_reader_open(&hv, 7, &reader, &err), 0);
    assert_int_equal(paused_layouts, 1);
    assert_int_equal(read_layouts, 0);
    domm_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_p2m_with_holes_is_read, begin),
        cmocka_unit_test_setup(a_p2m_of_the_size_of_the_host_is_refused, begin),
        cmocka_unit_test_setup(one_that_was_made_larger_is_read, begin),
        cmocka_unit_test_setup(a_running_guest_is_paused_for_it, begin),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
