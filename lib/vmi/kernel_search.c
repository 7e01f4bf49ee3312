/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Searching a memory for its kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/vmi/kernel_internal.h"

#define BANNER "Linux version "

/* Checks that _stext is mapped to the image's load address. */
static bool page_tables_agree(const struct domm_kernel *kernel)
{
    struct pagetable_walker walker;
    uint64_t walked = 0, loaded = 0, left;
    kernel_start_walker(kernel, &walker);
    return pagetable_walk(&walker, kernel->info.stext, &walked, &left) == 0 &&
           kernel_translate_image(kernel, kernel->info.stext, &loaded, &left) == 0 &&
           walked == loaded;
}

/* Linux keeps VMCOREINFO where `vmcoreinfo_data` points. */
static int check_pointer(struct domm_kernel *kernel)
{
    struct domm_symbol symbol;
    uint64_t pointer = 0, address = 0, left;
    int rc = domm_kernel_symbol(kernel, "vmcoreinfo_data", &symbol);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    rc = domm_kernel_read(kernel, symbol.address, &pointer, sizeof(pointer));
    if (rc)
        return rc;
    rc = domm_kernel_translate(kernel, pointer, &address, &left);
    if (rc)
        return rc;
    return address == kernel->facts.vmcoreinfo ? 0 : -EPROTO;
}

/* Whether a text that was given by hand is of this kernel: its `linux_banner` must be there, with
 * the release that VMCOREINFO has. */
static int check_banner(struct domm_kernel *kernel)
{
    char expected[sizeof(BANNER) + sizeof(kernel->info.release)], found[sizeof(expected)];
    struct domm_symbol symbol;
    ssize_t position = kallsyms_find(kernel->kallsyms, "linux_banner");
    if (position < 0)
        return -EINVAL;
    kallsyms_get(kernel->kallsyms, (size_t)position, &symbol);
    int length = snprintf(expected, sizeof(expected), BANNER "%s ", kernel->info.release);
    int rc = domm_kernel_read(kernel, symbol.address, found, (size_t)length);
    if (rc)
        return rc;
    return memcmp(found, expected, (size_t)length) == 0 ? 0 : -EPROTO;
}

static int load_given_symbols(struct domm_kernel *kernel, const struct kernel_given *given)
{
    if (!given->symbols)
        return 0;
    int rc = kallsyms_parse(given->symbols, given->symbols_size, &kernel->info, &kernel->kallsyms);
    return rc ? rc : check_banner(kernel);
}

/*
 * Any process in the target can fill a page with text like this. So it must lead to page tables
 * that map the kernel's image, in it to symbols, and by these back to itself; a kernel that
 * publishes no symbols has to do without that. Sets whether the page tables are usable. -EPROTO or
 * -EFAULT: this is no kernel.
 */
static int check_consistency(struct domm_kernel *kernel, const struct kernel_given *given)
{
    const struct kallsyms *kallsyms;
    kernel->facts.page_tables = page_tables_agree(kernel);
    int rc = load_given_symbols(kernel, given);
    if (!rc)
        rc = kernel_symbols(kernel, &kallsyms);
    if (!kernel->facts.page_tables)
        return rc == -ENOTSUP ? -EPROTO : rc;
    if (rc)
        return rc == -ENOTSUP ? 0 : rc;
    return kernel->facts.vmcoreinfo ? check_pointer(kernel) : 0;
}

/* Limits on candidates and on the work for all of them (kallsyms_internal.h): a hostile target may
 * hold any number of candidates, each with symbols that take long to read, and a reader waits
 * meanwhile. Debian's kernels take 0.2 million units, or 1 million before Linux 6.0. */
#define MAX_CANDIDATES 1024
#define MAX_WORK 4000000

struct kernel_search {
    const struct domm_physical *physical;
    const struct kernel_given *given;
    int candidates;
    uint64_t work; /* that is left; going through the memory takes as long as it is large */
};

/* 0; -EPROTO or -EFAULT if this is no kernel. */
static int try_candidate(struct kernel_search *search, uint64_t address, const char *page,
                         struct domm_kernel **kernel_r)
{
    struct domm_kernel *kernel = NULL;
    if (++search->candidates > MAX_CANDIDATES || !search->work)
        return -ETIMEDOUT;
    int rc = kernel_open_at(search->physical, address, page, true, &kernel);
    if (rc)
        return rc;
    kernel->work = &search->work;
    rc = check_consistency(kernel, search->given);
    kernel->work = NULL;
    if (rc)
        domm_kernel_close(kernel);
    else
        *kernel_r = kernel;
    return rc;
}

static bool is_no_kernel(int rc)
{
    return rc == -EPROTO || rc == -EFAULT;
}

/* Tries each page that parses as VMCOREINFO, or is the one that is given. */
static int search_memory(struct kernel_search *search, struct domm_kernel **kernel_r)
{
    const char *wanted = search->given->vmcoreinfo;
    struct vmcoreinfo info;
    for (uint64_t address = 0;; address += VMCOREINFO_BYTES) {
        char page[VMCOREINFO_BYTES];
        int rc = vmcoreinfo_next(search->physical, &address, &info);
        if (!rc)
            rc = search->physical->read(search->physical->context, address, page, sizeof(page));
        if (rc)
            return rc;
        if (wanted && memcmp(page, wanted, sizeof(page)) != 0)
            continue;
        rc = try_candidate(search, address, page, kernel_r);
        if (!is_no_kernel(rc))
            return rc;
    }
}

int kernel_open_given(const struct domm_physical *physical, const struct kernel_given *given,
                      struct domm_kernel **kernel_r)
{
    struct kernel_search search = {.physical = physical, .given = given, .work = MAX_WORK};
    struct vmcoreinfo info;
    if (given->vmcoreinfo && !vmcoreinfo_parse(given->vmcoreinfo, &info))
        return -EINVAL;
    int rc = search_memory(&search, kernel_r);
    if (rc != -ENOENT || !given->vmcoreinfo)
        return rc;
    rc = try_candidate(&search, 0, given->vmcoreinfo, kernel_r);
    return is_no_kernel(rc) ? -ENOENT : rc;
}

int domm_kernel_open(const struct domm_physical *physical, struct domm_kernel **kernel_r)
{
    return kernel_open_given(physical, &(struct kernel_given){.symbols = NULL}, kernel_r);
}
