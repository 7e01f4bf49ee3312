/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/migrate/recover_internal.h"
#include "lib/xen/domain.h"
#include "lib/xen/userdata.h"

/* Reads a file beside the journal, with a terminator behind it; null if it is not there. */
static char *read_beside(const struct domm_journal_facts *facts, const char *name, size_t most)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/%s", facts->path, name);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char *text = fd >= 0 ? calloc(1, most + 1) : NULL;
    if (!text || read(fd, text, most) <= 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int recover_take_record(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    cleanup_free char *kept = read_beside(r->facts, DOMM_JOURNAL_RECORD, DOMM_RECORD_MAX_BYTES);
    cleanup_free char *present = NULL;
    size_t size = 0;
    if (kept)
        return domm_record_parse(kept, strlen(kept), &session->record, err);
    if (session->guests[0].domid)
        domm_xen_userdata_read(session->xen, session->guests[0].domid, DOMM_RECORD_USERDATA,
                               &present, &size, err);
    if (present)
        return domm_record_parse(present, size, &session->record, err);
    session->record.ready_timeout = DOMM_READY_TIMEOUT;
    return 0;
}

static void take_monitor_config(struct domm_recovering *r)
{
    struct domm_chunks *config = &r->source.session.guests[0].config;
    char *text = read_beside(r->facts, DOMM_JOURNAL_MONITOR, DOMM_WIRE_MAX_CONFIG);
    if (text)
        *config = (struct domm_chunks){(unsigned char *)text, strlen(text), strlen(text) + 1};
}

/* At the source another domain of the same UUID has nothing to do with the migration. */
static bool is_of(const struct domm_journal_facts *facts, const struct domm_journal_guest *guest,
                  const struct domm_domain *domain)
{
    if (domain->state == DOMM_DOMAIN_DYING || !domm_uuid_equal(&domain->uuid, &guest->uuid))
        return false;
    return !facts->source || (facts->of_this_boot && domain->domid == guest->domid);
}

static void take_domain(struct domm_recovering *r, size_t g, const struct domm_domain *domain)
{
    static const enum domm_guest_kind kinds[] = {[DOMM_DOMAIN_PV] = DOMM_GUEST_KIND_PV,
                                                 [DOMM_DOMAIN_PVH] = DOMM_GUEST_KIND_PVH,
                                                 [DOMM_DOMAIN_HVM] = DOMM_GUEST_KIND_HVM};
    struct domm_session_guest *guest = &r->source.session.guests[g];
    guest->domid = domain->domid;
    guest->facts.kind = kinds[domain->type];
    r->states[g] = domain->state;
    r->suffixed[g] = domain->name[domm_name_length(domain->name)] != '\0';
}

static int find_domains(struct domm_recovering *r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(r->source.session.xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        for (size_t g = 0; g < r->facts->n_guests; g++) {
            if (is_of(r->facts, &r->facts->guests[g], &domains[i]))
                take_domain(r, g, &domains[i]);
        }
    }
    domm_domains_free(domains, count);
    return 0;
}

static void recover_take_guests(struct domm_recovering *r)
{
    struct domm_session *session = &r->source.session;
    session->offer.migration = r->facts->migration;
    session->offer.n_targets = (uint32_t)(r->facts->n_guests ? r->facts->n_guests - 1 : 0);
    session->report.n_targets = session->offer.n_targets;
    for (size_t g = 0; g < r->facts->n_guests; g++) {
        session->guests[g].facts.uuid = r->facts->guests[g].uuid;
        session->guests[g].facts.paused = r->facts->guests[g].paused;
        strcpy(session->guests[g].facts.name, r->facts->guests[g].name);
    }
}

int domm_recover_open(struct domm_recovering *r, const struct domm_journal_facts *facts,
                      bool dry_run, struct domm_log *log, struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    memset(r, 0, sizeof(*r));
    r->facts = facts;
    domm_source_begin(&r->source);
    session->machine.setup.source = facts->source;
    int rc = domm_session_open(session, log, err);
    if (rc)
        return rc;
    recover_take_guests(r);
    rc = find_domains(r, err);
    if (rc)
        return rc;
    take_monitor_config(r);
    rc = recover_take_record(r, err);
    if (rc || dry_run)
        return rc;
    return domm_journal_resume(facts->path, &session->journal, err);
}

void domm_recover_close(struct domm_recovering *r)
{
    domm_source_close(&r->source);
}

/* A copy that was never taken into use still has its suffix. */
static bool counts(const struct domm_journal_facts *facts, const struct domm_domain *domain)
{
    for (size_t g = 0; g < facts->n_guests; g++) {
        if (is_of(facts, &facts->guests[g], domain) &&
            (facts->source || !domain->name[domm_name_length(domain->name)]))
            return true;
    }
    return false;
}

int domm_recover_is_there(struct domm_xen *xen, const struct domm_journal_facts *facts,
                          bool *here_r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    *here_r = false;
    int rc = domm_xen_domains(xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++)
        *here_r |= counts(facts, &domains[i]);
    domm_domains_free(domains, count);
    return 0;
}
