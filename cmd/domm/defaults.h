/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Defaults of options, from domm.conf(5). A key is the long name of an option of migrate, with _
 * for each hyphen. What is given on the command line counts before the file, the file before the
 * preset of the table.
 */
#ifndef DOMM_CMD_DEFAULTS_H
#define DOMM_CMD_DEFAULTS_H

#include "cmd/domm/arguments.h"

#define CMD_DEFAULTS_MAX 16

struct domm_config_file;

struct cmd_default {
    const struct cmd_option *option;
    struct cmd_parsed_option parsed; /* value is null if there is neither a key nor a preset */
    const char *where;               /* "FILE:LINE"; null: the preset */
};

struct cmd_defaults {
    struct domm_config_file *file; /* null if there is none */
    size_t count;
    struct cmd_default items[CMD_DEFAULTS_MAX];
};

/* The file: $DOMM_CONF, or else /etc/domm/domm.conf. */
const char *cmd_defaults_path(void);

/* The key of an option; cut if it is longer than the buffer. */
void cmd_defaults_key(const struct cmd_option *option, char *key_r, size_t size);

/* Reads the defaults of all options that take an argument. No file is no error; DOMM_REFUSED if a
 * key is unknown, set twice or has a value that its option does not list. The strings live until
 * cmd_defaults_free, which must be called also after a failure. */
int cmd_defaults_read(const struct cmd_option *options, struct cmd_defaults *defaults_r,
                      struct domm_error *err);

/* Frees what cmd_defaults_read has read. */
void cmd_defaults_free(struct cmd_defaults *defaults);

#endif
