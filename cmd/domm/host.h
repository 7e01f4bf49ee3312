/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands on pairs share: the doors to this host, who is there, and waiting. */
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

/* Opens what the context does not have open, and reads the inventory. */
int cmd_host_open(struct cmd_context *context, struct cmd_host *host_r, struct domm_error *err);
void cmd_host_close(struct cmd_host *host);

int cmd_host_refresh(struct cmd_host *host, struct domm_error *err);

/* The domM an administrator means: DOMM_REFUSED if that domain is none. */
int cmd_host_find_domm(const struct cmd_host *host, const char *text,
                       const struct domm_member **domm_r, struct domm_error *err);

/* A domM with a record of nobody knows what: DOMM_REFUSED. */
int cmd_refuse_unreadable(const struct domm_member *domm, struct domm_error *err);

/* While a domM or target is being migrated, its pair stays as it is: DOMM_PREFLIGHT. */
int cmd_refuse_moving(const struct domm_member *member, struct domm_error *err);

/* Sees to it that a dommd runs: starts one where there is no systemd to do it. */
int cmd_need_dommd(struct cmd_context *context, struct domm_error *err);

/* Looks for a storage from dom0, as the option or key `key` asks for it. What is doubtful is a
 * warning; DOMM_PREFLIGHT if domM could not mount it. May wait for its server. */
int cmd_check_storage(struct cmd_context *context, const char *key,
                      const struct domm_storage *storage, struct domm_error *err);

/* From now on SIGINT, SIGTERM and SIGHUP end waiting, not the program; until cmd_interrupts_end. */
void cmd_interrupts_begin(void);
void cmd_interrupts_end(void);

/* The same, but they do nothing: what is undone because of one is not to be ended by the next. */
void cmd_interrupts_ignore(void);

/* Waits until the agent of a domM answers, and all it watches is ready; or only `target` of it, if
 * not null. Shows progress. DOMM_FAILED after `seconds`, saying what is not ready; DOMM_ABORTED
 * if interrupted. The inventory is another one afterwards. */
int cmd_wait_ready(struct cmd_host *host, const struct domm_uuid *domm,
                   const struct domm_uuid *target, unsigned seconds, struct domm_error *err);

/* Sleeps up to that long; DOMM_ABORTED if interrupted. */
int cmd_pause_ms(unsigned ms, struct domm_error *err);

#endif
