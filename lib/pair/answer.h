/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking the agent in a domM how it sees its targets. dom0 writes a fresh word into domm/ping of
 * domM's home in xenstore; the agent looks anew, writes what it sees to domm/agent/targets/<uuid>,
 * and then the word to domm/agent/pong. A word that comes back is a sign of life of this moment,
 * whatever the clocks of both say.
 *
 * What the agent says is a claim of domM, read as hostile input. It cannot make a target of
 * another domM look watched: it is looked for under the UUIDs of the record only.
 */
#ifndef DOMM_PAIR_ANSWER_H
#define DOMM_PAIR_ANSWER_H

#include "lib/pair/record.h"
#include "lib/xen/store.h"

#define DOMM_ANSWER_TEXT 128 /* bytes, with the terminator */

struct domm_claim {
    bool ok;
    int64_t age_s;                /* since the last good read; -1: never, or not said */
    char error[DOMM_ANSWER_TEXT]; /* printable; of memory that is ok: what is missing of it */
    char path[DOMM_ANSWER_TEXT];  /* where it is mounted in domM */
};

/* Of the agent about one target. */
struct domm_answer {
    bool given;
    struct domm_claim memory;
    size_t n_monitors;
    unsigned monitor_vifs[DOMM_RECORD_MAX_ITEMS];
    struct domm_claim monitors[DOMM_RECORD_MAX_ITEMS]; /* domM's end of the mirrors */
    size_t n_storage;
    struct domm_claim storage[DOMM_RECORD_MAX_ITEMS];
};

/* False if the text is no answer. */
bool domm_answer_parse(const char *text, struct domm_answer *answer_r);

/* Asks the agents of `count` domMs at once; answered_r[i] says whether the word of number i came
 * back within timeout_ms. */
int domm_agents_ask(struct domm_store *store, const uint32_t *domids, size_t count, int timeout_ms,
                    bool *answered_r, struct domm_error *err);

/* How long ago dommd has seen the agent give a sign of life; -1 if it never has. */
int64_t domm_agent_silent_ms(struct domm_store *store, uint32_t domm);

/* Has the agent bring the other programs of domM to rest before it is suspended: one that waits
 * for a page of a memory file would keep Linux from it. Waits for timeout_ms at most, since an
 * agent that does not answer cannot be told from one that is dead; *rest_r says whether it has
 * answered. They go on by domm_agent_thaw, or when domM runs elsewhere. */
int domm_agent_freeze(struct domm_store *store, uint32_t domm, int timeout_ms, bool *rest_r,
                      struct domm_error *err);
int domm_agent_thaw(struct domm_store *store, uint32_t domm, struct domm_error *err);

/* What the agent has said about a target; .given is false if nothing that makes sense. */
void domm_answer_read(struct domm_store *store, uint32_t domm, const struct domm_uuid *target,
                      struct domm_answer *answer_r);

#endif
