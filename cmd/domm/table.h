/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table. It is the only place that knows what commands there are: dispatch, help,
 * both completions and the tests that compare all of them with the man page read it.
 */
#ifndef DOMM_CMD_TABLE_H
#define DOMM_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct domm_xen;
struct cmd_arguments;

/* What the options before (or after) any command ask for. */
struct cmd_globals {
    int verbosity; /* how often -v was given */
    bool quiet;
    bool dry_run;
    bool json;
    bool timestamps;
};

/* What a command gets besides its arguments. */
struct cmd_context {
    struct cmd_globals globals;
    struct domm_log *log;
    struct domm_xen *xen; /* open if the row says CMD_NEEDS_XEN, else null */
    bool in_shell;
};

typedef int cmd_function(struct cmd_context *context, const struct cmd_arguments *arguments,
                         struct domm_error *err);

/* What can stand in a place of the command line. */
enum cmd_completer {
    COMPLETE_NONE,
    COMPLETE_DOMAIN,
    COMPLETE_HOST,
    COMPLETE_FILE,
    COMPLETE_COMMAND,
    COMPLETE_SHELL, /* a shell that `completion` has a script for */
};

struct cmd_option {
    int id;           /* the short letter, or a number from 256 if there is none; 0 ends a list */
    const char *name; /* the long form, without "--" */
    const char *argument; /* null if it takes none */
    const char *help;
    const char *const *values; /* what its argument can be, for completion; null: anything */
};

enum cmd_flag {
    CMD_CHANGES = 1,   /* changes something; -N is refused unless it also has CMD_DRY_RUN */
    CMD_DRY_RUN = 2,   /* can say what it would do */
    CMD_INTERNAL = 4,  /* for programs: not listed, not completed, no prefix matches it */
    CMD_NEEDS_XEN = 8, /* is called with Xen open, which takes root in dom0 */
};

#define CMD_MAX_OPERAND_KINDS 3
#define CMD_ANY_NUMBER (-1)

struct cmd_row {
    const char *name;
    cmd_function *run;
    const char *synopsis; /* of the operands, for example "[DOMAIN ...]" */
    const char *summary;  /* one line */
    const char *description;
    const struct cmd_option *options; /* own ones; null if there are none */
    int min_operands;
    int max_operands; /* or CMD_ANY_NUMBER */
    /* By place; the last one stands for all further places as well. */
    enum cmd_completer completers[CMD_MAX_OPERAND_KINDS];
    unsigned flags;
};

/* Ends with a row without a name. */
extern const struct cmd_row cmd_table[];

enum { OPTION_JSON = 256, OPTION_STREAM, OPTION_GUEST };

/* May stand before the command as well as after it. */
extern const struct cmd_option cmd_global_options[];

/* The row of that name, else the only one that begins so. Fails with DOMM_USAGE. */
int cmd_lookup(const struct cmd_row *table, const char *name, const struct cmd_row **row_r,
               struct domm_error *err);

#endif
