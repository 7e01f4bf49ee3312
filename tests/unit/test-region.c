/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding regions in a monitor that is made up, and may be hostile. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/mapping/pte.h"
#include "lib/mapping/region.h"

/* va 0x7f1234600000: L4 254, L3 72, L2 419; each region more is the next slot of the L2. */
#define VA UINT64_C(0x7f1234600000)
#define SPACES 200000u
#define REGIONS 4u

/* Frames: 1 to SPACES are L4 tables; the L3 of L4 n is n + L3, and so on. Each space has tables of
 * its own, or all share what is below the L4. */
#define L3 1000000u
#define L2 2000000u
#define L1 3000000u
#define NONCE_PAGE 9000000u
#define NOBODY UINT64_MAX

static unsigned char nonce[DOMM_NONCE_BYTES] = "the nonce";
static size_t pages_mapped, spaces;
static uint64_t owner; /* the space that has the nonce, or NOBODY */
static unsigned int delay_ms;

static void fill(uint64_t frame, uint64_t *page)
{
    memset(page, 0, DOMM_PAGE_SIZE);
    if (frame < L3)
        page[254] = (frame + L3) << 12 | DOMM_PTE_PRESENT;
    else if (frame < L2)
        page[72] = (frame - L3 + L2) << 12 | DOMM_PTE_PRESENT;
    else if (frame < L1)
        for (uint64_t i = 0; i < REGIONS; i++)
            page[419 + i] = (frame - L2 + L1 + i * SPACES) << 12 | DOMM_PTE_PRESENT;
    else if (frame < NONCE_PAGE)
        page[0] = (NONCE_PAGE + (frame - L1) % SPACES) << 12 | DOMM_PTE_PRESENT;
    else if (frame - NONCE_PAGE == owner)
        memcpy(page, nonce, sizeof(nonce));
}

void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors);
void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors)
{
    (void)hv;
    (void)domid;
    uint64_t *pages = calloc(count, DOMM_PAGE_SIZE);
    assert_non_null(pages);
    for (size_t i = 0; i < count; i++) {
        fill(frames[i], pages + i * DOMM_PTES);
        errors[i] = 0;
    }
    pages_mapped += count;
    usleep(delay_ms * 1000);
    return pages;
}

void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count);
void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count)
{
    (void)hv;
    (void)count;
    free(pages);
}

int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err);
int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err)
{
    static uint64_t mfns[SPACES];
    static enum domm_page_kind kinds[SPACES];
    (void)hv;
    (void)domid;
    (void)err;
    for (size_t i = 0; i < SPACES; i++) {
        mfns[i] = i + 1;
        kinds[i] = i < spaces ? DOMM_PAGE_L4 : DOMM_PAGE_ORDINARY;
    }
    *layout_r = (struct domm_layout){.count = SPACES, .mfns = mfns, .kinds = kinds};
    return 0;
}

void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout);
void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout)
{
    (void)hv;
    (void)layout;
}

static int locate(size_t count, struct domm_region *regions, size_t *found_r)
{
    struct domm_error err;
    pages_mapped = 0;
    regions[0] = (struct domm_region){.va = VA};
    memcpy(regions[0].nonce, nonce, sizeof(nonce));
    return domm_regions_locate(NULL, 1, regions, count, found_r, &err);
}

static int ordinary(void **state)
{
    (void)state;
    spaces = 300;
    owner = 211;
    delay_ms = 0;
    memcpy(nonce, "the nonce", 10);
    return 0;
}

/* After the first region the others are looked for in its address space only. */
static void an_ordinary_monitor_is_searched_once(void **state)
{
    struct domm_region regions[REGIONS];
    size_t found;
    (void)state;
    assert_int_equal(locate(REGIONS, regions, &found), 0);
    assert_int_equal(found, REGIONS);
    for (size_t i = 0; i < REGIONS; i++) {
        assert_int_equal(regions[i].va, VA + i * DOMM_REGION_BYTES);
        assert_int_equal(regions[i].l1_mfn, L1 + owner + i * SPACES);
    }
    assert_true(pages_mapped <= 5 * (spaces + REGIONS));
}

static void a_search_ends_with_the_first_that_is_missing(void **state)
{
    struct domm_region regions[REGIONS + 1];
    size_t found;
    (void)state;
    assert_int_equal(locate(REGIONS + 1, regions, &found), 0);
    assert_int_equal(found, REGIONS);
    owner = NOBODY;
    assert_int_equal(locate(1, regions, &found), 0);
    assert_int_equal(found, 0);
}

/* As many address spaces as a monitor of 800 MB has pages. */
static void forged_address_spaces_are_not_all_searched(void **state)
{
    struct domm_region regions[REGIONS];
    size_t found;
    (void)state;
    spaces = SPACES;
    owner = NOBODY;
    assert_int_equal(locate(REGIONS, regions, &found), -DOMM_REFUSED);
    assert_int_equal(found, 0);
    assert_true(pages_mapped <= 32768);
}

static void a_slow_search_ends(void **state)
{
    struct domm_region regions[REGIONS];
    size_t found;
    (void)state;
    spaces = 20000;
    owner = NOBODY;
    delay_ms = 60;
    int64_t start = domm_now_ms();
    assert_int_equal(locate(REGIONS, regions, &found), -DOMM_REFUSED);
    assert_true(domm_now_ms() - start < 1500);
}

static void a_page_that_cannot_be_read_has_no_nonce(void **state)
{
    struct domm_region regions[1];
    size_t found;
    (void)state;
    memset(nonce, 0, sizeof(nonce));
    assert_int_equal(locate(1, regions, &found), 0);
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_ordinary_monitor_is_searched_once, ordinary),
        cmocka_unit_test_setup(a_search_ends_with_the_first_that_is_missing, ordinary),
        cmocka_unit_test_setup(forged_address_spaces_are_not_all_searched, ordinary),
        cmocka_unit_test_setup(a_slow_search_ends, ordinary),
        cmocka_unit_test_setup(a_page_that_cannot_be_read_has_no_nonce, ordinary),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
