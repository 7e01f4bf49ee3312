/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who watches whom on this host: all domains, and the record of each that has one. Roles are
 * derived from what is there now; nothing is remembered.
 */
#ifndef DOMM_PAIR_INVENTORY_H
#define DOMM_PAIR_INVENTORY_H

#include "lib/pair/record.h"
#include "lib/xen/domain.h"
#include "lib/xen/xen.h"

enum domm_record_state {
    DOMM_RECORD_ABSENT,
    DOMM_RECORD_VALID,
    DOMM_RECORD_INVALID, /* there is one, but it cannot be read or makes no sense */
};

struct domm_member {
    struct domm_domain domain;
    enum domm_record_state record_state;
    struct domm_record record; /* if VALID */
};

struct domm_inventory {
    size_t count;
    struct domm_member *members; /* by rising domid */
};

enum domm_role {
    DOMM_ROLE_NONE,
    DOMM_ROLE_TARGET,  /* named in the record of at least one domM of this host */
    DOMM_ROLE_DOMM,    /* has a valid record, be it itself a target or not */
    DOMM_ROLE_INVALID, /* has a record that is not valid: a domM of nobody knows what */
};

/* Logs a warning for each record that is not valid. *inventory_r is freed by
 * domm_inventory_free. */
int domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                        struct domm_inventory *inventory_r, struct domm_error *err);
void domm_inventory_free(struct domm_inventory *inventory);

/* The same, but looks again, for seconds at most, while this domM is paused: dommd and
 * monitor-status pause it for a scan of its page tables, and that is no state of it. */
int domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                  const struct domm_uuid *domm, struct domm_inventory *inventory_r,
                                  struct domm_error *err);

enum domm_role domm_inventory_role(const struct domm_inventory *inventory,
                                   const struct domm_member *member);
const char *domm_role_name(enum domm_role role);

/* The next domM after `after` (null: the first) whose record names this domain, or null. There
 * should be at most one; what is there is shown. */
const struct domm_member *domm_inventory_watcher(const struct domm_inventory *inventory,
                                                 const struct domm_member *member,
                                                 const struct domm_member *after);

/* The newest domain with this UUID, or null: one that rename-restart preserves keeps its UUID. */
const struct domm_member *domm_inventory_by_uuid(const struct domm_inventory *inventory,
                                                 const struct domm_uuid *uuid);

/* The domain an administrator means: by domid if the text is all digits, by UUID if it is one,
 * else by name. Fails with DOMM_NOT_FOUND. */
int domm_inventory_find(const struct domm_inventory *inventory, const char *text,
                        const struct domm_member **member_r, struct domm_error *err);

#endif
