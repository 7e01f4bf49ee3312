/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/verdict_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cmd/domm/hooks.h"
#include "cmd/domm/host_log.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/lock.h"
#include "lib/base/paths.h"
#include "lib/pair/locks.h"

/* "MONITOR/TARGET", their UUIDs. */
#define KEY_BYTES (2 * DOMM_UUID_TEXT)

struct verdict_change {
    const struct domm_status *status;
    const struct domm_pair_status *pair;
    const char *before; /* a verdict, or "none" */
};

static void key_of(const struct domm_status *status, const struct domm_pair_status *pair,
                   char key_r[KEY_BYTES])
{
    char monitor[DOMM_UUID_TEXT], target[DOMM_UUID_TEXT];
    domm_uuid_format(&status->monitor->domain.uuid, monitor);
    domm_uuid_format(&pair->target->uuid, target);
    snprintf(key_r, KEY_BYTES, "%s/%s", monitor, target);
}

static const char *verdict_text(struct json_object *verdicts, const char *key)
{
    struct json_object *text;
    if (!json_object_is_type(verdicts, json_type_object) ||
        !json_object_object_get_ex(verdicts, key, &text) ||
        !json_object_is_type(text, json_type_string))
        return "none";
    return json_object_get_string(text);
}

static void add_domain(struct cmd_fields *fields, const char *prefix, const char *name,
                       const struct domm_uuid *uuid, uint32_t domid)
{
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    name = name && *name ? name : text;
    cmd_fields_add(fields, "%s=%.*s", prefix, (int)domm_name_length(name), name);
    cmd_fields_add(fields, "%s_UUID=%s", prefix, text);
    if (domid != DOMM_NO_DOMID)
        cmd_fields_add(fields, "%s_DOMID=%u", prefix, domid);
}

static void collect_change(struct cmd_fields *fields, const struct verdict_change *change)
{
    const struct domm_domain *monitor = &change->status->monitor->domain;
    const struct domm_pair_status *pair = change->pair;
    cmd_fields_add(fields, "DOMM_VERDICT=%s", domm_verdict_name(pair->all.verdict));
    cmd_fields_add(fields, "DOMM_VERDICT_BEFORE=%s", change->before);
    cmd_fields_add(fields, "DOMM_REASON=%s", pair->all.reason);
    add_domain(fields, "DOMM_MONITOR", monitor->name, &monitor->uuid, monitor->domid);
    add_domain(fields, "DOMM_TARGET", pair->name, &pair->target->uuid,
               pair->entry ? pair->entry->domain.domid : DOMM_NO_DOMID);
}

static void log_change(const struct verdict_change *change, const struct cmd_fields *facts)
{
    static const int priorities[] = {[DOMM_VERDICT_READY] = LOG_NOTICE,
                                     [DOMM_VERDICT_DEGRADED] = LOG_WARNING,
                                     [DOMM_VERDICT_BLIND] = LOG_ERR};
    const struct domm_judgement *all = &change->pair->all;
    char message[512];
    snprintf(message, sizeof(message), "the view of %s is %s, was %s%s%s",
             change->pair->name ? change->pair->name : "a target that is not here",
             domm_verdict_name(all->verdict), change->before, *all->reason ? ": " : "",
             all->reason);
    cmd_host_log(priorities[all->verdict], CMD_VERDICT_MESSAGE_ID, message, facts);
}

static void tell_change(const struct verdict_change *change, struct domm_log *log)
{
    struct cmd_fields facts = {.count = 0};
    struct domm_error err;
    const char *hook = domm_verdict_name(change->pair->all.verdict);
    collect_change(&facts, change);
    log_change(change, &facts);
    cmd_fields_add(&facts, "DOMM_HOOK=%s", hook);
    if (cmd_hook_run(hook, &facts, &err))
        domm_log(log, DOMM_LOG_WARN, "%s", err.text);
    cmd_fields_free(&facts);
}

/* All pairs of the survey, and what was kept of them. A pair that is being migrated stands still
 * for a moment, with its target: its verdict is the one before, or "none". *changes_r is the
 * caller's to free. */
static int compare_verdicts(const struct domm_survey *survey, struct json_object *before,
                            struct json_object *now, struct verdict_change **changes_r,
                            size_t *count_r, struct domm_error *err)
{
    char key[KEY_BYTES];
    size_t room = 0;
    for (size_t s = 0; s < survey->count; s++)
        room += survey->statuses[s].n_pairs;
    *count_r = 0;
    *changes_r = calloc(room + 1, sizeof(**changes_r));
    if (!*changes_r)
        return domm_no_memory(err);
    for (size_t i = 0, s = 0; s < survey->count; i = 0, s++) {
        for (; i < survey->statuses[s].n_pairs; i++) {
            const struct domm_pair_status *pair = &survey->statuses[s].pairs[i];
            const char *verdict = domm_verdict_name(pair->all.verdict);
            key_of(&survey->statuses[s], pair, key);
            const char *kept = verdict_text(before, key);
            if (domm_guest_is_moving(&pair->target->uuid))
                verdict = kept;
            domm_json_text(now, key, verdict);
            if (strcmp(kept, verdict) != 0)
                (*changes_r)[(*count_r)++] =
                    (struct verdict_change){&survey->statuses[s], pair, kept};
        }
    }
    return 0;
}

/* Keeps the verdicts before it tells of changes, so that each is told of once. */
static int keep_and_tell(const char *path, const struct domm_survey *survey, struct domm_log *log,
                         struct domm_error *err)
{
    cleanup_json struct json_object *before = json_object_from_file(path);
    cleanup_json struct json_object *now = json_object_new_object();
    cleanup_free struct verdict_change *changes = NULL;
    size_t count;
    int rc = compare_verdicts(survey, before, now, &changes, &count, err);
    if (rc)
        return rc;
    const char *text = json_object_to_json_string_ext(now, JSON_C_TO_STRING_PLAIN);
    rc = domm_file_replace_unsynced(path, text, strlen(text), err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++)
        tell_change(&changes[i], log);
    return 0;
}

int cmd_verdict_changes_tell(const struct domm_survey *survey, struct domm_log *log,
                             struct domm_error *err)
{
    cleanup_free char *path = NULL;
    cleanup_fd int lock = -1;
    int rc = domm_lock_file_open("verdicts.lock", &lock, err);
    if (rc)
        return rc;
    if (!domm_lock_file(lock)) {
        domm_log(log, DOMM_LOG_WARN, "another process is looking for changes");
        return 0;
    }
    if (asprintf(&path, "%s/verdicts", domm_run_directory) < 0)
        return domm_no_memory(err);
    return keep_and_tell(path, survey, log, err);
}
