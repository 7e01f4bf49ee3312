/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xenstore_lib.h>

#include "lib/base/cleanup.h"

#define PRIVCMD "dev/xen/privcmd"

/* The content of a small file; empty if it cannot be read. */
static void read_small(int root_fd, const char *path, char *text_r, size_t size)
{
    text_r[0] = '\0';
    cleanup_fd int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text_r, size - 1);
    text_r[got > 0 ? got : 0] = '\0';
}

static bool is_xen(int root_fd)
{
    char type[16];
    read_small(root_fd, "sys/hypervisor/type", type, sizeof(type));
    return strncmp(type, "xen", 3) == 0 || faccessat(root_fd, "proc/xen", F_OK, 0) == 0 ||
           faccessat(root_fd, "dev/xen", F_OK, 0) == 0;
}

/* xenfs shows "control_d" in the control domain. Without xenfs this check decides nothing: opening
 * the hypervisor does. */
static bool is_other_guest(int root_fd)
{
    if (faccessat(root_fd, "proc/xen/capabilities", F_OK, 0) != 0)
        return false;
    char capabilities[64];
    read_small(root_fd, "proc/xen/capabilities", capabilities, sizeof(capabilities));
    return strstr(capabilities, "control_d") == NULL;
}

int domm_probe_hypervisor(int root_fd, struct domm_error *err)
{
    if (!is_xen(root_fd)) {
        domm_fail(err, DOMM_NOT_PERMITTED, "this machine does not run on Xen");
        return domm_hint(err, "run this in dom0 of a Xen host; if Xen is installed, boot it");
    }
    if (is_other_guest(root_fd)) {
        domm_fail(err, DOMM_NOT_PERMITTED, "this is a Xen guest, not dom0");
        return domm_hint(err, "run this in dom0 of the host");
    }
    cleanup_fd int fd = openat(root_fd, PRIVCMD, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        return 0;
    int reason = errno;
    domm_fail_errno(err, DOMM_NOT_PERMITTED, reason, "opening /" PRIVCMD);
    if (reason == EACCES || reason == EPERM)
        return domm_hint(err, "only root may control Xen: run this as root");
    return domm_hint(err, "load the kernel's interface to Xen: modprobe xen-privcmd");
}

int domm_probe_xenstored(const char *socket_path, struct domm_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    domm_fail_errno(err, DOMM_NOT_PERMITTED, errno, "connecting to xenstored at %s", socket_path);
    return domm_hint(err, "start xenstored: systemctl start xen");
}

int domm_probe_dom0(struct domm_error *err)
{
    cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = domm_probe_hypervisor(root, err);
    if (rc)
        return rc;
    return domm_probe_xenstored(xs_daemon_socket(), err);
}
