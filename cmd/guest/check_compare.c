/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing the kernel with its baseline. */
#include <errno.h>
#include <string.h>

#include "cmd/guest/check.h"

/* Read at once. */
#define CHUNK_PAGES 64u
#define CHUNK_BYTES (CHUNK_PAGES * DOMM_GUEST_PAGE)

/* Differences with fewer equal bytes between them are one. */
#define GAP 8u

struct pass {
    const struct baseline *baseline;
    struct knowledge *knowledge;
    const struct domm_kernel *kernel;
    struct pagetable_walker *walker; /* one for all that is compared: the pages of a pass are of one
                                        moment no more than its tables */
    struct changes *changes;
    struct domm_error *err;
};

static bool add_change(struct pass *pass, enum change_kind kind, uint64_t address, size_t size,
                       const unsigned char *was, const unsigned char *now)
{
    struct changes *changes = pass->changes;
    if (changes->count == MAX_CHANGES)
        return false;
    struct change *change = &changes->list[changes->count++];
    *change = (struct change){.kind = kind, .address = address, .size = size};
    size_t kept = size < CHANGE_BYTES ? size : CHANGE_BYTES;
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

/* Tables are told by their entries. Returns the entry's size and moves *at to its beginning. */
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

/* How far a difference goes: not into what is judged by itself. */
static size_t extent(const struct pass *pass, uint64_t page, const unsigned char *was,
                     const unsigned char *now, size_t from)
{
    size_t end = from + 1;
    for (size_t i = end; i < DOMM_GUEST_PAGE && i - end < GAP; i++) {
        struct site site;
        if (in_syscall_table(pass, page + i) ||
            (knowledge_site(pass->knowledge, page + i, &site) && site.address == page + i))
            break;
        if (was[i] != now[i])
            end = i + 1;
    }
    return end - from;
}

static bool is_legal_patch(const struct pass *pass, uint64_t page, const unsigned char *now,
                           const struct site *site)
{
    unsigned char code[SITE_BYTES];
    bool within = site->address >= page && site->address + site->size <= page + DOMM_GUEST_PAGE;
    if (within) /* the page is at hand, and each read of the memory costs a walk */
        memcpy(code, now + (site->address - page), site->size);
    else if (domm_kernel_read(pass->kernel, site->address, code, site->size))
        return false;
    return site_is_legal(pass->knowledge, site, pass->kernel, code);
}

/* Tells the page's differences but those that the kernel itself may make. */
static bool examine(struct pass *pass, enum area_kind area, uint64_t page, const unsigned char *was,
                    const unsigned char *now)
{
    for (size_t at = 0; at < DOMM_GUEST_PAGE;) {
        if (was[at] == now[at]) {
            at++;
            continue;
        }
        struct site site;
        if (area == AREA_TEXT && knowledge_site(pass->knowledge, page + at, &site) &&
            is_legal_patch(pass, page, now, &site)) {
            at = (size_t)(site.address + site.size - page);
            continue;
        }
        enum change_kind kind = area == AREA_TEXT ? CHANGE_TEXT : CHANGE_RODATA;
        size_t size = entry_of(pass, area, page, &at, &kind);
        if (!size)
            size = extent(pass, page, was, now, at);
        if (!add_change(pass, kind, page + at, size, was + at, now + at))
            return false;
        at += size;
    }
    return true;
}

static int examine_page(struct pass *pass, enum area_kind area, size_t place, uint64_t address,
                        const unsigned char *now)
{
    unsigned char was[DOMM_GUEST_PAGE];
    int rc =
        pass->knowledge->baseline ? 0 : knowledge_load(pass->baseline, pass->knowledge, pass->err);
    if (!rc)
        rc = baseline_page(pass->baseline, place, was, pass->err);
    if (!rc && !examine(pass, area, address, was, now))
        pass->changes->more++;
    return rc;
}

static int compare_page(struct pass *pass, enum area_kind area, size_t place, uint64_t address,
                        const unsigned char *now)
{
    unsigned char sha256[SHA256_BYTES];
    if (page_hash(now, DOMM_GUEST_PAGE, sha256))
        return domm_no_memory(pass->err);
    if (memcmp(sha256, pass->baseline->pages[place].sha256, SHA256_BYTES) == 0)
        return 0;
    return examine_page(pass, area, place, address, now);
}

/* Page by page, since some page of a chunk is not mapped. */
static int compare_singly(struct pass *pass, enum area_kind area, size_t place, uint64_t address,
                          size_t pages)
{
    unsigned char now[DOMM_GUEST_PAGE];
    int rc = 0;
    for (size_t i = 0; !rc && i < pages; i++, address += DOMM_GUEST_PAGE) {
        rc = kernel_read(pass->kernel, pass->walker, address, now, sizeof(now));
        if (rc == -EFAULT) {
            pass->changes->more +=
                !add_change(pass, CHANGE_UNMAPPED, address, DOMM_GUEST_PAGE, NULL, NULL);
            rc = 0;
        } else if (rc) {
            rc = domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
        } else {
            rc = compare_page(pass, area, place + i, address, now);
        }
    }
    return rc;
}

static int compare_chunk(struct pass *pass, enum area_kind area, size_t place, uint64_t address,
                         size_t pages)
{
    static unsigned char chunk[CHUNK_BYTES];
    int rc = kernel_read(pass->kernel, pass->walker, address, chunk, pages * DOMM_GUEST_PAGE);
    if (rc == -EFAULT)
        return compare_singly(pass, area, place, address, pages);
    if (rc)
        return domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
    for (size_t i = 0; !rc && i < pages; i++)
        rc = compare_page(pass, area, place + i, address + i * DOMM_GUEST_PAGE,
                          chunk + i * DOMM_GUEST_PAGE);
    return rc;
}

static int compare_areas(struct pass *pass)
{
    size_t place = 0;
    for (size_t i = 0; i < AREAS; i++) {
        const struct area *area = &pass->baseline->areas[i];
        for (uint64_t address = area->start; address < area->end;) {
            uint64_t rest = (area->end - address) / DOMM_GUEST_PAGE;
            size_t pages = rest < CHUNK_PAGES ? (size_t)rest : CHUNK_PAGES;
            int rc = compare_chunk(pass, (enum area_kind)i, place, address, pages);
            if (rc)
                return rc;
            place += pages;
            address += (uint64_t)pages * DOMM_GUEST_PAGE;
        }
    }
    return 0;
}

/* VMCOREINFO tells whether the kernel is the same, where it was; -EIO is the memory's failure. */
static int check_identity(const struct baseline *baseline, const struct domm_physical *physical,
                          struct pass *pass)
{
    char page[VMCOREINFO_BYTES];
    bool within = baseline->vmcoreinfo_address / DOMM_GUEST_PAGE < physical->frames;
    int rc =
        within ? physical->read(physical->context, baseline->vmcoreinfo_address, page, sizeof(page))
               : 0;
    if (rc)
        return domm_fail_errno(pass->err, DOMM_FAILED, -rc, "reading the memory");
    if (!within || memcmp(page, baseline->vmcoreinfo, sizeof(page)) != 0)
        add_change(pass, CHANGE_KERNEL, baseline->vmcoreinfo_address, VMCOREINFO_BYTES, NULL, NULL);
    return 0;
}

int compare(const struct baseline *baseline, const struct domm_physical *physical,
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
    int rc = check_identity(baseline, physical, &pass);
    if (rc || changes_r->count)
        return rc;
    rc = kernel_open_at(physical, baseline->vmcoreinfo_address, baseline->vmcoreinfo,
                        baseline->page_tables, &kernel);
    if (rc == -ENOMEM)
        return domm_no_memory(err);
    if (rc)
        return domm_fail(err, DOMM_REFUSED, "the baseline's VMCOREINFO makes no sense");
    pass.kernel = kernel;
    kernel_start_walker(kernel, &walker);
    rc = compare_areas(&pass);
    domm_kernel_close(kernel);
    return rc;
}
