/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table, the only list of commands. Dispatch, help and both completions read it, and
 * tests compare it with the manual.
 */
#ifndef DOMM_CMD_TABLE_H
#define DOMM_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct domm_xen;
struct cmd_arguments;
struct cmd_row;

/* The values of the global options. */
struct cmd_globals {
    int verbosity; /* how often -v was given */
    bool quiet;
    bool dry_run;
    bool json;
    bool timestamps;
};

/* What a command receives besides its arguments. */
struct cmd_context {
    struct cmd_globals globals;
    struct domm_log *log;
    struct domm_xen *xen;        /* open if the row has CMD_NEEDS_XEN, otherwise null */
    const struct cmd_row *table; /* the table that the command is in */
    bool in_shell;
};

typedef int cmd_function(struct cmd_context *context, const struct cmd_arguments *arguments,
                         struct domm_error *err);

/* Checks what can be known wrong about a command line without Xen. */
typedef int cmd_check_function(const struct cmd_arguments *arguments, struct domm_error *err);

/* How an operand is completed. */
enum cmd_completer {
    COMPLETE_NONE,
    COMPLETE_DOMAIN, /* any domain */
    COMPLETE_MONITOR,
    COMPLETE_TARGET,
    COMPLETE_PAIR,       /* a monitor or a target */
    COMPLETE_OTHER,      /* a guest that is neither */
    COMPLETE_EXPECTED,   /* a target that lost its monitor */
    COMPLETE_RUNNING,    /* a guest of a migration that is under way */
    COMPLETE_SETTING,    /* what the command `set` can change of one */
    COMPLETE_UNFINISHED, /* an unfinished migration, or a guest of it */
    COMPLETE_NUMBER,     /* there is nothing to offer */
    COMPLETE_HOST,
    COMPLETE_REPORT, /* the id of a report that is kept */
    COMPLETE_FILE,
    COMPLETE_KEY, /* KEY= of domm.cfg(5) */
    COMPLETE_COMMAND,
    COMPLETE_SHELL, /* a shell that the command `completion` supports */
};

struct cmd_option {
    int id;           /* the short letter, or a number from 256 if there is none; 0 ends a list */
    const char *name; /* the long form, without "--" */
    const char *argument; /* null if it takes none */
    const char *help;
    const char *const *values;    /* the values of its argument; null: any */
    enum cmd_completer completer; /* of its argument, if it has no values */
    const char *preset; /* its value where neither the command line nor domm.conf(5) has one */
};

/* For a struct cmd_option: the values that its argument can have. */
#define CMD_VALUES(...)                                                                            \
    .values = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

enum cmd_flag {
    CMD_CHANGES = 1,   /* changes something; -N is rejected without CMD_DRY_RUN */
    CMD_DRY_RUN = 2,   /* supports -N */
    CMD_INTERNAL = 4,  /* for programs: not listed, not completed, not abbreviated */
    CMD_NEEDS_XEN = 8, /* runs with Xen open, which requires root in dom0 */
};

#define CMD_MAX_OPERAND_KINDS 3
#define CMD_ANY_NUMBER (-1)

struct cmd_row {
    const char *name;
    const char *alias; /* another name, or null */
    const char *page;  /* the manual that describes it, or null */
    cmd_function *run;
    cmd_check_function *check; /* before Xen is opened; null: there is nothing to check */
    const char *synopsis;      /* of the operands, for example "[DOMAIN ...]" */
    const char *summary;       /* one line */
    const char *description;
    const struct cmd_option *options; /* own ones; null if there are none */
    int min_operands;
    int max_operands; /* or CMD_ANY_NUMBER */
    /* By position; the last one also stands for all further positions. */
    enum cmd_completer completers[CMD_MAX_OPERAND_KINDS];
    unsigned flags;
};

/* Ends with a row without a name. */
extern const struct cmd_row cmd_table[];

enum {
    OPTION_JSON = 256,
    OPTION_STREAM,
    OPTION_GUEST,
    OPTION_SETTLE,
    OPTION_AGREED,
    OPTION_DEBUG,
    OPTION_QUOTED,
};

/* Their defaults may stand in domm.conf(5). */
extern const struct cmd_option cmd_migrate_options[];

/* They may stand before or after the command. */
extern const struct cmd_option cmd_global_options[];

/* Finds the row by its name, its alias or an unambiguous abbreviation of either. Fails with
 * DOMM_USAGE. */
int cmd_lookup(const struct cmd_row *table, const char *name, const struct cmd_row **row_r,
               struct domm_error *err);

#endif
