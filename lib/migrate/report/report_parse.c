/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/migrate/report/report.h"

/* A member of the type, or null. */
static struct json_object *report_member(struct json_object *object, const char *key,
                                         enum json_type type)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
        return NULL;
    return value;
}

static void parse_text(struct json_object *object, const char *key, char *text_r, size_t size)
{
    struct json_object *value = report_member(object, key, json_type_string);
    snprintf(text_r, size, "%s", value ? json_object_get_string(value) : "");
    domm_make_printable(text_r);
}

static uint64_t parse_number(struct json_object *object, const char *key, uint64_t absent)
{
    struct json_object *value = report_member(object, key, json_type_int);
    return value ? json_object_get_uint64(value) : absent;
}

static void parse_history(struct json_object *object, struct domm_report_guest *guest)
{
    struct json_object *list = report_member(object, "history", json_type_array);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *round = json_object_array_get_idx(list, i);
        domm_report_add_round(guest, parse_number(round, "at_ns", 0),
                              parse_number(round, "bytes", 0),
                              parse_number(round, "dirty_pages", 0));
    }
}

static void parse_guest(struct json_object *object, struct domm_report_guest *guest)
{
    struct json_object *marks = report_member(object, "marks", json_type_object);
    struct json_object *uuid = report_member(object, "uuid", json_type_string);
    if (uuid)
        domm_uuid_parse(json_object_get_string(uuid), &guest->uuid);
    parse_text(object, "name", guest->name, sizeof(guest->name));
    guest->rounds = parse_number(object, "rounds", 0);
    guest->bytes = parse_number(object, "bytes", 0);
    guest->final_bytes = parse_number(object, "final_bytes", 0);
    guest->wire_bytes = parse_number(object, "wire_bytes", 0);
    guest->unmonitored_cpu = parse_number(object, "unmonitored_cpu_ns", 0);
    guest->unmonitored_wall = parse_number(object, "unmonitored_wall_ns", 0);
    for (enum domm_mark mark = 0; marks && mark < DOMM_MARKS; mark++)
        guest->marks[mark] = parse_number(marks, domm_mark_names[mark], DOMM_NEVER);
    parse_history(object, guest);
}

/* The state and outcome of this name. Without one the report stays as unfinished. */
static void parse_outcome(const char *name, struct domm_report *report)
{
    struct domm_report probe = {0};
    for (unsigned int state = 0; state <= DOMM_SRC_STUCK; state++) {
        for (unsigned int outcome = 0; outcome < DOMM_MIGRATION_OUTCOMES; outcome++) {
            probe.state = (enum domm_migration_state)state;
            probe.outcome = (enum domm_migration_outcome)outcome;
            if (strcmp(domm_report_outcome(&probe), name) != 0)
                continue;
            report->state = probe.state;
            report->outcome = probe.outcome;
            return;
        }
    }
}

static bool parse_flag(struct json_object *object, const char *key)
{
    struct json_object *value = report_member(object, key, json_type_boolean);
    return value && json_object_get_boolean(value);
}

/* ISO 8601 in UTC, as domm_timestamp writes it. */
static void parse_began(const char *text, struct timespec *began_r)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = 0;
    if (!rest)
        return;
    sscanf(rest, ".%3d", &ms);
    began_r->tv_sec = timegm(&tm);
    began_r->tv_nsec = ms * 1000000L;
}

static void parse_head(struct json_object *root, struct domm_report *report)
{
    char text[64];
    uint64_t predicted = parse_number(root, "predicted_downtime_ns", 0);
    parse_text(root, "migration", text, sizeof(text));
    domm_uuid_parse(text, &report->migration);
    parse_text(root, "source", report->source, sizeof(report->source));
    parse_text(root, "destination", report->destination, sizeof(report->destination));
    parse_text(root, "began", text, sizeof(text));
    parse_began(text, &report->began);
    parse_text(root, "outcome", text, sizeof(text));
    parse_outcome(text, report);
    report->total = parse_number(root, "total_ns", 0);
    report->downtime_limit = parse_number(root, "downtime_limit_ns", 0);
    report->predicted_copies = parse_number(root, "predicted_copies_ns", 0);
    report->predicted_rest =
        predicted > report->predicted_copies ? predicted - report->predicted_copies : 0;
    report->ptes = parse_number(root, "ptes", 0);
    report->unmonitored = parse_flag(root, "forced_unmonitored");
    report->restarted = parse_flag(root, "monitor_replaced");
}

int domm_report_parse(const char *text, struct domm_report *report_r, struct domm_error *err)
{
    cleanup_json struct json_object *root = json_tokener_parse(text);
    struct json_object *guests = root ? report_member(root, "guests", json_type_array) : NULL;
    size_t count = guests ? json_object_array_length(guests) : 0;
    domm_report_begin(report_r);
    if (!count || parse_number(root, "version", 0) != 1)
        return domm_fail(err, DOMM_REFUSED, "it is not a report of version 1");
    if (count > sizeof(report_r->guests) / sizeof(*report_r->guests))
        return domm_fail(err, DOMM_REFUSED, "it has %zu guests", count);
    parse_head(root, report_r);
    report_r->n_targets = (unsigned int)count - 1;
    for (unsigned int g = 0; g < count; g++)
        parse_guest(json_object_array_get_idx(guests, g), &report_r->guests[g]);
    return 0;
}
