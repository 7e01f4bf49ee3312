/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The monitors of which monitor-status tells: those on this host by their records, and those that
 * should be here by what is expected (lib/pair/expectation.h) of targets that no record names.
 */
#ifndef DOMM_PAIR_ROSTER_H
#define DOMM_PAIR_ROSTER_H

#include "lib/pair/expectation.h"
#include "lib/pair/inventory.h"

/* Why a monitor cannot monitor a target, as far as it is not to be measured. */
enum domm_absence {
    DOMM_ABSENCE_NONE,       /* it is on this host, and its record names the target */
    DOMM_ABSENCE_GONE,       /* there is no such domain */
    DOMM_ABSENCE_SAVED,      /* the same, and its record is kept for its restore */
    DOMM_ABSENCE_UNREADABLE, /* its record cannot be read */
    DOMM_ABSENCE_UNRECORDED, /* its record, if it has one, does not name the target */
};

/* As monitor-status prints it in JSON: "present" for NONE; a static string. */
const char *domm_absence_name(enum domm_absence absence);

#define DOMM_NO_DOMID UINT32_MAX /* of a monitor that is not on this host */

struct domm_roster_entry {
    enum domm_absence absence;
    /* The monitor, and the targets of it that are to be told of; its name is the inventory's, or
     * that of an expectation. */
    struct domm_inventory_entry monitor;
};

struct domm_roster {
    size_t count;
    struct domm_roster_entry
        *entries; /* those with ABSENCE_NONE first; freed by domm_roster_free */
};

/* saved_directory is DOMM_SAVED_RECORD_DIRECTORY. The roster points into both others. */
int domm_roster_make(const struct domm_inventory *inventory,
                     const struct domm_expectations *expected, const char *saved_directory,
                     struct domm_roster *roster_r, struct domm_error *err);
void domm_roster_free(struct domm_roster *roster);

/* Leaves the monitor that is meant, or the one target in the entry of its monitor. What is not on
 * this host is found by its UUID or by the name that an expectation has. DOMM_NOT_FOUND, or
 * DOMM_REFUSED if the domain is neither a monitor nor to be monitored. */
int domm_roster_select(struct domm_roster *roster, const struct domm_inventory *inventory,
                       const struct domm_expectations *expected, const char *text,
                       struct domm_error *err);

/* Finds the UUID of a domain on this host (by name, domid or UUID), or of a target or monitor that
 * is expected. DOMM_NOT_FOUND. */
int domm_roster_find_uuid(const struct domm_inventory *inventory,
                          const struct domm_expectations *expected, const char *text,
                          struct domm_uuid *uuid_r, struct domm_error *err);

#endif
