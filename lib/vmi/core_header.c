/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/vmi/core_header.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "lib/vmi/kernel_internal.h"

#define DIRECT_MAP_4_LEVELS UINT64_C(0xffff888000000000)
#define DIRECT_MAP_5_LEVELS UINT64_C(0xff11000000000000)

#define MOST_SEGMENTS 3u

_Static_assert(sizeof(((struct elf_prstatus *)0)->pr_reg) == sizeof(struct user_regs_struct),
               "the registers of a note are those of ptrace(2)");

uint64_t core_direct_map(struct domm_kernel *kernel)
{
    struct domm_symbol symbol;
    uint64_t address = 0;
    if (domm_kernel_symbol(kernel, "page_offset_base", &symbol) == 0 &&
        domm_kernel_read(kernel, symbol.address, &address, sizeof(address)) == 0 && address)
        return address;
    return domm_kernel_facts(kernel)->levels == 5 ? DIRECT_MAP_5_LEVELS : DIRECT_MAP_4_LEVELS;
}

static size_t aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static size_t note_size(const char *name, size_t size)
{
    return sizeof(Elf64_Nhdr) + aligned(strlen(name) + 1) + aligned(size);
}

static unsigned char *put_note(unsigned char *at, const char *name, unsigned int type,
                               const void *bytes, size_t size)
{
    const Elf64_Nhdr note = {
        .n_namesz = (Elf64_Word)strlen(name) + 1, .n_descsz = (Elf64_Word)size, .n_type = type};
    memcpy(at, &note, sizeof(note));
    memcpy(at + sizeof(note), name, note.n_namesz);
    memcpy(at + sizeof(note) + aligned(note.n_namesz), bytes, size);
    return at + note_size(name, size);
}

static unsigned char *put_registers(unsigned char *at, const struct user_regs_struct *registers,
                                    size_t cpu)
{
    struct elf_prstatus status = {.pr_pid = (pid_t)cpu + 1};
    memcpy(&status.pr_reg, registers, sizeof(status.pr_reg));
    return put_note(at, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static Elf64_Phdr memory_segment(uint64_t physical, uint64_t bytes, uint64_t address, size_t head)
{
    return (Elf64_Phdr){.p_type = PT_LOAD,
                        .p_flags = PF_R | PF_W | PF_X,
                        .p_offset = head + physical,
                        .p_vaddr = address,
                        .p_paddr = physical,
                        .p_filesz = bytes,
                        .p_memsz = bytes,
                        .p_align = DOMM_VMI_PAGE};
}

/* False if the kernel's text is not where that segment could be. The map of the image ends where
 * that of modules begins. */
static bool text_segment(const struct domm_kernel *kernel, size_t head, Elf64_Phdr *segment_r)
{
    uint64_t stext = kernel ? kernel->facts.stext : 0, physical, bytes;
    if (!kernel || kernel_translate_image(kernel, stext, &physical, &bytes) ||
        stext % DOMM_VMI_PAGE || physical % DOMM_VMI_PAGE)
        return false;
    uint64_t map = KERNEL_MAP + KERNEL_MAP_SIZE - stext;
    *segment_r = memory_segment(physical, bytes < map ? bytes : map, stext, head);
    return true;
}

static void put_headers(unsigned char *at, const struct core_facts *facts, size_t notes,
                        size_t size)
{
    Elf64_Phdr segments[MOST_SEGMENTS] = {{.p_type = PT_NOTE,
                                           .p_offset = sizeof(Elf64_Ehdr) + sizeof(segments),
                                           .p_filesz = notes,
                                           .p_memsz = notes}};
    Elf64_Half count = 1;
    if (text_segment(facts->kernel, size, &segments[count]))
        count++;
    segments[count++] = memory_segment(0, facts->frames * DOMM_VMI_PAGE, facts->direct_map, size);
    const Elf64_Ehdr head = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(head),
        .e_ehsize = sizeof(head),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = count,
    };
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), segments, sizeof(segments));
}

unsigned char *core_header_make(const struct core_facts *facts, size_t *size_r)
{
    const char *vmcoreinfo = facts->kernel ? kernel_page(facts->kernel) : NULL;
    size_t text = vmcoreinfo ? strnlen(vmcoreinfo, VMCOREINFO_BYTES) : 0;
    size_t notes = facts->n_registers * note_size("CORE", sizeof(struct elf_prstatus)) +
                   (text ? note_size("VMCOREINFO", text) : 0);
    size_t begin = sizeof(Elf64_Ehdr) + MOST_SEGMENTS * sizeof(Elf64_Phdr);
    size_t size = (begin + notes + DOMM_VMI_PAGE - 1) / DOMM_VMI_PAGE * DOMM_VMI_PAGE;
    unsigned char *bytes = calloc(1, size);
    if (!bytes)
        return NULL;
    put_headers(bytes, facts, notes, size);
    unsigned char *at = bytes + begin;
    for (size_t i = 0; i < facts->n_registers; i++)
        at = put_registers(at, &facts->registers[i], i);
    if (text)
        put_note(at, "VMCOREINFO", 0, vmcoreinfo, text);
    *size_r = size;
    return bytes;
}
