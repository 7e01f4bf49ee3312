/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page tables and the p2m of a hostile monitor, as dom0 reads them, and the page tables of a
 * hostile target, as the monitor reads them. The memory of the guest is the input. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/base/uuid.h"
#include "lib/mapping/mapping_state.h"
#include "lib/mapping/region.h"
#include "lib/mapping/scan.h"
#include "lib/vmi/pagetable.h"

#define FRAMES 8u

/* An entry of a table is 16 bits of the input: its flags are the lower byte. */
static uint64_t memory[FRAMES][DOMM_PTES], p2m[FRAMES], m2p[FRAMES];
static enum domm_page_kind kinds[FRAMES];

static void build(struct fuzz_input *input)
{
    for (size_t i = 0; i < FRAMES; i++) {
        p2m[i] = fuzz_below(input, 1, FRAMES + 1);
        p2m[i] = p2m[i] == FRAMES ? DOMM_NO_FRAME : p2m[i];
        m2p[i] = fuzz_below(input, 1, 2 * FRAMES);
        m2p[i] = m2p[i] == FRAMES ? DOMM_NO_FRAME : m2p[i];
        kinds[i] = fuzz_below(input, 1, DOMM_PAGE_ABSENT + 1);
        if (p2m[i] == DOMM_NO_FRAME)
            kinds[i] = DOMM_PAGE_ABSENT;
    }
    memset(memory, 0, sizeof(memory));
    while (input->size) {
        size_t at = fuzz_below(input, 2, FRAMES * DOMM_PTES);
        uint64_t entry = fuzz_number(input, 2);
        memory[at / DOMM_PTES][at % DOMM_PTES] =
            (entry >> 8 & 15) << 12 | (entry & 0xff) | entry >> 12 << 60;
    }
}

int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err);
int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    *layout_r = (struct domm_layout){.count = FRAMES, .mfns = p2m, .kinds = kinds};
    return 0;
}

void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout);
void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout)
{
    (void)hv;
    (void)layout;
}

int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err);
int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err)
{
    (void)hv;
    (void)err;
    *m2p_r = m2p;
    *count_r = FRAMES;
    return 0;
}

int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err);
int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    *pages_r = FRAMES;
    return 0;
}

void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors);
void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors)
{
    (void)hv;
    (void)domid;
    unsigned char *pages = calloc(count ? count : 1, DOMM_PAGE_SIZE);
    MUST(pages);
    for (size_t i = 0; i < count; i++) {
        errors[i] = frames[i] < FRAMES ? 0 : EINVAL;
        if (!errors[i])
            memcpy(pages + i * DOMM_PAGE_SIZE, memory[frames[i]], DOMM_PAGE_SIZE);
    }
    return pages;
}

void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count);
void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count)
{
    (void)hv;
    (void)count;
    free(pages);
}

/* Xen takes any entry. */
int __wrap_domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                          struct domm_pte_update *updates, size_t count, size_t *done_r,
                          struct domm_error *err);
int __wrap_domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                          struct domm_pte_update *updates, size_t count, size_t *done_r,
                          struct domm_error *err)
{
    (void)hv;
    (void)table_owner;
    (void)frame_owner;
    (void)err;
    *done_r = count;
    for (size_t i = 0; i < count; i++) {
        MUST(updates[i].slot < DOMM_PTES && updates[i].table_mfn < FRAMES);
        updates[i].error = 0;
        memory[updates[i].table_mfn][updates[i].slot] = updates[i].value;
    }
    return 0;
}

static void scan(void)
{
    struct domm_error err;
    struct domm_scan found;
    size_t kept, cleared;
    if (domm_scan(NULL, 1, &found, &err))
        return;
    for (size_t i = 0; i < found.count; i++)
        MUST(found.foreign[i].slot < DOMM_PTES && found.foreign[i].l1_pfn < FRAMES);
    if (domm_scan_clear(NULL, 1, &found, NULL, NULL, &kept, &cleared, &err) == 0)
        MUST(kept + cleared <= found.count);
    domm_scan_free(&found);
}

static void locate(uint64_t va)
{
    struct domm_error err;
    struct domm_region regions[2] = {{.va = va & ~(uint64_t)(DOMM_REGION_BYTES - 1)}};
    size_t found;
    if (domm_regions_locate(NULL, 1, regions, 2, &found, &err) == 0)
        MUST(found <= 2);
}

static int read_memory(const void *context, uint64_t address, void *buffer, size_t size)
{
    (void)context;
    MUST(address + size <= sizeof(memory));
    memcpy(buffer, (unsigned char *)memory + address, size);
    return 0;
}

static void walk(uint64_t va, uint64_t root)
{
    static struct pagetable_walker walker;
    const struct domm_physical physical = {.read = read_memory, .frames = FRAMES};
    uint64_t address, left;
    walker = (struct pagetable_walker){
        .physical = &physical, .root = root << 12, .levels = root & 64 ? 5 : 4};
    if (pagetable_walk(&walker, va, &address, &left) == 0)
        MUST(left && address < sizeof(memory) && left <= sizeof(memory) - address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint64_t va = fuzz_number(&input, 8), root = fuzz_number(&input, 1);
    build(&input);
    locate(va);
    walk(va, root);
    scan();
    return 0;
}
