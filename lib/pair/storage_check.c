/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/storage_check.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/confine.h"
#include "lib/base/poll.h"
#include "lib/base/process.h"
#include "lib/base/text.h"
#include "lib/net/nfs/nfs.h"

bool domm_storage_split(const char *source, char server_r[DOMM_RECORD_MAX_SOURCE],
                        const char **path_r)
{
    const char *colon = strstr(source, ":/"), *from = source;
    if (!colon)
        return false;
    *path_r = colon + 1;
    if (source[0] == '[' && colon > source && colon[-1] == ']') {
        from++;
        colon--;
    }
    int length = (int)(colon - from);
    return snprintf(server_r, DOMM_RECORD_MAX_SOURCE, "%.*s", length, from) <
           DOMM_RECORD_MAX_SOURCE;
}

/* Enough for a name service and one server at a time; getaddrinfo needs a few. */
#define CHILD_DESCRIPTORS 32

/* --- in a child ------------------------------------------------------------------------------- */

/* Each version has half of the time, so that a filtered port of one leaves time for the other. */
static struct domm_nfs_view look_at(const struct domm_nfs_server *server, const char *path,
                                    const char *version, int64_t deadline_ms)
{
    struct domm_nfs_view version3, version4;
    int64_t now = domm_now_ms();
    if (version[0] == '3') {
        domm_nfs3_look(server, path, deadline_ms, &version3);
        return version3;
    }
    if (version[0] == '4') {
        domm_nfs4_look(server, path, deadline_ms, &version4);
        return version4;
    }
    domm_nfs3_look(server, path, now + (deadline_ms - now) / 2, &version3);
    if (version3.answer == DOMM_NFS_YES)
        return version3;
    domm_nfs4_look(server, path, deadline_ms, &version4);
    return domm_nfs_judge(&version3, &version4);
}

/* Some addresses of a server may not answer. */
static struct domm_nfs_view storage_check_look(const char *host, const char *path,
                                               const struct domm_nfs_options *options,
                                               int64_t deadline_ms)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list;
    struct domm_nfs_view view = {.answer = DOMM_NFS_SILENT};
    int rest = 0, rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc) {
        domm_nfs_set_answer(&view, DOMM_NFS_SILENT, "the server cannot be found: %s",
                            rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return view;
    }
    for (const struct addrinfo *one = list; one; one = one->ai_next)
        rest++;
    for (const struct addrinfo *one = list; one && view.answer == DOMM_NFS_SILENT;
         one = one->ai_next) {
        struct domm_nfs_server server = {.rpcbind_port = DOMM_NFS_RPCBIND_PORT,
                                         .nfs_port = DOMM_NFS_PORT,
                                         .nfs_port_only = options->port != 0};
        int64_t now = domm_now_ms();
        if (options->port)
            server.nfs_port = (uint16_t)options->port;
        memcpy(&server.address.socket, one->ai_addr, one->ai_addrlen);
        server.address.length = one->ai_addrlen;
        view = look_at(&server, path, options->vers, now + (deadline_ms - now) / rest--);
    }
    freeaddrinfo(list);
    return view;
}

/* --- in the parent ---------------------------------------------------------------------------- */

/* Name servers have timeouts of their own, and the answers come from other hosts: all of this runs
 * in a process that can be killed, and that returns only its verdict. */
static pid_t storage_check_start(const char *host, const char *path,
                                 const struct domm_nfs_options *options, int64_t deadline_ms,
                                 int *view_fd_r)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct domm_nfs_view view;
        struct domm_error ignored;
        signal(SIGPIPE, SIG_IGN);
        /* Before the first byte of a name server or file server is read. Some file servers ask for
         * low ports. */
        if (domm_confine_with(ends[1], CHILD_DESCRIPTORS, true, &ignored))
            _exit(1);
        view = storage_check_look(host, path, options, deadline_ms);
        _exit(write(DOMM_CONFINED_FD, &view, sizeof(view)) != sizeof(view));
    }
    close(ends[1]);
    *view_fd_r = ends[0];
    if (pid < 0)
        close(ends[0]);
    return pid;
}

static bool storage_check_receive(int fd, int64_t deadline_ms, struct domm_nfs_view *view_r)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return domm_poll_until(&poll_fd, 1, deadline_ms) > 0 &&
           read(fd, view_r, sizeof(*view_r)) == sizeof(*view_r);
}

static int ask(const char *host, const char *path, const struct domm_nfs_options *options,
               int timeout_ms, struct domm_nfs_view *view_r, struct domm_error *err)
{
    cleanup_fd int fd = -1;
    int64_t deadline_ms = domm_now_ms() + timeout_ms;
    /* The child must report before it is killed. */
    pid_t pid = storage_check_start(host, path, options, deadline_ms - timeout_ms / 10, &fd);
    if (pid < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process that asks the server");
    if (!storage_check_receive(fd, deadline_ms, view_r))
        domm_nfs_set_answer(view_r, DOMM_NFS_SILENT, "the server cannot be reached: %s",
                            strerror(ETIMEDOUT));
    domm_process_kill(pid);
    view_r->reason[sizeof(view_r->reason) - 1] = '\0';
    domm_make_printable(view_r->reason);
    return 0;
}

int domm_storage_check(const struct domm_storage *storage, int timeout_ms,
                       char doubt_r[DOMM_STORAGE_DOUBT], struct domm_error *err)
{
    char host[DOMM_RECORD_MAX_SOURCE];
    const char *path;
    struct domm_nfs_view view;
    doubt_r[0] = '\0';
    if (storage->kind != DOMM_STORAGE_NFS || storage->unchecked)
        return 0;
    if (!domm_storage_split(storage->source, host, &path))
        return domm_fail(err, DOMM_REFUSED, "%s is not SERVER:/PATH", storage->source);
    int rc = ask(host, path, &storage->nfs, timeout_ms, &view, err);
    if (rc || view.answer == DOMM_NFS_YES)
        return rc;
    if (view.answer == DOMM_NFS_UNSURE) {
        snprintf(doubt_r, DOMM_STORAGE_DOUBT, "%s: %s", storage->source, view.reason);
        return 0;
    }
    domm_fail(err, DOMM_PREFLIGHT, "%s: %s", storage->source, view.reason);
    return domm_hint(err, "if only the monitor may reach it: nfs=%s,check=0", storage->source);
}
