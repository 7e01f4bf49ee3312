/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/table.h"

#include "cmd/domm/commands.h"

#define VALUES(...)                                                                                \
    .values = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

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

static const struct cmd_option attach_options[] = {
    {'m', "mirror", "SPEC", .help = "mirror a vif: vif=NUMBER,to=NUMBER; may be repeated"},
    {'s', "storage", "SPEC",
     .help = "mount a file system: nfs=SERVER:/PATH[,check=0] or block=VDEV, either with "
             "[,max_age=SECONDS]; repeatable"},
    {0},
};

static const struct cmd_option migrate_options[] = {
    {'s', "ssh-command", "COMMAND", .help = "what to run instead of ssh; words are split as in sh"},
    {'d', "data", "KIND",
     .help = "how guests' memory travels: ssh (the default), tls, or tcp, which everybody can read",
     VALUES("ssh", "tls", "tcp")},
    {'b', "bandwidth", "MIB", .help = "send no more than so many MiB per second in all"},
    {'m', "max-downtime", "MS",
     .help = "stop the guests when the rest takes about as many ms to send (default: 300)"},
    {'T', "timeout", "SECONDS",
     .help = "pre-copy that has not come so far by then (default: 600)…"},
    {'o', "on-busy", "ACTION", .help = "…abort the migration (the default), or force the stop",
     VALUES("abort", "force")},
    {'r', "on-not-ready", "ACTION",
     .help =
         "if domM does not become ready there: hold the targets, stopped (the default), restart "
         "domM, or force the targets to run unmonitored",
     VALUES("hold", "restart", "force")},
    {'p', "paused", .help = "leave the targets paused at the destination"},
    {'D', "debug", .help = "send all memory twice, for the destination to compare"},
    {'U', "no-sync",
     .help = "for tests only: stop domM first and start the targets first, so that they run "
             "unmonitored; takes DOMM_UNSAFE=1 in the environment"},
    {0},
};

static const struct cmd_option release_options[] = {
    {'f', "force", .help = "let them run, unmonitored"},
    {'n', "not-taken", .help = "the other host has not taken the guests over: you have looked"},
    {'r', "restart", .help = "make a fresh domM, and let them run when it is ready"},
    {0},
};

static const struct cmd_option receive_options[] = {
    {OPTION_STREAM, "stream", "MIGRATION", .help = "bring a guest's stream to this migration"},
    {OPTION_GUEST, "guest", "NUMBER", .help = "of this guest"},
    {0},
};

static const struct cmd_option monitor_status_options[] = {
    {'w', "watch", .help = "print it again every 2 s until interrupted"},
    {'f', "format", "FORMAT", .help = "text (the default), json or prometheus",
     VALUES("text", "json", "prometheus")},
    {0},
};

const struct cmd_row cmd_table[] = {
    {
        .name = "create",
        .run = cmd_create,
        .synopsis = "CONFIG [KEY=VALUE ...]",
        .summary = "make a domM and wait until it is ready",
        .description =
            "Makes the domM that the file CONFIG describes, see domm.cfg(5), and waits until it\n"
            "monitors all its targets. KEY=VALUE arguments override the file. All that can be\n"
            "refused is refused before anything is done; if domM is not ready in time, or you\n"
            "interrupt it, nothing of it is left. -N prints what would be done, --json the\n"
            "resulting configuration.",
        .min_operands = 1,
        .max_operands = CMD_ANY_NUMBER,
        .completers = {COMPLETE_FILE},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "attach",
        .run = cmd_attach,
        .synopsis = "DOMM TARGET",
        .summary = "let a running domM monitor one more target",
        .description =
            "Lets the domM DOMM map the memory of TARGET, mirrors the target's vifs to it and has\n"
            "it mount the target's storage, as the options say, and waits until all of this is\n"
            "ready. If it is not in time, they are parted again.",
        .options = attach_options,
        .min_operands = 2,
        .max_operands = 2,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "detach",
        .run = cmd_detach,
        .synopsis = "DOMM [TARGET]",
        .summary = "part a domM from a target, or from all",
        .description =
            "Takes every mapping of the target's memory back, and waits until a scan of domM's\n"
            "page tables has proved it; takes its mirrors away and has domM unmount its storage.\n"
            "The target runs on, unmonitored.",
        .min_operands = 1,
        .max_operands = 2,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "destroy",
        .run = cmd_destroy,
        .synopsis = "DOMM",
        .summary = "end a domM at once",
        .description = "Ends a domM as xl destroy does, and takes the mirrors to it away. Its\n"
                       "targets run on, unmonitored.",
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "migrate",
        .run = cmd_migrate,
        .synopsis = "PAIR HOST",
        .summary = "live-migrate a domM together with its targets",
        .description =
            "Moves the pair that PAIR, a domM or a target of it, belongs to, to HOST, so that no\n"
            "target runs while domM does not monitor it. Runs ssh HOST domm receive. All guests\n"
            "move or none does: until the last moment everything can be taken back, and is if\n"
            "anything fails or you interrupt it. Prints a report at the end. -N checks both hosts\n"
            "and moves nothing; --json prints events, one a line, and then the report.",
        .options = migrate_options,
        .min_operands = 2,
        .max_operands = 2,
        .completers = {COMPLETE_DOMAIN, COMPLETE_HOST},
        .flags = CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "monitor-status",
        .run = cmd_monitor_status,
        .synopsis = "[DOMM]",
        .summary = "measure how well targets are monitored",
        .description =
            "Measures for each target of a domM, or of all, whether its memory, packets and\n"
            "storage are seen now, and says ready, degraded or blind, and why. It asks the agent\n"
            "in domM, the kernel for mirrors and counters, and Xen for domM's page tables, which\n"
            "pauses domM for the time of a scan. Its exit code is that of the worst verdict.",
        .options = monitor_status_options,
        .max_operands = 1,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN,
    },
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
        .name = "release",
        .run = cmd_release,
        .synopsis = "DOMM",
        .summary = "let targets run that a migration has left stopped",
        .description =
            "Decides about targets that a migration has left stopped: because their domM is not\n"
            "ready, or because its process was killed; then domM runs first. Without an option\n"
            "they run when domM is ready.",
        .options = release_options,
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES,
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
        .name = "receive",
        .run = cmd_receive,
        .synopsis = "",
        .summary = "take over a pair that domm migrate sends",
        .description =
            "The other half of domm migrate, which runs it by ssh. It is not for people:\n"
            "it speaks a protocol on standard input and output.",
        .options = receive_options,
        .flags = CMD_INTERNAL | CMD_CHANGES,
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
