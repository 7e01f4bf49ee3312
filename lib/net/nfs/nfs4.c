/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NFS version 4 (RFC 7530): the path is looked up from the root of the server's exports. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/nfs/nfs.h"

#define NFS_PROGRAM 100003
#define NFS_VERSION 4
#define NFS_COMPOUND 1

enum { OP_LOOKUP = 15, OP_PUTROOTFH = 24 };

/* nfsstat4 */
enum {
    STATUS_OK = 0,
    STATUS_NOENT = 2,
    STATUS_NOTDIR = 20,
    STATUS_NAMETOOLONG = 63,
    STATUS_MINOR_VERS_MISMATCH = 10021,
};

#define MAX_TAG 1024

struct compound {
    const char *path;
    u_int status;
    u_int results; /* number of operations tried; the last of them has the status */
};

/* Returns the next name of the path, or null; advances *path behind it. */
static const char *next_name(const char **path, size_t *length_r)
{
    const char *name = *path + strspn(*path, "/");
    *length_r = strcspn(name, "/");
    *path = name + *length_r;
    return *length_r ? name : NULL;
}

static u_int count_names(const char *path)
{
    size_t length;
    u_int count = 0;
    while (next_name(&path, &length))
        count++;
    return count;
}

static bool_t encode_compound(XDR *xdrs, struct compound *compound)
{
    const char *path = compound->path, *name;
    u_int tag_length = 0, minor_version = 0, count = 1 + count_names(path);
    u_int operation = OP_PUTROOTFH, lookup = OP_LOOKUP;
    bool_t ok = xdr_u_int(xdrs, &tag_length) && xdr_u_int(xdrs, &minor_version) &&
                xdr_u_int(xdrs, &count) && xdr_u_int(xdrs, &operation);
    for (size_t length; ok && (name = next_name(&path, &length));) {
        u_int bytes = (u_int)length;
        ok = xdr_u_int(xdrs, &lookup) && xdr_u_int(xdrs, &bytes) &&
             xdr_opaque(xdrs, (char *)(uintptr_t)name, bytes);
    }
    return ok;
}

/* Only the status and the number of results are decoded. */
static bool_t decode_compound(XDR *xdrs, struct compound *compound)
{
    char *tag = NULL;
    if (xdrs->x_op != XDR_DECODE)
        return TRUE;
    bool_t ok = xdr_u_int(xdrs, &compound->status) && xdr_string(xdrs, &tag, MAX_TAG) &&
                xdr_u_int(xdrs, &compound->results);
    free(tag);
    return ok;
}

/* Each host sees only the exports that admit it. A host without any sees no root. */
static void nfs4_judge_reply(const struct compound *compound, struct domm_nfs_view *view_r)
{
    bool at_root = compound->results <= 1;
    switch (compound->status) {
    case STATUS_OK:
        domm_nfs_set_answer(view_r, DOMM_NFS_YES, "%s", "");
        return;
    case STATUS_NOENT:
    case STATUS_NOTDIR:
    case STATUS_NAMETOOLONG:
        if (!at_root) {
            domm_nfs_set_answer(view_r, DOMM_NFS_NO, "the server exports no such directory");
            return;
        }
        break;
    case STATUS_MINOR_VERS_MISMATCH:
        domm_nfs_set_answer(view_r, DOMM_NFS_UNSURE,
                            "the server speaks no NFS 4.0, in which it could be asked");
        return;
    default:
        break;
    }
    domm_nfs_set_answer(view_r, DOMM_NFS_UNSURE,
                        "the server does not show it to this host (error %u)", compound->status);
}

void domm_nfs4_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r)
{
    struct domm_rpc_address address = server->address;
    struct compound compound = {.path = path};
    struct domm_rpc rpc;
    domm_rpc_set_port(&address, server->nfs_port);
    int rc = domm_rpc_open(&address, NFS_PROGRAM, NFS_VERSION, deadline_ms, &rpc);
    if (!rc) {
        enum clnt_stat status =
            domm_rpc_call(&rpc, NFS_COMPOUND, DOMM_RPC_CODER(encode_compound), &compound,
                          DOMM_RPC_CODER(decode_compound), &compound);
        domm_rpc_close(&rpc);
        if (status == RPC_AUTHERROR) {
            domm_nfs_set_answer(view_r, DOMM_NFS_UNSURE,
                                "the server does not let this host ask for it");
            return;
        }
        rc = -domm_rpc_errno(status);
    }
    if (rc)
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT, "the server cannot be reached: %s",
                            strerror(-rc));
    else
        nfs4_judge_reply(&compound, view_r);
}
