/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destroys copies that are stale, or that were never handed over. */
#include <string.h>

#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/recover_internal.h"
#include "lib/pair/expectation.h"
#include "lib/xen/domain.h"
#include "lib/xen/restore_vifs.h"

static bool is_incoming(const char *name)
{
    return strcmp(name + domm_name_length(name), DOMM_INCOMING) == 0;
}

/* A copy that somebody has run is no longer domm's to destroy. */
static bool never_ran(struct domm_xen *xen, uint32_t domid, enum domm_domain_state state)
{
    struct domm_error ignored;
    uint64_t ns;
    return state == DOMM_DOMAIN_PAUSED && domm_xen_cpu_time(xen, domid, &ns, &ignored) == 0 &&
           ns == 0;
}

static int destroy_copy(struct domm_recovering *r, unsigned int g, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    const struct domm_session_guest *guest = &session->guests[g];
    domm_log(session->log, DOMM_LOG_NOTICE, "destroying the %s copy of %s (%u)",
             r->facts->source ? "stale" : "unused", guest->facts.name, guest->domid);
    int rc = domm_xen_destroy(session->xen, guest->domid, err);
    if (!r->facts->source)
        domm_restore_clear_vifs(session->xen, guest->domid);
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

static int clear_at_source(struct domm_recovering *r, unsigned int g, struct domm_error *err)
{
    bool still = r->states[g] == DOMM_DOMAIN_SUSPENDED ||
                 (r->states[g] == DOMM_DOMAIN_PAUSED && r->suffixed[g]);
    if (still)
        return destroy_copy(r, g, err);
    domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%s is in use here, but %s has taken it over",
              r->facts->guests[g].name, r->facts->other);
    return domm_hint(err, "there may be two copies of it: find out which one to keep, and destroy "
                          "the other with xl destroy");
}

/* Another domain of that UUID has nothing to do with the migration. */
static int clear_at_destination(struct domm_recovering *r, unsigned int g, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    const struct domm_journal_guest *known = &r->facts->guests[g];
    uint32_t domid = session->guests[g].domid;
    if (!r->suffixed[g] && !(r->facts->of_this_boot && domid == known->domid))
        return 0;
    if (never_ran(session->xen, domid, r->states[g]))
        return destroy_copy(r, g, err);
    domm_fail(err, DOMM_OUTCOME_UNKNOWN,
              "%s (%u) was never handed over to this host, but has been run here", known->name,
              domid);
    return domm_hint(err,
                     "the original may run at the other host, too: find out which one to keep, "
                     "and destroy the other with xl destroy");
}

int domm_recover_destroy(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    struct domm_error one;
    int rc = 0;
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++) {
        if (!session->guests[g].domid)
            continue;
        int failed =
            r->facts->source ? clear_at_source(r, g, &one) : clear_at_destination(r, g, &one);
        if (failed && !rc) {
            *err = one;
            rc = failed;
        }
    }
    if (rc || !r->facts->source)
        return rc;
    /* The other host tells of the targets from now on. */
    return domm_expectations_end(&session->guests[0].facts.uuid, NULL, err);
}

bool domm_recover_is_left(struct domm_session *session, const struct domm_domain *domain)
{
    const struct domm_unfinished_query query = {.guest = &domain->uuid, .own = session->journal},
                                       named = {.guest = &domain->uuid,
                                                .domid = domain->domid,
                                                .own = session->journal};
    struct domm_unfinished unfinished;
    struct domm_error ignored;
    if (domain->state == DOMM_DOMAIN_DYING || domm_unfinished_find(&query, &unfinished, &ignored))
        return false;
    int rc = domm_unfinished_find(&named, &unfinished, &ignored);
    if (rc == 0 ? unfinished.owner == DOMM_OWNER_DESTINATION : !is_incoming(domain->name))
        return false;
    return never_ran(session->xen, domain->domid, domain->state);
}

static int clear_left(struct domm_session *session, const struct domm_domain *domain,
                      struct domm_error *err)
{
    domm_log(session->log, DOMM_LOG_WARN, "destroying %s, left by an earlier migration",
             domain->name);
    int rc = domm_xen_destroy(session->xen, domain->domid, err);
    domm_restore_clear_vifs(session->xen, domain->domid);
    return rc;
}

int domm_recover_clear(struct domm_session *session, unsigned int guest, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(session->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        if (domm_uuid_equal(&domains[i].uuid, &session->guests[guest].facts.uuid) &&
            domm_recover_is_left(session, &domains[i]))
            rc = clear_left(session, &domains[i], err);
    }
    domm_domains_free(domains, count);
    return rc;
}
