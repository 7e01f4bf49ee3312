/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/lock.h"
#include "lib/move/destination-internal.h"
#include "lib/move/past.h"
#include "lib/move/recover.h"
#include "lib/pair/storage.h"
#include "lib/watch/link.h"
#include "lib/xen/guest.h"
#include "lib/xen/needs.h"

/* What Xen and the toolstack need besides a guest's memory, in KiB. */
#define OVERHEAD_KIB(memory_kib) (8192 + (memory_kib) / 128)

/* Also by a copy that is on its way. */
static bool takes_name(const char *there, const char *name)
{
    size_t length = domm_name_length(there);
    return length == strlen(name) && strncmp(there, name, length) == 0;
}

static int check_identity(const struct domm_end *end, const struct domm_domain *there,
                          struct domm_error *err)
{
    for (unsigned int g = 0; g < domm_end_guests(end); g++) {
        const struct domm_wire_guest *facts = &end->guests[g].facts;
        if (takes_name(there->name, facts->name))
            return domm_fail(err, DOMM_PREFLIGHT, "there is a domain %s already", there->name);
        if (domm_uuid_equal(&there->uuid, &facts->uuid))
            return domm_fail(err, DOMM_PREFLIGHT, "the domain %s has the UUID of %s already",
                             there->name, facts->name);
    }
    return 0;
}

static int check_identities(struct domm_end *end, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(end->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++)
        rc = check_identity(end, &domains[i], err);
    domm_domains_free(domains, count);
    return rc;
}

static int check_memory(struct domm_end *end, struct domm_error *err)
{
    uint64_t wanted_kib = 0, free_mib;
    for (unsigned int g = 0; g < domm_end_guests(end); g++)
        wanted_kib +=
            end->guests[g].facts.memory_kib + OVERHEAD_KIB(end->guests[g].facts.memory_kib);
    int rc = domm_xen_free_mib(end->xen, &free_mib, err);
    if (rc || wanted_kib / 1024 < free_mib)
        return rc;
    return domm_fail(err, DOMM_PREFLIGHT,
                     "the guests need %llu MiB of memory, but the host has %llu MiB free",
                     (unsigned long long)wanted_kib / 1024, (unsigned long long)free_mib);
}

/* A guest that has found a feature goes on using it. */
static int check_cpu(struct domm_end *end, const struct domm_wire_guest *facts,
                     struct domm_error *err)
{
    uint32_t words[DOMM_CPU_WORDS];
    size_t count;
    int rc = domm_memory_cpu_features(end->memory, facts->kind == DOMM_WIRE_PV, true, words, &count,
                                      err);
    for (size_t i = 0; !rc && i < facts->n_features; i++) {
        uint32_t missing = facts->features[i] & ~(i < DOMM_CPU_WORDS ? words[i] : 0);
        if (missing)
            rc = domm_fail(err, DOMM_PREFLIGHT,
                           "it may use CPU features that this host does not have: word %zu, bits "
                           "0x%08x (cpuid in xl.cfg keeps features from a guest)",
                           i, missing);
    }
    return rc;
}

static int check_need(struct domm_end *end, const struct domm_need *need, struct domm_error *err)
{
    struct domm_link link;
    char path[512];
    int rc = 0;
    switch (need->kind) {
    case DOMM_NEED_BRIDGE:
        rc = domm_link_by_name(end->netlink, need->what, &link, err);
        return rc == -DOMM_NOT_FOUND
                   ? domm_fail(err, DOMM_PREFLIGHT, "there is no bridge %s", need->what)
                   : rc;
    case DOMM_NEED_SCRIPT:
        snprintf(path, sizeof(path), "%s%s", need->what[0] == '/' ? "" : DOMM_SCRIPTS_DIRECTORY "/",
                 need->what);
        if (access(path, X_OK))
            rc = domm_fail_errno(err, DOMM_PREFLIGHT, errno, "the script %s", path);
        return rc;
    case DOMM_NEED_FILE:
        if (access(need->what, R_OK))
            rc = domm_fail_errno(err, DOMM_PREFLIGHT, errno, "the disk %s", need->what);
        return rc;
    }
    return 0;
}

static int check_guest(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    const struct domm_end_guest *guest = &end->guests[g];
    struct domm_need *needs = NULL;
    size_t count = 0;
    int rc = check_cpu(end, &guest->facts, err);
    rc = rc ? rc : domm_xen_needs(end->xen, (const char *)guest->config.bytes, &needs, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = check_need(end, &needs[i], err);
    domm_needs_free(needs, count);
    return rc ? domm_wrap(err, "%s", guest->facts.name) : 0;
}

/* What domM would not find after the move either. A doubt is no reason to refuse it what it has. */
static int check_storage(struct domm_end *end, struct domm_error *err)
{
    char doubt[DOMM_STORAGE_DOUBT];
    int rc = 0;
    for (size_t t = 0; !rc && t < end->record.n_targets; t++) {
        const struct domm_record_target *target = &end->record.targets[t];
        for (size_t i = 0; !rc && i < target->n_storage; i++) {
            if (target->storage[i].kind == DOMM_STORAGE_NFS && !target->storage[i].unchecked)
                rc = domm_storage_check(&target->storage[i], DOMM_STORAGE_PATIENCE_MS, doubt, err);
        }
    }
    return rc ? domm_wrap(err, "storage") : 0;
}

/* No guest that earlier migrations to this host could have left is here any more. */
static int retire(struct domm_end *end, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++) {
        const struct domm_past_query query = {.guest = &end->guests[g].facts.uuid,
                                              .own = end->journal};
        rc = domm_past_finish(&query, err);
    }
    return rc;
}

int domm_destination_check(struct domm_end *end, struct domm_error *err)
{
    if (!domm_service_runs()) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run there");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = domm_end_lock_guests(end, err);
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++)
        rc = domm_recover_clear(end, g, err);
    rc = rc ? rc : check_identities(end, err);
    rc = rc ? rc : retire(end, err);
    rc = rc ? rc : check_memory(end, err);
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++)
        rc = check_guest(end, g, err);
    return rc ? rc : check_storage(end, err);
}
