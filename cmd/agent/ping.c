/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/ping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/agent/answer.h"
#include "cmd/agent/monitor_vif.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define ANSWERS_NODE "domm/agent/targets"
#define PONG_NODE "domm/agent/pong"

/* How long to wait for storage; the answer is due within 2 s. */
#define DEADLINE_MS 1200

bool ping_text_fits(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return length > 0 && length < PING_TEXT;
}

static void ping_begin(struct ping *ping)
{
    cleanup_free char *text = NULL;
    struct domm_error err;
    ping->seen = false;
    if (domm_store_read(ping->store, PING_NODE, &text, &err))
        return; /* there is no request */
    if (!ping_text_fits(text)) {
        domm_log(ping->log, DOMM_LOG_WARN,
                 "ignoring " PING_NODE ": expected 1 to %d printable characters", PING_TEXT - 1);
        return;
    }
    snprintf(ping->text, sizeof(ping->text), "%s", text);
    ping->measuring = true;
    ping->deadline_ms = domm_now_ms() + DEADLINE_MS;
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
    for (size_t i = 0; i < target->n_monitor_vifs; i++)
        answer.monitor_vifs[answer.n_monitor_vifs++] = (struct answer_monitor_vif){
            target->monitor_vifs[i], monitor_vif_raise(target->monitor_vifs[i])};
    storage_report(ping->storage, target, &answer);
    answer_format(&answer, text);
    domm_uuid_format(&target->uuid, uuid);
    snprintf(path, sizeof(path), ANSWERS_NODE "/%s", uuid);
    return domm_store_write(ping->store, path, text, err);
}

static bool ping_is_listed(const struct ping *ping, const char *name)
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

/* Removes the answers about targets that are no longer listed, also those of an earlier agent. */
static int ping_remove_others(struct ping *ping, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count;
    int rc = domm_store_list(ping->store, ANSWERS_NODE, &names, &count, err);
    if (rc)
        return rc == -DOMM_NOT_FOUND ? 0 : rc;
    for (size_t i = 0; !rc && i < count; i++) {
        char path[256];
        snprintf(path, sizeof(path), ANSWERS_NODE "/%s", names[i]);
        if (!ping_is_listed(ping, names[i]))
            rc = domm_store_remove(ping->store, path, err);
    }
    return rc;
}

/* The pong is written last, so that the answers are there once dom0 sees it. */
static int write_answers(struct ping *ping, struct domm_error *err)
{
    const struct wanted *wanted = &ping->storage->wanted;
    int rc = ping_remove_others(ping, err);
    for (size_t i = 0; !rc && i < wanted->n_targets; i++)
        rc = write_answer(ping, &wanted->targets[i], err);
    if (rc)
        return rc;
    return domm_store_write(ping->store, PONG_NODE, ping->text, err);
}

static void ping_finish(struct ping *ping)
{
    struct domm_error err;
    int rc = write_answers(ping, &err);
    ping->measuring = false;
    /* If dom0 has removed the node meanwhile, this is not an error: it will create the node
     * again. */
    if (rc && rc != -DOMM_NOT_FOUND && rc != -DOMM_NOT_PERMITTED)
        domm_log(ping->log, DOMM_LOG_WARN, "answering dom0: %s", err.text);
}

void ping_postpone(struct ping *ping)
{
    ping->seen |= ping->measuring;
    ping->measuring = false;
}

/* A ping that arrives during a measurement waits until that is done. */
int64_t ping_step(struct ping *ping)
{
    if (ping->seen && !ping->measuring)
        ping_begin(ping);
    if (ping->measuring &&
        (storage_has_looked(ping->storage) || domm_now_ms() >= ping->deadline_ms))
        ping_finish(ping);
    if (ping->measuring)
        return ms_until(ping->deadline_ms);
    return ping->seen ? 0 : -1;
}
