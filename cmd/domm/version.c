/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"
#include "lib/xen/xen.h"

/* host is null if Xen could not be asked. */
static void version_print_json(const struct domm_host *host)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *xen = host ? json_object_new_object() : NULL;
    domm_json_text(root, "domm", PACKAGE_VERSION);
    domm_json_text(root, "libxl", domm_libxl_version());
    json_object_object_add(root, "xen", xen);
    if (host) {
        char version[64];
        snprintf(version, sizeof(version), "%d.%d%s", host->major, host->minor, host->extra);
        domm_json_text(xen, "version", version);
        domm_json_text(xen, "changeset", host->changeset);
        domm_json_text(xen, "command_line", host->command_line);
        domm_json_bool(xen, "pv_log_dirty", host->pv_log_dirty);
    }
    cmd_print_json(root);
}

static void version_print_text(const struct domm_host *host)
{
    printf("domm:          %s\n", PACKAGE_VERSION);
    printf("libxl:         %s\n", domm_libxl_version());
    if (!host)
        return;
    printf("Xen:           %d.%d%s\n", host->major, host->minor, host->extra);
    printf("changeset:     %s\n", host->changeset);
    printf("command line:  %s\n", host->command_line);
    printf("PV log-dirty:  %s\n", host->pv_log_dirty ? "yes" : "no");
}

/* Opens Xen itself, since domm's own version is useful without Xen. */
int cmd_version(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    (void)arguments;
    cleanup_xen struct domm_xen *xen = NULL;
    struct domm_host host;
    bool known = !domm_xen_open(context->log, &xen, err) && !domm_xen_host(xen, &host, err);
    if (context->globals.json)
        version_print_json(known ? &host : NULL);
    else
        version_print_text(known ? &host : NULL);
    return known ? 0 : -(int)err->code;
}
