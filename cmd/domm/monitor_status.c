/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/output.h"
#include "cmd/domm/prometheus.h"
#include "lib/base/text.h"

#define WATCH_MS 2000

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_PROMETHEUS };

struct request {
    enum format format;
    bool watch;
    const char *domm; /* null: all */
};

static int parse(const struct cmd_context *context, const struct cmd_arguments *arguments,
                 struct request *request_r, struct domm_error *err)
{
    static const char *const names[] = {"text", "json", "prometheus"};
    *request_r = (struct request){
        .format = context->globals.json ? FORMAT_JSON : FORMAT_TEXT,
        .domm = arguments->n_operands ? arguments->operands[0] : NULL,
    };
    for (size_t i = 0; i < arguments->n_options; i++) {
        const struct cmd_parsed_option *option = &arguments->options[i];
        if (option->id == 'w')
            request_r->watch = true;
        if (option->id != 'f')
            continue;
        size_t format = 0;
        while (format < 3 && strcmp(names[format], option->value) != 0)
            format++;
        if (format == 3)
            return domm_fail(err, DOMM_USAGE,
                             "the format '%s' is none of text, json and prometheus", option->value);
        request_r->format = (enum format)format;
    }
    return 0;
}

static void print_aspect(const char *name, const struct domm_judgement *judgement)
{
    if (judgement->verdict == DOMM_VERDICT_NONE)
        return;
    printf("    %-8s %s%s%s\n", name, domm_verdict_name(judgement->verdict),
           *judgement->reason ? ": " : "", judgement->reason);
}

static void print_mirror(const struct domm_mirror_status *mirror)
{
    const struct domm_mirror_state *state = &mirror->state;
    if (!mirror->measured)
        return;
    printf("        %s -> %s: %llu sent, %llu received, %llu not copied; %llu delivered, "
           "%llu dropped, carrier %s\n",
           mirror->ends.target.name, mirror->ends.monitor.name,
           (unsigned long long)state->sent.packets, (unsigned long long)state->received.packets,
           (unsigned long long)(state->sent.drops + state->received.drops),
           (unsigned long long)state->monitor.tx_packets,
           (unsigned long long)state->monitor.tx_dropped, state->monitor.carrier ? "on" : "off");
}

static void print_store(const struct domm_storage_status *store)
{
    printf("        %s", store->configured->source);
    if (*store->claim.path)
        printf(" at %s", store->claim.path);
    if (store->claim.age_s >= 0)
        printf(", read %lld s ago", (long long)store->claim.age_s);
    putchar('\n');
}

static void print_pair(const struct domm_pair_status *pair)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&pair->target->uuid, uuid);
    printf("  %s: %s", pair->member ? domm_make_printable(pair->member->domain.name) : uuid,
           domm_verdict_name(pair->all.verdict));
    printf("%s%s\n", *pair->all.reason ? ": " : "", pair->all.reason);
    print_aspect("memory", &pair->memory);
    print_aspect("network", &pair->network);
    for (size_t i = 0; i < pair->target->n_mirrors; i++)
        print_mirror(&pair->mirrors[i]);
    print_aspect("storage", &pair->storage);
    for (size_t i = 0; i < pair->target->n_storage; i++)
        print_store(&pair->stores[i]);
}

static void print_agent(const struct domm_status *status)
{
    if (status->answered)
        printf("agent alive");
    else if (status->silent_ms < 0)
        printf("agent never heard of");
    else
        printf("agent silent for %lld s", (long long)status->silent_ms / 1000);
}

static void print_text(const struct domm_status *statuses, size_t count)
{
    if (!count)
        puts("no domM on this host");
    for (size_t i = 0; i < count; i++) {
        const struct domm_status *status = &statuses[i];
        printf("%s (%u): %s; ", domm_make_printable(status->domm->domain.name),
               status->domm->domain.domid,
               status->n_pairs ? domm_verdict_name(status->worst) : "no target");
        print_agent(status);
        printf(", dommd %s", status->service ? "runs" : "does not run");
        if (status->scanned)
            printf("; %zu frames mapped", status->frames);
        putchar('\n');
        for (size_t j = 0; j < status->n_pairs; j++)
            print_pair(&status->pairs[j]);
    }
}

static void print_json(const struct domm_status *statuses, size_t count)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(list, domm_status_json(&statuses[i]));
    json_object_object_add(root, "domms", list);
    cmd_print_json(root);
}

static enum domm_verdict print(enum format format, const struct domm_status *statuses, size_t count)
{
    enum domm_verdict worst = DOMM_VERDICT_NONE;
    for (size_t i = 0; i < count; i++)
        worst = statuses[i].worst > worst ? statuses[i].worst : worst;
    if (format == FORMAT_JSON)
        print_json(statuses, count);
    else if (format == FORMAT_PROMETHEUS)
        cmd_print_prometheus(statuses, count);
    else
        print_text(statuses, count);
    return worst;
}

/* The domM named, or all whose record makes sense: who has another is named by the inventory. */
static int select_domms(struct cmd_host *host, const char *name, const struct domm_member **domms,
                        size_t *count_r, struct domm_error *err)
{
    *count_r = 0;
    for (size_t i = 0; !name && i < host->inventory.count; i++) {
        if (host->inventory.members[i].record_state == DOMM_RECORD_VALID)
            domms[(*count_r)++] = &host->inventory.members[i];
    }
    if (!name)
        return 0;
    int rc = cmd_host_find_domm(host, name, &domms[0], err);
    if (!rc && domms[0]->record_state != DOMM_RECORD_VALID)
        rc = cmd_refuse_unreadable(domms[0], err);
    *count_r = 1;
    return rc;
}

static int show(struct cmd_host *host, struct domm_memory *memory, const struct request *request,
                enum domm_verdict *worst_r, struct domm_error *err)
{
    size_t room = host->inventory.count + 1, count;
    cleanup_free const struct domm_member **domms = calloc(room, sizeof(*domms));
    cleanup_free struct domm_status *statuses = calloc(room, sizeof(*statuses));
    if (!domms || !statuses)
        return domm_no_memory(err);
    int rc = select_domms(host, request->domm, domms, &count, err);
    if (rc)
        return rc;
    const struct domm_observer observer = {.xen = host->context->xen,
                                           .store = host->store,
                                           .memory = memory,
                                           .netlink = host->netlink};
    rc = domm_status_measure(&observer, &host->inventory, domms, count, statuses, err);
    if (rc)
        return rc;
    *worst_r = print(request->format, statuses, count);
    for (size_t i = 0; i < count; i++)
        domm_status_free(&statuses[i]);
    return 0;
}

/* Until interrupted, which is how it is meant to end. */
static int watch(struct cmd_host *host, struct domm_memory *memory, const struct request *request,
                 enum domm_verdict *worst_r, struct domm_error *err)
{
    int rc = 0;
    cmd_interrupts_begin();
    while (!rc) {
        if (isatty(STDOUT_FILENO))
            fputs("\033[H\033[2J", stdout);
        rc = show(host, memory, request, worst_r, err);
        rc = rc || !fflush(stdout) ? rc : domm_fail(err, DOMM_FAILED, "writing the status");
        rc = rc ? rc : cmd_pause_ms(WATCH_MS, err);
        rc = rc ? rc : cmd_host_refresh(host, err);
    }
    cmd_interrupts_end();
    return rc == -DOMM_ABORTED ? 0 : rc;
}

int cmd_monitor_status(struct cmd_context *context, const struct cmd_arguments *arguments,
                       struct domm_error *err)
{
    struct request request;
    struct cmd_host host;
    struct domm_memory *memory = NULL;
    enum domm_verdict worst = DOMM_VERDICT_NONE;
    int rc = parse(context, arguments, &request, err);
    rc = rc ? rc : cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = domm_memory_open(context->log, &memory, err);
    if (!rc)
        rc = request.watch ? watch(&host, memory, &request, &worst, err)
                           : show(&host, memory, &request, &worst, err);
    domm_memory_close(memory);
    cmd_host_close(&host);
    if (!rc && worst == DOMM_VERDICT_BLIND)
        rc = domm_fail(err, DOMM_BLIND, "a target is not monitored");
    if (!rc && worst == DOMM_VERDICT_DEGRADED)
        rc = domm_fail(err, DOMM_DEGRADED, "a target is monitored in part only");
    return rc;
}
