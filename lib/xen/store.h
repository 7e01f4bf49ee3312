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

/* Writes the node only if it is there: in the home of a domain that has ended meanwhile, what is
 * written would stay. */
int domm_store_rewrite(struct domm_store *store, const char *path, const char *value,
                       struct domm_error *err);

/* Removes the node and what is below it; that it is not there is fine. */
int domm_store_remove(struct domm_store *store, const char *path, struct domm_error *err);

/* From now on domm_store_fd is readable when the node, or one below it, may have changed: once at
 * once. domm_store_changed takes the oldest event away, and returns what has changed: the watched
 * node (it was made, removed or given other permissions) or one below it. The caller's to free;
 * null if there is no event. */
int domm_store_watch(struct domm_store *store, const char *path, struct domm_error *err);
int domm_store_fd(struct domm_store *store);
char *domm_store_changed(struct domm_store *store);
int domm_store_unwatch(struct domm_store *store, const char *path, struct domm_error *err);

/* As domm_store_changed, but the watched path it is for. */
char *domm_store_event(struct domm_store *store);

/* The names directly below a node; *names_r is one block, the caller's to free. */
int domm_store_list(struct domm_store *store, const char *path, char ***names_r, size_t *count_r,
                    struct domm_error *err);

/* dom0: makes the node the guest's own. What is made in a node belongs to the node's owner
 * (oxenstored), and only an owner may set permissions, as libxenvchan's server does. */
int domm_store_give(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err);

/* dom0: makes the node if it is not there, and lets the guest read it. What dom0 makes in it later
 * is for the guest to read as well. */
int domm_store_show(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err);

#endif
