/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/agent_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/text.h"
#include "lib/pair/xenstore_nodes.h"

#define PATH_BYTES 160
#define MAX_BYTES 4096
#define DEPTH 6

static void agent_client_take_text(struct json_object *object, const char *key,
                                   char text_r[DOMM_AGENT_TEXT])
{
    struct json_object *value;
    text_r[0] = '\0';
    if (json_object_object_get_ex(object, key, &value) &&
        json_object_is_type(value, json_type_string))
        snprintf(text_r, DOMM_AGENT_TEXT, "%s", json_object_get_string(value));
    domm_make_printable(text_r);
}

static void take_claim(struct json_object *object, struct domm_claim *claim_r)
{
    struct json_object *value;
    *claim_r = (struct domm_claim){.age_s = -1};
    agent_client_take_text(object, "error", claim_r->error);
    agent_client_take_text(object, "path", claim_r->path);
    if (json_object_object_get_ex(object, "ok", &value) &&
        json_object_is_type(value, json_type_boolean))
        claim_r->ok = json_object_get_boolean(value);
    if (json_object_object_get_ex(object, "age", &value) &&
        json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0)
        claim_r->age_s = json_object_get_int64(value);
}

static void take_monitor_vifs(struct json_object *list, struct domm_agent_answer *answer)
{
    size_t count = json_object_array_length(list);
    for (size_t i = 0; i < count && answer->n_monitor_vifs < DOMM_RECORD_MAX_ITEMS; i++) {
        struct json_object *item = json_object_array_get_idx(list, i), *vif;
        if (!json_object_object_get_ex(item, "vif", &vif) ||
            !json_object_is_type(vif, json_type_int))
            continue;
        take_claim(item, &answer->monitor_vifs[answer->n_monitor_vifs]);
        answer->monitor_devids[answer->n_monitor_vifs++] = (unsigned)json_object_get_int(vif);
    }
}

bool domm_agent_answer_parse(const char *text, struct domm_agent_answer *answer_r)
{
    struct json_object *memory, *network, *storage;
    *answer_r = (struct domm_agent_answer){0};
    if (strlen(text) > MAX_BYTES)
        return false;
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    if (!tokener)
        return false;
    cleanup_json struct json_object *root =
        json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
    json_tokener_free(tokener);
    if (!json_object_is_type(root, json_type_object) ||
        !json_object_object_get_ex(root, "memory", &memory))
        return false;
    answer_r->given = true;
    take_claim(memory, &answer_r->memory);
    if (json_object_object_get_ex(root, "network", &network) &&
        json_object_is_type(network, json_type_array))
        take_monitor_vifs(network, answer_r);
    if (json_object_object_get_ex(root, "storage", &storage) &&
        json_object_is_type(storage, json_type_array))
        answer_r->n_storage = json_object_array_length(storage);
    if (answer_r->n_storage > DOMM_RECORD_MAX_ITEMS)
        answer_r->n_storage = DOMM_RECORD_MAX_ITEMS;
    for (size_t i = 0; i < answer_r->n_storage; i++)
        take_claim(json_object_array_get_idx(storage, i), &answer_r->storage[i]);
    return true;
}

void domm_agent_answer_read(struct domm_store *store, uint32_t monitor,
                            const struct domm_uuid *target, struct domm_agent_answer *answer_r)
{
    char path[PATH_BYTES], uuid[DOMM_UUID_TEXT];
    cleanup_free char *text = NULL;
    struct domm_error ignored;
    domm_uuid_format(target, uuid);
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_AGENT "/targets/%s", monitor, uuid);
    *answer_r = (struct domm_agent_answer){0};
    if (domm_store_read(store, path, &text, &ignored) == 0)
        domm_agent_answer_parse(text, answer_r);
}

/* The question and answer nodes of one kind of exchange. */
struct exchange {
    const char *question, *answer;
    const uint32_t *domids;
    size_t count;
    struct domm_agent_word word;
};

static void node_path(uint32_t domid, const char *node, char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "/local/domain/%u/%s", domid, node);
}

static int make_word(struct domm_agent_word *word_r, struct domm_error *err)
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a nonce for the agents");
    snprintf(word_r->text, sizeof(word_r->text), "%016" PRIx64, random);
    return 0;
}

/* The node of the question is there if dommd serves this monitor. */
static int write_question(struct domm_store *store, const char *question, uint32_t domid,
                          const struct domm_agent_word *word, struct domm_error *err)
{
    char path[PATH_BYTES];
    node_path(domid, question, path);
    return domm_store_rewrite(store, path, word->text, err);
}

/* A monitor that has just ended does not answer. One that cannot be asked keeps nobody from asking
 * the others; only if none can be asked it is a failure. */
static int write_questions(struct domm_store *store, const struct exchange *exchange,
                           struct domm_error *err)
{
    struct domm_error one;
    size_t failed = 0;
    for (size_t i = 0; i < exchange->count; i++) {
        int rc =
            write_question(store, exchange->question, exchange->domids[i], &exchange->word, &one);
        if (!rc || rc == -DOMM_NOT_FOUND)
            continue;
        *err = one;
        failed++;
    }
    return failed && failed == exchange->count ? -(int)err->code : 0;
}

/* A watch fires once at once, so that an answer that came before it is not missed. */
static int watch_answers(struct domm_store *store, const struct exchange *exchange,
                         struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < exchange->count; i++) {
        char path[PATH_BYTES];
        node_path(exchange->domids[i], exchange->answer, path);
        rc = domm_store_watch(store, path, err);
    }
    return rc;
}

static void unwatch_answers(struct domm_store *store, const struct exchange *exchange)
{
    struct domm_error ignored;
    for (size_t i = 0; i < exchange->count; i++) {
        char path[PATH_BYTES];
        node_path(exchange->domids[i], exchange->answer, path);
        domm_store_unwatch(store, path, &ignored);
    }
}

static bool all_answered(struct domm_store *store, const struct exchange *exchange, bool *answered)
{
    bool all = true;
    for (size_t i = 0; i < exchange->count; i++) {
        char path[PATH_BYTES];
        cleanup_free char *word = NULL;
        struct domm_error ignored;
        node_path(exchange->domids[i], exchange->answer, path);
        if (!answered[i] && domm_store_read(store, path, &word, &ignored) == 0)
            answered[i] = strcmp(word, exchange->word.text) == 0;
        all &= answered[i];
    }
    return all;
}

static int wait_for_answers(struct domm_store *store, const struct exchange *exchange,
                            int timeout_ms, bool *answered, struct domm_error *err)
{
    int64_t end = domm_now_ms() + timeout_ms;
    struct pollfd fd = {.fd = domm_store_fd(store), .events = POLLIN};
    while (!all_answered(store, exchange, answered)) {
        int64_t rest = end - domm_now_ms();
        if (rest <= 0)
            return 0;
        /* A caller that a signal shall end checks for it between two exchanges. */
        if (poll(&fd, 1, (int)rest) < 0 && errno != EINTR)
            return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for the agents");
        domm_store_drop_events(store);
    }
    return 0;
}

static int agent_client_await(struct domm_store *store, const struct exchange *exchange,
                              int timeout_ms, bool *answered_r, struct domm_error *err)
{
    for (size_t i = 0; i < exchange->count; i++)
        answered_r[i] = false;
    int rc = watch_answers(store, exchange, err);
    if (!rc)
        rc = wait_for_answers(store, exchange, timeout_ms, answered_r, err);
    unwatch_answers(store, exchange);
    return rc;
}

static int agent_client_carry_out(struct domm_store *store, struct exchange *exchange,
                                  int timeout_ms, bool *answered_r, struct domm_error *err)
{
    int rc = make_word(&exchange->word, err);
    if (rc)
        return rc;
    rc = write_questions(store, exchange, err);
    if (rc)
        return rc;
    return agent_client_await(store, exchange, timeout_ms, answered_r, err);
}

int domm_agent_ask(struct domm_store *store, uint32_t monitor, struct domm_agent_word *word_r,
                   struct domm_error *err)
{
    int rc = make_word(word_r, err);
    if (rc)
        return rc;
    return write_question(store, DOMM_NODE_PING, monitor, word_r, err);
}

int domm_agents_ask(struct domm_store *store, const uint32_t *domids, size_t count,
                    const struct domm_agent_word *asked, int timeout_ms, bool *answered_r,
                    struct domm_error *err)
{
    struct exchange exchange = {.question = DOMM_NODE_PING,
                                .answer = DOMM_NODE_AGENT "/pong",
                                .domids = domids,
                                .count = count};
    if (!asked)
        return agent_client_carry_out(store, &exchange, timeout_ms, answered_r, err);
    exchange.word = *asked;
    return agent_client_await(store, &exchange, timeout_ms, answered_r, err);
}

int domm_agent_freeze(struct domm_store *store, uint32_t monitor, int timeout_ms, bool *frozen_r,
                      struct domm_error *err)
{
    struct exchange exchange = {.question = DOMM_NODE_FREEZE,
                                .answer = DOMM_NODE_AGENT "/frozen",
                                .domids = &monitor,
                                .count = 1};
    return agent_client_carry_out(store, &exchange, timeout_ms, frozen_r, err);
}

int domm_agent_thaw(struct domm_store *store, uint32_t monitor, struct domm_error *err)
{
    char path[PATH_BYTES];
    cleanup_free char *word = NULL;
    node_path(monitor, DOMM_NODE_FREEZE, path);
    int rc = domm_store_read(store, path, &word, err);
    if (rc)
        return rc == -DOMM_NOT_FOUND ? 0 : rc;
    return word[0] ? domm_store_rewrite(store, path, "", err) : 0;
}

int64_t domm_agent_silent_ms(struct domm_store *store, uint32_t monitor)
{
    char path[PATH_BYTES], *end;
    cleanup_free char *text = NULL;
    struct domm_error ignored;
    node_path(monitor, DOMM_NODE_HEARD, path);
    if (domm_store_read(store, path, &text, &ignored) || !*text)
        return -1;
    int64_t heard = strtoll(text, &end, 10), now = domm_now_ms();
    return *end || heard < 0 || heard > now ? -1 : now - heard;
}
