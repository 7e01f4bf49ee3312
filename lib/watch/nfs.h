/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking a server, from dom0 and without mounting anything, whether it exports a directory by NFS:
 * version 3 by the MOUNT protocol (RFC 1813, appendix I), version 4 by looking the path up
 * (RFC 7530), which a server answers to who has no state there.
 */
#ifndef DOMM_WATCH_NFS_H
#define DOMM_WATCH_NFS_H

#include "lib/watch/rpc.h"

enum domm_nfs_answer {
    DOMM_NFS_YES,    /* it can be mounted, also from here */
    DOMM_NFS_NO,     /* it is not there, for nobody */
    DOMM_NFS_UNSURE, /* the server keeps it from this host, and may not keep it from another */
    DOMM_NFS_SILENT, /* the version is not served, or nobody answers */
};

#define DOMM_NFS_REASON 160 /* bytes, with the terminator */

struct domm_nfs_view {
    enum domm_nfs_answer answer;
    char reason[DOMM_NFS_REASON]; /* to be read after "SERVER:PATH: "; empty for YES */
};

/* The ports at which the server is asked first. */
struct domm_nfs_server {
    struct domm_rpc_address address; /* of any port */
    uint16_t rpcbind_port, nfs_port;
};

#define DOMM_NFS_RPCBIND_PORT 111
#define DOMM_NFS_PORT 2049

void domm_nfs3_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r);
void domm_nfs4_look(const struct domm_nfs_server *server, const char *path, int64_t deadline_ms,
                    struct domm_nfs_view *view_r);

/*
 * What both views come to, as domM tries version 3 before 4. One that says YES is enough. Else
 * version 3, if it is served, is believed: its list of exports is the same for everybody.
 */
struct domm_nfs_view domm_nfs_judge(const struct domm_nfs_view *version3,
                                    const struct domm_nfs_view *version4);

/* For the two versions. */
void domm_nfs_say(struct domm_nfs_view *view_r, enum domm_nfs_answer answer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
