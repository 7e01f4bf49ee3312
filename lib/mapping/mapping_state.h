/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mapping state of a monitor: which frames of its targets it maps, and where in its page
 * tables. It is taken out of the page tables before the monitor is saved, since libxenguest cannot
 * save an L1 table that maps a foreign frame, and is written into those of the restored monitor
 * before that runs. It names frames by gfn, and so is valid on any host.
 */
#ifndef DOMM_MAPPING_MAPPING_STATE_H
#define DOMM_MAPPING_MAPPING_STATE_H

#include "lib/base/uuid.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/scan.h"

#define DOMM_MAPPING_MAX_TARGETS 64 /* at most */

/* Frames gfn, gfn + 1, ... of one target in slots slot, slot + 1, ... of one L1 table. */
struct domm_mapping_run {
    uint64_t l1_pfn;
    uint64_t gfn;
    uint64_t flags; /* flags of each entry; present, never writable */
    uint16_t slot;
    uint16_t count;  /* 1 to DOMM_PTES - slot */
    uint16_t target; /* index into uuids */
    bool late;       /* need not be there at the destination; see domm_mapping_state_write */
};

struct domm_mapping_state {
    uint16_t n_targets;
    struct domm_uuid targets[DOMM_MAPPING_MAX_TARGETS];
    size_t n_runs;
    struct domm_mapping_run *runs; /* by rising (l1_pfn, slot), without overlap */
    size_t entries;                /* entries of all runs */
};

/* Frees the runs and leaves an empty state. */
void domm_mapping_state_free(struct domm_mapping_state *state);

#define cleanup_mapping_state DOMM_CLEANUP(domm_mapping_state_free)

/* Appends an entry; extends the last run if it continues that. Pure. DOMM_REFUSED if it does not
 * lie behind the last entry, or if one of its values is out of range. */
int domm_mapping_state_add(struct domm_mapping_state *state, const struct domm_mapping_run *run,
                           struct domm_error *err);

/* Encodes the state for sending and keeping: eight bytes of magic, then a version. *bytes_r is the
 * caller's to free. Pure. */
int domm_mapping_state_encode(const struct domm_mapping_state *state, unsigned char **bytes_r,
                              size_t *size_r, struct domm_error *err);

/* DOMM_REFUSED for bytes that domm_mapping_state_encode never writes. Pure. */
int domm_mapping_state_decode(const unsigned char *bytes, size_t size,
                              struct domm_mapping_state *state_r, struct domm_error *err);

/* A monitor and its targets. */
struct domm_mapping_pair {
    uint32_t monitor;
    uint16_t n_targets;
    const struct domm_mapping_target *targets; /* the targets now, by their index in the state */
    const struct domm_uuid *uuids;             /* the targets' UUIDs, for domm_mapping_state_take */
};

/*
 * Reads the mapping state of a suspended monitor, and proves for each entry that it maps a frame of
 * one of the targets. DOMM_REFUSED, naming the entry, if an entry maps another frame or is
 * writable; also if the monitor has other mappings that libxenguest could not save, or hides pages.
 * Entries that map a page which a target has released to Xen are cleared, and are not part of the
 * state.
 *
 * Xen does not tell the owner of a frame. For a PV target it tells whether a frame is the target's.
 * For a translated target the entry is written again as the gfn that the m2p gives, in the target;
 * if the result is the same frame, it is the target's, and nothing has changed. Otherwise the entry
 * is refused, and is emptied, as is each entry whose owner is not known when an error ends this.
 */
int domm_mapping_state_take(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                            struct domm_mapping_state *state_r, struct domm_error *err);

/* Whether the mapping state of a running monitor could be taken: pauses the monitor and finds
 * the errors of domm_mapping_state_take. Frames of no domain, which a running kernel maps, are
 * ignored. */
int domm_mapping_state_check(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                             struct domm_error *err);

/* Clears the entries in the page tables of the monitor they were taken from, which must still be
 * suspended; layout is the monitor's. If the monitor is paused as well, libxenguest proves that
 * none is left. */
int domm_mapping_state_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_layout *layout,
                             const struct domm_mapping_state *state, struct domm_error *err);

struct domm_mapping_written {
    size_t entries; /* entries in place, and read back */
    size_t late;    /* entries not in place: see below */
};

/*
 * Writes the state into a paused monitor's page tables, and reads it back. The layout is the
 * monitor's: domm_hv_layout_restored of one that was restored and has not run, domm_hv_layout of
 * the one it was taken from. No UUIDs are looked at.
 *
 * Frames of Xen in a target, its shared_info for one, are not there until a restored target has
 * run. They hold nothing to monitor: such an entry stays empty, and counts as late. So does one of a
 * page beyond the target's memory, which the process asks for again. Any other
 * frame that is not there is DOMM_REFUSED, as is an entry that is in use or a table that is none.
 * After an error some entries may be in place.
 */
int domm_mapping_state_write(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                             const struct domm_layout *layout,
                             const struct domm_mapping_state *state,
                             struct domm_mapping_written *written_r, struct domm_error *err);

#endif
