/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/mirrors.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"

/* A vif of this host, and what the records want of it. */
struct port {
    const struct domm_member *member;
    struct domm_vif vif;
    int ifindex;
    bool monitors;             /* a mirror leads here */
    const struct port *mirror; /* where its packets shall go, or null */
};

struct ports {
    struct port *all;
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

int domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target, uint32_t domm,
                     const struct domm_mirror_pair *pair, struct domm_mirror_ends *ends_r,
                     struct domm_error *err)
{
    int rc = domm_vif_device(xen, sock, target, pair->vif, &ends_r->target, &ends_r->target_ifindex,
                             err);
    return rc ? rc
              : domm_vif_device(xen, sock, domm, pair->to, &ends_r->monitor,
                                &ends_r->monitor_ifindex, err);
}

static int add_ports(struct domm_xen *xen, struct nl_sock *sock, struct ports *ports,
                     const struct domm_member *member, struct domm_error *err)
{
    cleanup_free struct domm_vif *vifs = NULL;
    size_t count;
    int rc = domm_xen_vifs(xen, member->domain.domid, &vifs, &count, err);
    if (rc)
        return rc;
    struct port *all = realloc(ports->all, (ports->count + count + 1) * sizeof(*all));
    if (!all)
        return domm_no_memory(err);
    ports->all = all;
    for (size_t i = 0; !rc && i < count; i++) {
        struct port *port = &all[ports->count];
        *port = (struct port){.member = member, .vif = vifs[i]};
        rc = ifindex_of(sock, vifs[i].name, &port->ifindex, err);
        if (port->ifindex)
            ports->count++;
    }
    return rc;
}

static struct port *port_of(struct ports *ports, const struct domm_member *member, unsigned devid)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->all[i].member == member && ports->all[i].vif.devid == devid)
            return &ports->all[i];
    }
    return NULL;
}

/* What the record of a domM wants, as far as its and its targets' vifs are there. */
static void want(struct ports *ports, const struct domm_inventory *inventory,
                 const struct domm_member *domm)
{
    if (domm->record_state != DOMM_RECORD_VALID)
        return;
    for (size_t i = 0; i < domm->record.n_targets; i++) {
        const struct domm_record_target *entry = &domm->record.targets[i];
        const struct domm_member *target = domm_inventory_by_uuid(inventory, &entry->uuid);
        for (size_t j = 0; target && j < entry->n_mirrors; j++) {
            struct port *from = port_of(ports, target, entry->mirrors[j].vif);
            struct port *to = port_of(ports, domm, entry->mirrors[j].to);
            if (!from || !to || from == to)
                continue;
            from->mirror = to;
            to->monitors = true;
        }
    }
}

/* Only what is ours and wrong: another's filter, and a vif that is as it should be, are left. */
static int take_away(struct nl_sock *sock, const struct port *port, struct domm_log *log,
                     struct domm_error *err)
{
    struct domm_tc_hook in, out;
    int rc = domm_tc_read_hook(sock, port->ifindex, DOMM_HOOK_INGRESS, &in, err);
    rc = rc ? rc : domm_tc_read_hook(sock, port->ifindex, DOMM_HOOK_EGRESS, &out, err);
    if (rc)
        return rc;
    bool guards = in.ours.ours && in.ours.action == DOMM_FILTER_DROP;
    bool mirrors = (in.ours.ours && !guards) || out.ours.ours;
    int wanted = port->mirror ? port->mirror->ifindex : 0;
    bool right = wanted && (!in.ours.ours || in.ours.mirror_to == wanted) &&
                 (!out.ours.ours || out.ours.mirror_to == wanted);
    if (mirrors && !right) {
        domm_log(log, DOMM_LOG_INFO, "%s: taking the mirror away", port->vif.name);
        rc = domm_mirror_remove(sock, port->ifindex, err);
    }
    if (!rc && guards && !port->monitors) {
        domm_log(log, DOMM_LOG_INFO, "%s: is no monitor vif any more", port->vif.name);
        rc = domm_mirror_unguard(sock, port->ifindex, err);
    }
    return rc;
}

static bool is_whole(const struct domm_mirror_state *state, int monitor)
{
    return state->sent.ours && state->sent.mirror_to == monitor && state->received.ours &&
           state->received.mirror_to == monitor && state->guard.ours && state->monitor.up;
}

static int put_up(struct nl_sock *sock, const struct port *port, struct domm_log *log,
                  struct domm_error *err)
{
    struct domm_mirror_state state;
    int from = port->ifindex, to = port->mirror->ifindex;
    int rc = domm_mirror_measure(sock, from, to, &state, err);
    if (rc || is_whole(&state, to))
        return rc;
    rc = domm_mirror_install(sock, from, to, err);
    if (!rc)
        domm_log(log, DOMM_LOG_INFO, "%s is mirrored to %s", port->vif.name,
                 port->mirror->vif.name);
    return rc;
}

static void warn(struct domm_log *log, const struct port *port, const struct domm_error *reason)
{
    if (reason->code != DOMM_NOT_FOUND) /* a device that goes meanwhile is no trouble */
        domm_log(log, DOMM_LOG_WARN, "the mirror of %s (vif %u of %s): %s", port->vif.name,
                 port->vif.devid, port->member->domain.name, reason->text);
}

void domm_mirrors_reconcile(struct domm_xen *xen, struct nl_sock *sock,
                            const struct domm_inventory *inventory, struct domm_log *log)
{
    struct ports ports = {0};
    struct domm_error err;
    int rc = 0;
    for (size_t i = 0; !rc && i < inventory->count; i++) {
        if (inventory->members[i].domain.domid)
            rc = add_ports(xen, sock, &ports, &inventory->members[i], &err);
    }
    if (rc)
        domm_log(log, DOMM_LOG_WARN, "looking for vifs to mirror: %s", err.text);
    for (size_t i = 0; !rc && i < inventory->count; i++)
        want(&ports, inventory, &inventory->members[i]);
    /* A vif that is mirrored elsewhere, or a guard, goes before another mirror comes. */
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
