/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/prometheus.h"

#include <string.h>

#define NAME_BYTES 256

struct exposition {
    FILE *file;
    const struct domm_status *statuses;
    size_t count;
};

/* A name may have any bytes but '/', and a label must be UTF-8. Bytes that are not printable ASCII
 * are written as \xNN, and a backslash too, so that two names never give the same label; the format
 * wants each backslash doubled. */
static void print_label(FILE *file, const char *label, const char *value)
{
    fprintf(file, "%s=\"", label);
    for (; *value; value++) {
        if (*value < ' ' || *value > '~' || *value == '\\')
            fprintf(file, "\\\\x%02x", (unsigned char)*value);
        else if (*value == '"')
            fputs("\\\"", file);
        else
            fputc(*value, file);
    }
    fputc('"', file);
}

static void head(const struct exposition *all, const char *metric, const char *type,
                 const char *help)
{
    fprintf(all->file, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

/* The proper name, also during a migration; the UUID of a guest whose name is not known. */
static void guest_label(const char *name, const struct domm_uuid *uuid, char text_r[NAME_BYTES])
{
    if (name && *name)
        snprintf(text_r, NAME_BYTES, "%.*s", (int)domm_name_length(name), name);
    else
        domm_uuid_format(uuid, text_r);
}

static void monitor_label(const struct domm_status *status, char text_r[NAME_BYTES])
{
    guest_label(status->monitor->domain.name, &status->monitor->domain.uuid, text_r);
}

static void target_label(const struct domm_pair_status *pair, char text_r[NAME_BYTES])
{
    guest_label(pair->name, &pair->target->uuid, text_r);
}

static void open_labels(const struct exposition *all, const char *metric,
                        const struct domm_status *status, const struct domm_pair_status *pair)
{
    char name[NAME_BYTES];
    fprintf(all->file, "%s{", metric);
    monitor_label(status, name);
    print_label(all->file, "monitor", name);
    if (!pair)
        return;
    target_label(pair, name);
    fputc(',', all->file);
    print_label(all->file, "target", name);
}

static void add_label(const struct exposition *all, const char *label, const char *value)
{
    fputc(',', all->file);
    print_label(all->file, label, value);
}

static void prometheus_print_aspect(const struct exposition *all, const struct domm_status *status,
                                    const struct domm_pair_status *pair, const char *aspect,
                                    const struct domm_judgement *judgement)
{
    if (judgement->verdict == DOMM_VERDICT_NONE)
        return;
    open_labels(all, "domm_verdict", status, pair);
    add_label(all, "aspect", aspect);
    fprintf(all->file, "} %d\n", judgement->verdict - DOMM_VERDICT_READY);
}

typedef void print_pair_function(const struct exposition *all, const struct domm_status *status,
                                 const struct domm_pair_status *pair);

static bool are_monitors_of_one_name(const struct domm_status *a, const struct domm_status *b)
{
    char one[NAME_BYTES], other[NAME_BYTES];
    monitor_label(a, one);
    monitor_label(b, other);
    return strcmp(one, other) == 0;
}

static bool are_targets_of_one_name(const struct domm_pair_status *a,
                                    const struct domm_pair_status *b)
{
    char one[NAME_BYTES], other[NAME_BYTES];
    target_label(a, one);
    target_label(b, other);
    return strcmp(one, other) == 0;
}

/* Two monitors may have one name, as a domain that ends and the one that replaces it. */
static bool is_repeated(const struct exposition *all, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (are_monitors_of_one_name(&all->statuses[i], &all->statuses[j]))
            return true;
    }
    return false;
}

/* Of two pairs of the same names the first has been printed. */
static bool is_repeated_pair(const struct exposition *all, size_t i, size_t j)
{
    const struct domm_status *status = &all->statuses[i];
    for (size_t k = 0; k <= i; k++) {
        const struct domm_status *other = &all->statuses[k];
        size_t before = k < i ? other->n_pairs : j;
        for (size_t l = 0; l < before && are_monitors_of_one_name(status, other); l++) {
            if (are_targets_of_one_name(&status->pairs[j], &other->pairs[l]))
                return true;
        }
    }
    return false;
}

static void print_each_pair(const struct exposition *all, print_pair_function *print_one)
{
    for (size_t i = 0; i < all->count; i++) {
        for (size_t j = 0; j < all->statuses[i].n_pairs; j++) {
            if (!is_repeated_pair(all, i, j))
                print_one(all, &all->statuses[i], &all->statuses[i].pairs[j]);
        }
    }
}

static void print_verdicts(const struct exposition *all, const struct domm_status *status,
                           const struct domm_pair_status *pair)
{
    prometheus_print_aspect(all, status, pair, "all", &pair->all);
    if (status->absence != DOMM_ABSENCE_NONE)
        return;
    prometheus_print_aspect(all, status, pair, "memory", &pair->memory);
    prometheus_print_aspect(all, status, pair, "network", &pair->network);
    prometheus_print_aspect(all, status, pair, "storage", &pair->storage);
}

static void print_packets(const struct exposition *all, const char *metric,
                          const struct domm_status *status, const struct domm_pair_status *pair,
                          const char *vif, const char *direction, uint64_t packets)
{
    open_labels(all, metric, status, pair);
    add_label(all, "vif", vif);
    if (direction)
        add_label(all, "direction", direction);
    fprintf(all->file, "} %llu\n", (unsigned long long)packets);
}

static void print_mirrors(const struct exposition *all, const struct domm_status *status,
                          const struct domm_pair_status *pair)
{
    static const char metric[] = "domm_mirror_packets_total";
    for (size_t i = 0; i < pair->target->n_mirrors; i++) {
        const struct domm_mirror_status *mirror = &pair->mirrors[i];
        const char *vif = mirror->ends.target.name;
        if (!mirror->measured)
            continue;
        print_packets(all, metric, status, pair, vif, "sent", mirror->state.sent.packets);
        print_packets(all, metric, status, pair, vif, "received", mirror->state.received.packets);
    }
}

static void print_dropped(const struct exposition *all, const struct domm_status *status,
                          const struct domm_pair_status *pair)
{
    for (size_t i = 0; i < pair->target->n_mirrors; i++) {
        const struct domm_mirror_status *mirror = &pair->mirrors[i];
        struct domm_loss loss = domm_mirror_loss(pair, mirror);
        if (mirror->measured)
            print_packets(all, "domm_mirror_dropped_total", status, pair, mirror->ends.target.name,
                          NULL, loss.not_copied + loss.not_delivered);
    }
}

static void print_ages(const struct exposition *all, const struct domm_status *status,
                       const struct domm_pair_status *pair)
{
    for (size_t i = 0; i < pair->target->n_storage; i++) {
        const struct domm_storage_status *store = &pair->stores[i];
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= strcmp(pair->stores[j].configured->source, store->configured->source) == 0;
        if (again || store->claim.age_s < 0)
            continue;
        open_labels(all, "domm_storage_age_seconds", status, pair);
        add_label(all, "source", store->configured->source);
        fprintf(all->file, "} %lld\n", (long long)store->claim.age_s);
    }
}

static void print_monitors(const struct exposition *all, const char *metric,
                           bool (*value)(const struct domm_status *status, long long *value_r))
{
    for (size_t i = 0; i < all->count; i++) {
        long long number;
        if (is_repeated(all, i) || !value(&all->statuses[i], &number))
            continue;
        open_labels(all, metric, &all->statuses[i], NULL);
        fprintf(all->file, "} %lld\n", number);
    }
}

static bool presence(const struct domm_status *status, long long *value_r)
{
    *value_r = status->absence == DOMM_ABSENCE_NONE;
    return true;
}

static bool frames(const struct domm_status *status, long long *value_r)
{
    *value_r = (long long)status->frames;
    return status->scanned;
}

static bool agent_up(const struct domm_status *status, long long *value_r)
{
    *value_r = status->answered;
    return true;
}

static bool silence(const struct domm_status *status, long long *value_r)
{
    *value_r = (long long)status->silent_ms / 1000;
    return status->silent_ms >= 0;
}

void cmd_print_prometheus(FILE *file, const struct domm_status *statuses, size_t count)
{
    const struct exposition all = {file, statuses, count};
    head(&all, "domm_verdict", "gauge", "How a target is monitored: 0 ready, 1 degraded, 2 blind.");
    print_each_pair(&all, print_verdicts);
    head(&all, "domm_monitor_present", "gauge",
         "Whether the monitor is on this host, with a record of its targets.");
    print_monitors(&all, "domm_monitor_present", presence);
    head(&all, "domm_frames", "gauge", "Frames of targets that a monitor has mapped.");
    print_monitors(&all, "domm_frames", frames);
    head(&all, "domm_agent_up", "gauge", "Whether the agent in a monitor answers.");
    print_monitors(&all, "domm_agent_up", agent_up);
    head(&all, "domm_agent_silent_seconds", "gauge", "Time since the agent's last sign of life.");
    print_monitors(&all, "domm_agent_silent_seconds", silence);
    head(&all, "domm_mirror_packets_total", "counter",
         "Packets mirrored since the filter is in place.");
    print_each_pair(&all, print_mirrors);
    head(&all, "domm_mirror_dropped_total", "counter",
         "Packets that did not reach the monitor since the filter or its vif is in place.");
    print_each_pair(&all, print_dropped);
    head(&all, "domm_storage_age_seconds", "gauge", "Time since the storage was last read.");
    print_each_pair(&all, print_ages);
}
