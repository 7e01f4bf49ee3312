/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sun RPC by TCP (RFC 5531) with libtirpc, as far as a file server is asked by it: each call has a
 * deadline, and comes from a reserved port if this process may have one, since servers ask for
 * that.
 */
#ifndef DOMM_WATCH_RPC_H
#define DOMM_WATCH_RPC_H

#include <rpc/rpc.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where a program is served. */
struct domm_rpc_address {
    struct sockaddr_storage socket;
    socklen_t length;
};

void domm_rpc_set_port(struct domm_rpc_address *address, uint16_t port);

struct domm_rpc {
    int fd;
    CLIENT *client;
    int64_t deadline_ms; /* of CLOCK_MONOTONIC */
};

int64_t domm_rpc_now_ms(void);

/* A connection to that program. 0, or a negative errno value; to be closed if 0. */
int domm_rpc_open(const struct domm_rpc_address *address, unsigned program, unsigned version,
                  int64_t deadline_ms, struct domm_rpc *rpc_r);
void domm_rpc_close(struct domm_rpc *rpc);

/* libtirpc declares coders with an open list of arguments. */
#define DOMM_RPC_CODER(function) ((xdrproc_t)(void (*)(void))(function))

/* Nothing is sent or received by DOMM_RPC_CODER(xdr_void). */
enum clnt_stat domm_rpc_call(struct domm_rpc *rpc, unsigned procedure, xdrproc_t encode,
                             void *arguments, xdrproc_t decode, void *result_r);

/* The port of a program, by the rpcbind (RFC 1833) at that address. 0, or a negative errno value:
 * -ENOENT if the program is not there. */
int domm_rpc_port(const struct domm_rpc_address *rpcbind, unsigned program, unsigned version,
                  int64_t deadline_ms, uint16_t *port_r);

/* What a call that failed is as an errno value. */
int domm_rpc_errno(enum clnt_stat status);

#endif
