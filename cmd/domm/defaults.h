/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Defaults of options, from domm.conf(5). A key is the long name of an option of migrate, with _
 * for each hyphen. What is given on the command line counts before the settings of the pair
 * (lib/pair/settings.h), these before the file, the file before the preset of the table.
 */
#ifndef DOMM_CMD_DEFAULTS_H
#define DOMM_CMD_DEFAULTS_H

#include "cmd/domm/arguments.h"
#include "lib/pair/settings.h"

#define CMD_DEFAULTS_MAX 16

struct domm_config_file;

struct cmd_default {
    const struct cmd_option *option;
    struct cmd_parsed_option parsed; /* value is null if there is neither a key nor a preset */
    const char *where;               /* "FILE:LINE", or of the pair; null: the preset */
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

/* Puts the settings of a pair in place of them. DOMM_REFUSED if a key is none of them, or the
 * command that replaces ssh, which no pair may choose; or if its option has no such value. The
 * settings must outlive the defaults. */
int cmd_defaults_override(struct cmd_defaults *defaults, const struct domm_settings *settings,
                          struct domm_error *err);

/* Checks settings as cmd_defaults_override. */
int cmd_settings_check(const struct domm_settings *settings, struct domm_error *err);

/* Reads the settings of the pair that a guest on this host names; none if there is no such guest,
 * or this is not Xen, of which others tell. */
void cmd_settings_read(const char *pair, struct domm_settings *settings_r);

/* Frees what cmd_defaults_read has read. */
void cmd_defaults_free(struct cmd_defaults *defaults);

#endif
