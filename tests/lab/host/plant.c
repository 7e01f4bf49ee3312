/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plant DOMM DOMAIN GFN: what dommd would never do. Has the last entry of domM's page tables that
 * maps a frame of somebody else's map frame GFN of DOMAIN, read-only, in its place, and prints the
 * gfn that it has mapped before. Domains by domid.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/mapping/hold.h"
#include "lib/mapping/scan.h"

static int plant(struct domm_memory *memory, uint32_t domm, uint32_t domain, uint64_t gfn,
                 struct domm_error *err)
{
    struct domm_scan scan;
    size_t done = 0;
    int rc = domm_scan(memory, domm, &scan, err);
    if (rc)
        return rc;
    if (scan.count) {
        const struct domm_foreign *last = &scan.foreign[scan.count - 1];
        struct domm_pte_update update = {
            .table_mfn = last->l1_mfn, .slot = last->slot, .value = gfn << 12 | last->flags};
        rc = domm_memory_update(memory, domm, domain, &update, 1, &done, err);
        printf("%" PRIu64 "\n", last->gfn);
    }
    domm_scan_free(&scan);
    return rc || done ? rc : domm_fail(err, DOMM_FAILED, "nothing could be planted");
}

int main(int argc, char **argv)
{
    struct domm_log log;
    struct domm_memory *memory;
    struct domm_hold hold;
    struct domm_error err;
    domm_log_init(&log, stderr, "plant");
    if (argc != 4)
        return 2;
    uint32_t domm = (uint32_t)atoi(argv[1]), domain = (uint32_t)atoi(argv[2]);
    int rc = domm_memory_open(&log, &memory, &err);
    if (!rc) {
        rc = domm_hold(memory, domm, &hold, &err);
        if (!rc)
            rc = domm_hold_end(
                &hold, plant(memory, domm, domain, strtoull(argv[3], NULL, 10), &err), &err);
        domm_memory_close(memory);
    }
    if (rc)
        domm_log_error(&log, &err);
    return -rc;
}
