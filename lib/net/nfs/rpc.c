/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/nfs/rpc.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <rpc/pmap_prot.h>
#include <rpc/rpcb_prot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void domm_rpc_set_port(struct domm_rpc_address *address, uint16_t port)
{
    if (address->socket.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->socket)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&address->socket)->sin_port = htons(port);
}

/* --- connecting ------------------------------------------------------------------------------- */

/* 0 or an errno value. */
static int finish_connecting(int fd, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int64_t rest = deadline_ms - domm_now_ms();
    int reason = 0;
    socklen_t size = sizeof(reason);
    int rc = poll(&ready, 1, rest > 0 ? (int)rest : 0);
    if (rc <= 0)
        return rc ? errno : ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) ? errno : reason;
}

static int connect_in_time(int fd, const struct domm_rpc_address *address, int64_t deadline_ms)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return errno;
    int reason = 0;
    if (connect(fd, (const struct sockaddr *)&address->socket, address->length))
        reason = errno == EINPROGRESS ? finish_connecting(fd, deadline_ms) : errno;
    if (!reason && fcntl(fd, F_SETFL, flags))
        reason = errno;
    return reason;
}

/* A monitor mounts as root, so root is who asks: the process itself may be nobody by now. */
static AUTH *root_of_this_host(void)
{
    char name[HOST_NAME_MAX + 1] = "";
    gethostname(name, sizeof(name) - 1);
    return authunix_create(name, 0, 0, 0, NULL);
}

int domm_rpc_open(const struct domm_rpc_address *address, unsigned program, unsigned version,
                  int64_t deadline_ms, struct domm_rpc *rpc_r)
{
    struct sockaddr_storage server = address->socket;
    struct netbuf peer = {sizeof(server), address->length, &server};
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bindresvport_sa(fd, NULL); /* without a reserved port, the server decides */
    int reason = connect_in_time(fd, address, deadline_ms);
    CLIENT *client = reason ? NULL : clnt_vc_create(fd, &peer, program, version, 0, 0);
    if (!client) {
        close(fd);
        return reason ? -reason : -ENOMEM;
    }
    auth_destroy(client->cl_auth);
    client->cl_auth = root_of_this_host();
    *rpc_r = (struct domm_rpc){.fd = fd, .client = client, .deadline_ms = deadline_ms};
    return 0;
}

void domm_rpc_close(struct domm_rpc *rpc)
{
    auth_destroy(rpc->client->cl_auth);
    clnt_destroy(rpc->client);
    close(rpc->fd);
}

/* --- calling ---------------------------------------------------------------------------------- */

enum clnt_stat domm_rpc_call(struct domm_rpc *rpc, unsigned procedure, xdrproc_t encode,
                             void *arguments, xdrproc_t decode, void *result_r)
{
    int64_t rest = rpc->deadline_ms - domm_now_ms();
    struct timeval timeout = {rest / 1000, rest % 1000 * 1000};
    if (rest <= 0) /* otherwise libtirpc does not wait for the answer */
        return RPC_TIMEDOUT;
    return clnt_call(rpc->client, procedure, encode, arguments, decode, result_r, timeout);
}

int domm_rpc_errno(enum clnt_stat status)
{
    switch (status) {
    case RPC_SUCCESS:
        return 0;
    case RPC_TIMEDOUT:
        return ETIMEDOUT;
    case RPC_AUTHERROR:
        return EACCES;
    case RPC_PROGUNAVAIL:
    case RPC_PROGVERSMISMATCH:
    case RPC_PROCUNAVAIL:
        return EPROTONOSUPPORT;
    case RPC_CANTSEND:
    case RPC_CANTRECV:
        return ECONNRESET;
    default:
        return EPROTO;
    }
}

/* --- rpcbind ---------------------------------------------------------------------------------- */

/* Version 2 is for IPv4 only, and supported by all servers. */
static int ask_portmapper(struct domm_rpc *rpc, unsigned program, unsigned version,
                          uint16_t *port_r)
{
    struct pmap wanted = {.pm_prog = program, .pm_vers = version, .pm_prot = IPPROTO_TCP};
    u_int port = 0;
    enum clnt_stat status = domm_rpc_call(rpc, PMAPPROC_GETPORT, DOMM_RPC_CODER(xdr_pmap), &wanted,
                                          DOMM_RPC_CODER(xdr_u_int), &port);
    *port_r = (uint16_t)port;
    return status != RPC_SUCCESS        ? -domm_rpc_errno(status)
           : port && port <= UINT16_MAX ? 0
                                        : -ENOENT;
}

/* A "universal address" ends with the port as two decimal octets: "::.8.1". */
static int rpc_port_of(const char *address, uint16_t *port_r)
{
    const char *low = strrchr(address, '.'), *high = low;
    while (high && high > address && high[-1] != '.')
        high--;
    if (!low || high == address)
        return -ENOENT;
    *port_r = (uint16_t)((atoi(high) & 0xff) << 8 | (atoi(low + 1) & 0xff));
    return *port_r ? 0 : -ENOENT;
}

static int ask_rpcbind(struct domm_rpc *rpc, unsigned program, unsigned version, uint16_t *port_r)
{
    char netid[] = "tcp6", empty[] = "";
    struct rpcb wanted = {program, version, netid, empty, empty};
    char *address = NULL;
    enum clnt_stat status = domm_rpc_call(rpc, RPCBPROC_GETADDR, DOMM_RPC_CODER(xdr_rpcb), &wanted,
                                          DOMM_RPC_CODER(xdr_wrapstring), &address);
    int rc = status != RPC_SUCCESS ? -domm_rpc_errno(status)
             : address             ? rpc_port_of(address, port_r)
                                   : -ENOENT;
    free(address);
    return rc;
}

int domm_rpc_port(const struct domm_rpc_address *rpcbind, unsigned program, unsigned version,
                  int64_t deadline_ms, uint16_t *port_r)
{
    struct domm_rpc rpc;
    bool ipv6 = rpcbind->socket.ss_family == AF_INET6;
    int rc = domm_rpc_open(rpcbind, PMAPPROG, ipv6 ? RPCBVERS : PMAPVERS, deadline_ms, &rpc);
    if (rc)
        return rc;
    rc = ipv6 ? ask_rpcbind(&rpc, program, version, port_r)
              : ask_portmapper(&rpc, program, version, port_r);
    domm_rpc_close(&rpc);
    return rc;
}
