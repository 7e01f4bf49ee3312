/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/migrate/destination_internal.h"
#include "lib/migrate/ready.h"
#include "lib/migrate/recover.h"
#include "lib/net/changes.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/xenstore_nodes.h"
#include "lib/xen/domain.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/restore_vifs.h"
#include "lib/xen/userdata.h"

#define GRACE_MS 30000    /* of a receiver: destroying a domain runs the scripts of vifs */
#define PATIENCE_MS 30000 /* with dommd, which acts at once if it is well */
#define LOOK_MS 100       /* if no event comes, and for the end of dommd or of the migration */

static int destination_admit(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    int rc = domm_destination_check(session, err);
    if (!rc && !session->preflight)
        rc = domm_session_pass(session, DOMM_PHASE_MIGRATE, err);
    if (rc)
        return rc;
    return domm_acceptor_open(&session->transfers_log, session->offer.data,
                              &session->offer.migration, &destination->acceptor,
                              &destination->endpoint, err);
}

static int restore(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    struct domm_progress progress;
    uint32_t domid;
    enum domm_domain_state state;
    int rc = domm_transfers_await(&session->transfers, g, DOMM_PROGRESS_RESTORED, &progress, err);
    if (rc)
        return rc;
    rc = domm_session_find(session, g, &domid, &state, err);
    if (rc)
        return rc;
    if (domid != progress.domid || state != DOMM_DOMAIN_PAUSED)
        return domm_fail(err, DOMM_REFUSED, "the restored domain does not match the offer");
    session->guests[g].domid = domid;
    return domm_session_note_guest(session, g, err);
}

/* The record tells dommd which targets this monitor may map. The lock keeps dommd away from the
 * page tables until the monitor runs: its processes cannot claim mappings before. */
static int entrust(struct domm_session *session, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    int rc = domm_session_lock_tables(session, err);
    if (rc)
        return rc;
    rc = domm_record_format(&session->record, &record, err);
    if (rc)
        return rc;
    return domm_xen_userdata_store(session->xen, session->guests[0].domid, DOMM_RECORD_USERDATA,
                                   record, err);
}

static int check_targets(const struct domm_session *session, const struct domm_mapping_state *state,
                         struct domm_error *err)
{
    bool same = state->n_targets == session->offer.n_targets;
    for (uint16_t i = 0; same && i < state->n_targets; i++)
        same = domm_uuid_equal(&state->targets[i], &session->guests[i + 1].facts.uuid);
    return same ? 0 : domm_fail(err, DOMM_REFUSED, "the mapping state names other targets");
}

static int destination_reattach(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    struct domm_mapping_written written;
    struct domm_mapping_state *state = &destination->state;
    int rc = domm_mapping_state_decode(session->state_bytes.bytes, session->state_bytes.size, state,
                                       err);
    if (rc)
        return rc;
    rc = check_targets(session, state, err);
    if (rc)
        return rc;
    rc = domm_journal_keep(session->journal, DOMM_JOURNAL_STATE, session->state_bytes.bytes,
                           session->state_bytes.size, err);
    if (rc)
        return rc;
    rc = entrust(session, err);
    if (rc)
        return rc;
    rc = domm_session_write_state(session, true, state, &written, err);
    if (rc)
        return rc;
    destination->ptes = written.entries;
    return 0;
}

/* Frees the targets' frames as soon as the targets are destroyed. */
static int take_back(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    struct domm_layout layout;
    uint32_t monitor = session->guests[0].domid;
    if (!monitor || !destination->state.n_runs)
        return 0;
    int rc = domm_hv_layout_restored(session->hv, monitor, &layout, err);
    if (rc)
        return rc;
    rc = domm_mapping_state_clear(session->hv, monitor, &layout, &destination->state, err);
    domm_hv_layout_free(session->hv, &layout);
    return rc;
}

static int check_mirror(struct domm_session *session, unsigned int g,
                        const struct domm_mirror_pair *mirror, struct domm_error *err)
{
    struct domm_mirror_ends ends;
    struct domm_mirror_state state = {0};
    int rc = domm_mirror_ends(session->xen, session->netlink, session->guests[g].domid,
                              session->guests[0].domid, mirror, &ends, err);
    if (!rc && ends.target_ifindex && ends.monitor_ifindex)
        rc = domm_mirror_measure(session->netlink, ends.target_ifindex, ends.monitor_ifindex,
                                 &mirror->selection, &state, err);
    if (rc || domm_mirror_is_whole(&state))
        return rc;
    return domm_fail(err, DOMM_FAILED, "vif %u of %s could not be mirrored to vif %u of %s",
                     mirror->vif, session->guests[g].facts.name, mirror->to,
                     session->guests[0].facts.name);
}

static int check_mirrors(struct domm_session *session, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 1; !rc && g < domm_session_guest_count(session); g++) {
        const struct domm_record_target *target = &session->record.targets[g - 1];
        for (size_t i = 0; !rc && i < target->n_mirrors; i++)
            rc = check_mirror(session, g, &target->mirrors[i], err);
    }
    return rc;
}

static int need_dommd(struct domm_error *err)
{
    return domm_service_runs() ? 0 : domm_fail(err, DOMM_FAILED, "dommd has ended");
}

/* Until when to wait for dommd now; 0 if not any more. */
static int64_t next_look(struct domm_session *session, int64_t end_ms)
{
    int64_t now = domm_now_ms();
    return now >= end_ms || domm_transfers_cancelled(&session->transfers) ? 0 : now + LOOK_MS;
}

/* Only dommd makes mirrors, from the record: two programs that did it at once would conflict. The
 * kernel announces new filters. */
static int mirror(struct domm_session *session, struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + PATIENCE_MS;
    for (;;) {
        domm_net_changes_drop(session->net_changes);
        int rc = check_mirrors(session, err);
        int64_t next_ms = next_look(session, end_ms);
        if (rc != -DOMM_FAILED || !next_ms)
            return rc;
        if (need_dommd(err))
            return -DOMM_FAILED;
        domm_net_changes_wait(session->net_changes, next_ms);
    }
}

/* dommd removes the mirrors once the record is gone. */
static int unmirror(struct domm_session *session, struct domm_error *err)
{
    uint32_t monitor = session->guests[0].domid;
    return monitor ? domm_xen_userdata_store(session->xen, monitor, DOMM_RECORD_USERDATA, NULL, err)
                   : 0;
}

static bool node_exists(struct domm_session *session, const char *path)
{
    cleanup_free char *value = NULL;
    struct domm_error ignored;
    return domm_store_read(session->store, path, &value, &ignored) == 0;
}

/* The watch fires once at once: a node that came before it is not missed. */
static int await_node(struct domm_session *session, const char *path, struct domm_error *err)
{
    struct pollfd fd = {.fd = domm_store_fd(session->store), .events = POLLIN};
    struct domm_error ignored;
    int64_t end_ms = domm_now_ms() + PATIENCE_MS;
    int rc = domm_store_watch(session->store, path, err);
    if (rc)
        return rc;
    while (!node_exists(session, path)) {
        if (!next_look(session, end_ms)) {
            rc = domm_fail(err, DOMM_FAILED, "dommd has not written %s", path);
            break;
        }
        poll(&fd, 1, LOOK_MS);
        domm_store_drop_events(session->store);
    }
    domm_store_unwatch(session->store, path, &ignored);
    return rc;
}

/* Waits until dommd has published all targets: the agent finds them as soon as it runs. */
static int await_nodes(struct domm_session *session, struct domm_error *err)
{
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++) {
        char path[128], uuid[DOMM_UUID_TEXT];
        domm_uuid_format(&session->guests[g].facts.uuid, uuid);
        snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_TARGETS "/%s/name",
                 session->guests[0].domid, uuid);
        int rc = await_node(session, path, err);
        if (rc)
            return domm_wrap(err, "notifying %s of its target %s", session->guests[0].facts.name,
                             session->guests[g].facts.name);
    }
    return 0;
}

static int verify(struct domm_session *session, struct domm_error *err)
{
    int rc = need_dommd(err);
    if (rc)
        return rc;
    return await_nodes(session, err);
}

static int unpause(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    session->guests[g].may_run = true;
    int rc = domm_xen_unpause(session->xen, session->guests[g].domid, err);
    domm_session_mark(session, g, DOMM_MARK_RESUMED, domm_now_ns());
    return rc;
}

/* From now on this host is to tell if they are not monitored; dommd tries again if that cannot be
 * written. Only once the monitor runs, since the targets wait for it. */
static void expect_targets(const struct domm_session *session)
{
    const struct domm_message_guest *monitor = &session->guests[0].facts;
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++) {
        const struct domm_message_guest *target = &session->guests[g].facts;
        struct domm_expectation one;
        struct domm_error err;
        domm_expectation_make(&target->uuid, target->name, &monitor->uuid, monitor->name, &one);
        if (domm_expectation_write(&one, &err))
            domm_log(session->log, DOMM_LOG_WARN, "%s", err.text);
    }
}

static int start_monitor(struct domm_session *session, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 1;
         !rc && session->offer.unsynchronised && g < domm_session_guest_count(session); g++)
        rc = unpause(session, g, err);
    domm_session_unlock_tables(session);
    if (!rc) {
        domm_ready_ask(session);
        rc = unpause(session, 0, err);
    }
    domm_xen_manage(session->xen, session->guests[0].domid); /* while it resumes */
    expect_targets(session);
    return rc;
}

/* The CPU time a target has used so far was used before the monitor was ready. */
static int destination_release(struct domm_destination *destination, unsigned int g,
                               struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    struct domm_session_guest *guest = &session->guests[g];
    if (!destination->ready_ns && !session->machine.unmonitored)
        destination->ready_ns = domm_now_ns();
    int rc = domm_xen_cpu_time(session->xen, guest->domid, &guest->cpu_ns, err);
    return rc || guest->may_run || guest->facts.paused ? rc : unpause(session, g, err);
}

static int manage_targets(struct domm_session *session)
{
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++)
        domm_xen_manage(session->xen, session->guests[g].domid);
    return 0;
}

int domm_destination_step(struct domm_session *session, enum domm_step step, unsigned int g,
                          struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(session);
    switch (step) {
    case DOMM_STEP_ADMIT:
        return destination_admit(destination, err);
    case DOMM_STEP_RECEIVE: /* its receiver starts when its stream comes */
        return 0;
    case DOMM_STEP_RESTORE:
        return restore(session, g, err);
    case DOMM_STEP_REATTACH:
        return destination_reattach(destination, err);
    case DOMM_STEP_MIRROR:
        return mirror(session, err);
    case DOMM_STEP_VERIFY:
        return verify(session, err);
    case DOMM_STEP_RENAME_IN:
        return domm_session_rename(session, g, DOMM_INCOMING, false, err);
    case DOMM_STEP_ADOPT:
        return domm_journal_decide(session->journal, "adopted", err);
    case DOMM_STEP_START_MONITOR:
        return start_monitor(session, err);
    case DOMM_STEP_RENEW:
        return domm_session_renew_monitor(session, err);
    case DOMM_STEP_RELEASE:
        return destination_release(destination, g, err);
    case DOMM_STEP_SETTLE:
        return manage_targets(session);
    default:
        return domm_fail(err, DOMM_FAILED, "not a step of the destination");
    }
}

/* A receiver that ends by itself destroys its domain; a killed one does not. */
static int destination_destroy(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    int stream = domm_destination_of(session)->streams[g];
    uint32_t domid;
    enum domm_domain_state state;
    if (stream >= 0)
        shutdown(stream, SHUT_RDWR);
    domm_transfers_end(&session->transfers, g, GRACE_MS);
    int rc = domm_session_find(session, g, &domid, &state, err);
    if (!rc && domid)
        rc = domm_xen_destroy(session->xen, domid, err);
    domm_restore_clear_vifs(session->xen, domid);
    if (g == 0)
        domm_session_unlock_tables(session);
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_destination_undo(struct domm_session *session, enum domm_step step, unsigned int g,
                          struct domm_error *err)
{
    struct domm_error ignored;
    switch (step) {
    case DOMM_STEP_RECEIVE:
        return destination_destroy(session, g, err);
    case DOMM_STEP_REATTACH:
        return take_back(domm_destination_of(session), err);
    case DOMM_STEP_MIRROR:
        return unmirror(session, err);
    case DOMM_STEP_RENAME_IN: /* the domain may not exist yet */
        domm_session_rename(session, g, DOMM_INCOMING, true, &ignored);
        return 0;
    case DOMM_STEP_ADOPT:
        return domm_journal_decide(session->journal, "not adopted", err);
    default:
        return domm_fail(err, DOMM_FAILED, "not a step of the destination");
    }
}
