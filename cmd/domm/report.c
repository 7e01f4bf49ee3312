/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"
#include "lib/migrate/report/report_files.h"
#include "lib/migrate/report/timeline.h"

/* As the option --format lists them. */
enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_HTML, REPORT_SVG };

struct report_request {
    bool list;
    enum report_format format;
    const char *id; /* null: the newest */
};

static struct report_request report_request_parse(const struct cmd_arguments *arguments)
{
    struct report_request request = {0};
    for (size_t i = 0; i < arguments->n_options; i++) {
        if (arguments->options[i].id == 'l')
            request.list = true;
        if (arguments->options[i].id == 'f')
            request.format = (enum report_format)arguments->options[i].choice;
    }
    request.id = arguments->n_operands ? arguments->operands[0] : NULL;
    return request;
}

int cmd_report_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    const struct report_request request = report_request_parse(arguments);
    bool last = false;
    for (size_t i = 0; i < arguments->n_options; i++)
        last |= arguments->options[i].id == 'L';
    if (request.list + last + (request.id != NULL) > 1)
        return domm_fail(err, DOMM_USAGE, "--list, --last and ID cannot be combined");
    if (request.list && request.format > REPORT_JSON)
        return domm_fail(err, DOMM_USAGE, "--list is text or json");
    return 0;
}

static int report_print(const struct domm_report *report, enum report_format format,
                        struct domm_error *err)
{
    cleanup_free char *text = NULL;
    cleanup_json struct json_object *json = NULL;
    int rc = 0;
    if (format == REPORT_JSON)
        cmd_print_json(json = domm_report_json(report));
    else if (format == REPORT_HTML)
        rc = domm_report_html(report, &text, err);
    else if (format == REPORT_SVG)
        rc = domm_report_svg(report, &text, err);
    else
        rc = domm_report_text(report, cmd_columns(), &text, err);
    if (!rc && text)
        fputs(text, stdout);
    return rc;
}

static void list_line(const struct domm_report *report)
{
    char began[DOMM_TIMESTAMP], total[DOMM_TIMELINE_TIME], uuid[DOMM_UUID_TEXT];
    domm_timestamp(&report->began, began);
    domm_timeline_time(report->total, total);
    domm_uuid_format(&report->migration, uuid);
    printf("%.8s  %.19sZ  %-15s %10s  %s -> %s: %s", uuid, began, domm_report_outcome(report),
           total, report->source, report->destination, report->guests[0].name);
    for (unsigned int g = 1; g <= report->n_targets; g++)
        printf(", %s", report->guests[g].name);
    putchar('\n');
}

static void list_object(struct json_object *list, const struct domm_report *report)
{
    static const char *const kept[] = {"migration",   "began",   "source",
                                       "destination", "outcome", "total_ns"};
    cleanup_json struct json_object *whole = domm_report_json(report);
    struct json_object *object = json_object_new_object(), *names = json_object_new_array();
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        json_object_object_add(object, kept[i],
                               json_object_get(json_object_object_get(whole, kept[i])));
    for (unsigned int g = 0; g <= report->n_targets; g++)
        json_object_array_add(names, json_object_new_string(report->guests[g].name));
    json_object_object_add(object, "guests", names);
    json_object_array_add(list, object);
}

/* A report that cannot be read is a warning: the others are wanted all the same. */
static void report_list(struct cmd_context *context, const struct domm_report_file *files,
                        size_t count, bool as_json)
{
    static struct domm_report report;
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();
    struct domm_error err;
    for (size_t i = 0; i < count; i++) {
        if (domm_report_load(files[i].id, &report, &err))
            domm_log(context->log, DOMM_LOG_WARN, "%s", err.text);
        else if (as_json)
            list_object(list, &report);
        else
            list_line(&report);
    }
    json_object_object_add(root, "reports", list);
    if (as_json)
        cmd_print_json(root);
}

int cmd_report(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    static struct domm_report report;
    const struct domm_report_file *file = NULL;
    cleanup_free struct domm_report_file *files = NULL;
    struct report_request request = report_request_parse(arguments);
    size_t count;
    int rc = 0;
    if (context->globals.json)
        request.format = REPORT_JSON;
    if (request.id && strchr(request.id, '/')) {
        rc = domm_report_read(request.id, &report, err);
        return rc ? rc : report_print(&report, request.format, err);
    }
    rc = domm_report_files(&files, &count, err);
    if (rc)
        return rc;
    if (request.list) {
        report_list(context, files, count, request.format == REPORT_JSON);
        return 0;
    }
    rc = domm_report_find(files, count, request.id, &file, err);
    if (rc)
        return rc;
    rc = domm_report_load(file->id, &report, err);
    if (rc)
        return rc;
    return report_print(&report, request.format, err);
}
