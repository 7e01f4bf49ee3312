/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The monitors and targets of this host: all domains, and the records of those that have one. Roles
 * are derived from the present state; nothing is remembered.
 */
#ifndef DOMM_PAIR_INVENTORY_H
#define DOMM_PAIR_INVENTORY_H

#include "lib/pair/record.h"
#include "lib/xen/domain.h"
#include "lib/xen/xen.h"

enum domm_record_state {
    DOMM_RECORD_ABSENT,
    DOMM_RECORD_VALID,
    DOMM_RECORD_INVALID, /* the record cannot be read or is malformed */
};

struct domm_inventory_entry {
    struct domm_domain domain;
    enum domm_record_state record_state;
    struct domm_record record; /* if VALID */
};

struct domm_inventory {
    size_t count;
    struct domm_inventory_entry *entries; /* by rising domid */
};

enum domm_role {
    DOMM_ROLE_NONE,
    DOMM_ROLE_TARGET,  /* named in the record of at least one monitor of this host */
    DOMM_ROLE_MONITOR, /* has a valid record, whether it is also a target or not */
    DOMM_ROLE_INVALID, /* has an invalid record: its targets are unknown */
};

/* Logs a warning for each record that is not valid. *inventory_r is freed by
 * domm_inventory_free. */
int domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                        struct domm_inventory *inventory_r, struct domm_error *err);
void domm_inventory_free(struct domm_inventory *inventory);

/* The same, but reads again, for seconds at most, while this monitor, or any if null, is paused by
 * a process of domm: each pauses a monitor briefly to read or change its page tables. */
int domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                  const struct domm_uuid *monitor,
                                  struct domm_inventory *inventory_r, struct domm_error *err);

/* The role of an entry, from all records. */
enum domm_role domm_inventory_role(const struct domm_inventory *inventory,
                                   const struct domm_inventory_entry *entry);
/* The role as domm list prints it; a static string. */
const char *domm_role_name(enum domm_role role);

/* The next monitor after `after` (null: the first) whose record names this domain, or null. There
 * should be at most one monitor; all are returned. */
const struct domm_inventory_entry *
domm_inventory_monitor_of(const struct domm_inventory *inventory,
                          const struct domm_inventory_entry *entry,
                          const struct domm_inventory_entry *after);

/* The newest domain with this UUID, or null: a domain preserved by rename-restart keeps its
 * UUID. */
const struct domm_inventory_entry *domm_inventory_by_uuid(const struct domm_inventory *inventory,
                                                          const struct domm_uuid *uuid);

/* Finds a domain by domid if the text is all digits, by UUID if it is one, otherwise by name.
 * DOMM_NOT_FOUND. */
int domm_inventory_find(const struct domm_inventory *inventory, const char *text,
                        const struct domm_inventory_entry **entry_r, struct domm_error *err);

/* Finds the monitor of a pair that is named by the monitor or one of its targets. DOMM_NOT_FOUND;
 * DOMM_REFUSED if the domain is neither, or if the record cannot be read. */
int domm_inventory_find_pair(const struct domm_inventory *inventory, const char *text,
                             const struct domm_inventory_entry **monitor_r, struct domm_error *err);

/* The error for a monitor whose record cannot be read: DOMM_REFUSED. */
int domm_inventory_refuse_unreadable(const struct domm_inventory_entry *monitor,
                                     struct domm_error *err);

#endif
