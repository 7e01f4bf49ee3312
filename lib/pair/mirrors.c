/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/mirrors.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"

/* A vif of this host, and its mirrors by the records. */
struct vif_port {
    const struct domm_inventory_entry *entry;
    struct domm_vif vif;
    int ifindex;
    bool monitors;                   /* the vif is a monitor vif */
    const struct vif_port *mirror;   /* the monitor vif that its packets shall go to, or null */
    struct domm_selection selection; /* which of them */
};

struct vif_ports {
    struct vif_port *all;
    size_t count;
};

static int ifindex_of(struct nl_sock *sock, const char *name, int *ifindex_r,
                      struct domm_error *err)
{
    struct domm_link link;
    int rc = domm_link_by_name(sock, name, &link, err);
    *ifindex_r = rc ? 0 : link.ifindex;
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_vif_device(struct domm_xen *xen, struct nl_sock *sock, uint32_t domid, unsigned devid,
                    struct domm_vif *vif_r, int *ifindex_r, struct domm_error *err)
{
    cleanup_free struct domm_vif *vifs = NULL;
    size_t count;
    *vif_r = (struct domm_vif){.devid = devid};
    *ifindex_r = 0;
    int rc = domm_xen_vifs(xen, domid, &vifs, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (vifs[i].devid != devid)
            continue;
        *vif_r = vifs[i];
        return ifindex_of(sock, vifs[i].name, ifindex_r, err);
    }
    return rc;
}

int domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target, uint32_t monitor,
                     const struct domm_mirror_pair *pair, struct domm_mirror_ends *ends_r,
                     struct domm_error *err)
{
    int rc = domm_vif_device(xen, sock, target, pair->vif, &ends_r->target, &ends_r->target_ifindex,
                             err);
    if (rc)
        return rc;
    return domm_vif_device(xen, sock, monitor, pair->to, &ends_r->monitor, &ends_r->monitor_ifindex,
                           err);
}

static int add_ports(struct domm_xen *xen, struct nl_sock *sock, struct vif_ports *ports,
                     const struct domm_inventory_entry *entry, struct domm_error *err)
{
    cleanup_free struct domm_vif *vifs = NULL;
    size_t count;
    int rc = domm_xen_vifs(xen, entry->domain.domid, &vifs, &count, err);
    if (rc)
        return rc;
    struct vif_port *all = realloc(ports->all, (ports->count + count + 1) * sizeof(*all));
    if (!all)
        return domm_no_memory(err);
    ports->all = all;
    for (size_t i = 0; !rc && i < count; i++) {
        struct vif_port *port = &all[ports->count];
        *port = (struct vif_port){.entry = entry, .vif = vifs[i]};
        rc = ifindex_of(sock, vifs[i].name, &port->ifindex, err);
        if (port->ifindex)
            ports->count++;
    }
    return rc;
}

static struct vif_port *mirrors_port_of(struct vif_ports *ports,
                                        const struct domm_inventory_entry *entry, unsigned devid)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->all[i].entry == entry && ports->all[i].vif.devid == devid)
            return &ports->all[i];
    }
    return NULL;
}

/* Adds the mirrors of a monitor's record whose vifs exist. */
static void want(struct vif_ports *ports, const struct domm_inventory *inventory,
                 const struct domm_inventory_entry *monitor)
{
    if (monitor->record_state != DOMM_RECORD_VALID)
        return;
    for (size_t i = 0; i < monitor->record.n_targets; i++) {
        const struct domm_record_target *entry = &monitor->record.targets[i];
        const struct domm_inventory_entry *target = domm_inventory_by_uuid(inventory, &entry->uuid);
        for (size_t j = 0; target && j < entry->n_mirrors; j++) {
            struct vif_port *from = mirrors_port_of(ports, target, entry->mirrors[j].vif);
            struct vif_port *to = mirrors_port_of(ports, monitor, entry->mirrors[j].to);
            if (!from || !to || from == to)
                continue;
            from->mirror = to;
            from->selection = entry->mirrors[j].selection;
            to->monitors = true;
        }
    }
}

/* Removes only wrong filters of ours: filters of others and correct vifs are left. */
static int take_away(struct nl_sock *sock, const struct vif_port *port, struct domm_log *log,
                     struct domm_error *err)
{
    struct domm_tc_hook in, out;
    int rc = domm_tc_read_hook(sock, port->ifindex, DOMM_HOOK_INGRESS, &in, err);
    if (rc)
        return rc;
    rc = domm_tc_read_hook(sock, port->ifindex, DOMM_HOOK_EGRESS, &out, err);
    if (rc)
        return rc;
    bool guards = in.ours.ours && in.ours.action == DOMM_TC_FILTER_DROP;
    bool mirrors = (in.ours.ours && !guards) || out.ours.ours;
    int wanted = port->mirror ? port->mirror->ifindex : 0;
    bool right = wanted &&
                 (!in.ours.ours || domm_mirror_copies(&in.ours, wanted, &port->selection)) &&
                 (!out.ours.ours || domm_mirror_copies(&out.ours, wanted, &port->selection));
    if (mirrors && !right) {
        domm_log(log, DOMM_LOG_INFO, "%s: removing the mirror", port->vif.name);
        rc = domm_mirror_remove(sock, port->ifindex, err);
    }
    if (!rc && guards && !port->monitors) {
        domm_log(log, DOMM_LOG_INFO, "%s is no longer a monitor vif", port->vif.name);
        rc = domm_mirror_unguard(sock, port->ifindex, err);
    }
    return rc;
}

static int put_up(struct nl_sock *sock, const struct vif_port *port, struct domm_log *log,
                  struct domm_error *err)
{
    struct domm_mirror_state state;
    int from = port->ifindex, to = port->mirror->ifindex;
    int rc = domm_mirror_measure(sock, from, to, &port->selection, &state, err);
    if (rc || domm_mirror_is_whole(&state))
        return rc;
    rc = domm_mirror_install(sock, from, to, &port->selection, err);
    if (rc)
        return rc;
    domm_log(log, DOMM_LOG_INFO, "%s is mirrored to %s", port->vif.name, port->mirror->vif.name);
    return 0;
}

static void warn(struct domm_log *log, const struct vif_port *port, const struct domm_error *reason)
{
    if (reason->code != DOMM_NOT_FOUND) /* the device may be gone meanwhile */
        domm_log(log, DOMM_LOG_WARN, "the mirror of %s (vif %u of %s): %s", port->vif.name,
                 port->vif.devid, port->entry->domain.name, reason->text);
}

void domm_mirrors_reconcile(struct domm_xen *xen, struct nl_sock *sock,
                            const struct domm_inventory *inventory, struct domm_log *log)
{
    struct vif_ports ports = {0};
    struct domm_error err;
    int rc = 0;
    for (size_t i = 0; !rc && i < inventory->count; i++) {
        if (inventory->entries[i].domain.domid)
            rc = add_ports(xen, sock, &ports, &inventory->entries[i], &err);
    }
    if (rc)
        domm_log(log, DOMM_LOG_WARN, "searching for vifs to mirror: %s", err.text);
    for (size_t i = 0; !rc && i < inventory->count; i++)
        want(&ports, inventory, &inventory->entries[i]);
    /* Wrong mirrors and guards are removed before new mirrors are installed. */
    for (size_t i = 0; !rc && i < ports.count; i++) {
        if (take_away(sock, &ports.all[i], log, &err))
            warn(log, &ports.all[i], &err);
    }
    for (size_t i = 0; !rc && i < ports.count; i++) {
        if (ports.all[i].mirror && put_up(sock, &ports.all[i], log, &err))
            warn(log, &ports.all[i], &err);
    }
    free(ports.all);
}
