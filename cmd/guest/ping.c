/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/ping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/guest/answer.h"
#include "cmd/guest/clock.h"
#include "cmd/guest/monitor.h"
#include "lib/base/cleanup.h"

#define ANSWERS_NODE "domm/agent/targets"
#define PONG_NODE "domm/agent/pong"

/* How long storage may take to be looked at; the answer is to be there within 2 s. */
#define DEADLINE_MS 1200
#define IDLE_MS 60000

bool ping_text_fits(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return length > 0 && length < PING_TEXT;
}

static void begin(struct ping *ping)
{
    cleanup_free char *text = NULL;
    struct domm_error err;
    ping->seen = false;
    if (domm_store_read(ping->store, PING_NODE, &text, &err))
        return; /* dom0 asks nothing */
    if (!ping_text_fits(text)) {
        domm_log(ping->log, DOMM_LOG_WARN,
                 "refused " PING_NODE ": not 1 to %d printable characters", PING_TEXT - 1);
        return;
    }
    snprintf(ping->text, sizeof(ping->text), "%s", text);
    ping->measuring = true;
    ping->deadline_ms = now_ms() + DEADLINE_MS;
    storage_ask(ping->storage);
}

static int write_answer(struct ping *ping, const struct wanted_target *target,
                        struct domm_error *err)
{
    struct answer answer = {.n_storage = 0};
    char uuid[DOMM_UUID_TEXT], path[sizeof(ANSWERS_NODE) + DOMM_UUID_TEXT], text[ANSWER_BYTES];
    const char *lack;
    answer.memory_ok = memory_check(ping->memory, target->uuid.bytes, &lack);
    snprintf(answer.memory_error, sizeof(answer.memory_error), "%s", lack ? lack : "");
    for (size_t i = 0; i < target->n_monitors; i++)
        answer.monitors[answer.n_monitors++] =
            (struct answer_monitor){target->monitors[i], monitor_raise(target->monitors[i])};
    storage_tell(ping->storage, target, &answer);
    answer_format(&answer, text);
    domm_uuid_format(&target->uuid, uuid);
    snprintf(path, sizeof(path), ANSWERS_NODE "/%s", uuid);
    return domm_store_write(ping->store, path, text, err);
}

static bool is_listed(const struct ping *ping, const char *name)
{
    const struct wanted *wanted = &ping->storage->wanted;
    for (size_t i = 0; i < wanted->n_targets; i++) {
        char uuid[DOMM_UUID_TEXT];
        domm_uuid_format(&wanted->targets[i].uuid, uuid);
        if (strcmp(uuid, name) == 0)
            return true;
    }
    return false;
}

/* The answers about targets that are no longer listed, also those of an earlier agent. */
static int remove_others(struct ping *ping, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count;
    int rc = domm_store_list(ping->store, ANSWERS_NODE, &names, &count, err);
    if (rc)
        return rc == -DOMM_NOT_FOUND ? 0 : rc;
    for (size_t i = 0; !rc && i < count; i++) {
        char path[256];
        snprintf(path, sizeof(path), ANSWERS_NODE "/%s", names[i]);
        if (!is_listed(ping, names[i]))
            rc = domm_store_remove(ping->store, path, err);
    }
    return rc;
}

/* The pong last: who sees it, sees the answers. */
static void finish(struct ping *ping)
{
    struct domm_error err;
    const struct wanted *wanted = &ping->storage->wanted;
    int rc = remove_others(ping, &err);
    ping->measuring = false;
    for (size_t i = 0; !rc && i < wanted->n_targets; i++)
        rc = write_answer(ping, &wanted->targets[i], &err);
    if (!rc)
        rc = domm_store_write(ping->store, PONG_NODE, ping->text, &err);
    /* That dom0 has removed the node meanwhile is nothing to speak of: it makes it anew. */
    if (rc && rc != -DOMM_NOT_FOUND && rc != -DOMM_NOT_PERMITTED)
        domm_log(ping->log, DOMM_LOG_WARN, "answering dom0: %s", err.text);
}

/* A ping that comes while another is measured for waits for its turn. */
int64_t ping_step(struct ping *ping)
{
    if (ping->seen && !ping->measuring)
        begin(ping);
    if (ping->measuring && (storage_has_looked(ping->storage) || now_ms() >= ping->deadline_ms))
        finish(ping);
    if (ping->measuring)
        return ping->deadline_ms - now_ms();
    return ping->seen ? 0 : IDLE_MS;
}
