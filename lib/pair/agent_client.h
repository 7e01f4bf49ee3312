/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the agent in a monitor how it sees its targets. dom0 writes a nonce into domm/ping of the
 * monitor's home in xenstore; the agent measures, writes the results to domm/agent/targets/<uuid>,
 * and then writes the nonce to domm/agent/pong. A nonce that comes back proves that the agent lives
 * now, independent of both clocks.
 *
 * The agent's answer is a claim of the monitor, and is read as hostile input. It cannot make a
 * target of another monitor look monitored: only the UUIDs of the record are read.
 */
#ifndef DOMM_PAIR_AGENT_CLIENT_H
#define DOMM_PAIR_AGENT_CLIENT_H

#include "lib/pair/record.h"
#include "lib/xen/store.h"

#define DOMM_AGENT_TEXT 128 /* bytes, with the terminator */

struct domm_claim {
    bool ok;
    int64_t age_s;               /* since the last successful read; -1: never, or unknown */
    char error[DOMM_AGENT_TEXT]; /* printable; of what is ok: the missing part */
    char path[DOMM_AGENT_TEXT];  /* its mount point in the monitor */
};

/* The agent's answer about one target. */
struct domm_agent_answer {
    bool given;
    struct domm_claim memory;
    size_t n_monitor_vifs;
    unsigned monitor_devids[DOMM_RECORD_MAX_ITEMS];
    struct domm_claim monitor_vifs[DOMM_RECORD_MAX_ITEMS]; /* the monitor's end of the mirrors */
    size_t n_storage;
    struct domm_claim storage[DOMM_RECORD_MAX_ITEMS];
};

/* Parses an answer; false if it is malformed. */
bool domm_agent_answer_parse(const char *text, struct domm_agent_answer *answer_r);

/* A fresh word that an agent is asked to give back. */
struct domm_agent_word {
    char text[24];
};

/* Asks the agent of one monitor, also of one that does not run yet. domm_agents_ask waits for the
 * answer. DOMM_NOT_FOUND if dommd does not serve it. */
int domm_agent_ask(struct domm_store *store, uint32_t monitor, struct domm_agent_word *word_r,
                   struct domm_error *err);

/* Asks the agents of `count` monitors at once, unless they were asked with this nonce already;
 * answered_r[i] says whether the nonce came back from monitor i within timeout_ms. */
int domm_agents_ask(struct domm_store *store, const uint32_t *domids, size_t count,
                    const struct domm_agent_word *asked, int timeout_ms, bool *answered_r,
                    struct domm_error *err);

/* The age of the agent's last sign of life that dommd has seen; -1 if there was none. */
int64_t domm_agent_silent_ms(struct domm_store *store, uint32_t monitor);

/* Makes the agent freeze the other programs of the monitor before the suspend: a program that waits
 * for a page of a memory file would prevent Linux from suspending. Waits for timeout_ms at most,
 * since a slow agent cannot be told from a dead one; *frozen_r says whether it has answered.
 * domm_agent_thaw makes the programs run again; so does the end of the migration on the
 * destination. */
int domm_agent_freeze(struct domm_store *store, uint32_t monitor, int timeout_ms, bool *frozen_r,
                      struct domm_error *err);
int domm_agent_thaw(struct domm_store *store, uint32_t monitor, struct domm_error *err);

/* Reads the agent's answer about a target; .given is false if there is none or it is malformed. */
void domm_agent_answer_read(struct domm_store *store, uint32_t monitor,
                            const struct domm_uuid *target, struct domm_agent_answer *answer_r);

#endif
