/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/ready.h"
#include "lib/migrate/restart_check.h"
#include "lib/migrate/source_internal.h"
#include "lib/pair/locks.h"
#include "lib/xen/suspend.h"

static int source_check_guest(const struct domm_session *session,
                              const struct domm_session_guest *guest,
                              const struct domm_domain *domain, struct domm_error *err)
{
    switch (domain->state) {
    case DOMM_DOMAIN_RUNNABLE:
    case DOMM_DOMAIN_BLOCKED:
    case DOMM_DOMAIN_RUNNING:
        break;
    case DOMM_DOMAIN_PAUSED:
        domm_fail(err, DOMM_PREFLIGHT, "%s is paused, but a guest has to run to suspend itself",
                  guest->facts.name);
        return domm_hint(err, "run xl unpause %s, and migrate it with --paused", guest->facts.name);
    case DOMM_DOMAIN_SUSPENDED:
        domm_fail(err, DOMM_PREFLIGHT, "%s is suspended", guest->facts.name);
        return domm_hint(err, domm_xen_suspended_by_domm(session->xen, guest->domid)
                                  ? "a migration has left it so: run domm recover"
                                  : "wait until xl save or xl migrate has ended");
    default:
        return domm_fail(err, DOMM_PREFLIGHT, "%s is %s", guest->facts.name,
                         domm_domain_state_name(domain->state));
    }
    if (guest->facts.kind != DOMM_GUEST_KIND_HVM)
        return 0;
    return domm_fail(err, DOMM_PREFLIGHT,
                     "%s is an HVM guest: only PVH and PV guests can be migrated",
                     guest->facts.name);
}

static int check_guests(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    struct domm_inventory inventory;
    int rc = domm_inventory_read_unscanned(session->xen, session->log,
                                           &session->guests[0].facts.uuid, &inventory, err);
    if (rc)
        return rc;
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++) {
        const struct domm_session_guest *guest = &session->guests[g];
        const struct domm_inventory_entry *entry =
            domm_inventory_by_uuid(&inventory, &guest->facts.uuid);
        if (source->options.preflight && domm_guest_is_moving(&guest->facts.uuid))
            rc = domm_fail(err, DOMM_PREFLIGHT, "%s is already being migrated", guest->facts.name);
        else
            rc = entry ? source_check_guest(session, guest, &entry->domain, err)
                       : domm_fail(err, DOMM_PREFLIGHT, "%s has ended", guest->facts.name);
    }
    domm_inventory_free(&inventory);
    return rc;
}

/* Finds mappings that cannot be migrated before any guest is stopped. */
static int check_mappings(struct domm_session *session, struct domm_error *err)
{
    struct domm_session_pair *pair;
    int rc = domm_session_lock_tables(session, err);
    if (rc)
        return rc;
    rc = domm_session_pair(session, false, &pair, err);
    if (!rc) {
        rc = domm_mapping_state_check(session->hv, &pair->pair, err);
        domm_session_pair_free(session, pair);
    }
    domm_session_unlock_tables(session);
    return rc;
}

/* Earlier migrations are settled: the pair is here, and ready. */
static int source_retire(struct domm_session *session, struct domm_error *err)
{
    struct domm_unfinished_query query = {.guest = &session->guests[0].facts.uuid,
                                          .domid = session->guests[0].domid,
                                          .source = true,
                                          .own = session->journal};
    int rc = domm_unfinished_finish(&query, err);
    query.source = false;
    if (rc)
        return rc;
    return domm_unfinished_finish(&query, err);
}

int domm_source_check(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    if (!domm_service_runs()) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run on this host");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = check_guests(source, err);
    if (rc)
        return rc;
    rc = domm_ready_check(session, err);
    if (rc)
        return domm_hint(err, "domm monitor-status shows what is missing");
    rc = domm_restart_check(session, err);
    if (rc)
        return rc;
    rc = check_mappings(session, err);
    if (rc || source->options.preflight)
        return rc;
    rc = source_retire(session, err);
    if (rc)
        return rc;
    return domm_session_pass(session, DOMM_PHASE_MIGRATE, err);
}
