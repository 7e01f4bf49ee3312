/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/table.h"

#include "cmd/domm/commands.h"

const struct cmd_option cmd_global_options[] = {
    {'v', "verbose", .help = "say more; once for detail, twice for more, thrice for debugging"},
    {'q', "quiet", .help = "say errors only"},
    {'N', "dry-run", .help = "say what would be done, and change nothing"},
    {OPTION_JSON, "json", .help = "print results as JSON"},
    {'t', "timestamps", .help = "put the time before each diagnostic"},
    {'h', "help", .help = "print help"},
    {'V', "version", .help = "print the version of domm"},
    {0},
};

static const struct cmd_option shell_options[] = {
    {'e', "errexit", .help = "stop at the first command that fails"},
    {0},
};

const struct cmd_row cmd_table[] = {
    {
        .name = "list",
        .run = cmd_list,
        .synopsis = "[DOMAIN ...]",
        .summary = "list domains and their roles",
        .description =
            "Lists the domains of this host, or those named, with the role of each: domM (it\n"
            "watches targets), target (a domM of this host watches it), none, or invalid (it has\n"
            "a record of targets that cannot be read). PEERS are the targets of a domM, and the\n"
            "domM of a target. A DOMAIN is a name, a domid or a UUID.",
        .max_operands = CMD_ANY_NUMBER,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN,
    },
    {
        .name = "version",
        .run = cmd_version,
        .synopsis = "",
        .summary = "print the versions of domm, libxl and Xen",
        .description =
            "Prints the version of domm, of the libxl it was built with, and of the running\n"
            "hypervisor, and whether that hypervisor has PV log-dirty: can track which pages a\n"
            "PV guest writes. Away from Xen it prints what it knows, and fails.",
    },
    {
        .name = "shell",
        .run = cmd_shell,
        .synopsis = "",
        .summary = "read commands from the terminal or from standard input",
        .description =
            "Reads commands, one a line, and runs each; a command that fails does not end it.\n"
            "On a terminal lines are edited, completed and remembered. Otherwise it runs the\n"
            "script on standard input, and its exit code is that of the first command that\n"
            "failed. Words are quoted as in sh; # begins a comment; exit or quit leave.",
        .options = shell_options,
    },
    {
        .name = "completion",
        .run = cmd_completion,
        .synopsis = "[bash]",
        .summary = "print the completion script for bash",
        .description = "Prints a script which makes bash complete domm's command lines:\n"
                       "    . <(domm completion)",
        .max_operands = 1,
        .completers = {COMPLETE_SHELL},
    },
    {
        .name = "help",
        .run = cmd_help,
        .synopsis = "[COMMAND]",
        .summary = "print help on domm or on a command",
        .description = "Prints the list of commands, or what there is to know of one of them.\n"
                       "With --json it prints the table of commands, options and exit codes.",
        .max_operands = 1,
        .completers = {COMPLETE_COMMAND},
    },
    {
        .name = "__complete",
        .run = cmd_complete_words,
        .synopsis = "[WORD ...]",
        .summary = "print what can stand for the last word",
        .description = "For the completion script: prints what the last WORD of an unfinished\n"
                       "command line can become, one a line.",
        .max_operands = CMD_ANY_NUMBER,
        .flags = CMD_INTERNAL,
    },
    {0},
};
