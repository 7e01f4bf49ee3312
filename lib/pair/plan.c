/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/pair/mirrors.h"
#include "lib/xen/disk.h"
#include "lib/xen/needs.h"

#define DEFAULT_BRIDGE "xenbr0" /* libxl__device_nic_setdefault, tools/libs/light/libxl_nic.c */

/* What Xen and the toolstack need besides a guest's memory. */
#define OVERHEAD_MIB 8

static int check_target(const struct domm_inventory *inventory, const struct domm_member *target,
                        struct domm_error *err)
{
    const struct domm_domain *domain = &target->domain;
    if (domain->domid == 0)
        return domm_fail(err, DOMM_PREFLIGHT, "dom0 cannot be a target");
    if (domain->state == DOMM_STATE_DYING || domain->state == DOMM_STATE_SHUTDOWN ||
        domain->state == DOMM_STATE_CRASHED)
        return domm_fail(err, DOMM_PREFLIGHT, "the target %s is %s", domain->name,
                         domm_domain_state_name(domain->state));
    const struct domm_member *watcher = domm_inventory_watcher(inventory, target, NULL);
    if (!watcher)
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "the target %s is watched by %s already", domain->name,
              watcher->domain.name);
    return domm_hint(err, "domm detach %s %s parts them", watcher->domain.name, domain->name);
}

static int check_target_vif(struct domm_xen *xen, struct nl_sock *netlink,
                            const struct domm_member *target, unsigned devid,
                            struct domm_error *err)
{
    struct domm_vif vif;
    int ifindex;
    int rc = domm_vif_device(xen, netlink, target->domain.domid, devid, &vif, &ifindex, err);
    if (rc || ifindex)
        return rc;
    domm_fail(err, DOMM_PREFLIGHT, "the target %s has no vif %u to mirror", target->domain.name,
              devid);
    return domm_hint(err, "xl network-list %s shows its vifs", target->domain.name);
}

static int full(const char *key, struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED, "%s: more than %d of one target", key,
                     DOMM_RECORD_MAX_ITEMS);
}

static int plan_mirrors(struct domm_xen *xen, struct nl_sock *netlink,
                        const struct domm_config *config, const char *name,
                        const struct domm_member *target, struct domm_record_target *entry,
                        struct domm_error *err)
{
    for (size_t i = 0; i < config->n_mirrors; i++) {
        const struct domm_config_mirror *mirror = &config->mirrors[i];
        if (strcmp(mirror->target, name) != 0)
            continue;
        if (entry->n_mirrors == DOMM_RECORD_MAX_ITEMS)
            return full("mirror", err);
        int rc = check_target_vif(xen, netlink, target, mirror->pair.vif, err);
        if (rc)
            return domm_wrap(err, "mirror");
        entry->mirrors[entry->n_mirrors++] = mirror->pair;
    }
    return 0;
}

static int plan_storage(const struct domm_config *config, const char *name,
                        struct domm_record_target *entry, struct domm_error *err)
{
    for (size_t i = 0; i < config->n_storage; i++) {
        const struct domm_config_storage *storage = &config->storage[i];
        if (strcmp(storage->target, name) != 0)
            continue;
        if (entry->n_storage == DOMM_RECORD_MAX_ITEMS)
            return full("storage", err);
        entry->storage[entry->n_storage++] = storage->storage;
    }
    return 0;
}

static int plan_targets(struct domm_xen *xen, struct nl_sock *netlink,
                        const struct domm_inventory *inventory, const struct domm_config *config,
                        struct domm_record *record, struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_targets; i++) {
        const char *name = config->targets[i];
        const struct domm_member *target;
        rc = domm_inventory_find(inventory, name, &target, err);
        rc = rc ? rc : check_target(inventory, target, err);
        if (rc)
            return domm_wrap(err, "target");
        if (domm_record_find(record, &target->domain.uuid))
            return domm_fail(err, DOMM_PREFLIGHT, "target: %s is there twice", name);
        struct domm_record_target *entry = &record->targets[record->n_targets++];
        *entry = (struct domm_record_target){.uuid = target->domain.uuid};
        rc = plan_mirrors(xen, netlink, config, name, target, entry, err);
        rc = rc ? rc : plan_storage(config, name, entry, err);
    }
    return rc;
}

static int check_vif(struct nl_sock *netlink, const struct domm_config_vif *vif,
                     struct domm_error *err)
{
    const char *bridge = vif->bridge ? vif->bridge : DEFAULT_BRIDGE;
    struct domm_link link;
    char path[256];
    if (!vif->monitor && !vif->script) {
        int rc = domm_link_by_name(netlink, bridge, &link, err);
        if (rc == -DOMM_NOT_FOUND)
            rc = domm_fail(err, DOMM_PREFLIGHT, "there is no bridge %s", bridge);
        if (rc)
            return rc;
    }
    if (!vif->script)
        return 0;
    snprintf(path, sizeof(path), "%s%s", vif->script[0] == '/' ? "" : DOMM_SCRIPTS_DIRECTORY "/",
             vif->script);
    return access(path, X_OK) ? domm_fail_errno(err, DOMM_PREFLIGHT, errno, "the script %s", path)
                              : 0;
}

static int check_host(struct domm_xen *xen, struct nl_sock *netlink,
                      const struct domm_config *config, struct domm_error *err)
{
    uint64_t free_mib;
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_vifs; i++) {
        rc = check_vif(netlink, &config->vifs[i], err);
        if (rc)
            domm_wrap(err, "vif: item %zu", i);
    }
    rc = rc ? rc : domm_xen_free_mib(xen, &free_mib, err);
    if (!rc && free_mib < (uint64_t)config->memory_mib + OVERHEAD_MIB)
        rc = domm_fail(err, DOMM_PREFLIGHT, "memory: %u MiB wanted, but the host has %llu MiB free",
                       config->memory_mib, (unsigned long long)free_mib);
    return rc;
}

static int check_identity(const struct domm_inventory *inventory, const struct domm_config *config,
                          struct domm_error *err)
{
    for (size_t i = 0; i < inventory->count; i++) {
        if (strcmp(inventory->members[i].domain.name, config->name) == 0)
            return domm_fail(err, DOMM_PREFLIGHT, "name: there is a domain %s already",
                             config->name);
    }
    const struct domm_member *same =
        config->has_uuid ? domm_inventory_by_uuid(inventory, &config->uuid) : NULL;
    return same ? domm_fail(err, DOMM_PREFLIGHT, "uuid: the domain %s has it already",
                            same->domain.name)
                : 0;
}

int domm_plan_create(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_config *config,
                     struct domm_record *record_r, struct domm_error *err)
{
    *record_r = (struct domm_record){.ready_timeout = config->ready_timeout};
    int rc = check_identity(inventory, config, err);
    rc = rc ? rc : plan_targets(xen, netlink, inventory, config, record_r, err);
    return rc ? rc : check_host(xen, netlink, config, err);
}

/* A vif that is on a bridge would carry what domM sends. */
static int check_monitor_vif(struct domm_xen *xen, struct nl_sock *netlink,
                             const struct domm_member *domm, unsigned devid, struct domm_error *err)
{
    struct domm_vif vif;
    struct domm_link link;
    int ifindex;
    int rc = domm_vif_device(xen, netlink, domm->domain.domid, devid, &vif, &ifindex, err);
    if (!rc && !ifindex)
        rc = domm_fail(err, DOMM_PREFLIGHT, "%s has no vif %u to mirror to", domm->domain.name,
                       devid);
    rc = rc ? rc : domm_link_by_index(netlink, ifindex, &link, err);
    if (rc || !link.master)
        return rc;
    domm_fail(err, DOMM_PREFLIGHT, "vif %u of %s is on a bridge, so domM could send by it", devid,
              domm->domain.name);
    return domm_hint(err, "a vif with script=" DOMM_MONITOR_VIF_SCRIPT " is on none");
}

/* What the configuration of a domM that is to be made is checked for. */
static int check_disk(struct domm_xen *xen, const struct domm_member *domm,
                      const struct domm_storage *storage, struct domm_error *err)
{
    enum domm_disk_state state;
    if (storage->kind != DOMM_STORAGE_BLOCK)
        return 0;
    int rc = domm_xen_disk(xen, domm->domain.domid, storage->source, &state, err);
    if (rc || state == DOMM_DISK_READ_ONLY)
        return rc;
    if (state == DOMM_DISK_WRITABLE)
        return domm_fail(err, DOMM_PREFLIGHT, "the disk %s of %s is not read-only", storage->source,
                         domm->domain.name);
    domm_fail(err, DOMM_PREFLIGHT, "%s has no disk %s", domm->domain.name, storage->source);
    return domm_hint(err, "xl block-attach with script=" DOMM_MONITOR_DISK_SCRIPT " gives it one");
}

int domm_plan_attach(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_member *domm,
                     const struct domm_member *target, const struct domm_record_target *entry,
                     struct domm_record *record_r, struct domm_error *err)
{
    if (domm->record_state != DOMM_RECORD_VALID) {
        domm_fail(err, DOMM_REFUSED, "%s is not a domM", domm->domain.name);
        return domm_hint(err, "domm create makes one; domm list shows them");
    }
    if (domm == target)
        return domm_fail(err, DOMM_PREFLIGHT, "domM cannot be its own target");
    int rc = check_target(inventory, target, err);
    for (size_t i = 0; !rc && i < entry->n_mirrors; i++) {
        rc = check_target_vif(xen, netlink, target, entry->mirrors[i].vif, err);
        rc = rc ? rc : check_monitor_vif(xen, netlink, domm, entry->mirrors[i].to, err);
    }
    for (size_t i = 0; !rc && i < entry->n_storage; i++)
        rc = check_disk(xen, domm, &entry->storage[i], err);
    if (rc)
        return rc;
    *record_r = domm->record;
    if (record_r->n_targets == DOMM_RECORD_MAX_TARGETS)
        return domm_fail(err, DOMM_PREFLIGHT, "%s has %d targets already, the most there can be",
                         domm->domain.name, DOMM_RECORD_MAX_TARGETS);
    struct domm_record_target *added = &record_r->targets[record_r->n_targets++];
    *added = *entry;
    added->uuid = target->domain.uuid;
    return 0;
}
