/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/migrate/destination_internal.h"
#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/recover.h"
#include "lib/migrate/restart_check.h"
#include "lib/net/link.h"
#include "lib/pair/locks.h"
#include "lib/pair/storage_check.h"
#include "lib/xen/guest.h"
#include "lib/xen/host_requirements.h"
#include "lib/xen/room.h"

/* Memory that Xen and the toolstack need in addition to a guest's, in KiB. */
#define OVERHEAD_KIB(memory_kib) (8192 + (memory_kib) / 128)

/* A copy with a suffix takes the name, too. */
static bool takes_name(const char *there, const char *name)
{
    size_t length = domm_name_length(there);
    return length == strlen(name) && strncmp(there, name, length) == 0;
}

static int destination_check_identity(const struct domm_session *session,
                                      const struct domm_domain *there, struct domm_error *err)
{
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++) {
        const struct domm_message_guest *facts = &session->guests[g].facts;
        if (takes_name(there->name, facts->name))
            return domm_fail(err, DOMM_PREFLIGHT, "a domain named %s exists on the destination",
                             there->name);
        if (domm_uuid_equal(&there->uuid, &facts->uuid))
            return domm_fail(err, DOMM_PREFLIGHT,
                             "the domain %s on the destination has the UUID of %s", there->name,
                             facts->name);
    }
    return 0;
}

static int check_identities(struct domm_session *session, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(session->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        if (!session->preflight || !domm_recover_is_left(session, &domains[i]))
            rc = destination_check_identity(session, &domains[i], err);
    }
    domm_domains_free(domains, count);
    return rc;
}

/* In a preflight dom0 keeps its memory. */
static int destination_make_room(struct domm_session *session, struct domm_error *err)
{
    uint64_t wanted_kib = 0;
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        wanted_kib +=
            session->guests[g].facts.memory_kib + OVERHEAD_KIB(session->guests[g].facts.memory_kib);
    int rc = session->preflight ? domm_xen_check_room(session->xen, wanted_kib, err)
                                : domm_xen_make_room(session->xen, wanted_kib, err);
    return rc ? domm_wrap(err, "on the destination") : 0;
}

/* A guest keeps using the CPU features that it found when it booted. */
static int check_cpu(struct domm_session *session, const struct domm_message_guest *facts,
                     struct domm_error *err)
{
    uint32_t words[DOMM_CPU_WORDS];
    size_t count;
    int rc = domm_hv_cpu_features(session->hv, facts->kind == DOMM_GUEST_KIND_PV, true, words,
                                  &count, err);
    for (size_t i = 0; !rc && i < facts->n_features; i++) {
        uint32_t missing = facts->features[i] & ~(i < DOMM_CPU_WORDS ? words[i] : 0);
        if (missing)
            rc = domm_fail(err, DOMM_PREFLIGHT,
                           "it may use CPU features that the destination lacks: word %zu, bits "
                           "0x%08x (cpuid in xl.cfg hides features from a guest)",
                           i, missing);
    }
    return rc;
}

static int check_requirement(struct domm_session *session,
                             const struct domm_requirement *requirement, struct domm_error *err)
{
    struct domm_link link;
    char path[512];
    int rc = 0;
    switch (requirement->kind) {
    case DOMM_REQUIREMENT_BRIDGE:
        rc = domm_link_by_name(session->netlink, requirement->what, &link, err);
        return rc == -DOMM_NOT_FOUND
                   ? domm_fail(err, DOMM_PREFLIGHT,
                               "the bridge %s does not exist on the destination", requirement->what)
                   : rc;
    case DOMM_REQUIREMENT_SCRIPT:
        snprintf(path, sizeof(path), "%s%s",
                 requirement->what[0] == '/' ? "" : DOMM_SCRIPTS_DIRECTORY "/", requirement->what);
        if (access(path, X_OK))
            rc = domm_fail_errno(err, DOMM_PREFLIGHT, errno, "the script %s", path);
        return rc;
    case DOMM_REQUIREMENT_FILE:
        if (access(requirement->what, R_OK))
            rc = domm_fail_errno(err, DOMM_PREFLIGHT, errno, "the disk %s", requirement->what);
        return rc;
    case DOMM_REQUIREMENT_IMAGE: /* restart_check.h */
        break;
    }
    return 0;
}

static int check_requirements(struct domm_session *session, const struct domm_session_guest *guest,
                              struct domm_error *err)
{
    struct domm_requirement *requirements;
    size_t count;
    int rc = domm_xen_requirements(session->xen, (const char *)guest->config.bytes, &requirements,
                                   &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++)
        rc = check_requirement(session, &requirements[i], err);
    domm_requirements_free(requirements, count);
    return rc;
}

static int destination_check_guest(struct domm_session *session, unsigned int g,
                                   struct domm_error *err)
{
    const struct domm_session_guest *guest = &session->guests[g];
    if (check_cpu(session, &guest->facts, err) || check_requirements(session, guest, err))
        return domm_wrap(err, "%s", guest->facts.name);
    return 0;
}

/* Only a definite failure refuses the migration: where the check is in doubt, the monitor may have
 * access. */
static int check_storage(struct domm_session *session, struct domm_error *err)
{
    char doubt[DOMM_STORAGE_DOUBT];
    int rc = 0;
    for (size_t t = 0; !rc && t < session->record.n_targets; t++) {
        const struct domm_record_target *target = &session->record.targets[t];
        for (size_t i = 0; !rc && i < target->n_storage; i++) {
            if (target->storage[i].kind == DOMM_STORAGE_NFS && !target->storage[i].unchecked)
                rc = domm_storage_check(&target->storage[i], DOMM_STORAGE_PATIENCE_MS, doubt, err);
        }
    }
    return rc ? domm_wrap(err, "storage") : 0;
}

/* Called when no guest of an earlier migration to this host is left. */
static int destination_retire(struct domm_session *session, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++) {
        const struct domm_unfinished_query query = {.guest = &session->guests[g].facts.uuid,
                                                    .own = session->journal};
        rc = domm_unfinished_finish(&query, err);
    }
    return rc;
}

int domm_destination_check(struct domm_session *session, struct domm_error *err)
{
    if (!domm_service_runs()) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run on the destination");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = domm_session_lock_guests(session, err);
    for (unsigned int g = 0; !rc && !session->preflight && g < domm_session_guest_count(session);
         g++)
        rc = domm_recover_clear(session, g, err);
    if (rc)
        return rc;
    rc = check_identities(session, err);
    if (rc)
        return rc;
    rc = session->preflight ? 0 : destination_retire(session, err);
    if (rc)
        return rc;
    rc = destination_make_room(session, err);
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++)
        rc = destination_check_guest(session, g, err);
    if (rc)
        return rc;
    rc = domm_restart_check(session, err);
    if (rc)
        return rc;
    return check_storage(session, err);
}
