/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Brings the programs of domM to rest before domM is suspended, when dom0 has written a word to
 * domm/freeze; the word in domm/agent/frozen says that they are. They go on when dom0 has emptied
 * or removed the node, as it is after a migration: the home is another then.
 *
 * Why: Linux freezes user space before it suspends, in no order. A program that waits for a page of
 * a memory file cannot be frozen before it has it, and the agent that is to bring it may be frozen
 * already. Control groups (version 2) are frozen while the agent serves on, so that none waits.
 */
#ifndef DOMM_GUEST_FREEZER_H
#define DOMM_GUEST_FREEZER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/xen/store.h"

#define FREEZE_NODE "domm/freeze"

struct freezer {
    struct domm_store *store;
    struct domm_log *log;
    bool seen;     /* the node may have changed */
    bool freezing; /* since since_ms: until all of it goes on again */
    bool told;     /* dom0 was, or is not to be */
    char word[65];
    int64_t since_ms;
};

void freezer_open(struct freezer *freezer, struct domm_store *store, struct domm_log *log);

/* Does what there is to do; whatever fails is logged. Returns after how many milliseconds it wants
 * to be called again. */
int64_t freezer_step(struct freezer *freezer);

/* The control groups below `root` that are on the way to none of the agent's own, `own` as
 * /proc/self/cgroup has it, and not the service manager's: freezes those that are not frozen yet,
 * after noting them in `list`. Returns 0 or a negative errno. */
int freezer_freeze(const char *root, const char *own, const char *list);

/* Whether all that `list` names have come to rest. */
bool freezer_is_done(const char *list);

/* Thaws what `list` names, and removes it. False, and it stays, if not all of it goes on. */
bool freezer_thaw(const char *list);

/* Those that the agent has frozen, also if it is killed then; domm-agent.service reads it, too. */
#define FREEZER_LIST "/run/domm-agent.frozen"

#endif
