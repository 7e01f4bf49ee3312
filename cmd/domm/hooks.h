/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs of the administrator's that domm runs when something happens: domm-hooks(5). */
#ifndef DOMM_CMD_HOOKS_H
#define DOMM_CMD_HOOKS_H

#include "cmd/domm/fields.h"

/* Where they are: /etc/domm/hooks.d. A test has another place. */
extern const char *cmd_hooks_directory;

/* Runs the hook of this name, if there is one, with the fields in its environment, for at most a
 * minute. Fails if it cannot be run, fails or does not end in time: DOMM_REFUSED, with the last
 * line of its standard error. Any thread may call it. */
int cmd_hook_run(const char *name, const struct cmd_fields *fields, struct domm_error *err);

#endif
