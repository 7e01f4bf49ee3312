/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/monitor.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

/* The kernel's name for the vif (drivers/net/xen-netfront.c makes one device for each). */
static bool find_name(unsigned devid, char name_r[IFNAMSIZ])
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

/* Else the kernel would make up an address and ask its neighbours about it. That IPv6 is not there
 * at all is fine. */
static void disable_ipv6(const char *name)
{
    char path[80];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1", 1) < 0)
        return;
}

const char *monitor_raise(unsigned devid)
{
    struct ifreq request = {0};
    if (!find_name(devid, request.ifr_name))
        return "domM has no such network interface";
    cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
        return "its network interface cannot be looked at";
    if (request.ifr_flags & IFF_UP)
        return NULL;
    disable_ipv6(request.ifr_name);
    request.ifr_flags |= IFF_UP | IFF_NOARP;
    return ioctl(fd, SIOCSIFFLAGS, &request) ? "its network interface cannot be set up" : NULL;
}
