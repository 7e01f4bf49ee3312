/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/source.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/sleep.h"
#include "lib/migrate/journal/last_report.h"
#include "lib/migrate/loop.h"
#include "lib/migrate/source_internal.h"
#include "lib/xen/domain.h"
#include "lib/xen/guest.h"

_Static_assert(DOMM_WIRE_FEATURES == DOMM_CPU_WORDS, "features are sent as Xen counts them");

static enum domm_guest_kind source_kind_of(enum domm_domain_type type)
{
    static const enum domm_guest_kind kinds[] = {[DOMM_DOMAIN_PV] = DOMM_GUEST_KIND_PV,
                                                 [DOMM_DOMAIN_PVH] = DOMM_GUEST_KIND_PVH,
                                                 [DOMM_DOMAIN_HVM] = DOMM_GUEST_KIND_HVM};
    return kinds[type];
}

static int take_config(struct domm_source *source, struct domm_session_guest *guest,
                       struct domm_error *err)
{
    char *json;
    int rc = domm_xen_configuration(source->session.xen, guest->domid, &json, err);
    if (rc)
        return rc;
    size_t size = strlen(json);
    guest->config = (struct domm_chunks){(unsigned char *)json, size, size + 1};
    guest->facts.config_bytes = (uint32_t)size;
    if (size > DOMM_WIRE_MAX_CONFIG)
        return domm_fail(err, DOMM_PREFLIGHT, "the configuration of %s is longer than %u bytes",
                         guest->facts.name, DOMM_WIRE_MAX_CONFIG);
    return 0;
}

static int source_describe(struct domm_source *source, unsigned int number,
                           const struct domm_domain *domain, struct domm_error *err)
{
    struct domm_session_guest *guest = &source->session.guests[number];
    struct domm_report_guest *report = &source->session.report.guests[number];
    guest->domid = domain->domid;
    guest->facts = (struct domm_message_guest){
        .guest = number,
        .kind = source_kind_of(domain->type),
        .paused = number && source->options.paused,
        .uuid = domain->uuid,
        .memory_kib = domain->memory_kib,
        .vcpus = domain->vcpus,
    };
    size_t length = domm_name_length(domain->name); /* without a suffix that a crash has left */
    if (length + strlen(DOMM_AWAY) >= sizeof(guest->facts.name))
        return domm_fail(err, DOMM_PREFLIGHT, "the name of %s is too long for a migration",
                         domain->name);
    memcpy(guest->facts.name, domain->name, length);
    strcpy(report->name, guest->facts.name);
    report->uuid = domain->uuid;
    size_t words = 0;
    int rc = domm_hv_cpu_features(source->session.hv, guest->facts.kind == DOMM_GUEST_KIND_PV,
                                  false, guest->facts.features, &words, err);
    guest->facts.n_features = (uint32_t)words;
    if (rc)
        return rc;
    return take_config(source, guest, err);
}

static int describe_pair(struct domm_source *source, const struct domm_inventory *inventory,
                         struct domm_error *err)
{
    struct domm_session *session = &source->session;
    const struct domm_inventory_entry *monitor;
    int rc = domm_inventory_find_pair(inventory, source->options.pair, &monitor, err);
    if (rc)
        return rc;
    session->record = monitor->record;
    session->offer.n_targets = (uint32_t)session->record.n_targets;
    session->report.n_targets = session->offer.n_targets;
    rc = source_describe(source, 0, &monitor->domain, err);
    for (unsigned int g = 1; !rc && g < domm_session_guest_count(session); g++) {
        const struct domm_inventory_entry *target =
            domm_inventory_by_uuid(inventory, &session->record.targets[g - 1].uuid);
        rc = target ? source_describe(source, g, &target->domain, err)
                    : domm_fail(err, DOMM_PREFLIGHT, "a target of %s is not on this host",
                                monitor->domain.name);
    }
    if (!rc && session->offer.n_targets == 0) {
        domm_fail(err, DOMM_PREFLIGHT, "%s has no target to migrate with", monitor->domain.name);
        return domm_hint(err, "attach one with domm attach");
    }
    return rc;
}

static int make_offer(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    const struct domm_source_options *options = &source->options;
    session->offer.on_not_ready = options->on_not_ready;
    session->offer.ready_timeout_ms = session->record.ready_timeout * 1000;
    session->offer.data = options->data;
    session->offer.unsynchronised = options->unsynchronised;
    source->prediction.rest_ns = domm_last_report_rest(options->host);
    int rc = domm_xen_new_uuid(&session->offer.migration, err);
    session->report.migration = session->offer.migration;
    gethostname(session->report.source, sizeof(session->report.source) - 1);
    snprintf(session->report.destination, sizeof(session->report.destination), "%s", options->host);
    return rc;
}

#define SHARED_SIZE (DOMM_MAX_GUESTS * sizeof(struct domm_relay_shared))

static int share_memory(struct domm_source *source, struct domm_error *err)
{
    void *shared =
        mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return domm_no_memory(err);
    source->shared = shared;
    return 0;
}

void domm_source_begin(struct domm_source *source_r)
{
    memset(source_r, 0, sizeof(*source_r));
    source_r->in = source_r->out = -1;
    for (unsigned int g = 0; g < DOMM_MAX_GUESTS; g++)
        source_r->streams[g].fd = -1;
    source_r->session.ops = &domm_source_ops;
}

int domm_source_open(struct domm_source *source_r, const struct domm_source_options *options,
                     struct domm_log *log, struct domm_error *err)
{
    struct domm_inventory inventory;
    domm_source_begin(source_r);
    source_r->options = *options;
    source_r->session.ssh = options->ssh;
    int rc = domm_session_open(&source_r->session, log, err);
    if (rc)
        return rc;
    rc = share_memory(source_r, err);
    if (rc)
        return rc;
    rc = domm_inventory_read(source_r->session.xen, log, &inventory, err);
    if (rc)
        return rc;
    rc = describe_pair(source_r, &inventory, err);
    domm_inventory_free(&inventory);
    if (rc)
        return rc;
    return make_offer(source_r, err);
}

/* attach, detach and a restart of a guest may have come between the first look and the locks, which
 * they heed. */
static int check_unchanged(struct domm_session *session, struct domm_error *err)
{
    struct domm_inventory inventory;
    cleanup_free char *before = NULL, *now = NULL;
    int rc = domm_inventory_read_unscanned(session->xen, session->log,
                                           &session->guests[0].facts.uuid, &inventory, err);
    if (rc)
        return rc;
    const struct domm_inventory_entry *monitor =
        domm_inventory_by_uuid(&inventory, &session->guests[0].facts.uuid);
    bool same = monitor && monitor->record_state == DOMM_RECORD_VALID &&
                domm_record_format(&session->record, &before, err) == 0 &&
                domm_record_format(&monitor->record, &now, err) == 0 && strcmp(before, now) == 0;
    for (unsigned int g = 0; same && g < domm_session_guest_count(session); g++) {
        const struct domm_inventory_entry *guest =
            domm_inventory_by_uuid(&inventory, &session->guests[g].facts.uuid);
        same = guest && guest->domain.domid == session->guests[g].domid;
    }
    domm_inventory_free(&inventory);
    if (same)
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "the pair of %s has changed meanwhile",
              session->guests[0].facts.name);
    return domm_hint(err, "try again");
}

/* Locks first: recovery treats an unlocked, unfinished journal as abandoned. */
static int lock_and_begin_journal(struct domm_session *session, struct domm_error *err)
{
    int rc = domm_session_lock_guests(session, err);
    if (rc)
        return rc;
    rc = check_unchanged(session, err);
    if (rc)
        return rc;
    return domm_session_begin_journal(session, true, err);
}

int domm_source_run(struct domm_source *source, const sigset_t *signals, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    const struct domm_migration_setup setup = {
        .source = true,
        .n_targets = session->offer.n_targets,
        .force_busy = source->options.force_busy,
        .on_not_ready = source->options.on_not_ready,
    };
    domm_source_tune(session, DOMM_TUNING_BANDWIDTH, source->options.bytes_per_s);
    domm_source_tune(session, DOMM_TUNING_MAX_DOWNTIME, source->options.max_downtime_ms);
    int rc = source->options.preflight ? 0 : lock_and_begin_journal(session, err);
    if (rc)
        return rc;
    session->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session->signals < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    return domm_session_run(session, &setup, err);
}

void domm_source_close(struct domm_source *source)
{
    for (unsigned int g = 0; g < DOMM_MAX_GUESTS; g++)
        domm_stream_close(&source->streams[g]);
    domm_mapping_state_free(&source->state);
    domm_session_close(&source->session);
    domm_source_link_close(source);
    if (source->shared)
        munmap(source->shared, SHARED_SIZE);
}
