/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the commands on pairs: access to this host, its inventory, and waiting. */
#ifndef DOMM_CMD_HOST_H
#define DOMM_CMD_HOST_H

#include "cmd/domm/table.h"
#include "lib/pair/status.h"

struct cmd_host {
    struct cmd_context *context;
    struct domm_store *store;
    struct nl_sock *netlink;
    struct domm_inventory inventory;
};

/* Opens the interfaces that the context has not opened, and reads the inventory. */
int cmd_host_open(struct cmd_context *context, struct cmd_host *host_r, struct domm_error *err);
void cmd_host_close(struct cmd_host *host);

/* Reads the inventory for what can do without it, such as completion: says nothing, and false where
 * it cannot be had. Freed by domm_inventory_free. */
bool cmd_inventory_silently(struct domm_inventory *inventory_r);

/* Reads the inventory anew: pointers into the old one are invalid. */
int cmd_host_refresh(struct cmd_host *host, struct domm_error *err);

/* Takes the lock of the records, then reads the inventory anew, so that it stays true until the
 * caller closes *lock_r, which it does after a failure too. */
int cmd_host_lock(struct cmd_host *host, int *lock_r, struct domm_error *err);

/* Finds a monitor by its name, domid or UUID. DOMM_REFUSED if the domain is not a monitor. */
int cmd_host_find_monitor(const struct cmd_host *host, const char *text,
                          const struct domm_inventory_entry **monitor_r, struct domm_error *err);

/* Fails with DOMM_PREFLIGHT while the guest is being migrated: its pair must not change then. */
int cmd_refuse_moving(const struct domm_inventory_entry *entry, struct domm_error *err);

/* Makes sure that dommd runs. Starts it if systemd does not run. */
int cmd_need_dommd(struct cmd_context *context, struct domm_error *err);

/* Checks from dom0 whether a storage exists. `key` is the option or key that asks for it. A doubt
 * is logged as a warning; DOMM_PREFLIGHT if the monitor could not mount it. May wait for the
 * server. */
int cmd_check_storage(struct cmd_context *context, const char *key,
                      const struct domm_storage *storage, struct domm_error *err);

#endif
