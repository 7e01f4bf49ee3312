/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of the command migrate. Those with an argument are the keys of domm.conf(5). */
#include "cmd/domm/table.h"

const struct cmd_option cmd_migrate_options[] = {
    {'s', "ssh-command", "COMMAND", .help = "run this instead of ssh; split into words as by sh",
     .preset = "ssh"},
    {'d', "data", "KIND",
     .help = "send memory by ssh (the default), tls, or tcp, which everyone on the way can read",
     CMD_VALUES("ssh", "tls", "tcp"), .preset = "ssh"},
    {'b', "bandwidth", "MIB", .help = "bandwidth limit for all guests together, in MiB per second"},
    {'m', "max-downtime", "MS",
     .help = "stop the guests only if the targets are predicted to stand still for at most MS "
             "milliseconds"},
    {'t', "timeout", "SECONDS", .help = "time limit for pre-copy (default 600)", .preset = "600"},
    {'o', "on-busy", "ACTION",
     .help = "at that limit abort the migration (the default), or force the stop",
     CMD_VALUES("abort", "force"), .preset = "abort"},
    {'r', "on-not-ready", "ACTION",
     .help = "if the monitor does not become ready, hold the targets stopped (the default), "
             "restart the monitor, or force the targets to run unmonitored",
     CMD_VALUES("hold", "restart", "force"), .preset = "hold"},
    {'p', "paused", .help = "leave the targets paused at the destination"},
    {OPTION_DEBUG, "debug", .help = "send all memory twice; the destination compares the two"},
    {'U', "no-sync",
     .help = "for tests only: stop the monitor first and start the targets first, so that they "
             "run unmonitored; needs DOMM_UNSAFE=1 in the environment"},
    {0},
};
