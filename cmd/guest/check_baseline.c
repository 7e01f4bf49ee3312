/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking the baseline. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/guest/check.h"
#include "lib/base/cleanup.h"

static int find(struct domm_kernel *kernel, const char *name, uint64_t *address_r,
                struct domm_error *err)
{
    struct domm_symbol symbol;
    int rc = domm_kernel_symbol(kernel, name, &symbol);
    if (rc)
        return domm_fail(err, DOMM_FAILED, "the kernel's symbol %s: %s", name,
                         rc == -ENOTSUP  ? "it publishes no symbols"
                         : rc == -ENOENT ? "there is none"
                                         : strerror(-rc));
    *address_r = symbol.address;
    return 0;
}

static uint64_t round_down(uint64_t address)
{
    return address & ~(uint64_t)(DOMM_GUEST_PAGE - 1);
}

/* Whole pages: what the kernel puts into the rest of the last one is padding. */
static int set_area(struct domm_kernel *kernel, const char *start, const char *end,
                    struct area *area_r, struct domm_error *err)
{
    uint64_t from = 0, to = 0;
    int rc = find(kernel, start, &from, err);
    if (!rc && end)
        rc = find(kernel, end, &to, err);
    if (rc)
        return rc;
    if (!end)
        to = from + (uint64_t)GATES * GATE_BYTES;
    *area_r = (struct area){round_down(from), round_down(to + DOMM_GUEST_PAGE - 1)};
    if (from < KERNEL_MAP || to <= from || to - KERNEL_MAP > KERNEL_MAP_SIZE)
        return domm_fail(err, DOMM_FAILED, "the kernel's symbols make no sense: %s", start);
    return 0;
}

static int add_area(const struct domm_kernel *kernel, const struct area *area,
                    struct baseline_writer *writer, struct domm_error *err)
{
    unsigned char page[DOMM_GUEST_PAGE];
    for (uint64_t address = area->start; address < area->end; address += DOMM_GUEST_PAGE) {
        int rc = domm_kernel_read(kernel, address, page, sizeof(page));
        if (rc)
            return domm_fail_errno(err, DOMM_FAILED, -rc, "reading the kernel at 0x%llx",
                                   (unsigned long long)address);
        rc = baseline_add(writer, page, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_baseline(struct domm_kernel *kernel, FILE *stream, struct domm_error *err)
{
    const struct domm_kernel_facts *facts = domm_kernel_facts(kernel);
    struct baseline baseline = {.vmcoreinfo_address = facts->vmcoreinfo,
                                .page_tables = facts->page_tables};
    struct baseline_writer *writer = NULL;
    memcpy(baseline.vmcoreinfo, kernel_page(kernel), VMCOREINFO_BYTES);
    int rc = set_area(kernel, "_stext", "_etext", &baseline.areas[AREA_TEXT], err);
    if (!rc)
        rc = set_area(kernel, "__start_rodata", "__end_rodata", &baseline.areas[AREA_RODATA], err);
    if (!rc)
        rc = set_area(kernel, "idt_table", NULL, &baseline.areas[AREA_IDT], err);
    if (!rc)
        rc = baseline_start(stream, &writer, err);
    for (size_t i = 0; !rc && i < AREAS; i++)
        rc = add_area(kernel, &baseline.areas[i], writer, err);
    if (!rc)
        return baseline_finish(writer, &baseline, err);
    baseline_abandon(writer);
    return rc;
}

int take_baseline(const struct domm_physical *physical, FILE *stream, struct domm_error *err)
{
    struct domm_kernel *kernel;
    int rc = domm_kernel_open(physical, &kernel);
    if (rc == -ENOENT)
        return domm_fail(err, DOMM_NOT_FOUND, "no Linux kernel is found in the memory");
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "looking for the kernel");
    rc = write_baseline(kernel, stream, err);
    domm_kernel_close(kernel);
    return rc;
}
