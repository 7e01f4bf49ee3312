/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plant MONITOR DOMAIN GFN: what dommd would never do. Has the last entry of the monitor's page
 * tables that maps a frame of somebody else's map frame GFN of DOMAIN, read-only, in its place, and
 * prints the gfn that it has mapped before. Domains by domid.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/mapping/pause_guard.h"
#include "lib/mapping/scan.h"

static int plant(struct domm_hv *hv, uint32_t monitor, uint32_t domain, uint64_t gfn,
                 struct domm_error *err)
{
    struct domm_scan scan;
    size_t done = 0;
    int rc = domm_scan(hv, monitor, &scan, err);
    if (rc)
        return rc;
    if (scan.count) {
        const struct domm_foreign *last = &scan.foreign[scan.count - 1];
        struct domm_pte_update update = {
            .table_mfn = last->l1_mfn, .slot = last->slot, .value = gfn << 12 | last->flags};
        rc = domm_hv_update(hv, monitor, domain, &update, 1, &done, err);
        printf("%" PRIu64 "\n", last->gfn);
    }
    domm_scan_free(&scan);
    return rc || done ? rc : domm_fail(err, DOMM_FAILED, "nothing could be planted");
}

int main(int argc, char **argv)
{
    struct domm_log log;
    struct domm_hv *hv;
    struct domm_pause_guard guard;
    struct domm_error err;
    domm_log_init(&log, stderr, "plant");
    if (argc != 4)
        return 2;
    uint32_t monitor = (uint32_t)atoi(argv[1]), domain = (uint32_t)atoi(argv[2]);
    int rc = domm_hv_open(&log, &hv, &err);
    if (!rc) {
        rc = domm_pause_guard_begin(hv, monitor, &guard, &err);
        if (!rc)
            rc = domm_pause_guard_end(
                &guard, plant(hv, monitor, domain, strtoull(argv[3], NULL, 10), &err), &err);
        domm_hv_close(hv);
    }
    if (rc)
        domm_log_error(&log, &err);
    return -rc;
}
