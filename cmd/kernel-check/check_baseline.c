/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking the baseline. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/cleanup.h"

/* What can be done is to give symbols by hand. */
static int no_symbol(const char *name, int rc, struct domm_error *err)
{
    if (rc == -ENOENT)
        return domm_fail(err, DOMM_FAILED, "the kernel's symbol %s: not found", name);
    if (rc != -ENOTSUP)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "the kernel's symbol %s", name);
    domm_fail(err, DOMM_FAILED, "the kernel's symbols were not found");
    return domm_hint(err, "--system-map FILE gives its symbols by hand");
}

static int baseline_find(struct domm_kernel *kernel, const char *name, uint64_t *address_r,
                         struct domm_error *err)
{
    struct domm_symbol symbol;
    int rc = domm_kernel_symbol(kernel, name, &symbol);
    if (rc)
        return no_symbol(name, rc, err);
    *address_r = symbol.address;
    return 0;
}

static uint64_t round_down(uint64_t address)
{
    return address & ~(uint64_t)(DOMM_VMI_PAGE - 1);
}

/* Whole pages: the kernel fills the rest of the last page with padding. */
static int set_area(struct domm_kernel *kernel, const char *start, const char *end,
                    struct area *area_r, struct domm_error *err)
{
    uint64_t from = 0, to = 0;
    int rc = baseline_find(kernel, start, &from, err);
    if (!rc && end)
        rc = baseline_find(kernel, end, &to, err);
    if (rc)
        return rc;
    if (!end)
        to = from + (uint64_t)GATES * GATE_BYTES;
    *area_r = (struct area){round_down(from), round_down(to + DOMM_VMI_PAGE - 1)};
    if (from < KERNEL_MAP || to <= from || to - KERNEL_MAP > KERNEL_MAP_SIZE)
        return domm_fail(err, DOMM_FAILED, "the kernel's symbols are inconsistent: %s", start);
    return 0;
}

static int add_area(const struct domm_kernel *kernel, const struct area *area,
                    struct baseline_writer *writer, struct domm_error *err)
{
    unsigned char page[DOMM_VMI_PAGE];
    for (uint64_t address = area->start; address < area->end; address += DOMM_VMI_PAGE) {
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

static int baseline_write_areas(struct domm_kernel *kernel, FILE *stream, struct baseline *baseline,
                                struct baseline_writer **writer_r, struct domm_error *err)
{
    int rc = set_area(kernel, "_stext", "_etext", &baseline->areas[AREA_TEXT], err);
    if (rc)
        return rc;
    rc = set_area(kernel, "__start_rodata", "__end_rodata", &baseline->areas[AREA_RODATA], err);
    if (rc)
        return rc;
    rc = set_area(kernel, "idt_table", NULL, &baseline->areas[AREA_IDT], err);
    if (rc)
        return rc;
    rc = baseline_start(stream, writer_r, err);
    for (size_t i = 0; !rc && i < AREAS; i++)
        rc = add_area(kernel, &baseline->areas[i], *writer_r, err);
    return rc;
}

static int baseline_write(struct domm_kernel *kernel, const struct kernel_given *given,
                          FILE *stream, struct domm_error *err)
{
    const struct domm_kernel_facts *facts = domm_kernel_facts(kernel);
    struct baseline baseline = {.vmcoreinfo_address = facts->vmcoreinfo,
                                .page_tables = facts->page_tables};
    struct baseline_writer *writer = NULL;
    memcpy(baseline.vmcoreinfo, kernel_page(kernel), VMCOREINFO_BYTES);
    int rc = baseline_write_areas(kernel, stream, &baseline, &writer, err);
    if (!rc && given->symbols)
        rc = baseline_add_symbols(writer, given->symbols, given->symbols_size, err);
    if (rc) {
        baseline_abandon(writer);
        return rc;
    }
    return baseline_finish(writer, &baseline, err);
}

static int no_kernel(int rc, const struct kernel_given *given, struct domm_error *err)
{
    switch (rc) {
    case -ENOENT:
        domm_fail(err, DOMM_NOT_FOUND, "no Linux kernel was found in the memory");
        return given->symbols || given->vmcoreinfo
                   ? domm_hint(err, "what --system-map and --vmcoreinfo give must be of the kernel "
                                    "that runs now")
                   : -(int)err->code;
    case -EINVAL:
        return domm_fail(err, DOMM_REFUSED, "what --system-map or --vmcoreinfo gives is malformed");
    case -ETIMEDOUT:
        domm_fail(err, DOMM_FAILED,
                  "the search for the kernel was cut short: too much in the memory looks like one");
        return domm_hint(err, "--vmcoreinfo FILE tells which one it is");
    default:
        return domm_fail_errno(err, DOMM_FAILED, -rc, "searching for the kernel");
    }
}

int take_baseline(const struct domm_physical *physical, const struct kernel_given *given,
                  FILE *stream, struct domm_error *err)
{
    struct domm_kernel *kernel;
    int rc = kernel_open_given(physical, given, &kernel);
    if (rc)
        return no_kernel(rc, given, err);
    rc = baseline_write(kernel, given, stream, err);
    domm_kernel_close(kernel);
    return rc;
}
