/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls lib/watch/mirror.h on a host of the lab,
 *     mirror-tool install|measure TARGETVIF MONITORVIF
 *     mirror-tool remove TARGETVIF
 *     mirror-tool unguard MONITORVIF
 * and lib/xen/vif.h:
 *     mirror-tool vifs DOMID
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/watch/mirror.h"
#include "lib/watch/netlink.h"
#include "lib/xen/vif.h"
#include "lib/xen/xen.h"

static struct json_object *link_json(const struct domm_link *link)
{
    struct json_object *object = json_object_new_object();
    domm_json_text(object, "name", link->name);
    domm_json_text(object, "operstate", link->operstate);
    domm_json_bool(object, "up", link->up);
    domm_json_bool(object, "carrier", link->carrier);
    domm_json_number(object, "tx_packets", link->tx_packets);
    domm_json_number(object, "tx_dropped", link->tx_dropped);
    return object;
}

static struct json_object *filter_json(const struct domm_filter *filter)
{
    struct json_object *object = json_object_new_object();
    domm_json_bool(object, "present", filter->ours);
    domm_json_number(object, "mirror_to", (uint64_t)filter->mirror_to);
    domm_json_number(object, "packets", filter->packets);
    domm_json_number(object, "bytes", filter->bytes);
    domm_json_number(object, "drops", filter->drops);
    return object;
}

static void print_state(const struct domm_mirror_state *state)
{
    cleanup_json struct json_object *root = json_object_new_object();
    char problem[DOMM_MIRROR_PROBLEM];
    domm_mirror_problem(state, problem);
    domm_json_text(root, "problem", problem);
    json_object_object_add(root, "target", link_json(&state->target));
    json_object_object_add(root, "monitor", link_json(&state->monitor));
    json_object_object_add(root, "sent", filter_json(&state->sent));
    json_object_object_add(root, "received", filter_json(&state->received));
    json_object_object_add(root, "guard", filter_json(&state->guard));
    puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
}

static int measure(struct nl_sock *sock, int target, int monitor, struct domm_error *err)
{
    struct domm_mirror_state state;
    int rc = domm_mirror_measure(sock, target, monitor, &state, err);
    if (!rc)
        print_state(&state);
    return rc;
}

static int list_vifs(const char *domid, struct domm_error *err)
{
    struct domm_log log;
    struct domm_xen *xen;
    cleanup_free struct domm_vif *vifs = NULL;
    size_t count = 0;
    domm_log_init(&log, stderr, "mirror-tool");
    int rc = domm_xen_open(&log, &xen, err);
    rc = rc ? rc : domm_xen_vifs(xen, (uint32_t)strtoul(domid, NULL, 10), &vifs, &count, err);
    for (size_t i = 0; i < count; i++)
        printf("%u %s\n", vifs[i].devid, vifs[i].name);
    domm_xen_close(xen);
    return rc;
}

static int run(struct nl_sock *sock, int argc, char **argv, struct domm_error *err)
{
    struct domm_link first, second;
    if (argc < 3)
        return domm_fail(err, DOMM_USAGE, "arguments are missing");
    if (strcmp(argv[1], "vifs") == 0)
        return list_vifs(argv[2], err);
    int rc = domm_link_by_name(sock, argv[2], &first, err);
    if (rc)
        return rc;
    if (strcmp(argv[1], "remove") == 0)
        return domm_mirror_remove(sock, first.ifindex, err);
    if (strcmp(argv[1], "unguard") == 0)
        return domm_mirror_unguard(sock, first.ifindex, err);
    if (argc < 4)
        return domm_fail(err, DOMM_USAGE, "an argument is missing");
    rc = domm_link_by_name(sock, argv[3], &second, err);
    if (!rc && strcmp(argv[1], "install") == 0)
        rc = domm_mirror_install(sock, first.ifindex, second.ifindex, err);
    else if (!rc)
        rc = measure(sock, first.ifindex, second.ifindex, err);
    return rc;
}

int main(int argc, char **argv)
{
    struct domm_error err = {0};
    struct nl_sock *sock;
    int rc = domm_netlink_open(&sock, &err);
    if (!rc) {
        rc = run(sock, argc, argv, &err);
        domm_netlink_close(sock);
    }
    if (rc)
        fprintf(stderr, "mirror-tool: %s\n", err.text);
    return -rc;
}
