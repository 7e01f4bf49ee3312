/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/hooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/shared/run_program.h"
#include "lib/base/cleanup.h"

#define HOOK_TIMEOUT_S 60

const char *cmd_hooks_directory = "/etc/domm/hooks.d";

int cmd_hook_run(const char *name, const struct cmd_fields *fields, struct domm_error *err)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/%s", cmd_hooks_directory, name) < 0)
        return domm_no_memory(err);
    if (access(path, F_OK))
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : domm_fail_errno(err, DOMM_REFUSED, errno, "the hook %s", path);
    if (access(path, X_OK)) {
        domm_fail_errno(err, DOMM_REFUSED, errno, "the hook %s", path);
        return domm_hint(err, "make it executable with chmod +x, or remove it");
    }
    const char *const arguments[] = {path, NULL};
    if (run_program(arguments, (const char *const *)fields->items, HOOK_TIMEOUT_S, err) == 0)
        return 0;
    err->code = DOMM_REFUSED;
    return domm_wrap(err, "the hook %s", name);
}
