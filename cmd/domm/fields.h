/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts as "NAME=value", for an entry of the journal or the environment of a program. */
#ifndef DOMM_CMD_FIELDS_H
#define DOMM_CMD_FIELDS_H

#include "lib/base/error.h"

#define CMD_FIELDS_MAX 160

/* Begin zeroed; items ends with null. */
struct cmd_fields {
    int count;
    char *items[CMD_FIELDS_MAX + 1];
};

/* Adds a field, in printable ASCII. One for which there is no room is left out. */
void cmd_fields_add(struct cmd_fields *fields, const char *fmt, ...) DOMM_PRINTF(2, 3);

/* Frees the fields; they may be filled again. */
void cmd_fields_free(struct cmd_fields *fields);

#endif
