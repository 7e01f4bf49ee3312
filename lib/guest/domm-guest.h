/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdomm-guest: for programs in a domM that read the memory of its targets.
 *
 * dommd in dom0 puts the target's frames, read-only, into this process's page tables; from then on
 * they are read at memory speed, without a system call. dom0 may take them back at any moment.
 * Then domm_guest_read fails with EIO; a plain access to the page is a SIGBUS.
 *
 * All calls are for one thread. Functions return 0 or a count, or a negative errno value:
 *   -ENODEV  this is no Xen guest, or its kernel lacks gntalloc
 *   -EAGAIN  dommd is not there (yet): call domm_guest_poll, or wait and try again
 *   -EIO     the target, or that part of its memory, is not mapped (any more)
 *   -ENOENT  no such target
 *   -EPROTO  dommd, or the target's kernel, says what makes no sense
 *   -ENOMEM, -EMFILE, ... from the system
 *
 * What needs no dommd (domm_physical_file, domm_kernel_*) links with -ldomm-guest alone; the rest
 * with -ldomm-guest -lxengnttab -lxentoolcore -lxentoollog -lxenstore, and gets a thread of
 * libxenstore's.
 */
#ifndef DOMM_GUEST_H
#define DOMM_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOMM_GUEST_PAGE 4096
#define DOMM_GUEST_MAX_TARGETS 32

struct domm_guest;

/* Offers a channel to dommd. It is open once dommd has taken it, in domm_guest_poll. */
int domm_guest_open(struct domm_guest **guest_r);

/* Takes everything back. Memories (below) are invalid from then on. */
void domm_guest_close(struct domm_guest *guest);

/* Readable when domm_guest_poll has something to do; but that dommd has ended is seen by calling
 * it now and then alone. */
int domm_guest_fd(const struct domm_guest *guest);

/*
 * Waits up to timeout_ms (0: not at all) for dommd, and does what there is to do: opens the channel
 * again after dommd has ended or domM was migrated, maps again what was mapped, notices what was
 * taken back. Returns 1 when the list of targets may have changed, else 0.
 */
int domm_guest_poll(struct domm_guest *guest, int timeout_ms);

/* A target of this domM, by its place in dom0's record. */
struct domm_guest_target {
    unsigned char uuid[16];
    char name[64];   /* empty if it does not run */
    uint64_t frames; /* the size of its memory in pages, holes included */
    bool attached;   /* it runs, and its memory can be mapped */
};

/* How many there are; the first `room` are copied. */
int domm_guest_targets(struct domm_guest *guest, struct domm_guest_target *targets_r, size_t room);

/* A target's memory, as far as it is mapped. */
struct domm_guest_memory;

/* Reserves address space for the target's memory; maps nothing yet. */
int domm_guest_memory_open(struct domm_guest *guest, const unsigned char uuid[16],
                           struct domm_guest_memory **memory_r);
void domm_guest_memory_close(struct domm_guest_memory *memory); /* null is fine */

/*
 * Maps these frames, as many at once as the channel takes. Frames that the target does not have
 * are holes, and no error. Frames mapped already are mapped anew. Returns how many are mapped.
 */
ssize_t domm_guest_map(struct domm_guest_memory *memory, uint64_t gfn, uint64_t count);

/* Takes them back by request. */
int domm_guest_unmap(struct domm_guest_memory *memory, uint64_t gfn, uint64_t count);

/* Its size in frames, fixed when it was opened. */
uint64_t domm_guest_memory_frames(const struct domm_guest_memory *memory);

/* Grows each time something is taken back; if it has not changed, nothing was. */
uint64_t domm_guest_generation(const struct domm_guest_memory *memory);

/* Whether the frame is mapped, as far as is known. */
bool domm_guest_is_mapped(const struct domm_guest_memory *memory, uint64_t gfn);

/* Where a mapped frame is read, or null. Valid until it is taken back. */
const void *domm_guest_page(const struct domm_guest_memory *memory, uint64_t gfn);

/*
 * Copies bytes of the target's memory, a hole as zeroes. Never touches what is known to be taken
 * back, and survives what is taken back meanwhile: -EIO. Installs a SIGBUS handler for the process
 * the first time, which passes on every SIGBUS that is not its own.
 */
ssize_t domm_guest_read(const struct domm_guest_memory *memory, uint64_t address, void *buffer,
                        size_t size);

/*
 * Physical memory, wherever it is read from. `read` fills the buffer from the byte address, or
 * returns a negative errno value; holes read as zeroes. It is asked for nothing beyond `frames`.
 */
struct domm_physical {
    int (*read)(const void *context, uint64_t address, void *buffer, size_t size);
    const void *context; /* borrowed */
    uint64_t frames;
};

/* What is mapped of a target. */
struct domm_physical domm_physical_guest(const struct domm_guest_memory *memory);

/* A file in which offset and physical address are the same: /run/domm/TARGET/mem, or an image of a
 * memory. *fd must stay open; 0, or what fstat fails with. */
int domm_physical_file(const int *fd, struct domm_physical *physical_r);

/*
 * The Linux kernel (x86-64) that runs in a memory. All of it is read from the target, whose
 * intruder may have written it: nothing of it is taken for more than the target's word, and a
 * monitor should remember from a time of trust what it relies on. The functions return besides
 *   -ENOENT   no kernel is found, or no such symbol
 *   -EFAULT   nothing is mapped at the virtual address, or nothing within the memory
 *   -ENOTSUP  the kernel does not publish its symbols (before Linux 6.0)
 */
struct domm_kernel;

struct domm_kernel_facts {
    char release[66];         /* as by uname -r; printable */
    uint64_t kaslr_offset;    /* how far its image is moved, in bytes */
    int64_t phys_base;        /* physical address = virtual - 0xffffffff80000000 + phys_base */
    uint64_t page_table_root; /* the kernel's own, a physical address */
    unsigned int levels;      /* of page tables: 4 or 5 */
    uint64_t stext;           /* where its text begins, a virtual address */
    uint64_t vmcoreinfo;      /* where all this was found, a physical address */
    /* Its page tables hold this memory's frames. A PV guest's hold the host's; then addresses of
     * the kernel's image alone are translated, by phys_base. */
    bool page_tables;
};

/* Looks for the kernel, page by page: with a gigabyte this takes a moment. */
int domm_kernel_open(const struct domm_physical *physical, struct domm_kernel **kernel_r);
void domm_kernel_close(struct domm_kernel *kernel); /* null is fine */

const struct domm_kernel_facts *domm_kernel_facts(const struct domm_kernel *kernel);

/* Whether it is still there, unmoved: not after a reboot. Its answers are stale if it is not. */
bool domm_kernel_is_there(const struct domm_kernel *kernel);

/* Through the page tables as they are now. From *address_r on, *left_r bytes are contiguous. */
int domm_kernel_translate(const struct domm_kernel *kernel, uint64_t virtual_address,
                          uint64_t *address_r, uint64_t *left_r);

/* Copies from virtual addresses, all of it or nothing. */
int domm_kernel_read(const struct domm_kernel *kernel, uint64_t virtual_address, void *buffer,
                     size_t size);

#define DOMM_SYMBOL_LENGTH 512 /* with the terminator */

struct domm_symbol {
    uint64_t address;
    uint64_t size; /* up to the next symbol; 0 for the last */
    char type;     /* as nm(1) */
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
