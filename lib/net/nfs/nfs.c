/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NFS version 3, and the verdict of both versions. */
#include "lib/net/nfs/nfs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNT_PROGRAM 100005
#define MOUNT_VERSION 3
#define NFS_PROGRAM 100003
#define NFS_VERSION 3

enum { MOUNT_MNT = 1, MOUNT_UMNT = 3, MOUNT_EXPORT = 5 };

/* mountstat3 */
enum { MNT_OK = 0, MNT_PERM = 1, MNT_NOENT = 2, MNT_ACCES = 13, MNT_NOTDIR = 20, MNT_LONG = 63 };

/* RFC 1813 has 1024 and 255; longer lists are cut. */
#define MAX_PATH 1024
#define MAX_NAME 255
#define MAX_EXPORTS 4096

void domm_nfs_set_answer(struct domm_nfs_view *view_r, enum domm_nfs_answer answer, const char *fmt,
                         ...)
{
    va_list args;
    va_start(args, fmt);
    view_r->answer = answer;
    vsnprintf(view_r->reason, sizeof(view_r->reason), fmt, args);
    va_end(args);
}

/* --- the list of exports ---------------------------------------------------------------------- */

struct exports {
    const char *path; /* the path that is searched for */
    size_t count;
    bool covered; /* an export is the path, or above it */
};

/* Ignores trailing slashes. */
static bool covers(const char *export, const char *path)
{
    size_t length = strlen(export);
    while (length && export[length - 1] == '/')
        length--;
    return strncmp(path, export, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* A name in the list of an export's clients. */
static bool skip_group(XDR *xdrs)
{
    char *name = NULL;
    bool ok = xdr_string(xdrs, &name, MAX_NAME);
    free(name);
    return ok;
}

static bool_t decode_exports(XDR *xdrs, struct exports *exports)
{
    bool_t more, group;
    if (xdrs->x_op != XDR_DECODE) /* nothing was allocated */
        return TRUE;
    while (xdr_bool(xdrs, &more)) {
        char *export = NULL;
        if (!more)
            return TRUE;
        if (exports->count++ == MAX_EXPORTS || !xdr_string(xdrs, &export, MAX_PATH))
            return FALSE;
        exports->covered |= covers(export, exports->path);
        free(export);
        while (xdr_bool(xdrs, &group) && group) {
            if (!skip_group(xdrs))
                return FALSE;
        }
    }
    return FALSE;
}

/* The server has refused this host: does it refuse every host? */
static void explain_refusal(struct domm_rpc *rpc, const char *path, struct domm_nfs_view *view_r)
{
    struct exports exports = {.path = path};
    enum clnt_stat status = domm_rpc_call(rpc, MOUNT_EXPORT, DOMM_RPC_CODER(xdr_void), NULL,
                                          DOMM_RPC_CODER(decode_exports), &exports);
    if (status != RPC_SUCCESS || !exports.count)
        domm_nfs_set_answer(view_r, DOMM_NFS_UNSURE,
                            "the server does not let this host mount it, nor tells why");
    else if (exports.covered)
        domm_nfs_set_answer(view_r, DOMM_NFS_UNSURE, "the server does not let this host mount it");
    else
        domm_nfs_set_answer(view_r, DOMM_NFS_NO, "the server exports no such directory");
}

/* --- mounting --------------------------------------------------------------------------------- */

static bool_t encode_path(XDR *xdrs, const char **path)
{
    return xdr_string(xdrs, (char **)(uintptr_t)path, MAX_PATH);
}

/* Whether the NFS service answers; the MOUNT protocol is a separate service. */
static void check_service(const struct domm_nfs_server *server,
                          const struct domm_rpc_address *rpcbind, int64_t deadline_ms,
                          struct domm_nfs_view *view_r)
{
    struct domm_rpc_address address = server->address;
    struct domm_rpc rpc;
    uint16_t port = server->nfs_port;
    int rc = server->nfs_port_only
                 ? 0
                 : domm_rpc_port(rpcbind, NFS_PROGRAM, NFS_VERSION, deadline_ms, &port);
    if (!rc) {
        domm_rpc_set_port(&address, port);
        rc = domm_rpc_open(&address, NFS_PROGRAM, NFS_VERSION, deadline_ms, &rpc);
    }
    if (!rc) {
        rc = -domm_rpc_errno(domm_rpc_call(&rpc, NULLPROC, DOMM_RPC_CODER(xdr_void), NULL,
                                           DOMM_RPC_CODER(xdr_void), NULL));
        domm_rpc_close(&rpc);
    }
    if (rc)
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT, "the server's NFS service does not answer: %s",
                            strerror(-rc));
    else
        domm_nfs_set_answer(view_r, DOMM_NFS_YES, "%s", "");
}

/* Sends a MOUNT request; true if the server accepts it. */
static bool try_mount(struct domm_rpc *rpc, const char *path, struct domm_nfs_view *view_r)
{
    u_int status = MNT_OK; /* the rest of the result, a file handle, is not decoded */
    enum clnt_stat called = domm_rpc_call(rpc, MOUNT_MNT, DOMM_RPC_CODER(encode_path), &path,
                                          DOMM_RPC_CODER(xdr_u_int), &status);
    if (called == RPC_AUTHERROR)
        status = MNT_ACCES;
    else if (called != RPC_SUCCESS)
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT,
                            "the server's MOUNT service does not answer: %s",
                            strerror(domm_rpc_errno(called)));
    if (called != RPC_SUCCESS && called != RPC_AUTHERROR)
        return false;
    switch (status) {
    case MNT_OK: /* removes the entry from the server's list of mounts */
        domm_rpc_call(rpc, MOUNT_UMNT, DOMM_RPC_CODER(encode_path), &path, DOMM_RPC_CODER(xdr_void),
                      NULL);
        return true;
    case MNT_ACCES:
    case MNT_PERM:
        explain_refusal(rpc, path, view_r);
        return false;
    case MNT_NOENT:
    case MNT_NOTDIR:
    case MNT_LONG:
        domm_nfs_set_answer(view_r, DOMM_NFS_NO, "there is no such directory on the server");
        return false;
    default:
        domm_nfs_set_answer(view_r, DOMM_NFS_NO,
                            "the server answers the wish to mount it with error %u", status);
        return false;
    }
}

void domm_nfs3_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r)
{
    struct domm_rpc_address rpcbind = server->address, mountd = server->address;
    struct domm_rpc rpc;
    uint16_t port;
    domm_rpc_set_port(&rpcbind, server->rpcbind_port);
    int rc = domm_rpc_port(&rpcbind, MOUNT_PROGRAM, MOUNT_VERSION, deadline_ms, &port);
    if (rc == -ENOENT) {
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT, "the server has no MOUNT service");
        return;
    }
    if (!rc) {
        domm_rpc_set_port(&mountd, port);
        rc = domm_rpc_open(&mountd, MOUNT_PROGRAM, MOUNT_VERSION, deadline_ms, &rpc);
    }
    if (rc) {
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT, "the server cannot be reached: %s",
                            strerror(-rc));
        return;
    }
    bool ok = try_mount(&rpc, path, view_r);
    domm_rpc_close(&rpc);
    if (ok)
        check_service(server, &rpcbind, deadline_ms, view_r);
}

struct domm_nfs_view domm_nfs_judge(const struct domm_nfs_view *version3,
                                    const struct domm_nfs_view *version4)
{
    if (version4->answer == DOMM_NFS_YES)
        return *version4;
    return version3->answer == DOMM_NFS_SILENT && version4->answer != DOMM_NFS_SILENT ? *version4
                                                                                      : *version3;
}
