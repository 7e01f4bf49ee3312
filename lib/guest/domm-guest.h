/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdomm-guest: for programs in a domM that read the memory of its targets.
 *
 * dommd in dom0 puts the target's frames, read-only, into this process's page tables; from then on
 * they are read at memory speed, without a system call. dom0 may take them back at any moment.
 * Then domm_guest_read fails with EIO; a plain access to the page is a SIGBUS.
 *
 * All calls are for one thread. Functions return 0 or a count, or a negative errno value:
 *   -ENODEV  this is no Xen guest, or its kernel lacks gntalloc or evtchn
 *   -EAGAIN  dommd is not there (yet): call domm_guest_poll, or wait and try again
 *   -EIO     the target, or that part of its memory, is not mapped (any more)
 *   -ENOENT  no such target
 *   -EPROTO  dommd says what makes no sense
 *   -ENOMEM, -EMFILE, ... from the system
 *
 * Link with -ldomm-guest -lxenvchan -lxengnttab -lxenevtchn -lxentoolcore -lxentoollog -lxenstore.
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

/* Readable when domm_guest_poll has something to do. May change with each domm_guest_poll. */
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

#ifdef __cplusplus
}
#endif

#endif
