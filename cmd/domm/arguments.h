/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One option parser for all commands, driven by the options of the table. */
#ifndef DOMM_CMD_ARGUMENTS_H
#define DOMM_CMD_ARGUMENTS_H

#include "cmd/domm/table.h"

struct cmd_parsed_option {
    int id; /* of the struct cmd_option */
    const char *value;
    unsigned choice; /* the index of the value among the values that the option lists */
};

struct cmd_arguments {
    size_t n_options; /* in the order given */
    struct cmd_parsed_option *options;
    size_t n_operands;
    char **operands; /* points into the argv parsed */
};

/*
 * Parses argv[1...] by the options of both lists; either may be null. If both lists have an id or
 * name, the first list counts. getopt reorders argv so that the operands come last; with
 * stop_at_operand, parsing stops at the first operand. A value that is not among those that an
 * option lists is wrong usage too. Fails with DOMM_USAGE. Free *arguments_r
 * with cmd_arguments_free; its strings belong to argv. A command may call this again, as the shell
 * does.
 */
int cmd_parse(int argc, char **argv, const struct cmd_option *own, const struct cmd_option *global,
              bool stop_at_operand, struct cmd_arguments *arguments_r, struct domm_error *err);

/* Finds the value among those that its option lists, and sets the choice; an option that lists
 * none, or is null, takes any value. DOMM_USAGE. */
int cmd_option_choose(const struct cmd_option *option, struct cmd_parsed_option *parsed,
                      struct domm_error *err);

/* Reads a whole number from 1 to `most`, the value of the option. DOMM_USAGE. */
int cmd_option_number(const char *option, const char *text, unsigned long most,
                      unsigned long *number_r, struct domm_error *err);

/* Frees what cmd_parse has allocated. */
void cmd_arguments_free(struct cmd_arguments *arguments);

#endif
