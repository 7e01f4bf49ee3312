/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/recover.h"

#include <string.h>

#include "lib/move/source-internal.h"
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

/* In the order in which the machine would have. */
static int undo(struct domm_source *source, struct domm_error *err)
{
    static const enum domm_step steps[] = {DOMM_STEP_RENAME_AWAY, DOMM_STEP_DETACH,
                                           DOMM_STEP_STOP_DOMM};
    struct domm_end *end = &source->end;
    int rc = domm_end_take_tables(end, err);
    for (unsigned int g = 0; g < domm_end_guests(end); g++) /* as they are to be called */
        end->guests[g].facts.name[domm_name_length(end->guests[g].facts.name)] = '\0';
    for (size_t i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++) {
        unsigned int count = domm_steps[steps[i]].scope == DOMM_EACH ? domm_end_guests(end) : 1;
        for (unsigned int g = 0; !rc && g < count; g++)
            rc = domm_source_undo(end, steps[i], g, err);
    }
    return rc;
}

static int refuse(const struct domm_past *past, bool decided, struct domm_error *err)
{
    switch (past->owner) {
    case DOMM_PAST_SOURCE:
        return 0;
    case DOMM_PAST_UNKNOWN:
        if (decided)
            return 0;
        domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%s may have taken the guests over",
                  past->destination);
        return domm_hint(err,
                         "look there: if they run, destroy these; if not, domm release --force");
    case DOMM_PAST_DESTINATION:
        break;
    }
    domm_fail(err, DOMM_REFUSED, "%s has taken the guests over: these are stale copies",
              past->destination);
    return domm_hint(err, "xl destroy");
}

int domm_recover_source(struct domm_log *log, const struct domm_uuid *domm, uint32_t domid,
                        bool decided, struct domm_error *err)
{
    static struct domm_source source;
    struct domm_past past;
    char uuid[DOMM_UUID_TEXT];
    int rc = domm_past_find(domm, domid, &past, err);
    rc = rc ? rc : refuse(&past, decided, err);
    if (rc)
        return rc;
    domm_uuid_format(domm, uuid);
    const struct domm_source_options options = {.pair = uuid, .host = past.destination};
    rc = domm_source_open(&source, &options, log, err);
    rc = rc ? rc : domm_end_lock_guests(&source.end, err);
    rc = rc ? rc : take_state(&source, &past, err);
    rc = rc ? rc : undo(&source, err);
    rc = rc ? rc : domm_past_finish(&past, err);
    domm_source_close(&source);
    return rc;
}

int domm_recover_destination(struct domm_xen *xen, const struct domm_uuid *domm, uint32_t domid,
                             struct domm_error *err)
{
    struct domm_past past;
    int rc = domm_past_find(domm, 0, &past, err);
    if (rc)
        return rc;
    if (past.owner != DOMM_PAST_DESTINATION) {
        domm_fail(err, DOMM_REFUSED, "it was never handed over: it may run where it came from");
        return domm_hint(err, "destroy this copy; another domm migrate does so, too");
    }
    rc = domm_xen_unpause(xen, domid, err);
    return rc ? rc : domm_past_finish(&past, err);
}

static bool is_left(const struct domm_domain *domain, const struct domm_uuid *guest)
{
    return domm_uuid_equal(&domain->uuid, guest) && domain->state != DOMM_STATE_DYING &&
           strcmp(domain->name + domm_name_length(domain->name), DOMM_INCOMING) == 0;
}

int domm_recover_clear(struct domm_xen *xen, struct domm_log *log, const struct domm_uuid *guest,
                       struct domm_error *err)
{
    struct domm_past past;
    struct domm_domain *domains;
    size_t count;
    if (domm_past_find(guest, 0, &past, err) || past.owner == DOMM_PAST_DESTINATION)
        return 0;
    int rc = domm_xen_domains(xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        if (!is_left(&domains[i], guest))
            continue;
        domm_log(log, DOMM_LOG_WARN, "destroying %s, which an earlier migration has left",
                 domains[i].name);
        rc = domm_xen_destroy(xen, domains[i].domid, err);
    }
    domm_domains_free(domains, count);
    return rc;
}
