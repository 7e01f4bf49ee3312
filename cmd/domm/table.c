/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/table.h"

#include "cmd/domm/commands.h"

static const struct cmd_option shell_options[] = {
    {'e', "errexit", .help = "stop at the first command that fails"},
    {0},
};

static const struct cmd_option check_options[] = {
    {'c', "config", "FILE", .help = "check this configuration of a monitor, see domm.cfg(5)",
     .completer = COMPLETE_FILE},
    {0},
};

static const struct cmd_option attach_options[] = {
    {'m', "mirror", "SPEC", .help = "mirror a vif: vif=NUMBER,to=NUMBER; may be repeated"},
    {'s', "storage", "SPEC",
     .help = "mount a file system: nfs=SERVER:/PATH or block=VDEV, each with further keys as in "
             "domm.cfg(5), such as ,max_age=SECONDS; may be repeated"},
    {0},
};

static const struct cmd_option dump_options[] = {
    {'l', "live",
     .help = "do not pause the guest: what it changes meanwhile is of several moments"},
    {0},
};

static const struct cmd_option release_options[] = {
    {'f', "force", .help = "run the targets now, unmonitored"},
    {'r', "restart", .help = "create a fresh monitor; run the targets when it is ready"},
    {0},
};

static const struct cmd_option report_options[] = {
    {'l', "list", .help = "list the reports that are kept, the newest first"},
    {'L', "last", .help = "print the newest (the default)"},
    {'f', "format", "FORMAT", .help = "text (the default), json, html or svg",
     CMD_VALUES("text", "json", "html", "svg")},
    {0},
};

static const struct cmd_option recover_options[] = {
    {'H', "host", "HOST", .help = "ask this host, instead of the one that the journal names",
     .completer = COMPLETE_HOST},
    {'s', "ssh-command", "COMMAND", .help = "run this instead of ssh; needs --host"},
    {'C', "assume-committed",
     .help = "without an answer: the other host has taken the guests over; destroy the copies "
             "here"},
    {'R', "assume-rolled-back",
     .help = "without an answer: no target has run at the other host, nor ever will; run the "
             "copies here"},
    {0},
};

static const struct cmd_option receive_options[] = {
    {OPTION_STREAM, "stream", "MIGRATION", .help = "pass a guest's stream to this migration"},
    {OPTION_GUEST, "guest", "NUMBER", .help = "the guest that the stream belongs to"},
    {OPTION_SETTLE, "settle", "MIGRATION", .help = "print whether this host has taken it over"},
    {OPTION_AGREED, "agreed", "MIGRATION", .help = "note that the source will not ask again"},
    {0},
};

static const struct cmd_option evacuate_options[] = {
    {'j', "jobs", "NUMBER", .help = "migrate this many pairs at a time, at most 16 (default 1)"},
    {0},
};

static const struct cmd_option jobs_options[] = {
    {'w', "watch", .help = "print them every second until none is under way"},
    {0},
};

static const struct cmd_option monitor_status_options[] = {
    {'w', "watch", .help = "print the status every 2 s until interrupted"},
    {'c', "changes",
     .help = "log each verdict that has changed since the last time, and run its hook"},
    {'f', "format", "FORMAT", .help = "text (the default), json or prometheus",
     CMD_VALUES("text", "json", "prometheus")},
    {'o', "output", "FILE", .help = "write to this file, which always has one whole status",
     .completer = COMPLETE_FILE},
    {0},
};

static const struct cmd_option complete_options[] = {
    {OPTION_QUOTED, "quoted",
     .help = "WORDs are as they were typed; quote the answers so, without help"},
    {0},
};

const struct cmd_row cmd_table[] = {
    {
        .name = "check",
        .page = "domm-check(1)",
        .run = cmd_check,
        .check = cmd_check_check,
        .synopsis = "[PAIR HOST]",
        .summary = "check this host, a pair's migration, or a file",
        .description =
            "Checks whether this host is fit for domm; with PAIR and HOST, whether the pair\n"
            "could migrate there, which changes nothing; with --config, a configuration,\n"
            "away from Xen too. Prints a line for each check: ok, warn or fail, what was\n"
            "found, and what to do. The exit status is that of the first failure.",
        .options = check_options,
        .max_operands = 2,
        .completers = {COMPLETE_PAIR, COMPLETE_HOST},
    },
    {
        .name = "config",
        .page = "domm(1)",
        .run = cmd_config,
        .synopsis = "[PAIR]",
        .summary = "print the defaults that hold, and their places",
        .description =
            "Prints the default of each option of migrate that has an argument, and where it\n"
            "comes from: with PAIR from the pair itself, which its domm.cfg(5) has set; a\n"
            "line of domm.conf(5); or built in. The command line counts before all of these.",
        .max_operands = 1,
        .completers = {COMPLETE_PAIR},
    },
    {
        .name = "create",
        .page = "domm-create(1)",
        .run = cmd_create,
        .synopsis = "CONFIG [KEY=VALUE ...]",
        .summary = "create a monitor and wait until it is ready",
        .description =
            "Creates the monitor that the file CONFIG describes, see domm.cfg(5), and waits\n"
            "until it monitors all of its targets. KEY=VALUE arguments override the file.\n"
            "Everything that can be rejected is rejected before anything is created. If the\n"
            "monitor is not ready in time, or the command is interrupted, the monitor is\n"
            "destroyed again. -N prints what would be done, --json the resulting\n"
            "configuration.",
        .min_operands = 1,
        .max_operands = CMD_ANY_NUMBER,
        .completers = {COMPLETE_FILE, COMPLETE_KEY},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "attach",
        .page = "domm-attach(1)",
        .run = cmd_attach,
        .check = cmd_attach_check,
        .synopsis = "MONITOR TARGET",
        .summary = "let a running monitor monitor one more target",
        .description =
            "Lets MONITOR map the memory of TARGET, mirrors the target's vifs to it and has\n"
            "it mount the target's storage, as the options say, and waits until all of this\n"
            "is ready. If it is not ready in time, the target is detached again.",
        .options = attach_options,
        .min_operands = 2,
        .max_operands = 2,
        .completers = {COMPLETE_MONITOR, COMPLETE_OTHER},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "detach",
        .page = "domm-attach(1)",
        .run = cmd_detach,
        .synopsis = "MONITOR [TARGET]",
        .summary = "stop the monitoring of one target or of all",
        .description =
            "Removes every mapping of the target's memory, waits until a scan of the\n"
            "monitor's page tables has proved that, removes the mirrors and has the monitor\n"
            "unmount the storage. Without TARGET this is done for all targets. They keep\n"
            "running, unmonitored.",
        .min_operands = 1,
        .max_operands = 2,
        .completers = {COMPLETE_MONITOR, COMPLETE_TARGET},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "destroy",
        .page = "domm-create(1)",
        .run = cmd_destroy,
        .synopsis = "MONITOR",
        .summary = "destroy a monitor at once",
        .description = "Destroys a monitor as xl destroy does, and removes the mirrors to it. Its\n"
                       "targets keep running, unmonitored.",
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_MONITOR},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "list",
        .page = "domm-list(1)",
        .run = cmd_list,
        .synopsis = "[DOMAIN ...]",
        .summary = "list domains and their roles",
        .description =
            "Lists the domains of this host, or those named, with the role of each: monitor\n"
            "(it has a record of targets), target (a monitor of this host monitors it),\n"
            "none, or invalid (its record cannot be read). PEERS are the targets of a\n"
            "monitor, and the monitor of a target. A DOMAIN is a name, a domid or a UUID.",
        .max_operands = CMD_ANY_NUMBER,
        .completers = {COMPLETE_DOMAIN},
        .flags = CMD_NEEDS_XEN,
    },
    {
        .name = "monitor-status",
        .page = "domm-monitor-status(1)",
        .run = cmd_monitor_status,
        .check = cmd_monitor_status_check,
        .synopsis = "[DOMAIN]",
        .summary = "measure how well targets are monitored",
        .description =
            "Measures whether the memory, packets and storage of each target are seen now,\n"
            "for one monitor, one target or all, and prints ready, degraded or blind, and\n"
            "why. It asks the agent in the monitor, the kernel for mirrors and counters, and\n"
            "Xen for the monitor's page tables, which pauses the monitor for the time of a\n"
            "scan. A target whose monitor is gone is blind until domm acknowledge. The exit\n"
            "status is that of the worst verdict, or 0 in the format prometheus.",
        .options = monitor_status_options,
        .max_operands = 1,
        .completers = {COMPLETE_PAIR},
        .flags = CMD_NEEDS_XEN,
    },
    {
        .name = "dump",
        .page = "domm-dump(1)",
        .run = cmd_dump,
        .synopsis = "GUEST FILE",
        .summary = "write the memory of a guest to a file",
        .description =
            "Writes the memory of GUEST, a PVH or HVM guest, to FILE as an ELF core with the\n"
            "VMCOREINFO of its Linux kernel, which crash(8), drgn and makedumpfile(8) read.\n"
            "The guest is paused meanwhile, unless --live is given; dommd has it run again if\n"
            "domm is killed.",
        .options = dump_options,
        .min_operands = 2,
        .max_operands = 2,
        .completers = {COMPLETE_DOMAIN, COMPLETE_FILE},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES,
    },
    {
        .name = "acknowledge",
        .page = "domm-monitor-status(1)",
        .run = cmd_acknowledge,
        .synopsis = "TARGET",
        .summary = "no longer expect a target to be monitored",
        .description =
            "Says that it is known that TARGET lost its monitor: monitor-status then tells\n"
            "of it no more. A target that has a monitor is to be detached instead.",
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_EXPECTED},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "migrate",
        .alias = "co-migrate",
        .page = "domm-migrate(1)",
        .run = cmd_migrate,
        .synopsis = "PAIR HOST",
        .summary = "live-migrate a monitor together with its targets",
        .description =
            "Migrates a pair to HOST. PAIR is the monitor or one of its targets. No target\n"
            "runs while its monitor does not monitor it. The command runs ssh HOST domm\n"
            "receive. All guests move or none does: if anything fails before COMMIT, or the\n"
            "command is interrupted, everything is rolled back. A report is printed at the\n"
            "end. -N checks both hosts and migrates nothing; --json prints one event per\n"
            "line, then the report.",
        .options = cmd_migrate_options,
        .min_operands = 2,
        .max_operands = 2,
        .completers = {COMPLETE_PAIR, COMPLETE_HOST},
        .flags = CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "evacuate",
        .page = "domm-evacuate(1)",
        .run = cmd_evacuate,
        .check = cmd_evacuate_check,
        .synopsis = "HOST ...",
        .summary = "migrate all pairs of this host to other hosts",
        .description =
            "Migrates each monitor of this host, with its targets, to one of the HOSTs. The\n"
            "pairs are spread over the hosts; one that a host refuses tries the next. The\n"
            "failure of one pair does not stop the others. A line says what became of each.\n"
            "An interrupt rolls back what is under way. -N checks whether all could leave.\n"
            "The options of migrate are those of domm.conf(5).",
        .options = evacuate_options,
        .min_operands = 1,
        .max_operands = CMD_ANY_NUMBER,
        .completers = {COMPLETE_HOST},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "set",
        .page = "domm-jobs(1)",
        .run = cmd_set,
        .check = cmd_set_check,
        .synopsis = "PAIR SETTING VALUE",
        .summary = "change a limit of a migration that is under way",
        .description =
            "Changes a limit of the migration of PAIR, a guest of it, from this host while\n"
            "it is under way. SETTING is bandwidth, in MiB per second for all guests\n"
            "together, or max-downtime, in milliseconds; VALUE is a number, or none for no\n"
            "limit.",
        .min_operands = 3,
        .max_operands = 3,
        .completers = {COMPLETE_RUNNING, COMPLETE_SETTING, COMPLETE_NUMBER},
        .flags = CMD_CHANGES,
    },
    {
        .name = "abort",
        .page = "domm-jobs(1)",
        .run = cmd_abort,
        .synopsis = "PAIR",
        .summary = "abort a migration that is under way",
        .description =
            "Aborts the migration of PAIR, a guest of it, at either host and from any\n"
            "terminal, and waits until all is rolled back. Once the guests are being handed\n"
            "over, it is too late, and the command says so.",
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_RUNNING},
        .flags = CMD_CHANGES,
    },
    {
        .name = "jobs",
        .page = "domm-jobs(1)",
        .run = cmd_jobs,
        .synopsis = "",
        .summary = "list migrations that are under way or unfinished",
        .description =
            "Lists the migrations of this host that are under way, with the state and the\n"
            "progress of each, and those that are unfinished: their process was killed, or\n"
            "has given up. domm recover settles the latter.",
        .options = jobs_options,
    },
    {
        .name = "recover",
        .page = "domm-recover(1)",
        .run = cmd_recover,
        .synopsis = "[MIGRATION]",
        .summary = "settle migrations whose process is gone",
        .description =
            "Settles each unfinished migration of this host, or only MIGRATION, its UUID or\n"
            "the name of a guest of it, to one running, monitored copy of each guest. It\n"
            "asks the other host where that matters. What cannot be known is left as it is;\n"
            "an assumption decides it. It may be repeated; the service domm-recover runs it.\n"
            "-N asks nobody and changes nothing.",
        .options = recover_options,
        .max_operands = 1,
        .completers = {COMPLETE_UNFINISHED},
        .flags = CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "release",
        .page = "domm-recover(1)",
        .run = cmd_release,
        .check = cmd_release_check,
        .synopsis = "MONITOR",
        .summary = "run targets that a migration holds",
        .description =
            "Decides about targets that a migration has left stopped because their monitor\n"
            "is not ready, or is gone. Without an option the targets run once the monitor is\n"
            "ready.",
        .options = release_options,
        .min_operands = 1,
        .max_operands = 1,
        .completers = {COMPLETE_MONITOR},
        .flags = CMD_NEEDS_XEN | CMD_CHANGES,
    },
    {
        .name = "report",
        .page = "domm-report(1)",
        .run = cmd_report,
        .check = cmd_report_check,
        .synopsis = "[ID]",
        .summary = "print the report of a migration from this host",
        .description =
            "Prints a report that domm migrate has kept on this host: the newest, or that of\n"
            "the migration whose UUID begins with ID; an ID with a slash is a file. As html\n"
            "it is one page that needs no other file, as svg a picture of the time lines of\n"
            "all guests at both hosts:\n"
            "    domm report -f html >report.html",
        .options = report_options,
        .max_operands = 1,
        .completers = {COMPLETE_REPORT},
    },
    {
        .name = "version",
        .page = "domm(1)",
        .run = cmd_version,
        .synopsis = "",
        .summary = "print the versions of domm, libxl and Xen",
        .description =
            "Prints the version of domm, of the libxl that it was built with, and of the\n"
            "running hypervisor, and whether the hypervisor supports PV log-dirty, which\n"
            "tracks the pages that a PV guest writes. Outside Xen it prints what it knows,\n"
            "and fails.",
    },
    {
        .name = "shell",
        .page = "domm-shell(1)",
        .run = cmd_shell,
        .synopsis = "",
        .summary = "read commands from the terminal or standard input",
        .description =
            "Reads commands, one per line, and runs each; a command that fails does not end\n"
            "it. On a terminal, lines can be edited, are completed and are kept in a\n"
            "history. Otherwise standard input is a script, and the exit status is that of\n"
            "the first command that failed. Words are quoted as in sh, ~ is a home directory,\n"
            "# begins a comment; exit or quit ends the shell.",
        .options = shell_options,
    },
    {
        .name = "completion",
        .page = "domm(1)",
        .run = cmd_completion,
        .synopsis = "[SHELL]",
        .summary = "print the completion script for bash, zsh or fish",
        .description =
            "Prints the script that makes SHELL, bash (the default), zsh or fish, complete\n"
            "domm's command lines with the tab key. The package installs all three. Without\n"
            "it, a line in the file that the shell reads at its start does the same:\n"
            "    . <(domm completion)            # bash, with the package bash-completion\n"
            "    . <(domm completion zsh)        # zsh, after compinit\n"
            "    domm completion fish | source   # fish",
        .max_operands = 1,
        .completers = {COMPLETE_SHELL},
    },
    {
        .name = "help",
        .page = "domm(1)",
        .run = cmd_help,
        .synopsis = "[COMMAND]",
        .summary = "print help on domm or on a command",
        .description =
            "Prints the list of commands, or help on one command. With --json it prints the\n"
            "table of commands, options and exit codes.",
        .max_operands = 1,
        .completers = {COMPLETE_COMMAND},
    },
    {
        .name = "receive",
        .run = cmd_receive,
        .synopsis = "",
        .summary = "take over a pair that domm migrate sends",
        .description = "The other end of domm migrate, which runs it by ssh. It is not for use by\n"
                       "hand: it speaks a protocol on standard input and output.",
        .options = receive_options,
        .flags = CMD_INTERNAL | CMD_CHANGES | CMD_DRY_RUN,
    },
    {
        .name = "__complete",
        .run = cmd_complete_words,
        .synopsis = "[WORD ...]",
        .summary = "print what can stand for the last word",
        .description =
            "For the completion scripts: prints the completions of the last WORD of an\n"
            "unfinished command line, one per line, with a tab and help where there is any;\n"
            ":file stands for the names of files.",
        .options = complete_options,
        .max_operands = CMD_ANY_NUMBER,
        .flags = CMD_INTERNAL,
    },
    {0},
};
