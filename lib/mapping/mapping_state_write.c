/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/mapping_state.h"

struct writer {
    struct domm_hv *hv;
    const struct domm_mapping_pair *pair;
    const struct domm_layout *layout;
    const uint64_t *m2p;
    size_t m2p_count;
    struct domm_mapping_written *written;
};

/* Writing is done one table at a time, so that each is read before and after. */
struct table {
    const struct domm_mapping_run *runs;
    size_t n_runs;
    uint64_t mfn;
    struct domm_pte_update updates[DOMM_PTES];
    uint64_t gfns[DOMM_PTES]; /* by slot */
    bool late[DOMM_PTES];
};

static uint64_t mfn_of(const struct domm_layout *layout, uint64_t pfn)
{
    return pfn < layout->count ? layout->mfns[pfn] : DOMM_NO_FRAME;
}

static size_t runs_of_table(const struct domm_mapping_state *state, size_t first)
{
    size_t n = 1;
    while (first + n < state->n_runs && state->runs[first + n].l1_pfn == state->runs[first].l1_pfn)
        n++;
    return n;
}

static uint64_t *map_table(struct writer *writer, const struct table *table, struct domm_error *err)
{
    int error = 0;
    uint64_t *entries = domm_hv_map(writer->hv, writer->pair->monitor, &table->mfn, 1, &error);
    if (entries && !error)
        return entries;
    domm_hv_unmap(writer->hv, entries, 1);
    domm_fail(err, DOMM_FAILED, "a page table of domain %u cannot be read", writer->pair->monitor);
    return NULL;
}

/* The state comes from another host: it may name any page and any entry. */
static int check_table(struct writer *writer, const struct table *table, struct domm_error *err)
{
    enum domm_page_kind kind = DOMM_PAGE_ABSENT;
    int rc = 0;
    if (table->mfn != DOMM_NO_FRAME)
        rc = domm_hv_kind(writer->hv, writer->pair->monitor, table->mfn, &kind, err);
    if (rc)
        return rc;
    if (kind != DOMM_PAGE_L1)
        return domm_fail(err, DOMM_REFUSED, "page 0x%" PRIx64 " of domain %u is no L1 page table",
                         table->runs[0].l1_pfn, writer->pair->monitor);
    uint64_t *entries = map_table(writer, table, err);
    if (!entries)
        return -(int)err->code;
    for (size_t i = 0; !rc && i < table->n_runs; i++) {
        const struct domm_mapping_run *run = &table->runs[i];
        for (unsigned slot = run->slot; !rc && slot < run->slot + (unsigned)run->count; slot++) {
            if (entries[slot] & DOMM_PTE_PRESENT)
                rc = domm_fail(err, DOMM_REFUSED,
                               "slot %u of page table 0x%" PRIx64 " of domain %u is in use", slot,
                               run->l1_pfn, writer->pair->monitor);
        }
    }
    domm_hv_unmap(writer->hv, entries, 1);
    return rc;
}

static int state_write_refuse(const struct writer *writer, const struct table *table, unsigned slot,
                              uint16_t target, const char *why, struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED,
                     "frame 0x%" PRIx64 " of domain %u cannot be mapped into domain %u (page table "
                     "0x%" PRIx64 ", slot %u): %s",
                     table->gfns[slot], writer->pair->targets[target].domid, writer->pair->monitor,
                     table->runs[0].l1_pfn, slot, why);
}

static int write_run(struct writer *writer, struct table *table, const struct domm_mapping_run *run,
                     struct domm_error *err)
{
    const struct domm_mapping_target *target = &writer->pair->targets[run->target];
    size_t done;
    for (unsigned i = 0; i < run->count; i++) {
        unsigned slot = run->slot + i;
        table->gfns[slot] = run->gfn + i;
        uint64_t frame = domm_mapping_frame(target, run->gfn + i);
        table->late[slot] = run->late && frame == DOMM_NO_FRAME;
        if (frame == DOMM_NO_FRAME && !run->late)
            return state_write_refuse(writer, table, slot, run->target, "it has no such frame",
                                      err);
        table->updates[i] =
            (struct domm_pte_update){.table_mfn = table->mfn,
                                     .slot = slot,
                                     .value = table->late[slot] ? 0 : frame << 12 | run->flags};
    }
    int rc = domm_hv_update(writer->hv, writer->pair->monitor, target->domid, table->updates,
                            run->count, &done, err);
    for (unsigned i = 0; !rc && i < run->count; i++) {
        int error = table->updates[i].error;
        table->late[run->slot + i] |= error == EINVAL && run->late;
        if (error && !table->late[run->slot + i]) {
            struct domm_error reason;
            domm_fail_errno(&reason, DOMM_FAILED, error, "Xen");
            rc = state_write_refuse(writer, table, run->slot + i, run->target, reason.text, err);
        }
    }
    return rc;
}

/* Not Xen's success counts, but the frame that the entry maps by Xen's own table. */
static int state_write_read_back(struct writer *writer, const struct table *table,
                                 struct domm_error *err)
{
    int rc = 0;
    const uint64_t *entries = map_table(writer, table, err);
    if (!entries)
        return -(int)err->code;
    for (size_t i = 0; i < table->n_runs; i++) {
        const struct domm_mapping_run *run = &table->runs[i];
        for (unsigned slot = run->slot; !rc && slot < run->slot + (unsigned)run->count; slot++) {
            uint64_t mfn = domm_pte_frame(entries[slot]);
            if (table->late[slot])
                writer->written->late++;
            else if (!(entries[slot] & DOMM_PTE_PRESENT) || (entries[slot] & DOMM_PTE_WRITABLE) ||
                     mfn >= writer->m2p_count || writer->m2p[mfn] != table->gfns[slot])
                rc = state_write_refuse(writer, table, slot, run->target, "another frame is there",
                                        err);
            else
                writer->written->entries++;
        }
    }
    domm_hv_unmap(writer->hv, (void *)(uintptr_t)entries, 1);
    return rc;
}

static int write_table(struct writer *writer, struct table *table, struct domm_error *err)
{
    int rc = check_table(writer, table, err);
    for (size_t i = 0; !rc && i < table->n_runs; i++)
        rc = write_run(writer, table, &table->runs[i], err);
    if (rc)
        return rc;
    return state_write_read_back(writer, table, err);
}

int domm_mapping_state_write(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                             const struct domm_layout *layout,
                             const struct domm_mapping_state *state,
                             struct domm_mapping_written *written_r, struct domm_error *err)
{
    struct writer writer = {.hv = hv, .pair = pair, .layout = layout, .written = written_r};
    *written_r = (struct domm_mapping_written){0};
    if (pair->n_targets != state->n_targets)
        return domm_fail(err, DOMM_REFUSED,
                         "the mapping state has %u targets, but domain %u has %u", state->n_targets,
                         pair->monitor, pair->n_targets);
    cleanup_free struct table *table = calloc(1, sizeof(*table));
    if (!table)
        return domm_no_memory(err);
    int rc = domm_hv_m2p(hv, &writer.m2p, &writer.m2p_count, err);
    for (size_t i = 0; !rc && i < state->n_runs; i += table->n_runs) {
        table->runs = &state->runs[i];
        table->n_runs = runs_of_table(state, i);
        table->mfn = mfn_of(layout, state->runs[i].l1_pfn);
        rc = write_table(&writer, table, err);
    }
    return rc;
}

int domm_mapping_state_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_layout *layout,
                             const struct domm_mapping_state *state, struct domm_error *err)
{
    cleanup_free struct domm_pte_update *updates =
        calloc(state->entries ? state->entries : 1, sizeof(*updates));
    size_t n = 0, done;
    if (!updates)
        return domm_no_memory(err);
    for (size_t i = 0; i < state->n_runs; i++) {
        const struct domm_mapping_run *run = &state->runs[i];
        for (unsigned j = 0; j < run->count; j++)
            updates[n++] = (struct domm_pte_update){.table_mfn = mfn_of(layout, run->l1_pfn),
                                                    .slot = run->slot + j};
    }
    int rc = domm_hv_update(hv, monitor, monitor, updates, n, &done, err);
    if (rc)
        return rc;
    if (done != n)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                         "only %zu of %zu mappings of domain %u were removed", done, n, monitor);
    return 0;
}
