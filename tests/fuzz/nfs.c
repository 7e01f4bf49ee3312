/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of a file server: rpcbind's, and those of MOUNT and NFS. The connection is made up; each
 * answer is a status, a length, and that many bytes of XDR. */
#include "tests/fuzz/fuzz.h"

#include <netinet/in.h>
#include <rpc/rpc.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/net/nfs/nfs.h"

static struct fuzz_input input;

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd;
    (void)address;
    (void)length;
    return 0;
}

/* libtirpc declares it with an open list of arguments. */
static enum clnt_stat call(CLIENT *client, rpcproc_t procedure, xdrproc_t encode, void *arguments,
                           xdrproc_t decode, void *result, struct timeval timeout)
{
    char sent[8192], answer[256] = {0};
    XDR xdrs;
    (void)client;
    (void)procedure;
    (void)timeout;
    xdrmem_create(&xdrs, sent, sizeof(sent), XDR_ENCODE);
    if (!encode(&xdrs, arguments))
        return RPC_CANTENCODEARGS;
    unsigned int status = (unsigned int)fuzz_below(&input, 1, 32);
    size_t length = fuzz_below(&input, 1, sizeof(answer));
    length = length < input.size ? length : input.size;
    memcpy(answer, input.data, length);
    input.data += length;
    input.size -= length;
    if (status > 16)
        status = RPC_SUCCESS;
    if (status != RPC_SUCCESS)
        return (enum clnt_stat)status;
    xdrmem_create(&xdrs, answer, (u_int)length, XDR_DECODE);
    return decode(&xdrs, result) ? RPC_SUCCESS : RPC_CANTDECODERES;
}

static void destroy(CLIENT *client)
{
    free(client);
}

CLIENT *__wrap_clnt_vc_create(int fd, const struct netbuf *address, rpcprog_t program,
                              rpcvers_t version, u_int send_bytes, u_int receive_bytes);
CLIENT *__wrap_clnt_vc_create(int fd, const struct netbuf *address, rpcprog_t program,
                              rpcvers_t version, u_int send_bytes, u_int receive_bytes)
{
    static struct clnt_ops ops;
    (void)fd;
    (void)address;
    (void)program;
    (void)version;
    (void)send_bytes;
    (void)receive_bytes;
    ops.cl_call = call;
    ops.cl_destroy = destroy;
    CLIENT *client = calloc(1, sizeof(*client));
    MUST(client);
    client->cl_ops = &ops;
    client->cl_auth = authnone_create();
    return client;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_nfs_server server = {.rpcbind_port = 1, .nfs_port = 1};
    struct domm_nfs_view three = {0}, four = {0};
    int64_t deadline = domm_now_ms() + 10000;
    input = (struct fuzz_input){data, size};
    server.address.length = sizeof(struct sockaddr_in6);
    server.address.socket.ss_family = fuzz_below(&input, 1, 2) ? AF_INET6 : AF_INET;
    domm_nfs3_look(&server, "/srv/guests/one", deadline, &three);
    domm_nfs4_look(&server, "/srv/guests/one", deadline, &four);
    struct domm_nfs_view view = domm_nfs_judge(&three, &four);
    MUST(view.answer <= DOMM_NFS_SILENT && memchr(view.reason, '\0', sizeof(view.reason)));
    return 0;
}
