/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/process.h"
#include "lib/xen/restore_vifs.h"
#include "lib/xen/vif.h"
#include "lib/xen/xen_internal.h"

#define SCRIPT_TIMEOUT "40" /* s, as libxl has it: LIBXL_HOTPLUG_TIMEOUT */
#define NODE 96

static bool restore_is_there(struct domm_xen *xen, uint32_t domid)
{
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    bool there = libxl_domain_info(xen->libxl, &info, domid) == 0 && !info.dying;
    libxl_dominfo_dispose(&info);
    return there;
}

/* The thread of a step has signals blocked, the process ignores a broken pipe, and its standard
 * input may be the link to the source. */
static void restore_run_script(const char *const *arguments)
{
    pid_t pid;
    sigset_t none, broken_pipe;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigemptyset(&none);
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int reason = posix_spawnp(&pid, arguments[0], &actions, &attributes,
                              (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (!reason)
        domm_process_await(pid);
}

/* With the environment of libxl (get_hotplug_env, libxl_linux.c). It takes the device from its
 * bridge, if it is still there, and the packet filter's rules for it away. */
static void restore_take_offline(struct domm_xen *xen, uint32_t domid, unsigned devid)
{
    char node[NODE], variable[512], path[NODE], vif[NODE];
    snprintf(node, sizeof(node), "/local/domain/0/backend/vif/%u/%u/script", domid, devid);
    cleanup_free char *script = xs_read(xen->xenstore, XBT_NULL, node, NULL);
    if (!script)
        return;
    snprintf(variable, sizeof(variable), "script=%s", script);
    snprintf(path, sizeof(path), "XENBUS_PATH=backend/vif/%u/%u", domid, devid);
    snprintf(vif, sizeof(vif), "vif=vif%u.%u", domid, devid);
    const char *const arguments[] = {"timeout",
                                     SCRIPT_TIMEOUT,
                                     "env",
                                     variable,
                                     "XENBUS_TYPE=vif",
                                     path,
                                     "XENBUS_BASE_PATH=backend",
                                     "netdev=",
                                     vif,
                                     script,
                                     "offline",
                                     "type_if=vif",
                                     NULL};
    restore_run_script(arguments);
}

static void restore_remove_node(struct domm_xen *xen, const char *parent, uint32_t domid)
{
    char node[NODE];
    snprintf(node, sizeof(node), "%s/%u", parent, domid);
    xs_rm(xen->xenstore, XBT_NULL, node);
}

/* netback ends a device whose frontend is gone. */
void domm_restore_clear_vifs(struct domm_xen *xen, uint32_t domid)
{
    char node[NODE];
    unsigned count = 0, devid;
    if (!libxl_domid_valid_guest(domid) || restore_is_there(xen, domid))
        return;
    restore_remove_node(xen, "/local/domain", domid);
    restore_remove_node(xen, "/libxl", domid);
    snprintf(node, sizeof(node), "/local/domain/0/backend/vif/%u", domid);
    cleanup_free char **devids = xs_directory(xen->xenstore, XBT_NULL, node, &count);
    for (unsigned i = 0; devids && i < count; i++) {
        if (domm_vif_parse_devid(devids[i], &devid))
            restore_take_offline(xen, domid, devid);
    }
    if (devids)
        domm_log(xen->xtl.log, DOMM_LOG_VERBOSE, "removing what is left of vifs of domain %u",
                 domid);
    restore_remove_node(xen, "/local/domain/0/backend/vif", domid);
}
