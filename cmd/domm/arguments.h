/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One option parser for all commands, driven by the options of the table. */
#ifndef DOMM_CMD_ARGUMENTS_H
#define DOMM_CMD_ARGUMENTS_H

#include "cmd/domm/table.h"

struct cmd_parsed_option {
    int id; /* of the struct cmd_option */
    const char *value;
};

struct cmd_arguments {
    size_t n_options; /* in the order given */
    struct cmd_parsed_option *options;
    size_t n_operands;
    char **operands; /* points into the argv parsed */
};

/*
 * Parses argv[1...] by the options of both lists (either may be null); an id or name that both
 * have is the first list's. getopt reorders argv so that the operands come last; with
 * stop_at_operand it stops at the first one, whatever comes after it. Fails with DOMM_USAGE.
 * *arguments_r is freed by cmd_arguments_free; strings stay argv's. Can be called anew from
 * inside a command, as the shell does.
 */
int cmd_parse(int argc, char **argv, const struct cmd_option *own, const struct cmd_option *global,
              bool stop_at_operand, struct cmd_arguments *arguments_r, struct domm_error *err);

void cmd_arguments_free(struct cmd_arguments *arguments);

#endif
