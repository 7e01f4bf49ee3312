/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/pair/mirrors.h"
#include "lib/xen/disk.h"
#include "lib/xen/host_requirements.h"
#include "lib/xen/room.h"

#define DEFAULT_BRIDGE "xenbr0" /* libxl__device_nic_setdefault, tools/libs/light/libxl_nic.c */

/* Memory that Xen and the toolstack need in addition to a guest's. */
#define OVERHEAD_MIB 8

static int check_target(const struct domm_inventory *inventory,
                        const struct domm_inventory_entry *target, struct domm_error *err)
{
    const struct domm_domain *domain = &target->domain;
    if (domain->domid == 0)
        return domm_fail(err, DOMM_PREFLIGHT, "dom0 cannot be a target");
    if (domain->state == DOMM_DOMAIN_DYING || domain->state == DOMM_DOMAIN_SHUTDOWN ||
        domain->state == DOMM_DOMAIN_CRASHED)
        return domm_fail(err, DOMM_PREFLIGHT, "the target %s is %s", domain->name,
                         domm_domain_state_name(domain->state));
    const struct domm_inventory_entry *monitor = domm_inventory_monitor_of(inventory, target, NULL);
    if (!monitor)
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "the target %s is monitored by %s already", domain->name,
              monitor->domain.name);
    return domm_hint(err, "to detach it, run domm detach %s %s", monitor->domain.name,
                     domain->name);
}

static int check_target_vif(struct domm_xen *xen, struct nl_sock *netlink,
                            const struct domm_inventory_entry *target, unsigned devid,
                            struct domm_error *err)
{
    struct domm_vif vif;
    int ifindex;
    int rc = domm_vif_device(xen, netlink, target->domain.domid, devid, &vif, &ifindex, err);
    if (rc || ifindex)
        return rc;
    domm_fail(err, DOMM_PREFLIGHT, "the target %s has no vif %u to mirror", target->domain.name,
              devid);
    return domm_hint(err, "see its vifs with xl network-list %s", target->domain.name);
}

static int full(const char *key, struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED, "%s: more than %d for one target", key,
                     DOMM_RECORD_MAX_ITEMS);
}

static int plan_mirrors(struct domm_xen *xen, struct nl_sock *netlink,
                        const struct domm_config *config, const char *name,
                        const struct domm_inventory_entry *target,
                        struct domm_record_target *record_target, struct domm_error *err)
{
    for (size_t i = 0; i < config->n_mirrors; i++) {
        const struct domm_config_mirror *mirror = &config->mirrors[i];
        if (strcmp(mirror->target, name) != 0)
            continue;
        if (record_target->n_mirrors == DOMM_RECORD_MAX_ITEMS)
            return full("mirror", err);
        int rc = check_target_vif(xen, netlink, target, mirror->pair.vif, err);
        if (rc)
            return domm_wrap(err, "mirror");
        record_target->mirrors[record_target->n_mirrors++] = mirror->pair;
    }
    return 0;
}

static int plan_storage(const struct domm_config *config, const char *name,
                        struct domm_record_target *record_target, struct domm_error *err)
{
    for (size_t i = 0; i < config->n_storage; i++) {
        const struct domm_config_storage *storage = &config->storage[i];
        if (strcmp(storage->target, name) != 0)
            continue;
        if (record_target->n_storage == DOMM_RECORD_MAX_ITEMS)
            return full("storage", err);
        record_target->storage[record_target->n_storage++] = storage->storage;
    }
    return 0;
}

static int plan_targets(struct domm_xen *xen, struct nl_sock *netlink,
                        const struct domm_inventory *inventory, const struct domm_config *config,
                        struct domm_record *record, struct domm_error *err)
{
    for (size_t i = 0; i < config->n_targets; i++) {
        const char *name = config->targets[i];
        const struct domm_inventory_entry *target;
        if (domm_inventory_find(inventory, name, &target, err) ||
            check_target(inventory, target, err))
            return domm_wrap(err, "target");
        if (domm_record_find(record, &target->domain.uuid))
            return domm_fail(err, DOMM_PREFLIGHT, "target: %s is listed twice", name);
        struct domm_record_target *record_target = &record->targets[record->n_targets++];
        *record_target = (struct domm_record_target){.uuid = target->domain.uuid};
        int rc = plan_mirrors(xen, netlink, config, name, target, record_target, err);
        if (rc)
            return rc;
        rc = plan_storage(config, name, record_target, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int plan_check_vif(struct nl_sock *netlink, const struct domm_config_vif *vif,
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
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_vifs; i++) {
        rc = plan_check_vif(netlink, &config->vifs[i], err);
        if (rc)
            domm_wrap(err, "vif: item %zu", i);
    }
    if (rc)
        return rc;
    if (domm_xen_check_room(xen, (uint64_t)(config->memory_mib + OVERHEAD_MIB) * 1024, err))
        return domm_wrap(err, "memory");
    return 0;
}

static int plan_check_identity(const struct domm_inventory *inventory,
                               const struct domm_config *config, struct domm_error *err)
{
    for (size_t i = 0; i < inventory->count; i++) {
        if (strcmp(inventory->entries[i].domain.name, config->name) == 0)
            return domm_fail(err, DOMM_PREFLIGHT, "name: a domain named %s exists", config->name);
    }
    const struct domm_inventory_entry *same =
        config->has_uuid ? domm_inventory_by_uuid(inventory, &config->uuid) : NULL;
    return same ? domm_fail(err, DOMM_PREFLIGHT, "uuid: the domain %s has it already",
                            same->domain.name)
                : 0;
}

int domm_plan_create(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_config *config,
                     struct domm_record *record_r, struct domm_error *err)
{
    *record_r =
        (struct domm_record){.ready_timeout = config->ready_timeout, .migrate = config->migrate};
    int rc = plan_check_identity(inventory, config, err);
    if (rc)
        return rc;
    rc = plan_targets(xen, netlink, inventory, config, record_r, err);
    if (rc)
        return rc;
    return check_host(xen, netlink, config, err);
}

/* A vif on a bridge would carry packets that the monitor sends. */
static int check_monitor_vif(struct domm_xen *xen, struct nl_sock *netlink,
                             const struct domm_inventory_entry *monitor, unsigned devid,
                             struct domm_error *err)
{
    struct domm_vif vif;
    struct domm_link link;
    int ifindex;
    int rc = domm_vif_device(xen, netlink, monitor->domain.domid, devid, &vif, &ifindex, err);
    if (rc)
        return rc;
    if (!ifindex)
        return domm_fail(err, DOMM_PREFLIGHT, "%s has no vif %u to mirror to", monitor->domain.name,
                         devid);
    rc = domm_link_by_index(netlink, ifindex, &link, err);
    if (rc || !link.master)
        return rc;
    domm_fail(err, DOMM_PREFLIGHT, "vif %u of %s is on a bridge, so the monitor could send on it",
              devid, monitor->domain.name);
    return domm_hint(err, "a vif with script=" DOMM_MONITOR_VIF_SCRIPT " is on none");
}

/* The checks of a disk that domm create makes by the configuration. */
static int check_disk(struct domm_xen *xen, const struct domm_inventory_entry *monitor,
                      const struct domm_storage *storage, struct domm_error *err)
{
    enum domm_disk_state state;
    if (storage->kind != DOMM_STORAGE_BLOCK)
        return 0;
    int rc = domm_xen_disk(xen, monitor->domain.domid, storage->source, &state, err);
    if (rc || state == DOMM_DISK_READ_ONLY)
        return rc;
    if (state == DOMM_DISK_WRITABLE)
        return domm_fail(err, DOMM_PREFLIGHT, "the disk %s of %s is not read-only", storage->source,
                         monitor->domain.name);
    domm_fail(err, DOMM_PREFLIGHT, "%s has no disk %s", monitor->domain.name, storage->source);
    return domm_hint(err, "xl block-attach with script=" DOMM_MONITOR_DISK_SCRIPT " gives it one");
}

int domm_plan_attach(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory,
                     const struct domm_inventory_entry *monitor,
                     const struct domm_inventory_entry *target,
                     const struct domm_record_target *record_target, struct domm_record *record_r,
                     struct domm_error *err)
{
    if (monitor->record_state != DOMM_RECORD_VALID) {
        domm_fail(err, DOMM_REFUSED, "%s is not a monitor", monitor->domain.name);
        return domm_hint(err, "create one with domm create; domm list shows the monitors");
    }
    if (monitor == target)
        return domm_fail(err, DOMM_PREFLIGHT, "the monitor cannot be its own target");
    int rc = check_target(inventory, target, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < record_target->n_mirrors; i++) {
        rc = check_target_vif(xen, netlink, target, record_target->mirrors[i].vif, err);
        if (rc)
            return rc;
        rc = check_monitor_vif(xen, netlink, monitor, record_target->mirrors[i].to, err);
        if (rc)
            return rc;
    }
    for (size_t i = 0; !rc && i < record_target->n_storage; i++)
        rc = check_disk(xen, monitor, &record_target->storage[i], err);
    if (rc)
        return rc;
    *record_r = monitor->record;
    if (record_r->n_targets == DOMM_RECORD_MAX_TARGETS)
        return domm_fail(err, DOMM_PREFLIGHT, "%s has %d targets already, which is the maximum",
                         monitor->domain.name, DOMM_RECORD_MAX_TARGETS);
    struct domm_record_target *added = &record_r->targets[record_r->n_targets++];
    *added = *record_target;
    added->uuid = target->domain.uuid;
    return 0;
}
