/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that reaches another host: ssh, or what --ssh-command puts in its place, and HOST. */
#ifndef DOMM_CMD_SSH_COMMAND_H
#define DOMM_CMD_SSH_COMMAND_H

#include "cmd/domm/split_words.h"
#include "lib/migrate/transport/data.h"

struct cmd_ssh {
    struct cmd_words replacement; /* for ssh; empty: there is none */
    char *host;                   /* the last word */
    char *words[DOMM_SSH_WORDS + 2];
};

/* Takes the value of --ssh-command in place of an earlier one. DOMM_USAGE as cmd_split_words. */
int cmd_ssh_replace(struct cmd_ssh *ssh, const char *line, struct domm_error *err);

/* Fills the words, which end with a null pointer and are valid until cmd_ssh_free. DOMM_USAGE if
 * there are too many. */
int cmd_ssh_build(struct cmd_ssh *ssh, const char *host, struct domm_error *err);

/* Frees what the other two have allocated. */
void cmd_ssh_free(struct cmd_ssh *ssh);

#endif
