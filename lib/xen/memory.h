/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests' memory as dom0 sees it: pausing, mapping, the tables that translate frames, and writing
 * a PV guest's page tables.
 *
 * A gfn is a frame number as the guest counts, an mfn as the machine does. A PV guest's "gfn" is
 * what Xen calls its pfn. Source: tools/libs/guest/xg_domain.c (xc_map_domain_meminfo),
 * xen/arch/x86/mm.c (do_mmu_update), xen/include/public/xen.h.
 */
#ifndef DOMM_XEN_MEMORY_H
#define DOMM_XEN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define DOMM_PAGE_SIZE 4096u
#define DOMM_NO_FRAME UINT64_MAX

/* Handles for the calls below; for one thread. */
struct domm_memory;

/* The log is borrowed until domm_memory_close. */
int domm_memory_open(struct domm_log *log, struct domm_memory **memory_r, struct domm_error *err);
void domm_memory_close(struct domm_memory *memory); /* null is fine */
struct domm_log *domm_memory_log(const struct domm_memory *memory);

/* The controller pause: on return no vCPU of the domain runs. It counts, so that each pause wants
 * one unpause. */
int domm_memory_pause(struct domm_memory *memory, uint32_t domid, struct domm_error *err);
int domm_memory_unpause(struct domm_memory *memory, uint32_t domid, struct domm_error *err);

/* Whether anybody has it paused; false if it is not there. */
bool domm_memory_paused(struct domm_memory *memory, uint32_t domid);

enum domm_page_kind {
    DOMM_PAGE_ORDINARY,
    DOMM_PAGE_L1,
    DOMM_PAGE_L2,
    DOMM_PAGE_L3,
    DOMM_PAGE_L4,
    DOMM_PAGE_ABSENT,
};

/* A 64-bit PV guest's p2m, and what Xen uses each page as at the moment of asking. The p2m is the
 * guest's own memory and changes under the reader unless it is paused. */
struct domm_layout {
    size_t count;         /* gfns */
    const uint64_t *mfns; /* by gfn; DOMM_NO_FRAME where there is none */
    enum domm_page_kind *kinds;
    void *meminfo;
};

/* DOMM_REFUSED for a guest that claims a p2m larger than the host: how large it is, is the guest's
 * word, and dom0 needs memory in proportion, 12 bytes for each frame. Calls for a paused guest. */
int domm_memory_layout(struct domm_memory *memory, uint32_t domid, struct domm_layout *layout_r,
                       struct domm_error *err);
void domm_memory_layout_free(struct domm_memory *memory, struct domm_layout *layout);

/*
 * The layout of a PV guest that was restored and has not run yet. The kinds are not read. Until it
 * runs, its shared_info says where the p2m was at the source, so that domm_memory_layout fails
 * (xg_core_x86.c); but the virtual address of the p2m holds at the destination too.
 */
int domm_memory_layout_restored(struct domm_memory *memory, uint32_t domid,
                                struct domm_layout *layout_r, struct domm_error *err);

/* Where a PV guest's p2m is, for comparing: while it is the same, the p2m has not moved. */
struct domm_p2m_place {
    uint64_t frames, generation, root;
};

int domm_memory_p2m_place(struct domm_memory *memory, uint32_t domid,
                          struct domm_p2m_place *place_r, struct domm_error *err);

/* What Xen uses pages as: mfns of a PV guest, gfns of a translated one. A page that is not the
 * domain's, or that belongs to Xen, is DOMM_PAGE_ABSENT. */
int domm_memory_kinds(struct domm_memory *memory, uint32_t domid, const uint64_t *frames,
                      size_t count, enum domm_page_kind *kinds_r, struct domm_error *err);

/* What Xen uses one page of a PV guest as, by its mfn. */
int domm_memory_kind(struct domm_memory *memory, uint32_t domid, uint64_t mfn,
                     enum domm_page_kind *kind_r, struct domm_error *err);

/* Xen's table from mfn to gfn, for all of the machine's RAM. Belongs to memory. An entry that is
 * no gfn (a frame of nobody or of Xen) has its top bit set. */
int domm_memory_m2p(struct domm_memory *memory, const uint64_t **m2p_r, size_t *count_r,
                    struct domm_error *err);

/* Maps pages of a guest read-only, gfns for a translated guest and mfns for a PV one; errors[i]
 * becomes an errno value, 0 if page i is there. Null if none could be mapped. */
void *domm_memory_map(struct domm_memory *memory, uint32_t domid, const uint64_t *frames,
                      size_t count, int *errors);
void domm_memory_unmap(struct domm_memory *memory, void *pages, size_t count);

/* The size of a guest's address space in frames: the most memory it may have, or, when that
 * reaches the hole below 4 GiB, up to its last frame. */
int domm_memory_frames(struct domm_memory *memory, uint32_t domid, uint64_t *frames_r,
                       struct domm_error *err);

/* How many pages the domain has, by Xen's count. */
int domm_memory_pages(struct domm_memory *memory, uint32_t domid, uint64_t *pages_r,
                      struct domm_error *err);

/* CPU features that guests are given here, or that they may have at most: PV guests, or others. In
 * words as Xen counts them (xen/include/public/arch-x86/cpufeatureset.h); those beyond *count_r
 * are 0. */
#define DOMM_CPU_WORDS 32
int domm_memory_cpu_features(struct domm_memory *memory, bool pv, bool most,
                             uint32_t words_r[DOMM_CPU_WORDS], size_t *count_r,
                             struct domm_error *err);

/* Whether the domain has suspended itself. */
int domm_memory_suspended(struct domm_memory *memory, uint32_t domid, bool *suspended_r,
                          struct domm_error *err);

/* Whether the domain is there and not being destroyed: what fails of one that is not, is no failure
 * of Xen. */
bool domm_memory_alive(struct domm_memory *memory, uint32_t domid);

/* Memory of nobody, in KiB. */
int domm_memory_free_kib(struct domm_memory *memory, uint64_t *kib_r, struct domm_error *err);

/* One page-table entry to be written. */
struct domm_pte_update {
    uint64_t table_mfn;
    uint32_t slot; /* 0 to 511 */
    uint64_t value;
    int error; /* becomes 0, or the errno value of Xen's refusal */
};

/*
 * Writes entries of table_owner's page tables, each checked by Xen: a frame in a value is
 * frame_owner's, as gfn if frame_owner is translated, else as mfn. An entry that is refused does
 * not keep the others from being written. *done_r is how many were.
 *
 * No TLB is flushed: table_owner must be paused, suspended or new.
 */
int domm_memory_update(struct domm_memory *memory, uint32_t table_owner, uint32_t frame_owner,
                       struct domm_pte_update *updates, size_t count, size_t *done_r,
                       struct domm_error *err);

#endif
