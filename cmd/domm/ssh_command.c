/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/ssh_command.h"

#include <stdlib.h>
#include <string.h>

int cmd_ssh_replace(struct cmd_ssh *ssh, const char *line, struct domm_error *err)
{
    cmd_words_free(&ssh->replacement);
    return cmd_split_words(line, &ssh->replacement, err);
}

int cmd_ssh_build(struct cmd_ssh *ssh, const char *host, struct domm_error *err)
{
    static char program[] = "ssh";
    size_t n = 0;
    if (ssh->replacement.count > DOMM_SSH_WORDS - 1)
        return domm_fail(err, DOMM_USAGE, "--ssh-command has more than %d words",
                         DOMM_SSH_WORDS - 1);
    for (; n < ssh->replacement.count; n++)
        ssh->words[n] = ssh->replacement.items[n];
    if (n == 0)
        ssh->words[n++] = program;
    ssh->host = strdup(host);
    ssh->words[n] = ssh->host;
    return ssh->host ? 0 : domm_no_memory(err);
}

void cmd_ssh_free(struct cmd_ssh *ssh)
{
    cmd_words_free(&ssh->replacement);
    free(ssh->host);
}
