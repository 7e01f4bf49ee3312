/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Freezes the other programs of the monitor before it is suspended. dom0 requests this by writing a
 * word to domm/freeze; the agent copies the word to domm/agent/frozen once they are frozen. They
 * are thawed when dom0 empties or removes the node, and after a migration, when the new home has no
 * such node.
 *
 * Linux freezes user space before it suspends, in no fixed order. A program that waits for a page
 * of a memory file cannot be frozen before it gets that page, and the agent that would supply the
 * page may be frozen already. So control groups (version 2) are frozen first, while the agent still
 * serves.
 *
 * Targets stand still meanwhile, so each wait ends by an event: the kernel tells by inotify that a
 * group has changed.
 */
#ifndef DOMM_AGENT_FREEZER_H
#define DOMM_AGENT_FREEZER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/xen/store.h"

#define FREEZE_NODE "domm/freeze"

struct freezer {
    struct domm_store *store;
    struct domm_log *log;
    bool seen;     /* the node may have changed */
    bool freezing; /* since since_ms, until everything is thawed */
    bool ending;   /* they are to be thawed, and not all could be yet */
    bool answered; /* dom0 has been answered, or must not be */
    bool complete; /* none of those to be frozen runs */
    char word[65];
    int64_t since_ms;
    int changes; /* an inotify descriptor: a group has been frozen or thawed */
};

/* Initialises the freezer; both are borrowed. freezer_close thaws what is frozen. */
void freezer_open(struct freezer *freezer, struct domm_store *store, struct domm_log *log);
void freezer_close(struct freezer *freezer);

/* Does all pending work but the answer; failures are logged. Returns in how many milliseconds to
 * call it again; a negative number if only after the node has changed. */
int64_t freezer_step(struct freezer *freezer);

/* Answers dom0, if that is due: once the programs are frozen and the agent itself waits for nothing
 * outside of this guest. To be called again after each step, when `changes` is readable, and when
 * `idle` has changed. */
void freezer_answer(struct freezer *freezer, bool idle);

/* Freezes the control groups below `root` and records them in `list` first. It spares groups that
 * are frozen already, the service manager's group, and the agent's own group `own`, as named in
 * /proc/self/cgroup, with its ancestors. Returns 0 or a negative errno. */
int freezer_freeze(const char *root, const char *own, const char *list);

/* Whether all groups in `list` are frozen. */
bool freezer_is_done(const char *list);

/* Thaws the groups in `list` and removes the list. Returns false, and keeps the list, if one
 * fails. */
bool freezer_thaw(const char *list);

/* The list of frozen groups. It survives the agent, and domm-agent.service reads it as well. */
#define FREEZER_LIST "/run/domm-agent.frozen"

#endif
