/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domm on a host without Xen whose domains are made up: $GUESTS has their names, one per line. The
 * first one is the monitor of all others. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/no-xen.h"

int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err)
{
    static struct domm_inventory_entry entries[1 + DOMM_RECORD_MAX_TARGETS];
    const char *guests = getenv("GUESTS");
    char *names = strdup(guests ? guests : ""), *rest = names;
    size_t n = 0;
    (void)xen;
    (void)log;
    (void)err;
    for (char *name; n <= DOMM_RECORD_MAX_TARGETS && (name = strsep(&rest, "\n")); n++) {
        entries[n].domain = (struct domm_domain){.domid = (uint32_t)n + 1, .name = name};
        entries[n].domain.uuid.bytes[0] = (unsigned char)(n + 1);
        if (n)
            entries[0].record.targets[n - 1].uuid = entries[n].domain.uuid;
    }
    entries[0].record_state = DOMM_RECORD_VALID;
    entries[0].record.n_targets = n - 1;
    *inventory_r = (struct domm_inventory){.count = n, .entries = entries};
    return 0;
}

void __wrap_domm_inventory_free(struct domm_inventory *inventory)
{
    free(inventory->entries[0].domain.name);
}
