/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/report/report.h"

#include <string.h>

#include "lib/base/log.h"

void domm_report_begin(struct domm_report *report_r)
{
    memset(report_r, 0, sizeof(*report_r));
    for (size_t g = 0; g < sizeof(report_r->guests) / sizeof(*report_r->guests); g++) {
        for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++)
            report_r->guests[g].marks[mark] = DOMM_NEVER;
    }
}

static uint64_t mark_after(uint64_t prepare_ns, uint64_t now, uint64_t time)
{
    if (time == 0)
        return DOMM_NEVER;
    return prepare_ns < now && time < now - prepare_ns ? prepare_ns + time : now;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

void domm_report_add_figures(struct domm_report *report, const struct domm_message_figures *figures,
                             uint64_t prepare_ns, uint64_t now)
{
    if (figures->guest > report->n_targets)
        return;
    struct domm_report_guest *guest = &report->guests[figures->guest];
    guest->marks[DOMM_MARK_RESTORED] = mark_after(prepare_ns, now, figures->restored);
    guest->marks[DOMM_MARK_RESUMED] = mark_after(prepare_ns, now, figures->resumed);
    if (figures->guest == 0) {
        guest->marks[DOMM_MARK_READY] = mark_after(prepare_ns, now, figures->ready);
        report->ptes = figures->ptes;
        return;
    }
    guest->unmonitored_cpu = sum(guest->unmonitored_cpu, figures->unmonitored_cpu);
    guest->unmonitored_wall = sum(guest->unmonitored_wall, figures->unmonitored_wall);
}

void domm_report_add_round(struct domm_report_guest *guest, uint64_t at, uint64_t bytes,
                           uint64_t dirty_pages)
{
    if (guest->n_history < DOMM_REPORT_ROUNDS)
        guest->history[guest->n_history++] = (struct domm_report_round){at, bytes, dirty_pages};
}

uint64_t domm_report_span(const struct domm_report_guest *guest, enum domm_mark from,
                          enum domm_mark to)
{
    uint64_t begin = guest->marks[from], end = guest->marks[to];
    if (begin == DOMM_NEVER || end == DOMM_NEVER)
        return DOMM_NEVER;
    return end > begin ? end - begin : 0;
}

uint64_t domm_report_downtime(const struct domm_report_guest *guest)
{
    return domm_report_span(guest, DOMM_MARK_STOPPED, DOMM_MARK_RESUMED);
}

uint64_t domm_report_targets_downtime(const struct domm_report *report)
{
    uint64_t longest = 0; /* DOMM_NEVER is the largest number */
    for (unsigned int g = 1; g <= report->n_targets; g++) {
        uint64_t downtime = domm_report_downtime(&report->guests[g]);
        longest = downtime > longest ? downtime : longest;
    }
    return longest;
}

const char *domm_report_outcome(const struct domm_report *report)
{
    static const char *const outcomes[DOMM_MIGRATION_OUTCOMES] = {
        [DOMM_MIGRATION_MOVED] = "moved",
        [DOMM_MIGRATION_HELD] = "held",
        [DOMM_MIGRATION_IMPAIRED] = "impaired",
    };
    switch (report->state) {
    case DOMM_SRC_MOVED:
        return outcomes[report->outcome];
    case DOMM_SRC_UNKNOWN:
        return "unknown";
    case DOMM_SRC_UNCONFIRMED:
        return "unconfirmed";
    case DOMM_SRC_HELD:
        return "held-at-source";
    case DOMM_SRC_ROLLED_BACK:
        return "rolled-back";
    case DOMM_SRC_STUCK:
        return "rolled-back-in-part";
    default:
        return "unfinished";
    }
}

static void add_time(struct json_object *object, const char *key, uint64_t time)
{
    json_object_object_add(object, key, time == DOMM_NEVER ? NULL : json_object_new_uint64(time));
}

const char *const domm_mark_names[DOMM_MARKS] = {
    [DOMM_MARK_COPY] = "copy_ns",       [DOMM_MARK_CONVERGED] = "converged_ns",
    [DOMM_MARK_STOP] = "stop_ns",       [DOMM_MARK_STOPPED] = "stopped_ns",
    [DOMM_MARK_SENT] = "sent_ns",       [DOMM_MARK_RESTORED] = "restored_ns",
    [DOMM_MARK_RESUMED] = "resumed_ns", [DOMM_MARK_READY] = "ready_ns",
};

static struct json_object *marks_json(const struct domm_report_guest *guest)
{
    struct json_object *object = json_object_new_object();
    for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++)
        add_time(object, domm_mark_names[mark], guest->marks[mark]);
    return object;
}

static struct json_object *history_json(const struct domm_report_guest *guest)
{
    struct json_object *list = json_object_new_array();
    for (unsigned int i = 0; i < guest->n_history; i++) {
        struct json_object *round = json_object_new_object();
        domm_json_number(round, "at_ns", guest->history[i].at);
        domm_json_number(round, "bytes", guest->history[i].bytes);
        domm_json_number(round, "dirty_pages", guest->history[i].dirty_pages);
        json_object_array_add(list, round);
    }
    return list;
}

static struct json_object *report_guest_json(const struct domm_report_guest *guest, bool target)
{
    struct json_object *object = json_object_new_object();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&guest->uuid, uuid);
    domm_json_text(object, "name", guest->name);
    domm_json_text(object, "uuid", uuid);
    domm_json_text(object, "role", target ? "target" : "monitor");
    domm_json_number(object, "rounds", guest->rounds);
    domm_json_number(object, "bytes", guest->bytes);
    domm_json_number(object, "final_bytes", guest->final_bytes);
    domm_json_number(object, "wire_bytes", guest->wire_bytes);
    add_time(object, "precopy_ns", domm_report_span(guest, DOMM_MARK_COPY, DOMM_MARK_STOP));
    add_time(object, "suspend_ns", domm_report_span(guest, DOMM_MARK_STOP, DOMM_MARK_STOPPED));
    add_time(object, "final_copy_ns", domm_report_span(guest, DOMM_MARK_STOPPED, DOMM_MARK_SENT));
    add_time(object, "restore_ns", domm_report_span(guest, DOMM_MARK_SENT, DOMM_MARK_RESTORED));
    add_time(object, "resume_ns", domm_report_span(guest, DOMM_MARK_RESTORED, DOMM_MARK_RESUMED));
    add_time(object, "downtime_ns", domm_report_downtime(guest));
    add_time(object, "wait_to_stop_ns",
             domm_report_span(guest, DOMM_MARK_CONVERGED, DOMM_MARK_STOP));
    if (target) {
        domm_json_number(object, "unmonitored_cpu_ns", guest->unmonitored_cpu);
        domm_json_number(object, "unmonitored_wall_ns", guest->unmonitored_wall);
    } else {
        add_time(object, "ready_ns", domm_report_span(guest, DOMM_MARK_RESUMED, DOMM_MARK_READY));
    }
    json_object_object_add(object, "marks", marks_json(guest));
    json_object_object_add(object, "history", history_json(guest));
    return object;
}

/* The rest of the targets' downtime is what a later prediction takes (journal/last_report.h). */
static void add_downtime(struct json_object *root, const struct domm_report *report)
{
    uint64_t downtime = domm_report_targets_downtime(report), copies = report->predicted_copies;
    bool stopped = downtime != DOMM_NEVER && copies;
    add_time(root, "downtime_limit_ns",
             report->downtime_limit ? report->downtime_limit : DOMM_NEVER);
    add_time(root, "predicted_downtime_ns", copies ? copies + report->predicted_rest : DOMM_NEVER);
    add_time(root, "predicted_copies_ns", copies ? copies : DOMM_NEVER);
    add_time(root, "downtime_ns", downtime);
    add_time(root, "rest_ns", stopped && downtime > copies ? downtime - copies : DOMM_NEVER);
}

struct json_object *domm_report_json(const struct domm_report *report)
{
    struct json_object *root = json_object_new_object();
    char uuid[DOMM_UUID_TEXT], began[DOMM_TIMESTAMP];
    domm_uuid_format(&report->migration, uuid);
    domm_timestamp(&report->began, began);
    domm_json_number(root, "version", 1);
    domm_json_text(root, "migration", uuid);
    domm_json_text(root, "source", report->source);
    domm_json_text(root, "destination", report->destination);
    domm_json_text(root, "began", began);
    domm_json_text(root, "outcome", domm_report_outcome(report));
    domm_json_number(root, "total_ns", report->total);
    add_downtime(root, report);
    domm_json_number(root, "ptes", report->ptes);
    domm_json_bool(root, "forced_unmonitored", report->unmonitored);
    domm_json_bool(root, "monitor_replaced", report->restarted);
    struct json_object *guests = json_object_new_array();
    for (unsigned int g = 0; g <= report->n_targets; g++)
        json_object_array_add(guests, report_guest_json(&report->guests[g], g > 0));
    json_object_object_add(root, "guests", guests);
    return root;
}
