/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdomm-guest: for programs in a monitor that read the memory of its targets.
 *
 * dommd in dom0 maps the target's frames read-only into this process's page tables; from then on
 * they are read at memory speed, without a system call. dom0 may revoke frames at any moment.
 * Then domm_vmi_read fails with EIO; a plain access to the page causes a SIGBUS.
 *
 * A process that is forked has neither the memory nor the way to dommd. All calls are for one
 * thread. Functions return 0 or a count, or a negative errno value:
 *   -ENODEV  this is no Xen guest, or its kernel lacks gntalloc
 *   -EAGAIN  dommd does not serve this domain (yet): call domm_vmi_poll, or wait and try again
 *   -EIO     the target, or that part of its memory, is not mapped (any more)
 *   -ENOENT  no such target
 *   -EPROTO  an answer of dommd, or data of the target's kernel, is malformed
 *   -ENOMEM, -EMFILE, ... from the system
 *
 * Programs that use only domm_physical_file and domm_kernel_* link with -ldomm-guest; others link
 * with -ldomm-guest -lxengnttab -lxentoolcore -lxentoollog -lxenstore, and get a thread of
 * libxenstore's.
 */
#ifndef DOMM_VMI_DOMM_GUEST_H
#define DOMM_VMI_DOMM_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOMM_VMI_PAGE 4096
#define DOMM_VMI_MAX_TARGETS 32

struct domm_vmi;

/* Offers a channel to dommd. It is open once dommd has connected, in domm_vmi_poll. */
int domm_vmi_open(struct domm_vmi **vmi_r);

/* Closes the channel and all memories (below), which are invalid from then on. */
void domm_vmi_close(struct domm_vmi *vmi);

/* Readable when domm_vmi_poll has something to do. The end of dommd does not make it readable: call
 * domm_vmi_poll from time to time. */
int domm_vmi_fd(const struct domm_vmi *vmi);

/*
 * Waits up to timeout_ms (0: not at all) for dommd, and handles its events: opens the channel again
 * after dommd has ended or the monitor was migrated, maps frames again that were mapped, detects
 * revoked frames, and takes note of what the target has changed: it gives frames back and gets
 * others, which are there or gone from then on. Returns 1 when the list of targets may have changed, else 0.
 */
int domm_vmi_poll(struct domm_vmi *vmi, int timeout_ms);

/* A target of this monitor, by its index in dom0's record. */
struct domm_vmi_target {
    unsigned char uuid[16];
    char name[64];   /* empty if it does not run */
    uint64_t frames; /* the size of its memory in pages, holes included */
    bool attached;   /* the target runs, and its memory can be mapped */
};

/* Returns the number of targets; copies the first `room` of them. */
int domm_vmi_targets(struct domm_vmi *vmi, struct domm_vmi_target *targets_r, size_t room);

/* A target's memory. */
struct domm_vmi_memory;

/* Reserves address space for the target's memory; maps nothing yet. */
int domm_vmi_memory_open(struct domm_vmi *vmi, const unsigned char uuid[16],
                         struct domm_vmi_memory **memory_r);
void domm_vmi_memory_close(struct domm_vmi_memory *memory); /* null is fine */

/*
 * Maps these frames, in as few requests as possible. Frames that the target does not have are
 * holes, and no error. Frames mapped already are mapped anew. Returns how many are mapped.
 */
ssize_t domm_vmi_map(struct domm_vmi_memory *memory, uint64_t gfn, uint64_t count);

/* Unmaps these frames. */
int domm_vmi_unmap(struct domm_vmi_memory *memory, uint64_t gfn, uint64_t count);

/* The memory's size in frames, as of its opening. */
uint64_t domm_vmi_memory_frames(const struct domm_vmi_memory *memory);

/*
 * The target's pages by Xen's count, as dommd has told last; 0 if it has not. If fewer are mapped,
 * with those beyond, after all have been, there is memory that cannot be seen.
 */
uint64_t domm_vmi_owned(const struct domm_vmi_memory *memory);

/*
 * The pages that the target has beyond the size of its memory: those for its console and xenstore,
 * ACPI tables, and whatever its kernel has moved there. domm_vmi_map_beyond maps those that dommd
 * has found since, and returns how many; domm_vmi_beyond tells how many were found in all, in no
 * certain order. domm_vmi_read_beyond reads them one after the other, as domm_vmi_read.
 */
ssize_t domm_vmi_map_beyond(struct domm_vmi_memory *memory);
uint64_t domm_vmi_beyond(const struct domm_vmi_memory *memory);
bool domm_vmi_beyond_is_mapped(const struct domm_vmi_memory *memory, uint64_t index);
ssize_t domm_vmi_read_beyond(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                             size_t size);

/* Increases each time frames are revoked; unchanged means that none was. */
uint64_t domm_vmi_generation(const struct domm_vmi_memory *memory);

/* Whether the frame is mapped, as far as is known here. */
bool domm_vmi_is_mapped(const struct domm_vmi_memory *memory, uint64_t gfn);

/* The address of a mapped frame, or null. Valid until the frame is revoked. */
const void *domm_vmi_page(const struct domm_vmi_memory *memory, uint64_t gfn);

/*
 * Copies bytes of the target's memory; a hole reads as zeroes. Does not access frames known to be
 * revoked, and survives the revocation of others: -EIO. Installs a SIGBUS handler for the process
 * the first time, which passes on every foreign SIGBUS.
 */
ssize_t domm_vmi_read(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                      size_t size);

/*
 * Physical memory from any source. `read` fills the buffer from the byte address, or returns a
 * negative errno value; holes read as zeroes. It is never called for addresses beyond `frames`.
 */
struct domm_physical {
    int (*read)(const void *context, uint64_t address, void *buffer, size_t size);
    const void *context; /* borrowed */
    uint64_t frames;
};

/* Reads the mapped frames of a target. */
struct domm_physical domm_physical_target(const struct domm_vmi_memory *memory);

/* Reads a file whose offsets are physical addresses: /run/domm/TARGET/mem, or an image of a memory.
 * *fd must stay open; 0, or the errno value of fstat. */
int domm_physical_file(const int *fd, struct domm_physical *physical_r);

/*
 * The Linux kernel (x86-64) that runs in a memory. All facts are read from the target, where an
 * intruder may have forged them: a monitor should only rely on facts that it has read at a time of
 * trust. Further errors of these functions:
 *   -ENOENT   no kernel is found, or no such symbol
 *   -ETIMEDOUT  the search was cut short: too much in the memory looks like a kernel
 *   -EFAULT   nothing is mapped at the virtual address, or nothing within the memory
 *   -ENOTSUP  the kernel's symbols are not found (it is not Linux 5.10 to 7.0, or has none)
 */
struct domm_kernel;

struct domm_kernel_facts {
    char release[66];         /* as by uname -r; printable */
    uint64_t kaslr_offset;    /* offset of its image (KASLR), in bytes */
    int64_t phys_base;        /* physical address = virtual - 0xffffffff80000000 + phys_base */
    uint64_t page_table_root; /* physical address of the kernel's page table */
    unsigned int levels;      /* levels of page tables: 4 or 5 */
    uint64_t stext;           /* start of its text, a virtual address */
    uint64_t vmcoreinfo;      /* physical address of its VMCOREINFO; 0: not in the memory */
    /* Its page tables hold this memory's frames. A PV guest's hold the host's; then addresses of
     * the kernel's image alone are translated, by phys_base. */
    bool page_tables;
};

/* Searches for the kernel, page by page: with a gigabyte this takes a moment. At most 3 seconds of
 * CPU time are spent on pages that look like a kernel's. */
int domm_kernel_open(const struct domm_physical *physical, struct domm_kernel **kernel_r);
void domm_kernel_close(struct domm_kernel *kernel); /* null is fine */

/* Facts about the kernel; valid while the kernel is open. */
const struct domm_kernel_facts *domm_kernel_facts(const struct domm_kernel *kernel);

/* Whether the kernel is still there, unmoved; after a reboot it is not, and its answers are
 * stale. */
bool domm_kernel_is_there(const struct domm_kernel *kernel);

/* Translates by the present page tables. From *address_r on, *left_r bytes are contiguous. */
int domm_kernel_translate(const struct domm_kernel *kernel, uint64_t virtual_address,
                          uint64_t *address_r, uint64_t *left_r);

/* Copies from virtual addresses, all bytes or none. */
int domm_kernel_read(const struct domm_kernel *kernel, uint64_t virtual_address, void *buffer,
                     size_t size);

#define DOMM_SYMBOL_LENGTH 512 /* with the terminator */

struct domm_symbol {
    uint64_t address;
    uint64_t size; /* size up to the next symbol; 0 for the last */
    char type;     /* type as in nm(1) */
    char name[DOMM_SYMBOL_LENGTH];
};

/* By name: the first, if there are several. The symbols are loaded once, with the first lookup. */
int domm_kernel_symbol(struct domm_kernel *kernel, const char *name, struct domm_symbol *symbol_r);

/* The nearest symbol at or below a virtual address. */
int domm_kernel_symbol_at(struct domm_kernel *kernel, uint64_t virtual_address,
                          struct domm_symbol *symbol_r);

#ifdef __cplusplus
}
#endif

#endif
