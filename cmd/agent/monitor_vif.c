/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/monitor_vif.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

/* Finds the interface name of a vif (drivers/net/xen-netfront.c creates one device for each). */
static bool monitor_vif_find_name(unsigned devid, char name_r[IFNAMSIZ])
{
    char path[64];
    snprintf(path, sizeof(path), "/sys/bus/xen/devices/vif-%u/net", devid);
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    const struct dirent *entry;
    bool found = false;
    while (!found && (entry = readdir(directory))) {
        found = entry->d_name[0] != '.' && strlen(entry->d_name) < IFNAMSIZ;
        if (found)
            snprintf(name_r, IFNAMSIZ, "%.15s", entry->d_name);
    }
    closedir(directory);
    return found;
}

/* Otherwise the kernel would choose an IPv6 address and announce it. A kernel without IPv6 is
 * fine. */
static void disable_ipv6(const char *name)
{
    char path[80];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1", 1) < 0)
        return;
}

const char *monitor_vif_raise(unsigned devid)
{
    struct ifreq request = {0};
    if (!monitor_vif_find_name(devid, request.ifr_name))
        return "the monitor has no such network interface";
    cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
        return "cannot read the state of its network interface";
    if (request.ifr_flags & IFF_UP)
        return NULL;
    disable_ipv6(request.ifr_name);
    request.ifr_flags |= IFF_UP | IFF_NOARP;
    return ioctl(fd, SIOCSIFFLAGS, &request) ? "cannot set its network interface up" : NULL;
}
