/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/vmi/kernel_internal.h"

int kernel_translate_image(const struct domm_kernel *kernel, uint64_t virtual_address,
                           uint64_t *address_r, uint64_t *left_r)
{
    uint64_t end = kernel->physical.frames * DOMM_VMI_PAGE;
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

static int kernel_translate(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                            uint64_t virtual_address, uint64_t *address_r, uint64_t *left_r)
{
    return kernel->facts.page_tables
               ? pagetable_walk(walker, virtual_address, address_r, left_r)
               : kernel_translate_image(kernel, virtual_address, address_r, left_r);
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
    return kernel_translate(kernel, &walker, virtual_address, address_r, left_r);
}

int kernel_read(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                uint64_t virtual_address, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        uint64_t address, left;
        int rc = kernel_translate(kernel, walker, virtual_address + done, &address, &left);
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
    struct kallsyms_source source = {
        .read = read_for_kallsyms, .context = kernel, .work = kernel->work};
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
    ssize_t position = kallsyms_find(kallsyms, name);
    if (position < 0)
        return (int)position;
    kallsyms_get(kallsyms, (size_t)position, symbol_r);
    return 0;
}

int domm_kernel_symbol_at(struct domm_kernel *kernel, uint64_t virtual_address,
                          struct domm_symbol *symbol_r)
{
    const struct kallsyms *kallsyms;
    int rc = kernel_symbols(kernel, &kallsyms);
    if (rc)
        return rc;
    ssize_t position = kallsyms_find_at(kallsyms, virtual_address);
    if (position < 0)
        return (int)position;
    kallsyms_get(kallsyms, (size_t)position, symbol_r);
    return 0;
}

static int kernel_fill(struct domm_kernel *kernel, uint64_t address)
{
    const struct vmcoreinfo *info = &kernel->info;
    uint64_t root, left;
    int rc = kernel_translate_image(kernel, info->page_table, &root, &left);
    if (rc || root % DOMM_VMI_PAGE)
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
    int rc = vmcoreinfo_parse(page, &kernel->info) ? kernel_fill(kernel, address) : -EPROTO;
    if (rc) {
        free(kernel);
        return rc;
    }
    kernel->facts.page_tables = page_tables;
    *kernel_r = kernel;
    return 0;
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
    return address / DOMM_VMI_PAGE < kernel->physical.frames &&
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
