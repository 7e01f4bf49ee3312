/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's answer to a ping, about one target. */
#ifndef DOMM_AGENT_ANSWER_H
#define DOMM_AGENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/pair/record.h"

#define ANSWER_BYTES 1501 /* with the terminator */
#define ANSWER_ERROR 160
#define ANSWER_PATH 96
#define ANSWER_NEVER (-1)

struct answer_storage {
    bool ok;
    int64_t age_s; /* since the last good read, or ANSWER_NEVER */
    char error[ANSWER_ERROR];
    char path[ANSWER_PATH];
};

struct answer_monitor_vif {
    unsigned vif;
    const char *error; /* null if packets can arrive; a static string */
};

struct answer {
    bool memory_ok;
    char memory_error[ANSWER_ERROR];
    size_t n_monitor_vifs;
    struct answer_monitor_vif monitor_vifs[DOMM_RECORD_MAX_ITEMS];
    size_t n_storage;
    struct answer_storage storage[DOMM_RECORD_MAX_ITEMS];
};

/* Writes compact ASCII JSON. Error texts are shortened until it fits. */
void answer_format(const struct answer *answer, char text_r[ANSWER_BYTES]);

#endif
