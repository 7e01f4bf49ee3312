/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What domm recover and domm release say of what they have done. */
#ifndef DOMM_CMD_RECOVER_SHOW_H
#define DOMM_CMD_RECOVER_SHOW_H

#include "cmd/domm/table.h"
#include "lib/migrate/recover.h"

struct json_object;

struct recover_show {
    struct cmd_context *context;
    unsigned int shown;
    struct json_object *results; /* with --json */
};

/* The context is set. */
void recover_show_begin(struct recover_show *show);

/* A domm_recover_say; the context is the struct recover_show. */
void recover_show_result(void *show, const struct domm_recover_result *result);

/* Prints what is printed at the end. */
void recover_show_end(struct recover_show *show);

#endif
