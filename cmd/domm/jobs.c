/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "lib/base/clock.h"
#include "lib/migrate/job_status.h"
#include "lib/migrate/journal/facts.h"
#include "lib/pair/locks.h"

#define WATCH_MS 1000
#define MAX_RATED 16 /* migrations under way at a time whose rate is shown */

struct amounts {
    uint64_t whole; /* the guests' memory */
    uint64_t first; /* of it, sent at least once: guests that write have some of it sent again */
    uint64_t sent;  /* in all */
};

/* What a migration had sent when it was last looked at. */
struct sample {
    struct domm_uuid migration;
    uint64_t sent;
    int64_t at_ms;
};

struct jobs_view {
    struct json_object *jobs; /* null: print text */
    size_t running;           /* how many were found */
    size_t n_samples;
    struct sample samples[MAX_RATED];
};

static uint64_t jobs_number(struct json_object *object, const char *key)
{
    struct json_object *number;
    return json_object_object_get_ex(object, key, &number) ? json_object_get_uint64(number) : 0;
}

static struct amounts amounts_of(struct json_object *status)
{
    struct amounts all = {0};
    struct json_object *guests;
    if (!json_object_object_get_ex(status, "guests", &guests) ||
        !json_object_is_type(guests, json_type_array))
        return all;
    for (size_t i = 0; i < json_object_array_length(guests); i++) {
        struct json_object *guest = json_object_array_get_idx(guests, i);
        uint64_t bytes = jobs_number(guest, "sent_bytes"),
                 memory = jobs_number(guest, "memory_bytes");
        all.sent += bytes;
        all.first += bytes < memory ? bytes : memory;
        all.whole += memory;
    }
    return all;
}

static struct sample *sample_of(struct jobs_view *view, const struct domm_uuid *migration)
{
    for (size_t i = 0; i < view->n_samples; i++) {
        if (domm_uuid_equal(&view->samples[i].migration, migration))
            return &view->samples[i];
    }
    if (view->n_samples == MAX_RATED)
        return NULL;
    view->samples[view->n_samples] = (struct sample){.migration = *migration};
    return &view->samples[view->n_samples++];
}

/* Since the last look, in MB/s; -1 if there was none. */
static double take_rate(struct jobs_view *view, const struct domm_uuid *migration, uint64_t sent)
{
    struct sample *sample = sample_of(view, migration);
    if (!sample)
        return -1;
    struct sample before = *sample;
    *sample = (struct sample){*migration, sent, domm_now_ms()};
    if (!before.at_ms || before.sent > sent || sample->at_ms <= before.at_ms)
        return -1;
    return (double)(sent - before.sent) / 1000.0 / (double)(sample->at_ms - before.at_ms);
}

/* The present state of a process; of a dead one, the last that it wrote down. */
static const char *state_name(const struct domm_journal_facts *facts, struct json_object *status)
{
    struct json_object *state;
    if (json_object_object_get_ex(status, "state", &state))
        return json_object_get_string(state);
    enum domm_migration_state last = domm_journal_facts_state(facts);
    return last == DOMM_MIGRATION_STATES ? "begun" : domm_migration_states[last].name;
}

static struct json_object *job_json(const struct domm_journal_facts *facts, bool running,
                                    struct json_object *status)
{
    struct json_object *object = json_object_new_object(), *guests = json_object_new_array();
    struct json_object *reported;
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&facts->migration, uuid);
    domm_json_text(object, "migration", uuid);
    domm_json_text(object, "end", facts->source ? "source" : "destination");
    json_object_object_add(object, "destination",
                           facts->source ? json_object_new_string(facts->other) : NULL);
    domm_json_bool(object, "running", running);
    domm_json_text(object, "state", state_name(facts, status));
    for (size_t g = 0; g < facts->n_guests; g++)
        json_object_array_add(guests, json_object_new_string(facts->guests[g].name));
    json_object_object_add(object, "guests", guests);
    json_object_object_add(
        object, "progress",
        json_object_object_get_ex(status, "guests", &reported) ? json_object_get(reported) : NULL);
    return object;
}

static void job_text(struct jobs_view *view, const struct domm_journal_facts *facts, bool running,
                     struct json_object *status)
{
    char uuid[DOMM_UUID_TEXT], percent[16] = "-", rate[16] = "-";
    struct amounts amounts = amounts_of(status);
    if (facts->source && running && amounts.whole) {
        double megabytes = take_rate(view, &facts->migration, amounts.sent);
        snprintf(percent, sizeof(percent), "%d%%", (int)(amounts.first * 100 / amounts.whole));
        if (megabytes >= 0)
            snprintf(rate, sizeof(rate), "%.1f", megabytes);
    }
    domm_uuid_format(&facts->migration, uuid);
    printf("%s %-11s %-10s %-20s %5s %7s %-15s ", uuid, facts->source ? "source" : "destination",
           running ? "running" : "unfinished", state_name(facts, status), percent, rate,
           facts->other[0] ? facts->other : "-");
    for (size_t g = 0; g < facts->n_guests; g++)
        printf("%s%s", g ? "," : "", facts->guests[g].name);
    puts("");
}

static bool show_job(void *context, const struct domm_journal_facts *facts)
{
    struct jobs_view *view = context;
    if (facts->over)
        return true;
    bool running = domm_guest_is_locked(DOMM_LOCK_MIGRATION, &facts->migration);
    cleanup_json struct json_object *status =
        running ? domm_job_status_read(&facts->migration, facts->source) : NULL;
    view->running += running;
    if (view->jobs)
        json_object_array_add(view->jobs, job_json(facts, running, status));
    else
        job_text(view, facts, running, status);
    return true;
}

static void jobs_text(struct jobs_view *view)
{
    printf("%-36s %-11s %-10s %-20s %5s %7s %-15s %s\n", "MIGRATION", "END", "PROCESS", "STATE",
           "SENT", "MB/s", "DESTINATION", "GUESTS");
    domm_journal_facts_each(show_job, view);
}

static void jobs_json(struct jobs_view *view)
{
    cleanup_json struct json_object *root = json_object_new_object();
    view->jobs = json_object_new_array();
    json_object_object_add(root, "jobs", view->jobs);
    domm_journal_facts_each(show_job, view);
    cmd_print_json(root);
}

static void show(struct jobs_view *view, bool json)
{
    view->running = 0;
    if (json)
        jobs_json(view);
    else
        jobs_text(view);
}

/* Until no migration is under way, or an interrupt, which is not an error. */
static int jobs_watch(struct jobs_view *view, bool json, struct domm_error *err)
{
    int rc = 0;
    cmd_interrupts_begin();
    do {
        cmd_clear_screen();
        show(view, json);
        if (fflush(stdout))
            rc = domm_fail(err, DOMM_FAILED, "writing the migrations to standard output");
        else if (view->running)
            rc = cmd_pause_ms(WATCH_MS, err);
    } while (!rc && view->running);
    cmd_interrupts_end();
    return rc == -DOMM_ABORTED ? 0 : rc;
}

static bool wants_watch(const struct cmd_arguments *arguments)
{
    for (size_t i = 0; i < arguments->n_options; i++) {
        if (arguments->options[i].id == 'w')
            return true;
    }
    return false;
}

int cmd_jobs(struct cmd_context *context, const struct cmd_arguments *arguments,
             struct domm_error *err)
{
    struct jobs_view view = {0};
    if (wants_watch(arguments))
        return jobs_watch(&view, context->globals.json, err);
    show(&view, context->globals.json);
    return 0;
}
