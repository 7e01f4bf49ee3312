/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing the kernel with its baseline. */
#include <errno.h>
#include <string.h>

#include "cmd/kernel-check/check.h"

/* Read in one call. */
#define CHUNK_PAGES 64u
#define CHUNK_BYTES (CHUNK_PAGES * DOMM_VMI_PAGE)

/* Differences with fewer equal bytes between them are one. */
#define GAP 8u

struct pass {
    struct baseline *baseline;
    struct knowledge *knowledge;
    const struct domm_kernel *kernel;
    struct pagetable_walker *walker; /* shared by the whole pass */
    struct changes *changes;
    struct domm_error *err;
};

/* False if the list is full. A patch in progress is no reason to say so. */
static bool add_change(struct pass *pass, const struct change *what, const unsigned char *was,
                       const unsigned char *now)
{
    struct changes *changes = pass->changes;
    if (changes->count == MAX_CHANGES)
        return what->patching;
    struct change *change = &changes->list[changes->count++];
    *change = *what;
    size_t kept = what->size < CHANGE_BYTES ? what->size : CHANGE_BYTES;
    if (was && now) {
        memcpy(change->was, was, kept);
        memcpy(change->now, now, kept);
    }
    return true;
}

static bool in_syscall_table(const struct pass *pass, uint64_t address)
{
    return address >= pass->knowledge->syscall_table &&
           address < pass->knowledge->syscall_table_end;
}

/* Tables are reported by entry. Returns the size of the entry and moves *at to its beginning. */
static size_t entry_of(const struct pass *pass, enum area_kind area, uint64_t page, size_t *at,
                       enum change_kind *kind_r)
{
    size_t size = area == AREA_IDT ? GATE_BYTES : 8;
    if (area != AREA_IDT && !in_syscall_table(pass, page + *at))
        return 0;
    *at -= *at % size;
    *kind_r = area == AREA_IDT ? CHANGE_GATE : CHANGE_SYSCALL;
    return size;
}

/* Where a difference ends: at the latest where a site or a table begins, which is judged
 * separately. */
static size_t extent(const struct pass *pass, uint64_t page, const unsigned char *was,
                     const unsigned char *now, size_t from)
{
    size_t end = from + 1;
    for (size_t i = end; i < DOMM_VMI_PAGE && i - end < GAP; i++) {
        struct site site;
        if (in_syscall_table(pass, page + i) ||
            (knowledge_site(pass->knowledge, page + i, &site) && site.address == page + i))
            break;
        if (was[i] != now[i])
            end = i + 1;
    }
    return end - from;
}

enum patch {
    PATCH_LEGAL,
    PATCH_HALF_WAY, /* perhaps: it is legal in another look then */
    PATCH_ILLEGAL
};

/* The site is read again before it is told: the page may have been read while it was patched. */
static enum patch judge_patch(const struct pass *pass, uint64_t page, const unsigned char *now,
                              const struct site *site)
{
    unsigned char code[SITE_BYTES], again[SITE_BYTES];
    bool within = site->address >= page && site->address + site->size <= page + DOMM_VMI_PAGE;
    if (within)
        memcpy(code, now + (site->address - page), site->size);
    if (within && site_is_legal(pass->knowledge, site, pass->kernel, code))
        return PATCH_LEGAL;
    if (domm_kernel_read(pass->kernel, site->address, again, site->size))
        return PATCH_ILLEGAL;
    if (site_is_legal(pass->knowledge, site, pass->kernel, again))
        return PATCH_LEGAL;
    return site_is_half_way(pass->knowledge, site, within ? code : again) ? PATCH_HALF_WAY
                                                                          : PATCH_ILLEGAL;
}

/* What differs at *at, and how far; a size of 0 for what the kernel itself may have done. Moves *at
 * to its beginning, or behind what is legal. */
static struct change judge_difference(const struct pass *pass, enum area_kind area, uint64_t page,
                                      const unsigned char *was, const unsigned char *now,
                                      size_t *at)
{
    struct change change = {.kind = area == AREA_TEXT ? CHANGE_TEXT : CHANGE_RODATA};
    struct site site;
    bool in_site = area == AREA_TEXT && knowledge_site(pass->knowledge, page + *at, &site);
    enum patch patch = in_site ? judge_patch(pass, page, now, &site) : PATCH_ILLEGAL;
    size_t end = in_site ? (size_t)(site.address + site.size - page) : 0;
    if (patch == PATCH_LEGAL) {
        *at = end;
        return change;
    }
    change.patching = patch == PATCH_HALF_WAY;
    change.size = change.patching ? (end < DOMM_VMI_PAGE ? end : DOMM_VMI_PAGE) - *at
                                  : entry_of(pass, area, page, at, &change.kind);
    if (!change.size)
        change.size = extent(pass, page, was, now, *at);
    change.address = page + *at;
    return change;
}

/* Reports the differences of a page, except those that the kernel itself may make. */
static bool examine(struct pass *pass, enum area_kind area, uint64_t page, const unsigned char *was,
                    const unsigned char *now)
{
    for (size_t at = 0; at < DOMM_VMI_PAGE;) {
        if (was[at] == now[at]) {
            at++;
            continue;
        }
        struct change change = judge_difference(pass, area, page, was, now, &at);
        if (change.size && !add_change(pass, &change, was + at, now + at))
            return false;
        at += change.size;
    }
    return true;
}

static int examine_page(struct pass *pass, enum area_kind area, size_t position, uint64_t address,
                        const unsigned char *now)
{
    unsigned char was[DOMM_VMI_PAGE];
    int rc =
        pass->knowledge->baseline ? 0 : knowledge_load(pass->baseline, pass->knowledge, pass->err);
    if (rc)
        return rc;
    rc = baseline_page(pass->baseline, position, was, pass->err);
    if (!rc && !examine(pass, area, address, was, now))
        pass->changes->more++;
    return rc;
}

static int compare_page(struct pass *pass, enum area_kind area, size_t position, uint64_t address,
                        const unsigned char *now)
{
    bool equal;
    if (baseline_compare(pass->baseline, position, now, &equal))
        return domm_no_memory(pass->err);
    return equal ? 0 : examine_page(pass, area, position, address, now);
}

/* Compares page by page, because a page of the chunk is not mapped. */
static int compare_singly(struct pass *pass, enum area_kind area, size_t position, uint64_t address,
                          size_t pages)
{
    unsigned char now[DOMM_VMI_PAGE];
    int rc = 0;
    for (size_t i = 0; !rc && i < pages; i++, address += DOMM_VMI_PAGE) {
        rc = kernel_read(pass->kernel, pass->walker, address, now, sizeof(now));
        if (rc == -EFAULT) {
            struct change change = {
                .kind = CHANGE_UNMAPPED, .address = address, .size = DOMM_VMI_PAGE};
            pass->changes->more += !add_change(pass, &change, NULL, NULL);
            rc = 0;
        } else if (rc) {
            rc = domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
        } else {
            rc = compare_page(pass, area, position + i, address, now);
        }
    }
    return rc;
}

static int compare_chunk(struct pass *pass, enum area_kind area, size_t position, uint64_t address,
                         size_t pages)
{
    static unsigned char chunk[CHUNK_BYTES];
    int rc = kernel_read(pass->kernel, pass->walker, address, chunk, pages * DOMM_VMI_PAGE);
    if (rc == -EFAULT)
        return compare_singly(pass, area, position, address, pages);
    if (rc)
        return domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
    for (size_t i = 0; !rc && i < pages; i++)
        rc = compare_page(pass, area, position + i, address + i * DOMM_VMI_PAGE,
                          chunk + i * DOMM_VMI_PAGE);
    return rc;
}

static int compare_areas(struct pass *pass)
{
    size_t position = 0;
    for (size_t i = 0; i < AREAS; i++) {
        const struct area *area = &pass->baseline->areas[i];
        for (uint64_t address = area->start; address < area->end;) {
            uint64_t rest = (area->end - address) / DOMM_VMI_PAGE;
            size_t pages = rest < CHUNK_PAGES ? (size_t)rest : CHUNK_PAGES;
            int rc = compare_chunk(pass, (enum area_kind)i, position, address, pages);
            if (rc)
                return rc;
            position += pages;
            address += (uint64_t)pages * DOMM_VMI_PAGE;
        }
    }
    return 0;
}

/* VMCOREINFO shows whether the same kernel is at the same place, if it is in the memory. */
static int compare_check_identity(const struct baseline *baseline,
                                  const struct domm_physical *physical, struct pass *pass)
{
    char page[VMCOREINFO_BYTES];
    if (!baseline->vmcoreinfo_address)
        return 0;
    bool within = baseline->vmcoreinfo_address / DOMM_VMI_PAGE < physical->frames;
    int rc =
        within ? physical->read(physical->context, baseline->vmcoreinfo_address, page, sizeof(page))
               : 0;
    if (rc)
        return domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
    struct change change = {
        .kind = CHANGE_KERNEL, .address = baseline->vmcoreinfo_address, .size = VMCOREINFO_BYTES};
    if (!within || memcmp(page, baseline->vmcoreinfo, sizeof(page)) != 0)
        add_change(pass, &change, NULL, NULL);
    return 0;
}

int compare(struct baseline *baseline, const struct domm_physical *physical,
            struct knowledge *knowledge, struct changes *changes_r, struct domm_error *err)
{
    struct domm_kernel *kernel;
    struct pagetable_walker walker;
    struct pass pass = {.baseline = baseline,
                        .knowledge = knowledge,
                        .walker = &walker,
                        .changes = changes_r,
                        .err = err};
    changes_r->count = 0;
    changes_r->more = 0;
    int rc = compare_check_identity(baseline, physical, &pass);
    if (rc || changes_r->count)
        return rc;
    rc = kernel_open_at(physical, baseline->vmcoreinfo_address, baseline->vmcoreinfo,
                        baseline->page_tables, &kernel);
    if (rc == -ENOMEM)
        return domm_no_memory(err);
    if (rc)
        return domm_fail(err, DOMM_REFUSED, "the VMCOREINFO in the baseline is invalid");
    pass.kernel = kernel;
    kernel_start_walker(kernel, &walker);
    rc = compare_areas(&pass);
    domm_kernel_close(kernel);
    return rc;
}
