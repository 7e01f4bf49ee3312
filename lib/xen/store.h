/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore as a guest sees it. Relative paths are below the guest's own /local/domain/<domid>,
 * and stay right when a migration changes the domid.
 */
#ifndef DOMM_XEN_STORE_H
#define DOMM_XEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

/* For one thread. */
struct domm_store;

/* DOMM_NOT_PERMITTED if this is not a Xen guest that may use xenstore. */
int domm_store_open(struct domm_store **store_r, struct domm_error *err);
void domm_store_close(struct domm_store *store); /* null is fine */

/* DOMM_NOT_FOUND or DOMM_NOT_PERMITTED if xenstored says so. *value_r is the caller's to free. */
int domm_store_read(struct domm_store *store, const char *path, char **value_r,
                    struct domm_error *err);
int domm_store_write(struct domm_store *store, const char *path, const char *value,
                     struct domm_error *err);

/* Writes the node only if it exists: a node written into the home of a domain that has ended would
 * stay. */
int domm_store_rewrite(struct domm_store *store, const char *path, const char *value,
                       struct domm_error *err);

/* dom0: the most memory that the toolstack may give a guest, in pages (memory/static-max, which is
 * dom0's to write); 0 if it is not known. */
uint64_t domm_store_static_max(struct domm_store *store, uint32_t domid);

/* Removes the node and all nodes below it, if it exists. */
int domm_store_remove(struct domm_store *store, const char *path, struct domm_error *err);

/* Watches the node and all nodes below it: domm_store_fd is readable after a change, and once
 * immediately. domm_store_changed removes the oldest event and returns the path of the changed
 * node, the watched one (made, removed or given other permissions) or one below it. The path is the
 * caller's to free; null if there is no event. */
int domm_store_watch(struct domm_store *store, const char *path, struct domm_error *err);
int domm_store_fd(struct domm_store *store);
char *domm_store_changed(struct domm_store *store);
int domm_store_unwatch(struct domm_store *store, const char *path, struct domm_error *err);

/* As domm_store_changed, but returns the watched path of the event. */
char *domm_store_event(struct domm_store *store);

/* Takes all events away that are there. */
void domm_store_drop_events(struct domm_store *store);

/* The names directly below a node; *names_r is one block, the caller's to free. */
int domm_store_list(struct domm_store *store, const char *path, char ***names_r, size_t *count_r,
                    struct domm_error *err);

/* dom0: makes the guest the owner of the node. Nodes made below it belong to the same owner
 * (oxenstored), and only an owner may set permissions, as libxenvchan's server does. */
int domm_store_give(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err);

/* dom0: makes the node unless it exists, and lets the guest read it and all nodes that dom0 makes
 * below it later. */
int domm_store_show(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err);

#endif
