/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mapping state of a domM: what of its targets it maps, and where in its page tables. It is
 * taken out of them before domM is saved, because libxenguest cannot save an L1 table that maps a
 * frame which is not domM's own, and is written into those of the restored domM before it first
 * runs. It names frames by gfn, and so holds at any host.
 */
#ifndef DOMM_MAPPING_STATE_H
#define DOMM_MAPPING_STATE_H

#include "lib/base/uuid.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/scan.h"

#define DOMM_STATE_TARGETS 64 /* at most */

/* Frames gfn, gfn + 1, ... of one target in slots slot, slot + 1, ... of one L1 table. */
struct domm_state_run {
    uint64_t l1_pfn;
    uint64_t gfn;
    uint64_t flags; /* of each entry; present, never writable */
    uint16_t slot;
    uint16_t count;  /* 1 to DOMM_PTES - slot */
    uint16_t target; /* index */
    bool late;       /* frames of Xen in the target; see domm_state_write */
};

struct domm_state {
    uint16_t n_targets;
    struct domm_uuid targets[DOMM_STATE_TARGETS];
    size_t n_runs;
    struct domm_state_run *runs; /* by rising (l1_pfn, slot), without overlap */
    size_t entries;              /* of all runs */
};

void domm_state_free(struct domm_state *state);

#define cleanup_state DOMM_CLEANUP(domm_state_free)

/* Appends an entry, to the last run if it goes on there. Pure. DOMM_REFUSED if it does not lie
 * behind the last entry, or if one of its values is out of range. */
int domm_state_add(struct domm_state *state, const struct domm_state_run *run,
                   struct domm_error *err);

/* The form in which it travels and is kept: the first eight bytes tell what it is, then comes a
 * version. *bytes_r is the caller's to free. Pure. */
int domm_state_encode(const struct domm_state *state, unsigned char **bytes_r, size_t *size_r,
                      struct domm_error *err);

/* DOMM_REFUSED for whatever domm_state_encode does not write. Pure. */
int domm_state_decode(const unsigned char *bytes, size_t size, struct domm_state *state_r,
                      struct domm_error *err);

/* Who maps whose frames. */
struct domm_state_pair {
    uint32_t domm;
    uint16_t n_targets;
    const struct domm_mapping_target *targets; /* now; by the index in the state */
    const struct domm_uuid *uuids;             /* theirs, for domm_state_take */
};

/*
 * Reads the mapping state of a suspended domM. Each entry is proven to map a frame of one of the
 * targets: DOMM_REFUSED, and what it is, for one that does not, or that is writable, and for
 * anything else that libxenguest could not save, or if domM hides pages. What maps a page that a
 * target has given back to Xen is taken out, and not carried.
 *
 * Xen tells of no frame whose it is. For a PV target it tells whether a frame is the target's. For
 * a translated one the entry is written again as the gfn that the m2p gives, in the target; if the
 * same frame comes out of that, it is the target's, and nothing has changed. Otherwise the entry is
 * refused, and has changed.
 */
int domm_state_take(struct domm_memory *memory, const struct domm_state_pair *pair,
                    struct domm_state *state_r, struct domm_error *err);

/* Whether the mapping state of a domM that runs could be taken: pauses domM and finds what
 * domm_state_take would. Frames of no domain, which a running kernel maps, are passed over. */
int domm_state_check(struct domm_memory *memory, const struct domm_state_pair *pair,
                     struct domm_error *err);

/* Takes the entries out of the page tables of the domM they were taken from, which must still be
 * suspended; layout is its. libxenguest proves that none is left, if domM is paused besides. */
int domm_state_clear(struct domm_memory *memory, uint32_t domm, const struct domm_layout *layout,
                     const struct domm_state *state, struct domm_error *err);

struct domm_state_written {
    size_t entries; /* in place, and read back */
    size_t late;    /* not in place: see below */
};

/*
 * Writes the state into a paused domM's page tables, and reads it back. The layout is domM's:
 * domm_memory_layout_restored of one that was restored and has not run, domm_memory_layout of the
 * one it was taken from. No UUIDs are looked at.
 *
 * Frames of Xen in a target, its shared_info for one, are not there until a restored target has
 * run. They hold nothing to monitor: such an entry stays empty, and counts as late. Any other
 * frame that is not there is DOMM_REFUSED, as is an entry that is in use or a table that is none.
 * After an error some entries may be in place.
 */
int domm_state_write(struct domm_memory *memory, const struct domm_state_pair *pair,
                     const struct domm_layout *layout, const struct domm_state *state,
                     struct domm_state_written *written_r, struct domm_error *err);

#endif
