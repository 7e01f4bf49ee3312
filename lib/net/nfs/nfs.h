/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking a server, from dom0 and without mounting anything, whether it exports a directory by NFS:
 * version 3 by the MOUNT protocol (RFC 1813, appendix I), version 4 by looking the path up
 * (RFC 7530), which a server answers without having any state of the client.
 *
 * Why this is not libnfs (4.0 of Debian 12, tried against nfs-ganesha 4.3; 5.0 of Debian 13 has the
 * same interface):
 * - nfs_mount of version 4 sends SETCLIENTID and SETCLIENTID_CONFIRM, and has no call that takes
 *   them back: the server keeps a client until its lease ends.
 * - nfs_mount of version 3 fails with EACCES both for an export that is closed to this host and
 *   for a directory that is not exported. The list of exports tells them apart, but
 *   mount_getexports returns null for an empty list and for each failure.
 * - Its raw calls leave no state, but have one status, RPC_STATUS_ERROR, for everything that goes
 *   wrong below MOUNT and NFS: credentials that the server refuses ("RPC Packet not accepted by the
 *   server"), a version that it does not serve, a connection that it resets, and one that it
 *   refuses ("Socket failed with POLLHUP"). Here the first is DOMM_NFS_UNSURE, the others
 *   DOMM_NFS_SILENT with the reason.
 */
#ifndef DOMM_NET_NFS_NFS_H
#define DOMM_NET_NFS_NFS_H

#include <stdbool.h>

#include "lib/net/nfs/rpc.h"

enum domm_nfs_answer {
    DOMM_NFS_YES,    /* the directory can be mounted, even from this host */
    DOMM_NFS_NO,     /* the directory is not exported to any host */
    DOMM_NFS_UNSURE, /* the server refuses this host, and may admit the monitor */
    DOMM_NFS_SILENT, /* the version is not served, or the server does not answer */
};

#define DOMM_NFS_REASON 160 /* bytes, with the terminator */

struct domm_nfs_view {
    enum domm_nfs_answer answer;
    char reason[DOMM_NFS_REASON]; /* the reason, to be read after "SERVER:PATH: "; empty for YES */
};

struct domm_nfs_server {
    struct domm_rpc_address address; /* 0: any port */
    uint16_t rpcbind_port;
    uint16_t nfs_port;  /* of version 4; of version 3 rpcbind tells it */
    bool nfs_port_only; /* the port is that of version 3 as well */
};

#define DOMM_NFS_RPCBIND_PORT 111
#define DOMM_NFS_PORT 2049

/* Asks by version 3 and by version 4, each until the deadline. */
void domm_nfs3_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r);
void domm_nfs4_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r);

/*
 * The verdict of both versions. One YES is enough, since the monitor tries both. Otherwise version
 * 3, if it is served, decides: its list of exports is the same for every host.
 */
struct domm_nfs_view domm_nfs_judge(const struct domm_nfs_view *version3,
                                    const struct domm_nfs_view *version4);

/* Used by both versions. */
void domm_nfs_set_answer(struct domm_nfs_view *view_r, enum domm_nfs_answer answer, const char *fmt,
                         ...) __attribute__((format(printf, 3, 4)));

#endif
