/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/guest/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/guest/pagetable.h"

struct domm_kernel {
    struct domm_physical physical;
    struct vmcoreinfo info;
    struct domm_kernel_facts facts;
    struct kallsyms *kallsyms; /* null until asked for */
    char page[VMCOREINFO_BYTES];
};

/* By where the image was loaded, whatever the page tables say. */
static int translate_image(const struct domm_kernel *kernel, uint64_t virtual_address,
                           uint64_t *address_r, uint64_t *left_r)
{
    uint64_t end = kernel->physical.frames * DOMM_GUEST_PAGE;
    if (virtual_address < KERNEL_MAP || virtual_address - KERNEL_MAP >= KERNEL_MAP_SIZE)
        return -EFAULT;
    /* A negative base wraps around as it does in the kernel. */
    uint64_t address = virtual_address - KERNEL_MAP + (uint64_t)kernel->info.phys_base;
    if (address >= end)
        return -EFAULT;
    *address_r = address;
    *left_r = end - address;
    return 0;
}

static int translate(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                     uint64_t virtual_address, uint64_t *address_r, uint64_t *left_r)
{
    return kernel->facts.page_tables ? pagetable_walk(walker, virtual_address, address_r, left_r)
                                     : translate_image(kernel, virtual_address, address_r, left_r);
}

void kernel_start_walker(const struct domm_kernel *kernel, struct pagetable_walker *walker_r)
{
    walker_r->physical = &kernel->physical;
    walker_r->root = kernel->facts.page_table_root;
    walker_r->levels = kernel->facts.levels;
    for (size_t i = 0; i < PAGETABLE_LEVELS; i++)
        walker_r->tables[i].valid = false;
}

int domm_kernel_translate(const struct domm_kernel *kernel, uint64_t virtual_address,
                          uint64_t *address_r, uint64_t *left_r)
{
    struct pagetable_walker walker;
    kernel_start_walker(kernel, &walker);
    return translate(kernel, &walker, virtual_address, address_r, left_r);
}

int kernel_read(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                uint64_t virtual_address, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        uint64_t address, left;
        int rc = translate(kernel, walker, virtual_address + done, &address, &left);
        if (rc)
            return rc;
        size_t part = size - done < left ? size - done : (size_t)left;
        rc = kernel->physical.read(kernel->physical.context, address, (char *)buffer + done, part);
        if (rc)
            return rc;
        done += part;
    }
    return 0;
}

int domm_kernel_read(const struct domm_kernel *kernel, uint64_t virtual_address, void *buffer,
                     size_t size)
{
    struct pagetable_walker walker;
    kernel_start_walker(kernel, &walker);
    return kernel_read(kernel, &walker, virtual_address, buffer, size);
}

static int read_for_kallsyms(const void *context, uint64_t virtual_address, void *buffer,
                             size_t size)
{
    return domm_kernel_read(context, virtual_address, buffer, size);
}

int kernel_symbols(struct domm_kernel *kernel, const struct kallsyms **kallsyms_r)
{
    struct kallsyms_source source = {.read = read_for_kallsyms, .context = kernel};
    int rc = kernel->kallsyms ? 0 : kallsyms_load(&source, &kernel->info, &kernel->kallsyms);
    *kallsyms_r = kernel->kallsyms;
    return rc;
}

int domm_kernel_symbol(struct domm_kernel *kernel, const char *name, struct domm_symbol *symbol_r)
{
    const struct kallsyms *kallsyms;
    int rc = kernel_symbols(kernel, &kallsyms);
    if (rc)
        return rc;
    ssize_t place = kallsyms_find(kallsyms, name);
    if (place < 0)
        return (int)place;
    kallsyms_get(kallsyms, (size_t)place, symbol_r);
    return 0;
}

int domm_kernel_symbol_at(struct domm_kernel *kernel, uint64_t virtual_address,
                          struct domm_symbol *symbol_r)
{
    const struct kallsyms *kallsyms;
    int rc = kernel_symbols(kernel, &kallsyms);
    if (rc)
        return rc;
    ssize_t place = kallsyms_find_at(kallsyms, virtual_address);
    if (place < 0)
        return (int)place;
    kallsyms_get(kallsyms, (size_t)place, symbol_r);
    return 0;
}

static int fill(struct domm_kernel *kernel, uint64_t address)
{
    const struct vmcoreinfo *info = &kernel->info;
    uint64_t root, left;
    int rc = translate_image(kernel, info->page_table, &root, &left);
    if (rc || root % DOMM_GUEST_PAGE)
        return -EPROTO;
    kernel->facts = (struct domm_kernel_facts){
        .kaslr_offset = info->kaslr_offset,
        .phys_base = info->phys_base,
        .page_table_root = root,
        .levels = info->five_levels ? 5 : 4,
        .stext = info->stext,
        .vmcoreinfo = address,
    };
    memcpy(kernel->facts.release, info->release, sizeof(kernel->facts.release));
    return 0;
}

int kernel_open_at(const struct domm_physical *physical, uint64_t address,
                   const char page[VMCOREINFO_BYTES], bool page_tables,
                   struct domm_kernel **kernel_r)
{
    struct domm_kernel *kernel = calloc(1, sizeof(*kernel));
    if (!kernel)
        return -ENOMEM;
    kernel->physical = *physical;
    memcpy(kernel->page, page, VMCOREINFO_BYTES);
    int rc = vmcoreinfo_parse(page, &kernel->info) ? fill(kernel, address) : -EPROTO;
    if (rc) {
        free(kernel);
        return rc;
    }
    kernel->facts.page_tables = page_tables;
    *kernel_r = kernel;
    return 0;
}

/* That _stext is mapped where the image was loaded. */
static bool page_tables_agree(const struct domm_kernel *kernel)
{
    struct pagetable_walker walker;
    uint64_t walked = 0, loaded = 0, left;
    kernel_start_walker(kernel, &walker);
    return pagetable_walk(&walker, kernel->info.stext, &walked, &left) == 0 &&
           translate_image(kernel, kernel->info.stext, &loaded, &left) == 0 && walked == loaded;
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
    if (!rc)
        rc = domm_kernel_translate(kernel, pointer, &address, &left);
    return !rc && address != kernel->facts.vmcoreinfo ? -EPROTO : rc;
}

/*
 * Any process in the target can fill a page with text like this. So it must lead to page tables
 * that map the kernel's image, in it to symbols, and by these back to itself; a kernel that
 * publishes no symbols has to do without that. Sets whether the page tables are usable. -EPROTO or
 * -EFAULT: this is no kernel.
 */
static int check_consistency(struct domm_kernel *kernel)
{
    const struct kallsyms *kallsyms;
    kernel->facts.page_tables = page_tables_agree(kernel);
    int rc = kernel_symbols(kernel, &kallsyms);
    if (!kernel->facts.page_tables)
        return rc == -ENOTSUP ? -EPROTO : rc;
    if (rc)
        return rc == -ENOTSUP ? 0 : rc;
    return check_pointer(kernel);
}

/* How many candidates are looked at, and for how long: a hostile target may hold any number, each
 * with symbols that take long to read, while the agent does nothing else. */
#define MAX_CANDIDATES 1024
#define MAX_MS 3000

static bool is_too_late(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000 > MAX_MS;
}

int domm_kernel_open(const struct domm_physical *physical, struct domm_kernel **kernel_r)
{
    struct vmcoreinfo info;
    uint64_t address = 0;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < MAX_CANDIDATES; i++, address += VMCOREINFO_BYTES) {
        char page[VMCOREINFO_BYTES];
        struct domm_kernel *kernel = NULL;
        int rc = vmcoreinfo_next(physical, &address, &info);
        if (!rc)
            rc = physical->read(physical->context, address, page, sizeof(page));
        if (rc)
            return rc;
        rc = kernel_open_at(physical, address, page, true, &kernel);
        if (!rc)
            rc = check_consistency(kernel);
        if (!rc) {
            *kernel_r = kernel;
            return 0;
        }
        domm_kernel_close(kernel);
        if (rc != -EPROTO && rc != -EFAULT)
            return rc;
        if (is_too_late(&start))
            break;
    }
    return -ENOENT;
}

void domm_kernel_close(struct domm_kernel *kernel)
{
    if (!kernel)
        return;
    kallsyms_free(kernel->kallsyms);
    free(kernel);
}

const struct domm_kernel_facts *domm_kernel_facts(const struct domm_kernel *kernel)
{
    return &kernel->facts;
}

bool domm_kernel_is_there(const struct domm_kernel *kernel)
{
    char page[VMCOREINFO_BYTES];
    uint64_t address = kernel->facts.vmcoreinfo;
    return address / DOMM_GUEST_PAGE < kernel->physical.frames &&
           kernel->physical.read(kernel->physical.context, address, page, sizeof(page)) == 0 &&
           memcmp(page, kernel->page, sizeof(page)) == 0;
}

const char *kernel_page(const struct domm_kernel *kernel)
{
    return kernel->page;
}

const struct vmcoreinfo *kernel_info(const struct domm_kernel *kernel)
{
    return &kernel->info;
}
