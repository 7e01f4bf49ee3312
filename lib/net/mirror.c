/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/mirror.h"

#include <stdio.h>
#include <string.h>

/* The qdisc and the filters of a device. */
struct mirror_port {
    struct domm_link link;
    struct domm_tc_qdiscs qdiscs;
    struct domm_tc_hook hooks[DOMM_HOOKS];
};

/* The filters that a device shall have; OTHER: none. */
struct wanted_filters {
    enum domm_tc_filter_action actions[DOMM_HOOKS];
    int mirror_to;
    struct domm_selection selection;
};

static const struct wanted_filters guard = {.actions = {[DOMM_HOOK_INGRESS] = DOMM_TC_FILTER_DROP}};

static int read_filters(struct nl_sock *sock, int ifindex, struct mirror_port *port,
                        struct domm_error *err)
{
    int rc = domm_tc_read_qdiscs(sock, ifindex, &port->qdiscs, err);
    for (int hook = 0; hook < DOMM_HOOKS; hook++) {
        port->hooks[hook] = (struct domm_tc_hook){0};
        if (!rc && port->qdiscs.ingress == DOMM_TC_CLSACT)
            rc = domm_tc_read_hook(sock, ifindex, (enum domm_hook)hook, &port->hooks[hook], err);
    }
    return rc;
}

static int read_port(struct nl_sock *sock, int ifindex, struct mirror_port *port,
                     struct domm_error *err)
{
    int rc = domm_link_by_index(sock, ifindex, &port->link, err);
    if (rc)
        return rc;
    return read_filters(sock, ifindex, port, err);
}

static bool owns_qdisc(const struct mirror_port *port)
{
    return port->hooks[DOMM_HOOK_INGRESS].ours.owns_qdisc ||
           port->hooks[DOMM_HOOK_EGRESS].ours.owns_qdisc;
}

static bool is_empty(const struct mirror_port *port)
{
    for (int hook = 0; hook < DOMM_HOOKS; hook++) {
        if (port->hooks[hook].ours.ours || port->hooks[hook].others)
            return false;
    }
    return true;
}

/* A filter of ours may be replaced if it is useless: it was changed by hand, or its destination
 * device is gone. */
static bool is_useless(const struct domm_tc_filter *filter)
{
    return filter->action == DOMM_TC_FILTER_OTHER || filter->unknown_keys ||
           (filter->action == DOMM_TC_FILTER_MIRROR && filter->mirror_to == 0);
}

bool domm_mirror_copies(const struct domm_tc_filter *filter, int monitor,
                        const struct domm_selection *selection)
{
    return filter->ours && filter->action == DOMM_TC_FILTER_MIRROR &&
           filter->mirror_to == monitor && !filter->unknown_keys &&
           domm_selection_equal(&filter->selection, selection);
}

static bool mirror_is_wanted(const struct domm_tc_filter *seen, const struct wanted_filters *wanted)
{
    if (seen->action == DOMM_TC_FILTER_MIRROR)
        return wanted->actions[seen->hook] == DOMM_TC_FILTER_MIRROR &&
               domm_mirror_copies(seen, wanted->mirror_to, &wanted->selection);
    return seen->ours && seen->action == wanted->actions[seen->hook];
}

static int refuse_present(const struct mirror_port *port, const struct domm_tc_filter *seen,
                          struct domm_error *err)
{
    if (seen->action == DOMM_TC_FILTER_DROP)
        return domm_fail(err, DOMM_REFUSED, "%s is the monitor vif of another mirror",
                         port->link.name);
    return domm_fail(err, DOMM_REFUSED, "%s is mirrored to device number %d already",
                     port->link.name, seen->mirror_to);
}

static int check_port(const struct mirror_port *port, const struct wanted_filters *wanted,
                      struct domm_error *err)
{
    if (port->qdiscs.ingress == DOMM_TC_INGRESS) {
        domm_fail(err, DOMM_REFUSED, "%s has an ingress qdisc, which excludes clsact",
                  port->link.name);
        return domm_hint(err, "replace it by clsact: tc qdisc del dev %s ingress", port->link.name);
    }
    for (int hook = 0; hook < DOMM_HOOKS; hook++) {
        const struct domm_tc_filter *seen = &port->hooks[hook].ours;
        if (seen->ours && !is_useless(seen) && !mirror_is_wanted(seen, wanted))
            return refuse_present(port, seen, err);
        if (wanted->actions[hook] != DOMM_TC_FILTER_OTHER && port->hooks[hook].in_the_way)
            return domm_fail(err, DOMM_REFUSED,
                             "%s has a filter of another program with priority %d", port->link.name,
                             DOMM_TC_FILTER_PRIORITY);
    }
    return 0;
}

static int install_filters(struct nl_sock *sock, const struct mirror_port *before,
                           const struct wanted_filters *wanted, bool qdisc_is_ours,
                           struct domm_error *err)
{
    for (int hook = 0; hook < DOMM_HOOKS; hook++) {
        const struct domm_tc_filter *seen = &before->hooks[hook].ours;
        struct domm_tc_filter filter = {
            .ifindex = before->link.ifindex,
            .hook = (enum domm_hook)hook,
            .owns_qdisc = qdisc_is_ours,
            .action = wanted->actions[hook],
            .mirror_to = wanted->mirror_to,
        };
        if (filter.action == DOMM_TC_FILTER_MIRROR)
            filter.selection = wanted->selection;
        if (filter.action == DOMM_TC_FILTER_OTHER || mirror_is_wanted(seen, wanted))
            continue;
        int rc = seen->ours ? domm_tc_delete_filter(sock, seen, err) : 0;
        if (rc)
            return rc;
        rc = domm_tc_add_filter(sock, &filter, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int add_filters(struct nl_sock *sock, const struct mirror_port *before,
                       const struct wanted_filters *wanted, struct domm_error *err)
{
    bool created;
    if (domm_tc_add_clsact(sock, before->link.ifindex, &created, err) ||
        install_filters(sock, before, wanted, created || owns_qdisc(before), err))
        return domm_wrap(err, "mirror at %s", before->link.name);
    return 0;
}

/* Deletes our filters except those with the action `keep`, and with the last one the qdisc. A
 * filter that another program adds between the check and the deletion of the qdisc is lost; the
 * kernel offers no way to exclude that. */
static int strip(struct nl_sock *sock, int ifindex, enum domm_tc_filter_action keep,
                 struct domm_error *err)
{
    struct mirror_port port;
    int rc = read_filters(sock, ifindex, &port, err);
    if (rc)
        return rc;
    bool may_delete_qdisc = owns_qdisc(&port);
    for (int hook = 0; hook < DOMM_HOOKS && !rc; hook++) {
        const struct domm_tc_filter *ours = &port.hooks[hook].ours;
        if (ours->ours && ours->action != keep)
            rc = domm_tc_delete_filter(sock, ours, err);
    }
    if (rc || !may_delete_qdisc)
        return rc;
    rc = read_filters(sock, ifindex, &port, err);
    if (rc)
        return rc;
    return is_empty(&port) ? domm_tc_delete_clsact(sock, ifindex, err) : 0;
}

/* Removes the filters added since `before`. Repaired filters stay: they are better than before. */
static int mirror_undo(struct nl_sock *sock, const struct mirror_port *before,
                       struct domm_error *err)
{
    struct mirror_port now;
    int rc = read_filters(sock, before->link.ifindex, &now, err);
    for (int hook = 0; hook < DOMM_HOOKS && !rc; hook++) {
        if (now.hooks[hook].ours.ours && !before->hooks[hook].ours.ours)
            rc = domm_tc_delete_filter(sock, &now.hooks[hook].ours, err);
    }
    if (rc || before->qdiscs.ingress != DOMM_TC_NO_QDISC)
        return rc;
    rc = read_filters(sock, before->link.ifindex, &now, err);
    if (rc)
        return rc;
    return is_empty(&now) ? domm_tc_delete_clsact(sock, before->link.ifindex, err) : 0;
}

/* In reverse order: the monitor vif is set down before its guard is removed, and is set down even
 * if the mirrors could not be removed. */
static int undo_install(struct nl_sock *sock, const struct mirror_port *target,
                        const struct mirror_port *monitor, struct domm_error *err)
{
    struct domm_error second = {0};
    int rc = mirror_undo(sock, target, &second);
    if (!monitor->link.up) {
        int down_rc = domm_link_set_up(sock, monitor->link.ifindex, false, &second);
        if (!rc)
            rc = down_rc;
    }
    if (!rc)
        rc = mirror_undo(sock, monitor, &second);
    if (!rc || rc == -DOMM_NOT_FOUND) /* the filters of a removed device are gone */
        return -(int)err->code;
    err->code = DOMM_OUTCOME_UNKNOWN;
    return domm_wrap(err, "undoing failed (%s) after", second.text);
}

static int mirror_check(const struct mirror_port *target, const struct mirror_port *monitor,
                        const struct wanted_filters *mirrors, struct domm_error *err)
{
    if (target->link.ifindex == monitor->link.ifindex)
        return domm_fail(err, DOMM_REFUSED, "%s cannot be mirrored to itself", target->link.name);
    if (monitor->link.master) {
        domm_fail(err, DOMM_REFUSED, "the monitor vif %s is on a bridge", monitor->link.name);
        return domm_hint(err, "give it script=vif-domm-monitor in the monitor's configuration");
    }
    int rc = check_port(target, mirrors, err);
    if (rc)
        return rc;
    return check_port(monitor, &guard, err);
}

int domm_mirror_install(struct nl_sock *sock, int target, int monitor,
                        const struct domm_selection *selection, struct domm_error *err)
{
    struct mirror_port target_before, monitor_before;
    struct wanted_filters mirrors = {.actions = {DOMM_TC_FILTER_MIRROR, DOMM_TC_FILTER_MIRROR},
                                     .mirror_to = monitor,
                                     .selection = *selection};
    int rc = read_port(sock, target, &target_before, err);
    if (rc)
        return rc;
    rc = read_port(sock, monitor, &monitor_before, err);
    if (rc)
        return rc;
    rc = mirror_check(&target_before, &monitor_before, &mirrors, err);
    if (rc)
        return rc;
    if (add_filters(sock, &monitor_before, &guard, err) ||
        domm_link_set_up(sock, monitor, true, err) ||
        add_filters(sock, &target_before, &mirrors, err))
        return undo_install(sock, &target_before, &monitor_before, err);
    return 0;
}

int domm_mirror_remove(struct nl_sock *sock, int target, struct domm_error *err)
{
    return strip(sock, target, DOMM_TC_FILTER_DROP, err);
}

int domm_mirror_unguard(struct nl_sock *sock, int monitor, struct domm_error *err)
{
    int rc = domm_link_set_up(sock, monitor, false, err);
    if (rc == -DOMM_NOT_FOUND)
        return 0;
    if (rc)
        return rc;
    return strip(sock, monitor, DOMM_TC_FILTER_MIRROR, err);
}

int domm_mirror_measure(struct nl_sock *sock, int target, int monitor,
                        const struct domm_selection *selection, struct domm_mirror_state *state_r,
                        struct domm_error *err)
{
    struct mirror_port target_now, monitor_now;
    int rc = read_port(sock, target, &target_now, err);
    if (rc)
        return rc;
    rc = read_port(sock, monitor, &monitor_now, err);
    if (rc)
        return rc;
    *state_r = (struct domm_mirror_state){
        .target = target_now.link,
        .monitor = monitor_now.link,
        .selection = *selection,
        .sent = target_now.hooks[DOMM_HOOK_INGRESS].ours,
        .received = target_now.hooks[DOMM_HOOK_EGRESS].ours,
        .guard = monitor_now.hooks[DOMM_HOOK_INGRESS].ours,
        .before_sent = target_now.hooks[DOMM_HOOK_INGRESS].ahead,
        .before_received = target_now.hooks[DOMM_HOOK_EGRESS].ahead,
        .before_guard = monitor_now.hooks[DOMM_HOOK_INGRESS].ahead,
        .before_monitor = monitor_now.hooks[DOMM_HOOK_EGRESS].others,
        .dropped_in_queue = monitor_now.qdiscs.dropped,
    };
    return 0;
}

bool domm_mirror_is_whole(const struct domm_mirror_state *state)
{
    return domm_mirror_copies(&state->sent, state->monitor.ifindex, &state->selection) &&
           domm_mirror_copies(&state->received, state->monitor.ifindex, &state->selection) &&
           state->guard.ours && state->monitor.up;
}

static bool says(char text[DOMM_MIRROR_PROBLEM], const char *device, const char *what)
{
    snprintf(text, DOMM_MIRROR_PROBLEM, "%s%s", device, what);
    return true;
}

bool domm_mirror_problem(const struct domm_mirror_state *state, char text_r[DOMM_MIRROR_PROBLEM])
{
    const char *target = state->target.name;
    const char *monitor = state->monitor.name;
    if (state->monitor.master)
        return says(text_r, monitor, " is on a bridge: the monitor can send packets");
    if (!state->guard.ours || state->guard.action != DOMM_TC_FILTER_DROP)
        return says(text_r, monitor, " is not guarded: the monitor can send packets");
    if (!domm_mirror_copies(&state->sent, state->monitor.ifindex, &state->selection))
        return says(text_r, target, ": what the target sends is not mirrored");
    if (!domm_mirror_copies(&state->received, state->monitor.ifindex, &state->selection))
        return says(text_r, target, ": what the target receives is not mirrored");
    if (!state->monitor.up)
        return says(text_r, monitor, " is down: mirrored packets are lost");
    if (!state->monitor.carrier)
        return says(text_r, monitor, " has no carrier: the monitor does not take packets");
    if (!state->target.up)
        return says(text_r, target, " is down: the target has no network");
    if (state->before_guard)
        return says(text_r, monitor,
                    ": a filter of another program comes before the guard, and may let the monitor "
                    "send packets");
    if (state->before_sent)
        return says(text_r, target,
                    ": a filter of another program comes before the mirror, and may keep what the "
                    "target sends from it");
    if (state->before_received)
        return says(text_r, target,
                    ": a filter of another program comes before the mirror, and may keep what the "
                    "target receives from it");
    if (state->before_monitor)
        return says(text_r, monitor,
                    ": a filter of another program may keep packets from the monitor");
    text_r[0] = '\0';
    return false;
}
