/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/domm/check.h"
#include "lib/base/cleanup.h"
#include "lib/base/paths.h"
#include "lib/pair/inventory.h"
#include "lib/pair/locks.h"
#include "lib/xen/host_requirements.h"
#include "lib/xen/xen.h"

#define LITTLE_MIB 64 /* journals, mapping states and reports of some migrations */

/* The toolstack and the hypervisor are of one version: libxl does not know another's calls. */
static void check_versions(struct cmd_findings *findings, const struct domm_host *host)
{
    int major = 0, minor = 0;
    sscanf(domm_libxl_version(), "%d.%d", &major, &minor);
    if (major == host->major && minor == host->minor)
        cmd_find(findings, LEVEL_OK, "xen", NULL, "Xen %d.%d%s", host->major, host->minor,
                 host->extra);
    else
        cmd_find(findings, LEVEL_WARN, "xen", "install the domm that was built for this Xen",
                 "Xen %d.%d%s, but this domm was built for %s", host->major, host->minor,
                 host->extra, domm_libxl_version());
    cmd_find(findings, LEVEL_OK, "log-dirty", NULL,
             host->pv_log_dirty ? "Xen tracks the pages that a PV guest writes"
                                : "Xen does not track the pages that a PV guest writes: domm "
                                  "compares them, xl cannot live-migrate a PV guest");
}

/* Copies that migrations have left. */
static void check_leftovers(struct cmd_findings *findings, struct cmd_context *context,
                            struct domm_xen *xen)
{
    struct domm_inventory inventory;
    struct domm_error err;
    size_t left = findings->warned;
    if (domm_inventory_read(xen, context->log, &inventory, &err)) {
        cmd_find_outcome(findings, "leftovers", -(int)err.code, &err, NULL);
        return;
    }
    for (size_t i = 0; i < inventory.count; i++) {
        const char *name = inventory.entries[i].domain.name;
        if (name[domm_name_length(name)])
            cmd_find(findings, LEVEL_WARN, "leftovers",
                     "see domm-recover(1); never unpause it by hand",
                     "%s is a copy that a migration uses or has left", name);
    }
    if (findings->warned == left)
        cmd_find(findings, LEVEL_OK, "leftovers", NULL, "no copies of guests are left");
    domm_inventory_free(&inventory);
}

static void check_xen(struct cmd_findings *findings, struct cmd_context *context)
{
    cleanup_xen struct domm_xen *xen = NULL;
    struct domm_host host;
    struct domm_error err;
    if (domm_xen_open(context->log, &xen, &err) || domm_xen_host(xen, &host, &err)) {
        cmd_find_outcome(findings, "xen", -(int)err.code, &err, NULL);
        return;
    }
    check_versions(findings, &host);
    check_leftovers(findings, context, xen);
}

static void check_dommd(struct cmd_findings *findings)
{
    if (domm_service_runs())
        cmd_find(findings, LEVEL_OK, "dommd", NULL, "it runs");
    else
        cmd_find(findings, LEVEL_FAIL, "dommd", "systemctl start dommd", "it does not run");
}

/* Whether the list of modules names it; in file names '-' and '_' are the same. */
static bool is_listed(const char *list, const char *module)
{
    struct utsname kernel;
    char path[512], line[4096];
    bool found = false;
    uname(&kernel);
    snprintf(path, sizeof(path), "/lib/modules/%s/%s", kernel.release, list);
    FILE *in = fopen(path, "re");
    while (in && !found && fgets(line, sizeof(line), in)) {
        line[strcspn(line, ".:\n")] = '\0';
        char *base = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;
        for (char *c = base; *c; c++)
            *c = *c == '-' ? '_' : *c;
        found = strcmp(base, module) == 0;
    }
    if (in)
        fclose(in);
    return found;
}

static void check_modules(struct cmd_findings *findings)
{
    static const char *const modules[] = {"xen_privcmd", "xen_gntdev",  "xen_netback",
                                          "xen_blkback", "sch_ingress", "cls_matchall",
                                          "act_mirred"};
    for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
        if (access(path, F_OK) == 0)
            cmd_find(findings, LEVEL_OK, "module", NULL, "%s is loaded", modules[i]);
        else if (is_listed("modules.builtin", modules[i]) || is_listed("modules.dep", modules[i]))
            cmd_find(findings, LEVEL_OK, "module", NULL, "%s is there", modules[i]);
        else
            cmd_find(findings, LEVEL_FAIL, "module", "boot a kernel that has it",
                     "the kernel has no module %s", modules[i]);
    }
}

static void check_scripts(struct cmd_findings *findings)
{
    static const char *const scripts[] = {"vif-domm-monitor", DOMM_MONITOR_DISK_SCRIPT};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        char path[256];
        snprintf(path, sizeof(path), DOMM_SCRIPTS_DIRECTORY "/%s", scripts[i]);
        if (access(path, X_OK) == 0)
            cmd_find(findings, LEVEL_OK, "script", NULL, "%s", path);
        else
            cmd_find(findings, LEVEL_FAIL, "script", "reinstall the package domm",
                     "%s is no program", path);
    }
}

static void check_bridge(struct cmd_findings *findings)
{
    DIR *devices = opendir("/sys/class/net");
    size_t bridges = 0;
    for (struct dirent *entry; devices && (entry = readdir(devices));) {
        char path[320];
        snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", entry->d_name);
        bridges += access(path, F_OK) == 0;
    }
    if (devices)
        closedir(devices);
    if (bridges)
        cmd_find(findings, LEVEL_OK, "bridge", NULL, "%zu on this host", bridges);
    else
        cmd_find(findings, LEVEL_WARN, "bridge",
                 "make one, unless Open vSwitch or routes connect the guests",
                 "this host has no bridge");
}

/* The standard path, since root's environment may be that of a service. */
static void check_program(struct cmd_findings *findings, const char *name, const char *package,
                          const char *use)
{
    static const char *const directories[] = {"/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"};
    for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", directories[i], name);
        if (access(path, X_OK) == 0) {
            cmd_find(findings, LEVEL_OK, name, NULL, "%s", path);
            return;
        }
    }
    char advice[128];
    snprintf(advice, sizeof(advice), "apt install %s", package);
    cmd_find(findings, LEVEL_WARN, name, advice, "not installed: %s", use);
}

static void check_space(struct cmd_findings *findings)
{
    struct statvfs status;
    const char *path = access(domm_var_directory, F_OK) == 0 ? domm_var_directory : "/var/lib";
    if (statvfs(path, &status))
        return;
    unsigned long long mib = (unsigned long long)status.f_bavail * status.f_frsize >> 20;
    if (mib >= LITTLE_MIB)
        cmd_find(findings, LEVEL_OK, "disk-space", NULL, "%s: %llu MiB are free", path, mib);
    else
        cmd_find(findings, LEVEL_FAIL, "disk-space",
                 "make room: a migration writes a journal there", "%s: only %llu MiB are free",
                 path, mib);
}

void cmd_check_host(struct cmd_context *context, struct cmd_findings *findings)
{
    check_xen(findings, context);
    check_dommd(findings);
    check_modules(findings);
    check_scripts(findings);
    check_bridge(findings);
    check_program(findings, "ssh", "openssh-client", "migrate needs it");
    check_program(findings, "mmdebstrap", "mmdebstrap", "domm-image needs it");
    check_space(findings);
}
