/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "lib/watch/nfs.h"

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

/* --- in a child ------------------------------------------------------------------------------- */

/* Both versions have their half, so that one whose port is filtered leaves the other its time. */
static struct domm_nfs_view look_at(const struct domm_nfs_server *server, const char *path,
                                    int64_t deadline_ms)
{
    struct domm_nfs_view version3, version4;
    int64_t now = domm_rpc_now_ms();
    domm_nfs3_look(server, path, now + (deadline_ms - now) / 2, &version3);
    if (version3.answer == DOMM_NFS_YES)
        return version3;
    domm_nfs4_look(server, path, deadline_ms, &version4);
    return domm_nfs_judge(&version3, &version4);
}

/* A server may have addresses that lead nowhere. */
static struct domm_nfs_view look(const char *host, const char *path, int64_t deadline_ms)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list;
    struct domm_nfs_view view = {.answer = DOMM_NFS_SILENT};
    int rest = 0, rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc) {
        domm_nfs_say(&view, DOMM_NFS_SILENT, "the server cannot be found: %s",
                     rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return view;
    }
    for (const struct addrinfo *one = list; one; one = one->ai_next)
        rest++;
    for (const struct addrinfo *one = list; one && view.answer == DOMM_NFS_SILENT;
         one = one->ai_next) {
        struct domm_nfs_server server = {.rpcbind_port = DOMM_NFS_RPCBIND_PORT,
                                         .nfs_port = DOMM_NFS_PORT};
        int64_t now = domm_rpc_now_ms();
        memcpy(&server.address.socket, one->ai_addr, one->ai_addrlen);
        server.address.length = one->ai_addrlen;
        view = look_at(&server, path, now + (deadline_ms - now) / rest--);
    }
    freeaddrinfo(list);
    return view;
}

/* --- in the parent ---------------------------------------------------------------------------- */

/* Name servers have times of their own, and the answers come from elsewhere: so all of it happens
 * in a process that can be ended, and leaves nothing but its view. */
static pid_t start(const char *host, const char *path, int64_t deadline_ms, int *view_fd_r)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct domm_nfs_view view = look(host, path, deadline_ms);
        ssize_t done = write(ends[1], &view, sizeof(view));
        _exit(done != sizeof(view));
    }
    close(ends[1]);
    *view_fd_r = ends[0];
    if (pid < 0)
        close(ends[0]);
    return pid;
}

static bool hear(int fd, int64_t deadline_ms, struct domm_nfs_view *view_r)
{
    struct pollfd news = {.fd = fd, .events = POLLIN};
    int64_t rest;
    int rc;
    do {
        rest = deadline_ms - domm_rpc_now_ms();
        rc = poll(&news, 1, rest > 0 ? (int)rest : 0);
    } while (rc < 0 && errno == EINTR);
    return rc > 0 && read(fd, view_r, sizeof(*view_r)) == sizeof(*view_r);
}

static int ask(const char *host, const char *path, int timeout_ms, struct domm_nfs_view *view_r,
               struct domm_error *err)
{
    cleanup_fd int fd = -1;
    int64_t deadline_ms = domm_rpc_now_ms() + timeout_ms;
    /* It has to have its say before it is ended. */
    pid_t pid = start(host, path, deadline_ms - timeout_ms / 10, &fd);
    if (pid < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process to ask the server");
    if (!hear(fd, deadline_ms, view_r))
        domm_nfs_say(view_r, DOMM_NFS_SILENT, "the server cannot be reached: %s",
                     strerror(ETIMEDOUT));
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
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
    int rc = ask(host, path, timeout_ms, &view, err);
    if (rc || view.answer == DOMM_NFS_YES)
        return rc;
    if (view.answer == DOMM_NFS_UNSURE) {
        snprintf(doubt_r, DOMM_STORAGE_DOUBT, "%s: %s", storage->source, view.reason);
        return 0;
    }
    domm_fail(err, DOMM_PREFLIGHT, "%s: %s", storage->source, view.reason);
    return domm_hint(err, "if only domM may reach it: nfs=%s,check=0", storage->source);
}
