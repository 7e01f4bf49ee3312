/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sun RPC over TCP (RFC 5531) with libtirpc, as needed to ask a file server: each call has a
 * deadline, and comes from a reserved port if this process may use one, since servers require that.
 */
#ifndef DOMM_NET_NFS_RPC_H
#define DOMM_NET_NFS_RPC_H

#include <rpc/rpc.h>
#include <stdint.h>
#include <sys/socket.h>

/* The address of a program. */
struct domm_rpc_address {
    struct sockaddr_storage socket;
    socklen_t length;
};

/* Sets the port of an IPv4 or IPv6 address. */
void domm_rpc_set_port(struct domm_rpc_address *address, uint16_t port);

struct domm_rpc {
    int fd;
    CLIENT *client;
    int64_t deadline_ms; /* on CLOCK_MONOTONIC */
};

/* Connects to the program. 0, or a negative errno value; to be closed if 0. */
int domm_rpc_open(const struct domm_rpc_address *address, unsigned program, unsigned version,
                  int64_t deadline_ms, struct domm_rpc *rpc_r);
void domm_rpc_close(struct domm_rpc *rpc);

/* libtirpc declares coders with an open list of arguments. */
#define DOMM_RPC_CODER(function) ((xdrproc_t)(void (*)(void))(function))

/* DOMM_RPC_CODER(xdr_void) sends or receives nothing. */
enum clnt_stat domm_rpc_call(struct domm_rpc *rpc, unsigned procedure, xdrproc_t encode,
                             void *arguments, xdrproc_t decode, void *result_r);

/* Asks the rpcbind (RFC 1833) at that address for the port of a program. 0, or a negative errno
 * value: -ENOENT if the program is not registered. */
int domm_rpc_port(const struct domm_rpc_address *rpcbind, unsigned program, unsigned version,
                  int64_t deadline_ms, uint16_t *port_r);

/* The errno value of a failed call. */
int domm_rpc_errno(enum clnt_stat status);

#endif
