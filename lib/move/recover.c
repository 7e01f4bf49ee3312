/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/recover.h"

#include <string.h>

#include "lib/move/past.h"
#include "lib/move/source-internal.h"
#include "lib/pair/record.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"
#include "lib/xen/save.h"

/* What was kept in part only was not taken out of the page tables yet. */
static int take_state(struct domm_source *source, const struct domm_past *past,
                      struct domm_error *err)
{
    struct domm_blob *blob = &source->end.state_bytes;
    int rc = domm_past_mapping_state(past, &blob->bytes, &blob->size, err);
    if (rc || !blob->bytes)
        return rc;
    struct domm_error torn;
    if (domm_state_decode(blob->bytes, blob->size, &source->state, &torn))
        domm_log(source->end.log, DOMM_LOG_WARN, "%s: %s", past->path, torn.text);
    else
        source->taken = true;
    return 0;
}

/* In the order in which the machine would have. A domM that runs has the page tables it wants. */
static int undo(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    bool suspended;
    int rc = domm_end_take_tables(end, err);
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++)
        rc = domm_source_undo(end, DOMM_STEP_RENAME_AWAY, g, err);
    rc = rc ? rc : domm_memory_suspended(end->memory, end->guests[0].domid, &suspended, err);
    if (!rc && suspended)
        rc = domm_source_undo(end, DOMM_STEP_DETACH, 0, err);
    return rc ? rc : domm_source_undo(end, DOMM_STEP_STOP_DOMM, 0, err);
}

static int refuse(const struct domm_past *past, bool not_taken, struct domm_error *err)
{
    switch (past->owner) {
    case DOMM_PAST_SOURCE:
        return 0;
    case DOMM_PAST_UNKNOWN:
        if (not_taken)
            return 0;
        domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%s may have taken the guests over",
                  past->destination);
        return domm_hint(err, "try domm release there: if that succeeds, destroy these; if it says "
                              "that they were not handed over, domm release --not-taken here");
    case DOMM_PAST_DESTINATION:
        break;
    }
    domm_fail(err, DOMM_REFUSED, "%s has taken the guests over: these are stale copies",
              past->destination);
    return domm_hint(err, "xl destroy ends them");
}

static int recover(struct domm_source *source, struct domm_log *log, const struct domm_past *past,
                   const struct domm_uuid *domm, struct domm_error *err)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(domm, uuid);
    const struct domm_source_options options = {.pair = uuid, .host = past->destination};
    int rc = domm_source_open(source, &options, log, err);
    rc = rc ? rc : domm_end_lock_guests(&source->end, err);
    rc = rc ? rc : domm_journal_resume(past->path, &source->end.journal, err);
    rc = rc ? rc : take_state(source, past, err);
    return rc ? rc : undo(source, err);
}

int domm_recover_source(struct domm_log *log, const struct domm_uuid *domm, uint32_t domid,
                        bool not_taken, bool *found_r, struct domm_error *err)
{
    static struct domm_source source;
    const struct domm_past_query query = {.guest = domm, .domid = domid, .source = true};
    struct domm_past past;
    int rc = domm_past_find(&query, &past, err);
    *found_r = rc != -DOMM_NOT_FOUND;
    if (!*found_r)
        return 0;
    rc = rc ? rc : refuse(&past, not_taken, err);
    if (rc)
        return rc;
    rc = recover(&source, log, &past, domm, err);
    rc = rc ? rc : domm_past_finish(&query, err);
    domm_source_close(&source);
    return rc;
}

/* Those that were migrated: a target that somebody has made anew since, or that was attached since,
 * is his to look after. */
static void tend(struct domm_xen *xen, const struct domm_inventory *inventory,
                 const struct domm_member *domm)
{
    for (size_t i = 0; i <= domm->record.n_targets; i++) {
        const struct domm_member *member =
            i ? domm_inventory_by_uuid(inventory, &domm->record.targets[i - 1].uuid) : domm;
        struct domm_past past;
        struct domm_error ignored;
        if (!member)
            continue;
        const struct domm_past_query query = {.guest = &member->domain.uuid,
                                              .domid = member->domain.domid};
        if (domm_past_find(&query, &past, &ignored) == 0)
            domm_xen_tend(xen, member->domain.domid);
    }
}

int domm_recover_destination(struct domm_xen *xen, const struct domm_inventory *inventory,
                             const struct domm_member *domm, bool *found_r, struct domm_error *err)
{
    const struct domm_past_query query = {.guest = &domm->domain.uuid, .domid = domm->domain.domid};
    struct domm_past past;
    int rc = domm_past_find(&query, &past, err);
    *found_r = rc != -DOMM_NOT_FOUND;
    if (rc)
        return *found_r ? rc : 0;
    if (past.owner != DOMM_PAST_DESTINATION) {
        domm_fail(err, DOMM_REFUSED, "%s was never handed over: it may run where it came from",
                  domm->domain.name);
        return domm_hint(err, "xl destroy ends this copy, and so does another domm migrate");
    }
    tend(xen, inventory, domm);
    if (domm->domain.state == DOMM_STATE_PAUSED)
        rc = domm_xen_unpause(xen, domm->domain.domid, err);
    return rc ? rc : domm_past_finish(&query, err);
}

static bool is_left(const struct domm_domain *domain, const struct domm_uuid *guest)
{
    return domm_uuid_equal(&domain->uuid, guest) && domain->state != DOMM_STATE_DYING;
}

/* Whoever is there is found by its domain: what was handed over stays. */
static int clear(struct domm_end *end, const struct domm_domain *domain, struct domm_error *err)
{
    const struct domm_past_query query = {
        .guest = &domain->uuid, .domid = domain->domid, .own = end->journal};
    struct domm_past past;
    int rc = domm_past_find(&query, &past, err);
    bool left = strcmp(domain->name + domm_name_length(domain->name), DOMM_INCOMING) == 0;
    if (rc == 0 ? past.owner == DOMM_PAST_DESTINATION : !left)
        return 0;
    domm_log(end->log, DOMM_LOG_WARN, "destroying %s, which an earlier migration has left",
             domain->name);
    return domm_xen_destroy(end->xen, domain->domid, err);
}

int domm_recover_clear(struct domm_end *end, unsigned int guest, struct domm_error *err)
{
    const struct domm_past_query query = {.guest = &end->guests[guest].facts.uuid,
                                          .own = end->journal};
    struct domm_past past;
    struct domm_domain *domains;
    size_t count;
    if (domm_past_find(&query, &past, err))
        return 0;
    int rc = domm_xen_domains(end->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        if (is_left(&domains[i], query.guest))
            rc = clear(end, &domains[i], err);
    }
    domm_domains_free(domains, count);
    return rc;
}
