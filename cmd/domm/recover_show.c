/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/recover_show.h"

#include <stdio.h>

#include "cmd/domm/output.h"
#include "lib/base/json.h"

static const char *action_word(enum domm_recovery then)
{
    static const char *const words[DOMM_RECOVERIES] = {
        [DOMM_RECOVERY_NOTHING] = "nothing",   [DOMM_RECOVERY_RUN] = "run",
        [DOMM_RECOVERY_RUN_FRESH] = "restart", [DOMM_RECOVERY_WAIT] = "wait",
        [DOMM_RECOVERY_DECIDE] = "decide",     [DOMM_RECOVERY_CLEAR] = "destroy",
    };
    return words[then];
}

/* What was done, with the guests as its subject. */
static const char *deed(const struct domm_recover_result *result)
{
    const struct domm_journal_facts *facts = result->facts;
    switch (result->then) {
    case DOMM_RECOVERY_RUN:
        return "run here";
    case DOMM_RECOVERY_RUN_FRESH:
        return "run here, with a fresh monitor";
    case DOMM_RECOVERY_CLEAR:
        return facts->source ? "belong to the other host; the stale copies here are destroyed"
                             : "were never handed over to this host; nothing is left of them here";
    default:
        if (!facts->source && facts->owner == DOMM_OWNER_DESTINATION)
            return "were taken over by this host, and are gone";
        return "have ended here";
    }
}

/* What would be done, in a dry run. */
static const char *intent(const struct domm_recover_result *result)
{
    const struct domm_journal_facts *facts = result->facts;
    switch (result->then) {
    case DOMM_RECOVERY_RUN:
        return "would run here";
    case DOMM_RECOVERY_RUN_FRESH:
        return "would run here, with a fresh monitor";
    case DOMM_RECOVERY_CLEAR:
        return facts->source ? "belong to the other host; the stale copies here would be destroyed"
                             : "were never handed over to this host; what is left of them here "
                               "would be destroyed";
    case DOMM_RECOVERY_WAIT:
    case DOMM_RECOVERY_DECIDE:
        return "would stay as they are";
    default:
        return "have ended here; that would be recorded";
    }
}

/* The subject of a sentence. */
static void print_guests(const struct domm_journal_facts *facts)
{
    printf("%s and its target%s ", facts->n_guests ? facts->guests[0].name : "its guests",
           facts->n_guests == 2 ? "" : "s");
}

static void show_intent(const struct domm_recover_result *result)
{
    const struct domm_journal_facts *facts = result->facts;
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&facts->migration, uuid);
    print_guests(facts);
    if (result->asks)
        printf("depend on what %s would answer; without an answer they ", facts->other);
    fputs(intent(result), stdout);
    if (!result->asks && result->err.code)
        printf(": %s", result->err.text);
    printf(" (migration %s)\n", uuid);
}

static void show_text(struct recover_show *show, const struct domm_recover_result *result)
{
    const struct domm_journal_facts *facts = result->facts;
    char uuid[DOMM_UUID_TEXT];
    struct domm_log *log = show->context->log;
    domm_uuid_format(&facts->migration, uuid);
    if (show->context->globals.dry_run) {
        show_intent(result);
        return;
    }
    if (!result->settled) {
        domm_log(log, DOMM_LOG_ERROR, "migration %s%s%s: %s", uuid, facts->source ? " to " : "",
                 facts->other, result->err.text);
        if (result->err.hint[0])
            domm_log(log, DOMM_LOG_ERROR, "hint: %s", result->err.hint);
        return;
    }
    print_guests(facts);
    printf("%s (migration %s)\n", deed(result), uuid);
}

/* Why it is not settled. In a dry run the destination has not been asked, which is no reason. */
static struct json_object *reason_json(const struct domm_recover_result *result, bool dry_run)
{
    bool none = result->settled || !result->err.code || (dry_run && result->asks);
    return none ? NULL : json_object_new_string(result->err.text);
}

static struct json_object *result_json(const struct domm_recover_result *result, bool dry_run)
{
    const struct domm_journal_facts *facts = result->facts;
    struct json_object *object = json_object_new_object(), *guests = json_object_new_array();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&facts->migration, uuid);
    for (size_t g = 0; g < facts->n_guests; g++)
        json_object_array_add(guests, json_object_new_string(facts->guests[g].name));
    domm_json_text(object, "migration", uuid);
    domm_json_text(object, "end", facts->source ? "source" : "destination");
    json_object_object_add(object, "guests", guests);
    domm_json_text(object, "answer", domm_recovery_answer_word(result->answer));
    domm_json_text(object, "action", action_word(result->then));
    domm_json_bool(object, "asks", result->asks);
    domm_json_bool(object, "settled", result->settled);
    json_object_object_add(object, "reason", reason_json(result, dry_run));
    return object;
}

void recover_show_begin(struct recover_show *show)
{
    if (show->context->globals.json)
        show->results = json_object_new_array();
}

void recover_show_result(void *context, const struct domm_recover_result *result)
{
    struct recover_show *show = context;
    show->shown++;
    if (show->results)
        json_object_array_add(show->results, result_json(result, show->context->globals.dry_run));
    else
        show_text(show, result);
}

void recover_show_end(struct recover_show *show)
{
    if (!show->results)
        return;
    cleanup_json struct json_object *root = json_object_new_object();
    json_object_object_add(root, "migrations", show->results);
    show->results = NULL;
    cmd_print_json(root);
}
