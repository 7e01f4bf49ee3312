/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/table.h"

const struct cmd_option cmd_global_options[] = {
    {'v', "verbose", .help = "print more: -v detail, -vv more, -vvv everything, including libxl"},
    {'q', "quiet", .help = "print errors only"},
    {'N', "dry-run", .help = "print what would be done, and change nothing"},
    {OPTION_JSON, "json", .help = "print results as JSON"},
    {'T', "timestamps", .help = "print the time before each diagnostic"},
    {'h', "help", .help = "print help"},
    {'V', "version", .help = "print the version of domm"},
    {0},
};
