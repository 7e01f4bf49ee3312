/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers dom0: dom0 writes a text to domm/ping; the agent writes its findings to
 * domm/agent/targets, and then the text to domm/agent/pong. */
#ifndef DOMM_AGENT_PING_H
#define DOMM_AGENT_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/agent/memory.h"
#include "cmd/agent/storage.h"
#include "lib/xen/store.h"

#define PING_NODE "domm/ping"
#define PING_TEXT 65 /* bytes, with the terminator */

struct ping {
    struct domm_store *store;
    struct domm_log *log;
    struct memory *memory;
    struct storage *storage;
    bool seen;            /* the node has changed */
    bool measuring;       /* for `text`, until the deadline */
    char text[PING_TEXT]; /* of the last ping */
    int64_t deadline_ms;
};

/* One to 64 printable ASCII characters. */
bool ping_text_fits(const char *text);

/* Does all pending work; failures are logged. Returns in how many milliseconds to call it again,
 * unless a storage notifies before; a negative number if only after the node has changed. */
int64_t ping_step(struct ping *ping);

/* What is being measured is asked for again by the next step: the guest may be another host's then.
 */
void ping_postpone(struct ping *ping);

#endif
