/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs copies that belong to this host: the monitor first. Each part may have been done before. */
#include "lib/base/clock.h"
#include "lib/base/sleep.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/ready.h"
#include "lib/migrate/recover_internal.h"
#include "lib/xen/domain.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/userdata.h"

/* An incomplete file means that the page tables were not changed yet. */
static int recover_take_state(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    struct domm_chunks *chunks = &session->state_bytes;
    const struct domm_unfinished_query query = {
        .guest = &session->guests[0].facts.uuid, .domid = session->guests[0].domid, .source = true};
    struct domm_error torn;
    int rc = domm_unfinished_mapping_state(&query, &chunks->bytes, &chunks->size, err);
    if (rc || !chunks->bytes)
        return rc;
    if (domm_mapping_state_decode(chunks->bytes, chunks->size, &source->state, &torn))
        domm_log(session->log, DOMM_LOG_WARN, "the mapping state: %s", torn.text);
    else
        source->taken = true;
    return 0;
}

static int take_names_back(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++) {
        if (session->guests[g].domid && r->suffixed[g])
            rc = domm_source_undo(session, DOMM_STEP_RENAME_AWAY, g, err);
    }
    return rc;
}

static int run_fresh_monitor(struct domm_session *session, struct domm_error *err)
{
    if (!session->guests[0].config.bytes || !session->record.n_targets) {
        domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                  "%s is gone, and its configuration was not kept: its targets stay stopped",
                  session->guests[0].facts.name);
        return domm_hint(err, "make it by domm create, then run domm release --force");
    }
    domm_log(session->log, DOMM_LOG_NOTICE, "making %s anew", session->guests[0].facts.name);
    if (domm_session_renew_monitor(session, err)) {
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "its targets stay stopped; try again when the cause is mended");
    }
    return 0;
}

/* A mapping state names its targets by their place among all of them. */
static int need_all_targets(struct domm_session *session, struct domm_error *err)
{
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++) {
        if (session->guests[g].domid)
            continue;
        domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                  "%s has ended, so %s cannot get its mappings back; its targets stay stopped",
                  session->guests[g].facts.name, session->guests[0].facts.name);
        return domm_hint(err, "domm release --restart %s makes a fresh monitor",
                         session->guests[0].facts.name);
    }
    return 0;
}

/* dommd looks at all monitors, and at this one's lock, when a record is written. */
static void wake_dommd(struct domm_session *session)
{
    cleanup_free char *record = NULL;
    struct domm_error ignored;
    if (session->record.n_targets && domm_record_format(&session->record, &record, &ignored) == 0)
        domm_xen_userdata_store(session->xen, session->guests[0].domid, DOMM_RECORD_USERDATA,
                                record, &ignored);
}

/* In the machine's order. A monitor that is not suspended has kept its page tables. */
static int resume_monitor_here(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    bool suspended;
    int rc = recover_take_state(&r->source, err);
    if (rc)
        return rc;
    rc = r->source.taken ? need_all_targets(session, err) : 0;
    if (rc)
        return rc;
    wake_dommd(session);
    rc = domm_hv_suspended(session->hv, session->guests[0].domid, &suspended, err);
    if (!rc && suspended)
        rc = domm_source_undo(session, DOMM_STEP_DETACH, 0, err);
    if (rc)
        return rc;
    return domm_source_undo(session, DOMM_STEP_STOP_MONITOR, 0, err);
}

/* While dommd does not hold the lock, a pause is none of dommd's: it pauses a running monitor for
 * moments. */
static int unpause_monitor(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    uint32_t domid = session->guests[0].domid;
    bool paused = domm_hv_paused(session->hv, domid);
    domm_session_unlock_tables(session);
    domm_xen_manage(session->xen, domid);
    return paused ? domm_xen_unpause(session->xen, domid, err) : 0;
}

static int run_monitor(struct domm_recovering *r, bool fresh, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    int rc = domm_session_lock_tables(session, err);
    if (rc)
        return rc;
    rc = take_names_back(r, err);
    if (rc)
        return rc;
    if (fresh || !session->guests[0].domid)
        return run_fresh_monitor(session, err);
    return r->facts->source ? resume_monitor_here(r, err) : unpause_monitor(r, err);
}

static int await_ready(struct domm_session *session, bool *forced_r, struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + session->record.ready_timeout * 1000;
    enum domm_event_type decided;
    for (;;) {
        int64_t next_ms = domm_now_ms() + DOMM_READY_LOOK_MS;
        int rc = domm_source_look(session, err);
        if (!rc)
            return 0;
        if (domm_hold_override_take(&session->guests[0].facts.uuid, &decided)) {
            *forced_r = decided == DOMM_EVENT_FORCE;
            rc = *forced_r ? 0 : run_fresh_monitor(session, err);
            if (rc || *forced_r)
                return rc;
            end_ms = domm_now_ms() + session->record.ready_timeout * 1000;
        }
        if (domm_now_ms() >= end_ms)
            break;
        if (next_ms > domm_now_ms())
            domm_sleep_ms((unsigned int)(next_ms - domm_now_ms()));
    }
    domm_wrap(err, "%s runs, but is not ready, so its targets are held",
              session->guests[0].facts.name);
    err->code = DOMM_OUTCOME_UNKNOWN;
    return domm_hint(err, "run domm release %s, with --restart or --force to decide otherwise",
                     session->guests[0].facts.name);
}

/* A target that another program has suspended is left to it. */
static int run_target(struct domm_recovering *r, unsigned int g, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    const struct domm_session_guest *guest = &session->guests[g];
    if (!guest->domid) {
        domm_log(session->log, DOMM_LOG_WARN, "%s has ended", guest->facts.name);
        return 0;
    }
    if (r->facts->source) {
        int rc = domm_source_undo(session, DOMM_STEP_STOP, g, err);
        if (rc == -DOMM_REFUSED)
            domm_log(session->log, DOMM_LOG_WARN, "%s: %s", guest->facts.name, err->text);
        return rc == -DOMM_REFUSED ? 0 : rc;
    }
    if (domm_hv_paused(session->hv, guest->domid) && !guest->facts.paused &&
        guest->domid == r->facts->guests[g].domid && r->facts->of_this_boot) {
        int rc = domm_xen_unpause(session->xen, guest->domid, err);
        if (rc)
            return rc;
    }
    if (guest->domid == r->facts->guests[g].domid && r->facts->of_this_boot)
        domm_xen_manage(session->xen, guest->domid);
    return 0;
}

/* One that cannot run does not stop the others from running. */
static int run_targets(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_error one;
    int rc = 0;
    for (unsigned int g = 1; g < domm_session_guest_count(&r->source.session); g++) {
        if (run_target(r, g, &one) && !rc) {
            *err = one;
            rc = -(int)one.code;
        }
    }
    return rc;
}

int domm_recover_run(struct domm_recovering *r, enum domm_recover_when when, bool fresh,
                     struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    bool forced = when == DOMM_RECOVER_FORCE;
    int rc = run_monitor(r, fresh || when == DOMM_RECOVER_RESTART, err);
    if (rc && forced)
        domm_log(session->log, DOMM_LOG_ERROR, "%s", err->text);
    else if (rc)
        return rc;
    rc = forced ? 0 : await_ready(session, &forced, err);
    if (rc)
        return rc;
    if (forced)
        domm_log(session->log, DOMM_LOG_WARN, "the targets of %s are run unmonitored, as requested",
                 session->guests[0].facts.name);
    return run_targets(r, err);
}
