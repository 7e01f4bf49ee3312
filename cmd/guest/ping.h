/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dom0 asks how things are: it writes a text to domm/ping, and has it back in domm/agent/pong after
 * the answers in domm/agent/targets. */
#ifndef DOMM_GUEST_PING_H
#define DOMM_GUEST_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/guest/agent.h"
#include "cmd/guest/storage.h"
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

/* Does what there is to do; whatever fails is logged. Returns after how many milliseconds it wants
 * to be called again, if no storage tells anything before. */
int64_t ping_step(struct ping *ping);

#endif
