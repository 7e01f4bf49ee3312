/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/lock.h"
#include "lib/move/past.h"
#include "lib/move/source-internal.h"

static int check_guest(const struct domm_end *end, const struct domm_end_guest *guest,
                       const struct domm_domain *domain, struct domm_error *err)
{
    switch (domain->state) {
    case DOMM_STATE_RUNNABLE:
    case DOMM_STATE_BLOCKED:
    case DOMM_STATE_RUNNING:
        break;
    case DOMM_STATE_PAUSED:
        domm_fail(err, DOMM_PREFLIGHT, "%s is paused, and has to run to suspend itself",
                  guest->facts.name);
        return domm_hint(err, "xl unpause %s, and migrate it with --paused", guest->facts.name);
    case DOMM_STATE_SUSPENDED:
        domm_fail(err, DOMM_PREFLIGHT, "%s stands still, suspended", guest->facts.name);
        return domm_hint(err, "domm release %s, if a migration has left it so",
                         end->guests[0].facts.name);
    default:
        return domm_fail(err, DOMM_PREFLIGHT, "%s is %s", guest->facts.name,
                         domm_domain_state_name(domain->state));
    }
    if (guest->facts.kind != DOMM_WIRE_HVM)
        return 0;
    return domm_fail(err, DOMM_PREFLIGHT, "%s is an HVM guest: only PVH and PV guests can be moved",
                     guest->facts.name);
}

static int check_guests(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    struct domm_inventory inventory;
    int rc = domm_inventory_read_unscanned(end->xen, end->log, &end->guests[0].facts.uuid,
                                           &inventory, err);
    if (rc)
        return rc;
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++) {
        const struct domm_end_guest *guest = &end->guests[g];
        const struct domm_member *member = domm_inventory_by_uuid(&inventory, &guest->facts.uuid);
        if (source->options.preflight && domm_guest_is_moving(&guest->facts.uuid))
            rc = domm_fail(err, DOMM_PREFLIGHT, "%s is being migrated already", guest->facts.name);
        else
            rc = member ? check_guest(end, guest, &member->domain, err)
                        : domm_fail(err, DOMM_PREFLIGHT, "%s has ended", guest->facts.name);
    }
    domm_inventory_free(&inventory);
    return rc;
}

/* What could not be carried is found before anything stops. */
static int check_mappings(struct domm_end *end, struct domm_error *err)
{
    struct domm_end_pair *pair;
    int rc = domm_end_take_tables(end, err);
    if (rc)
        return rc;
    rc = domm_end_pair(end, false, &pair, err);
    if (!rc) {
        rc = domm_state_check(end->memory, &pair->pair, err);
        domm_end_pair_free(end, pair);
    }
    domm_end_give_tables(end);
    return rc;
}

/* What earlier migrations have left is settled by fact: the pair is here, and ready. */
static int retire(struct domm_end *end, struct domm_error *err)
{
    struct domm_past_query query = {.guest = &end->guests[0].facts.uuid,
                                    .domid = end->guests[0].domid,
                                    .source = true,
                                    .own = end->journal};
    int rc = domm_past_finish(&query, err);
    query.source = false;
    return rc ? rc : domm_past_finish(&query, err);
}

int domm_source_check(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    if (!domm_service_runs()) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run on this host");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = check_guests(source, err);
    if (rc)
        return rc;
    rc = domm_end_ready(end, err);
    if (rc)
        return domm_hint(err, "domm monitor-status shows what is missing");
    rc = check_mappings(end, err);
    return rc || source->options.preflight ? rc : retire(end, err);
}
