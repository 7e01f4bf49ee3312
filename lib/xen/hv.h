/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests' memory as dom0 sees it: pausing, mapping, the tables that translate frames, and writing
 * a PV guest's page tables.
 *
 * A gfn is a frame number as the guest counts, an mfn as the machine does. A PV guest's "gfn" is
 * what Xen calls its pfn. Source: tools/libs/guest/xg_domain.c (xc_map_domain_meminfo),
 * xen/arch/x86/mm.c (do_mmu_update), xen/include/public/xen.h.
 */
#ifndef DOMM_XEN_HV_H
#define DOMM_XEN_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define DOMM_PAGE_SIZE 4096u
#define DOMM_NO_FRAME UINT64_MAX

/* Handles for the calls below; for one thread. */
struct domm_hv;

/* The log is borrowed until domm_hv_close. */
int domm_hv_open(struct domm_log *log, struct domm_hv **hv_r, struct domm_error *err);
void domm_hv_close(struct domm_hv *hv); /* null is fine */
struct domm_log *domm_hv_log(const struct domm_hv *hv);

/* Makes a controller pause: on return no vCPU of the domain runs. Pauses are counted: each needs
 * one unpause. */
int domm_hv_pause(struct domm_hv *hv, uint32_t domid, struct domm_error *err);
int domm_hv_unpause(struct domm_hv *hv, uint32_t domid, struct domm_error *err);

/* Whether the domain is paused by any program; false if it does not exist. */
bool domm_hv_paused(struct domm_hv *hv, uint32_t domid);

enum domm_page_kind {
    DOMM_PAGE_ORDINARY,
    DOMM_PAGE_L1,
    DOMM_PAGE_L2,
    DOMM_PAGE_L3,
    DOMM_PAGE_L4,
    DOMM_PAGE_ABSENT,
};

/* A 64-bit PV guest's p2m, and Xen's present use of each page. The p2m is the guest's own memory
 * and changes under the reader unless the guest is paused. */
struct domm_layout {
    size_t count;         /* gfns */
    const uint64_t *mfns; /* by gfn; DOMM_NO_FRAME where there is none */
    enum domm_page_kind *kinds;
    void *meminfo;
};

/* DOMM_REFUSED for a guest that claims a p2m larger than the toolstack lets it grow: the guest
 * itself states the size, and dom0 needs 12 bytes of memory for each frame. The guest must be
 * paused. */
int domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                   struct domm_error *err);
void domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout);

/*
 * The layout of a PV guest that was restored and has not run yet. The kinds are not read. Until it
 * runs, its shared_info says where the p2m was at the source, so that domm_hv_layout fails
 * (xg_core_x86.c); but the virtual address of the p2m holds at the destination too.
 */
int domm_hv_layout_restored(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                            struct domm_error *err);

/* Where a PV guest's p2m is, for comparing: while it is the same, the p2m has not moved. */
struct domm_p2m_location {
    uint64_t frames, generation, root;
};

/* Reads where the p2m is now. */
int domm_hv_p2m_location(struct domm_hv *hv, uint32_t domid, struct domm_p2m_location *location_r,
                         struct domm_error *err);

/* Reads Xen's use of pages: by mfns of a PV guest, gfns of a translated one. A page that is not the
 * domain's, or that belongs to Xen, is DOMM_PAGE_ABSENT. */
int domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                  enum domm_page_kind *kinds_r, struct domm_error *err);

/* Reads Xen's use of one page of a PV guest, by its mfn. */
int domm_hv_kind(struct domm_hv *hv, uint32_t domid, uint64_t mfn, enum domm_page_kind *kind_r,
                 struct domm_error *err);

/* Xen's table from mfn to gfn, for all of the machine's RAM. Belongs to memory. An entry that is
 * no gfn (a frame of nobody or of Xen) has its top bit set. */
int domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                struct domm_error *err);

/* Maps pages of a guest read-only, by gfns for a translated guest and by mfns for a PV one;
 * errors[i] becomes an errno value, 0 if page i is mapped. Null if none could be mapped. */
void *domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                  int *errors);
void domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count);

/* The most memory that the toolstack may give a guest, in pages, as domm_store_static_max. */
uint64_t domm_hv_static_max(uint32_t domid);

/*
 * The size of a guest's memory in frames: up to it lies the RAM that the toolstack has given it, or
 * may give it. No word of the guest's own is taken, which can inflate its last frame
 * (xc_domain_maximum_gpfn), and move pages beyond that size. most: from domm_hv_static_max, or 0
 * if that is not known. Of a guest whose RAM reaches the hole below 4 GiB the hole counts.
 */
int domm_hv_frames(struct domm_hv *hv, uint32_t domid, uint64_t most, uint64_t *frames_r,
                   struct domm_error *err);

/* The size of a memory of that many pages, with the hole in it if they reach that. Pure. */
uint64_t domm_frames_with_hole(uint64_t pages);

/* Whether a gfn of a translated guest lies in that hole, where it has no RAM. Pure. */
bool domm_frame_in_hole(uint64_t gfn);

/* The number of the domain's pages, by Xen's count. */
int domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r, struct domm_error *err);

/*
 * How many pages are missing for the frames of a translated guest that Xen populates on demand
 * (xen/arch/x86/mm/p2m-pod.c): these have no page before they are touched. To map one is to touch
 * it, and Xen destroys the guest when its store of pages is empty. A guest whose balloon has come
 * to rest may have such frames for good, and the store has a page for each of them: then none is
 * missing. Of a guest that has not run yet, all are; of a PV guest, none.
 */
int domm_hv_missing_pages(struct domm_hv *hv, uint32_t domid, uint64_t *missing_r,
                          struct domm_error *err);

/* CPU features that guests are given here, or that they may have at most: PV guests, or others. In
 * words as Xen counts them (xen/include/public/arch-x86/cpufeatureset.h); those beyond *count_r
 * are 0. */
#define DOMM_CPU_WORDS 32
int domm_hv_cpu_features(struct domm_hv *hv, bool pv, bool most, uint32_t words_r[DOMM_CPU_WORDS],
                         size_t *count_r, struct domm_error *err);

/* Whether the domain has suspended itself. */
int domm_hv_suspended(struct domm_hv *hv, uint32_t domid, bool *suspended_r,
                      struct domm_error *err);

/* Whether the domain exists and is not being destroyed: an error about any other domain is no
 * failure of Xen. */
bool domm_hv_alive(struct domm_hv *hv, uint32_t domid);

/* Memory of no domain, in KiB. */
int domm_hv_free_kib(struct domm_hv *hv, uint64_t *kib_r, struct domm_error *err);

/* One page-table entry to be written. */
struct domm_pte_update {
    uint64_t table_mfn;
    uint32_t slot; /* 0 to 511 */
    uint64_t value;
    int error; /* set to 0, or the errno value of Xen's refusal */
};

/*
 * Writes entries of table_owner's page tables, each checked by Xen: a frame in a value is
 * frame_owner's, as gfn if frame_owner is translated, else as mfn. An entry that is refused does
 * not keep the others from being written. *done_r is how many were.
 *
 * No TLB is flushed: table_owner must be paused, suspended or new.
 */
int domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                   struct domm_pte_update *updates, size_t count, size_t *done_r,
                   struct domm_error *err);

#endif
