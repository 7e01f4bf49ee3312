/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All numbers are little-endian.
 *
 *     magic     8 bytes "DOMMMAPS"
 *     version   u32     FORM_VERSION
 *     targets   u32     1 to DOMM_MAPPING_MAX_TARGETS
 *     runs      u64
 *     UUIDs     16 bytes each
 *     runs      32 bytes each: l1_pfn u64, gfn u64, flags u64, slot u16, count u16, target u16,
 *               late u16
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mapping/mapping_state.h"

#define MAGIC "DOMMMAPS"
#define FORM_VERSION 1
#define HEADER_BYTES 24
#define RUN_BYTES 32

static unsigned char *state_bytes_put(unsigned char *to, uint64_t value, size_t bytes)
{
    uint64_t little = htole64(value);
    memcpy(to, &little, bytes);
    return to + bytes;
}

static uint64_t state_bytes_get(const unsigned char **from, size_t bytes)
{
    uint64_t little = 0;
    memcpy(&little, *from, bytes);
    *from += bytes;
    return le64toh(little);
}

static unsigned char *put_run(unsigned char *to, const struct domm_mapping_run *run)
{
    to = state_bytes_put(to, run->l1_pfn, 8);
    to = state_bytes_put(to, run->gfn, 8);
    to = state_bytes_put(to, run->flags, 8);
    to = state_bytes_put(to, run->slot, 2);
    to = state_bytes_put(to, run->count, 2);
    to = state_bytes_put(to, run->target, 2);
    return state_bytes_put(to, run->late, 2);
}

int domm_mapping_state_encode(const struct domm_mapping_state *state, unsigned char **bytes_r,
                              size_t *size_r, struct domm_error *err)
{
    const size_t uuid_bytes = sizeof(state->targets[0].bytes);
    size_t size = HEADER_BYTES + state->n_targets * uuid_bytes + state->n_runs * RUN_BYTES;
    unsigned char *bytes = malloc(size);
    if (!bytes)
        return domm_no_memory(err);
    unsigned char *to = bytes;
    memcpy(to, MAGIC, 8);
    to = state_bytes_put(to + 8, FORM_VERSION, 4);
    to = state_bytes_put(to, state->n_targets, 4);
    to = state_bytes_put(to, state->n_runs, 8);
    for (size_t i = 0; i < state->n_targets; i++, to += uuid_bytes)
        memcpy(to, state->targets[i].bytes, uuid_bytes);
    for (size_t i = 0; i < state->n_runs; i++)
        to = put_run(to, &state->runs[i]);
    *bytes_r = bytes;
    *size_r = size;
    return 0;
}

static int get_run(const unsigned char *from, struct domm_mapping_state *state,
                   struct domm_error *err)
{
    struct domm_mapping_run run = {.l1_pfn = state_bytes_get(&from, 8)};
    run.gfn = state_bytes_get(&from, 8);
    run.flags = state_bytes_get(&from, 8);
    run.slot = (uint16_t)state_bytes_get(&from, 2);
    run.count = (uint16_t)state_bytes_get(&from, 2);
    run.target = (uint16_t)state_bytes_get(&from, 2);
    uint64_t late = state_bytes_get(&from, 2);
    if (late > 1)
        return domm_fail(err, DOMM_REFUSED, "the mapping state is malformed");
    run.late = late == 1;
    return domm_mapping_state_add(state, &run, err);
}

static int get_targets(const unsigned char *from, struct domm_mapping_state *state,
                       struct domm_error *err)
{
    for (uint16_t i = 0; i < state->n_targets; i++) {
        memcpy(state->targets[i].bytes, from + i * sizeof(state->targets[i].bytes),
               sizeof(state->targets[i].bytes));
        for (uint16_t j = 0; j < i; j++) {
            if (domm_uuid_equal(&state->targets[i], &state->targets[j]))
                return domm_fail(err, DOMM_REFUSED, "the mapping state names a target twice");
        }
    }
    return 0;
}

int domm_mapping_state_decode(const unsigned char *bytes, size_t size,
                              struct domm_mapping_state *state_r, struct domm_error *err)
{
    *state_r = (struct domm_mapping_state){0};
    if (size < HEADER_BYTES || memcmp(bytes, MAGIC, 8) != 0)
        return domm_fail(err, DOMM_REFUSED, "this is not a mapping state");
    const unsigned char *from = bytes + 8;
    uint64_t version = state_bytes_get(&from, 4), targets = state_bytes_get(&from, 4),
             runs = state_bytes_get(&from, 8);
    if (version != FORM_VERSION)
        return domm_fail(err, DOMM_REFUSED, "the mapping state has version %u, expected %d",
                         (unsigned)version, FORM_VERSION);
    size -= HEADER_BYTES;
    if (targets == 0 || targets > DOMM_MAPPING_MAX_TARGETS || size < 16 * targets ||
        (size - 16 * targets) % RUN_BYTES != 0 || (size - 16 * targets) / RUN_BYTES != runs)
        return domm_fail(err, DOMM_REFUSED, "the mapping state is malformed");
    state_r->n_targets = (uint16_t)targets;
    int rc = get_targets(from, state_r, err);
    from += 16 * targets;
    for (uint64_t i = 0; !rc && i < runs; i++, from += RUN_BYTES)
        rc = get_run(from, state_r, err);
    if (rc)
        domm_mapping_state_free(state_r);
    return rc;
}
