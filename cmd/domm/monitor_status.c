/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "cmd/domm/prometheus.h"
#include "cmd/domm/verdict_changes.h"
#include "lib/base/file.h"
#include "lib/base/text.h"
#include "lib/pair/survey.h"

#define WATCH_MS 2000

/* As the option --format lists them. */
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PROMETHEUS };

struct monitor_status_request {
    enum format format;
    bool watch, changes;
    const char *output; /* a file to write to, or null */
    const char *domain; /* null: all */
};

static void monitor_status_parse(const struct cmd_context *context,
                                 const struct cmd_arguments *arguments,
                                 struct monitor_status_request *request_r)
{
    *request_r = (struct monitor_status_request){
        .format = context->globals.json ? FORMAT_JSON : FORMAT_TEXT,
        .domain = arguments->n_operands ? arguments->operands[0] : NULL,
    };
    for (size_t i = 0; i < arguments->n_options; i++) {
        const struct cmd_parsed_option *option = &arguments->options[i];
        if (option->id == 'w')
            request_r->watch = true;
        if (option->id == 'c')
            request_r->changes = true;
        if (option->id == 'f')
            request_r->format = (enum format)option->choice;
        if (option->id == 'o')
            request_r->output = option->value;
    }
}

static void monitor_status_print_aspect(FILE *file, const char *name,
                                        const struct domm_judgement *judgement)
{
    if (judgement->verdict == DOMM_VERDICT_NONE)
        return;
    fprintf(file, "    %-8s %s%s%s\n", name, domm_verdict_name(judgement->verdict),
            *judgement->reason ? ": " : "", judgement->reason);
}

static void print_mirror(FILE *file, const struct domm_mirror_status *mirror)
{
    const struct domm_mirror_state *state = &mirror->state;
    char selected[DOMM_SELECTION_TEXT];
    if (!mirror->measured)
        return;
    domm_selection_format(&mirror->configured.selection, selected);
    fprintf(file,
            "        %s -> %s%s: %llu sent, %llu received, %llu not copied; %llu delivered, "
            "%llu dropped, carrier %s\n",
            mirror->ends.target.name, mirror->ends.monitor.name, selected,
            (unsigned long long)state->sent.packets, (unsigned long long)state->received.packets,
            (unsigned long long)(state->sent.drops + state->received.drops),
            (unsigned long long)state->monitor.tx_packets,
            (unsigned long long)domm_mirror_dropped(state), state->monitor.carrier ? "on" : "off");
}

static void print_store(FILE *file, const struct domm_storage_status *store)
{
    fprintf(file, "        %s", store->configured->source);
    if (*store->claim.path)
        fprintf(file, " at %s", store->claim.path);
    if (store->claim.age_s >= 0)
        fprintf(file, ", read %lld s ago", (long long)store->claim.age_s);
    fputc('\n', file);
}

static void print_name(FILE *file, const char *name, const struct domm_uuid *uuid)
{
    char text[DOMM_UUID_TEXT];
    cleanup_free char *copy = name && *name ? strdup(name) : NULL;
    domm_uuid_format(uuid, text);
    fputs(copy ? domm_make_printable(copy) : text, file);
}

static void print_pair(FILE *file, const struct domm_status *status,
                       const struct domm_pair_status *pair)
{
    fputs("  ", file);
    print_name(file, pair->name, &pair->target->uuid);
    fprintf(file, ": %s%s%s\n", domm_verdict_name(pair->all.verdict), *pair->all.reason ? ": " : "",
            pair->all.reason);
    if (status->absence != DOMM_ABSENCE_NONE)
        return;
    monitor_status_print_aspect(file, "memory", &pair->memory);
    monitor_status_print_aspect(file, "network", &pair->network);
    for (size_t i = 0; i < pair->target->n_mirrors; i++)
        print_mirror(file, &pair->mirrors[i]);
    monitor_status_print_aspect(file, "storage", &pair->storage);
    for (size_t i = 0; i < pair->target->n_storage; i++)
        print_store(file, &pair->stores[i]);
}

static void print_agent(FILE *file, const struct domm_status *status)
{
    if (status->answered)
        fputs("agent alive", file);
    else if (status->silent_ms < 0)
        fputs("agent never seen", file);
    else
        fprintf(file, "agent silent for %lld s", (long long)status->silent_ms / 1000);
}

static void print_measured(FILE *file, const struct domm_status *status)
{
    print_agent(file, status);
    fprintf(file, ", dommd %s", status->service ? "runs" : "does not run");
    if (status->scanned)
        fprintf(file, "; %zu frames mapped", status->frames);
    else if (*status->scan_error)
        fputs("; its page tables cannot be read", file);
}

static void print_status(FILE *file, const struct domm_status *status)
{
    const struct domm_domain *monitor = &status->monitor->domain;
    print_name(file, monitor->name, &monitor->uuid);
    if (monitor->domid != DOMM_NO_DOMID)
        fprintf(file, " (%u)", monitor->domid);
    fprintf(file, ": %s; ",
            status->worst == DOMM_VERDICT_NONE ? "no target" : domm_verdict_name(status->worst));
    if (status->absence == DOMM_ABSENCE_NONE)
        print_measured(file, status);
    else
        fprintf(file, "%s%s", domm_absence_name(status->absence),
                status->n_pairs ? "" : ", its targets are not known");
    fputc('\n', file);
    for (size_t i = 0; i < status->n_pairs; i++)
        print_pair(file, status, &status->pairs[i]);
}

static void monitor_status_print_text(FILE *file, const struct domm_survey *survey)
{
    if (!survey->count)
        fputs("no monitor on this host\n", file);
    for (size_t i = 0; i < survey->count; i++)
        print_status(file, &survey->statuses[i]);
}

static void monitor_status_print_json(FILE *file, const struct domm_survey *survey)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < survey->count; i++)
        json_object_array_add(list, domm_status_json(&survey->statuses[i]));
    json_object_object_add(root, "monitors", list);
    cmd_write_json(file, root);
}

static void print(FILE *file, enum format format, const struct domm_survey *survey)
{
    if (format == FORMAT_JSON)
        monitor_status_print_json(file, survey);
    else if (format == FORMAT_PROMETHEUS)
        cmd_print_prometheus(file, survey->statuses, survey->count);
    else
        monitor_status_print_text(file, survey);
}

/* A reader of the file sees the old content or the new one. */
static int print_to_file(const struct monitor_status_request *request,
                         const struct domm_survey *survey, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return domm_no_memory(err);
    print(file, request->format, survey);
    if (fclose(file))
        return domm_no_memory(err);
    return domm_file_publish(request->output, text, size, err);
}

static int monitor_status_show(struct cmd_host *host, struct domm_hv *memory,
                               const struct monitor_status_request *request,
                               enum domm_verdict *worst_r, struct domm_error *err)
{
    struct domm_survey survey;
    struct domm_error second;
    const struct domm_observer observer = {.xen = host->context->xen,
                                           .store = host->store,
                                           .memory = memory,
                                           .netlink = host->netlink};
    int rc = domm_survey_make(&observer, &host->inventory, host->context->log, request->domain,
                              &survey, err);
    if (rc)
        return rc;
    *worst_r = domm_survey_worst(&survey);
    if (request->output)
        rc = print_to_file(request, &survey, err);
    else
        print(stdout, request->format, &survey);
    /* Whether or not the output can be written; that error counts then. */
    if (request->changes && cmd_verdict_changes_tell(&survey, host->context->log, &second)) {
        *err = rc ? *err : second;
        rc = -(int)err->code;
    }
    domm_survey_free(&survey);
    return rc;
}

static int watch_once(struct cmd_host *host, struct domm_hv *memory,
                      const struct monitor_status_request *request, enum domm_verdict *worst_r,
                      struct domm_error *err)
{
    if (!request->output)
        cmd_clear_screen();
    int rc = monitor_status_show(host, memory, request, worst_r, err);
    if (rc)
        return rc;
    if (fflush(stdout))
        return domm_fail(err, DOMM_FAILED, "writing the status to standard output");
    rc = cmd_pause_ms(WATCH_MS, err);
    if (rc)
        return rc;
    return cmd_host_refresh(host, err);
}

/* Runs until interrupted, which is not an error. */
static int monitor_status_watch(struct cmd_host *host, struct domm_hv *memory,
                                const struct monitor_status_request *request,
                                enum domm_verdict *worst_r, struct domm_error *err)
{
    int rc = 0;
    cmd_interrupts_begin();
    while (!rc)
        rc = watch_once(host, memory, request, worst_r, err);
    cmd_interrupts_end();
    return rc == -DOMM_ABORTED ? 0 : rc;
}

static int measure(struct cmd_host *host, const struct monitor_status_request *request,
                   enum domm_verdict *worst_r, struct domm_error *err)
{
    struct domm_hv *memory;
    int rc = domm_hv_open(host->context->log, &memory, err);
    if (rc)
        return rc;
    rc = request->watch ? monitor_status_watch(host, memory, request, worst_r, err)
                        : monitor_status_show(host, memory, request, worst_r, err);
    domm_hv_close(memory);
    return rc;
}

int cmd_monitor_status_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    bool changes = false;
    for (size_t i = 0; i < arguments->n_options; i++)
        changes |= arguments->options[i].id == 'c';
    if (changes && arguments->n_operands)
        return domm_fail(err, DOMM_USAGE, "--changes looks at all targets: give no DOMAIN");
    return 0;
}

int cmd_monitor_status(struct cmd_context *context, const struct cmd_arguments *arguments,
                       struct domm_error *err)
{
    struct monitor_status_request request;
    struct cmd_host host;
    enum domm_verdict worst = DOMM_VERDICT_NONE;
    monitor_status_parse(context, arguments, &request);
    int rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = measure(&host, &request, &worst, err);
    cmd_host_close(&host);
    /* A scrape has succeeded whatever it tells: `… > file && mv` would lose exactly the bad news.
     */
    if (rc || request.format == FORMAT_PROMETHEUS)
        return rc;
    if (worst == DOMM_VERDICT_BLIND)
        return domm_fail(err, DOMM_BLIND, "a target is not monitored");
    if (worst == DOMM_VERDICT_DEGRADED)
        return domm_fail(err, DOMM_DEGRADED, "a target is monitored in part only");
    return 0;
}
