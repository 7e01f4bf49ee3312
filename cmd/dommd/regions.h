/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The regions that a monitor's processes have shown, and what dommd has mapped in them. */
#ifndef DOMM_DOMMD_REGIONS_H
#define DOMM_DOMMD_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mapping/pte.h"
#include "lib/mapping/region.h"

struct client;
struct monitor;

struct mapped_region {
    struct domm_region at;
    const struct client *owner;         /* null once its channel has ended */
    uint32_t domid;                     /* of the target it maps; 0 while it maps none */
    uint64_t gfns[DOMM_PTES];           /* what its process wants; DOMM_NO_FRAME for nothing */
    uint64_t mfns[DOMM_PTES];           /* DOMM_NO_FRAME where a slot maps nothing */
    unsigned char doubt[DOMM_PTES / 8]; /* bits of slots that have to be remapped */
    unsigned char asked[DOMM_PTES / 8]; /* bits of slots of which Xen has told whose they are */
    unsigned char xens[DOMM_PTES / 8];  /* … and that map a page of Xen's in the target */
    bool changed;                       /* its process is owed the news of what is mapped */
};

/* The region at that address that the client owns, or null. */
struct mapped_region *region_find(struct monitor *monitor, const struct client *owner, uint64_t va);

/* The region with that L1 table, or null. */
struct mapped_region *region_by_table(const struct monitor *monitor, uint64_t l1_mfn);

/* Notes that it maps nothing, and that nothing is wanted. */
void region_forget(struct mapped_region *region);

/* Adds a region, or gives the one with its table to this owner. -1 if the monitor has too many. */
int region_add(struct monitor *monitor, const struct client *owner, const struct domm_region *at);

/* Doubts all that is mapped: somebody else has written the monitor's page tables. */
void regions_doubt(struct monitor *monitor);

/* Leaves the client's regions without an owner. */
void regions_disown(struct monitor *monitor, const struct client *owner);

/* Forgets the regions that have no owner: what they map is swept then. */
void regions_drop_unowned(struct monitor *monitor);
void regions_free(struct monitor *monitor);

#endif
