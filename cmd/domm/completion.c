/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bash's completion: the script, and the answers the script asks for. */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/candidates.h"
#include "cmd/domm/commands.h"

/* completions/domm as string literals, made by the Makefile. */
static const char bash_script[] =
#include "cmd/domm/bash-script.h"
    ;

int cmd_completion(struct cmd_context *context, const struct cmd_arguments *arguments,
                   struct domm_error *err)
{
    (void)context;
    const char *shell = arguments->n_operands ? arguments->operands[0] : "bash";
    if (strcmp(shell, "bash") != 0)
        return domm_fail(err, DOMM_USAGE, "there is a script for bash only, not for '%s'", shell);
    fputs(bash_script, stdout);
    return 0;
}

int cmd_complete_words(struct cmd_context *context, const struct cmd_arguments *arguments,
                       struct domm_error *err)
{
    (void)context;
    (void)err;
    struct cmd_candidates candidates;
    cmd_candidates_find(cmd_table, arguments->n_operands, arguments->operands, &candidates);
    if (candidates.kind == COMPLETE_FILE)
        puts(":file");
    else if (candidates.kind == COMPLETE_HOST)
        puts(":host");
    for (size_t i = 0; i < candidates.count; i++)
        puts(candidates.items[i]);
    cmd_candidates_free(&candidates);
    return 0;
}
