/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/netlink.h"

#include <netlink/errno.h>
#include <netlink/msg.h>
#include <stdarg.h>
#include <stdio.h>

struct dump {
    domm_netlink_each *each;
    void *context;
};

int domm_netlink_open(struct nl_sock **sock_r, struct domm_error *err)
{
    *sock_r = nl_socket_alloc();
    if (!*sock_r)
        return domm_no_memory(err);
    int nl_error = nl_connect(*sock_r, NETLINK_ROUTE);
    if (!nl_error)
        return 0;
    domm_netlink_close(*sock_r);
    *sock_r = NULL;
    return domm_netlink_fail(err, nl_error, "opening a routing netlink socket");
}

void domm_netlink_close(struct nl_sock *sock)
{
    nl_socket_free(sock);
}

static int hand_on(struct nl_msg *message, void *context)
{
    struct dump *dump = context;
    dump->each(nlmsg_hdr(message), dump->context);
    return NL_OK;
}

int domm_netlink_dump(struct nl_sock *sock, int type, void *header, size_t size,
                      domm_netlink_each *each, void *context)
{
    struct dump dump = {.each = each, .context = context};
    struct nl_cb *own = nl_socket_get_cb(sock);
    struct nl_cb *callbacks = nl_cb_clone(own);
    nl_cb_put(own);
    if (!callbacks)
        return -NLE_NOMEM;
    nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, hand_on, &dump);
    int rc = nl_send_simple(sock, type, NLM_F_DUMP, header, size);
    if (rc >= 0)
        rc = nl_recvmsgs(sock, callbacks);
    nl_cb_put(callbacks);
    return rc < 0 ? rc : 0;
}

static enum domm_code code_of(int nl_error)
{
    switch (-nl_error) {
    case NLE_PERM:
    case NLE_NOACCESS:
        return DOMM_NOT_PERMITTED;
    case NLE_NODEV:
        return DOMM_NOT_FOUND;
    default:
        return DOMM_FAILED;
    }
}

int domm_netlink_fail(struct domm_error *err, int nl_error, const char *fmt, ...)
{
    char attempt[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(attempt, sizeof(attempt), fmt, args);
    va_end(args);
    return domm_fail(err, code_of(nl_error), "%s: %s", attempt, nl_geterror(nl_error));
}
