/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/prometheus.h"

#include <stdio.h>

/* A label's value: backslash, quote and newline are escaped. */
static void print_label(const char *name, const char *value)
{
    printf("%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            putchar('\\');
        if (*value == '\n')
            fputs("\\n", stdout);
        else
            putchar(*value);
    }
    putchar('"');
}

static void head(const char *metric, const char *type, const char *help)
{
    printf("# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

static void open_labels(const char *metric, const struct domm_status *status,
                        const struct domm_pair_status *pair)
{
    char uuid[DOMM_UUID_TEXT];
    printf("%s{", metric);
    print_label("domm", status->domm->domain.name);
    if (!pair)
        return;
    domm_uuid_format(&pair->target->uuid, uuid);
    putchar(',');
    print_label("target", pair->member ? pair->member->domain.name : uuid);
}

static void print_aspect(const struct domm_status *status, const struct domm_pair_status *pair,
                         const char *aspect, const struct domm_judgement *judgement)
{
    if (judgement->verdict == DOMM_VERDICT_NONE)
        return;
    open_labels("domm_verdict", status, pair);
    putchar(',');
    print_label("aspect", aspect);
    printf("} %d\n", judgement->verdict - DOMM_VERDICT_READY);
}

static void print_verdicts(const struct domm_status *statuses, size_t count)
{
    head("domm_verdict", "gauge", "How a target is monitored: 0 ready, 1 degraded, 2 blind.");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < statuses[i].n_pairs; j++) {
            const struct domm_pair_status *pair = &statuses[i].pairs[j];
            print_aspect(&statuses[i], pair, "all", &pair->all);
            print_aspect(&statuses[i], pair, "memory", &pair->memory);
            print_aspect(&statuses[i], pair, "network", &pair->network);
            print_aspect(&statuses[i], pair, "storage", &pair->storage);
        }
    }
}

static void print_direction(const struct domm_status *status, const struct domm_pair_status *pair,
                            const struct domm_mirror_status *mirror, const char *direction,
                            uint64_t packets)
{
    open_labels("domm_mirror_packets_total", status, pair);
    putchar(',');
    print_label("vif", mirror->ends.target.name);
    putchar(',');
    print_label("direction", direction);
    printf("} %llu\n", (unsigned long long)packets);
}

static void print_mirrors(const struct domm_status *statuses, size_t count)
{
    head("domm_mirror_packets_total", "counter", "Packets mirrored since the filter is in place.");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < statuses[i].n_pairs; j++) {
            const struct domm_pair_status *pair = &statuses[i].pairs[j];
            for (size_t k = 0; k < pair->target->n_mirrors; k++) {
                const struct domm_mirror_status *mirror = &pair->mirrors[k];
                if (!mirror->measured)
                    continue;
                print_direction(&statuses[i], pair, mirror, "sent", mirror->state.sent.packets);
                print_direction(&statuses[i], pair, mirror, "received",
                                mirror->state.received.packets);
            }
        }
    }
}

static void print_ages(const struct domm_status *statuses, size_t count)
{
    head("domm_storage_age_seconds", "gauge", "Time since the storage was last read.");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < statuses[i].n_pairs; j++) {
            const struct domm_pair_status *pair = &statuses[i].pairs[j];
            for (size_t k = 0; k < pair->target->n_storage; k++) {
                const struct domm_storage_status *store = &pair->stores[k];
                if (store->claim.age_s < 0)
                    continue;
                open_labels("domm_storage_age_seconds", &statuses[i], pair);
                putchar(',');
                print_label("source", store->configured->source);
                printf("} %lld\n", (long long)store->claim.age_s);
            }
        }
    }
}

void cmd_print_prometheus(const struct domm_status *statuses, size_t count)
{
    print_verdicts(statuses, count);
    head("domm_frames", "gauge", "Frames of targets that a domM has mapped.");
    for (size_t i = 0; i < count; i++) {
        if (!statuses[i].scanned)
            continue;
        open_labels("domm_frames", &statuses[i], NULL);
        printf("} %zu\n", statuses[i].frames);
    }
    head("domm_agent_up", "gauge", "Whether the agent in a domM answers.");
    for (size_t i = 0; i < count; i++) {
        open_labels("domm_agent_up", &statuses[i], NULL);
        printf("} %d\n", statuses[i].answered);
    }
    head("domm_agent_silent_seconds", "gauge", "Time since the agent's last sign of life.");
    for (size_t i = 0; i < count; i++) {
        if (statuses[i].silent_ms < 0)
            continue;
        open_labels("domm_agent_silent_seconds", &statuses[i], NULL);
        printf("} %lld\n", (long long)statuses[i].silent_ms / 1000);
    }
    print_mirrors(statuses, count);
    print_ages(statuses, count);
}
