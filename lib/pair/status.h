/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How well the targets of this host are monitored: measured now, in Xen, the kernel and the
 * agent, never taken from what was once written down.
 */
#ifndef DOMM_PAIR_STATUS_H
#define DOMM_PAIR_STATUS_H

#include "lib/base/json.h"
#include "lib/pair/answer.h"
#include "lib/pair/inventory.h"
#include "lib/pair/mirrors.h"
#include "lib/xen/memory.h"
#include "lib/xen/store.h"

enum domm_verdict {
    DOMM_VERDICT_NONE,     /* it is not configured */
    DOMM_VERDICT_READY,    /* domM sees it */
    DOMM_VERDICT_DEGRADED, /* domM sees a part of it, or not for sure */
    DOMM_VERDICT_BLIND,    /* domM sees nothing of it */
};

const char *domm_verdict_name(enum domm_verdict verdict);

#define DOMM_REASON 192 /* bytes, with the terminator */

struct domm_judgement {
    enum domm_verdict verdict;
    char reason[DOMM_REASON]; /* empty unless degraded or blind */
};

struct domm_mirror_status {
    struct domm_mirror_pair configured;
    struct domm_mirror_ends ends;
    bool measured; /* both devices are there */
    struct domm_mirror_state state;
    struct domm_judgement judgement;
};

struct domm_storage_status {
    const struct domm_storage *configured;
    struct domm_claim claim;
    struct domm_judgement judgement;
};

struct domm_pair_status {
    const struct domm_record_target *target;
    const struct domm_member *member; /* null if it is not on this host */
    struct domm_answer answer;
    struct domm_judgement memory, network, storage, all;
    struct domm_mirror_status mirrors[DOMM_RECORD_MAX_ITEMS];
    struct domm_storage_status stores[DOMM_RECORD_MAX_ITEMS];
};

/* Of one domM. */
struct domm_status {
    const struct domm_member *domm;
    bool service;      /* a dommd runs on this host */
    bool answered;     /* the agent */
    int64_t silent_ms; /* since its last sign of life; -1: it has given none */
    bool scanned;
    size_t frames, writable;      /* foreign frames in domM's page tables, of all its targets */
    size_t hidden;                /* pages of domM that could not be looked at */
    uint64_t paused_ns;           /* what scanning has cost domM */
    struct domm_judgement domain; /* whether domM itself can see anything */
    size_t n_pairs;
    struct domm_pair_status *pairs;
    enum domm_verdict worst; /* NONE: it has no targets */
};

/* What measuring needs. All borrowed. */
struct domm_observer {
    struct domm_xen *xen;
    struct domm_store *store;
    struct domm_memory *memory; /* null: page tables are not scanned, and domM is not paused */
    struct nl_sock *netlink;
};

#define DOMM_AGENT_TIMEOUT_MS 5000

/* Measures the domMs given, members of the inventory with a valid record. statuses_r has room for
 * count of them; each is freed by domm_status_free, and points into the inventory. */
int domm_status_measure(const struct domm_observer *observer,
                        const struct domm_inventory *inventory,
                        const struct domm_member *const *domms, size_t count,
                        struct domm_status *statuses_r, struct domm_error *err);
void domm_status_free(struct domm_status *status);

/* The gravest judgement on domM and its targets, or on domM and that target alone if it is not
 * null, and whose it is: *name_r is the status's. Pure. */
const struct domm_judgement *domm_status_gravest(const struct domm_status *status,
                                                 const struct domm_uuid *target,
                                                 const char **name_r);

/* The judgements, from what has been measured; pure. */
void domm_status_judge(struct domm_status *status);

struct json_object *domm_status_json(const struct domm_status *status);

#endif
