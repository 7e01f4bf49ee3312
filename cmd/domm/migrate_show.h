/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output of domm migrate: progress bars on a terminal, JSON events, and the report. */
#ifndef DOMM_CMD_MIGRATE_SHOW_H
#define DOMM_CMD_MIGRATE_SHOW_H

#include "cmd/domm/table.h"
#include "lib/migrate/session.h"

/* The progress of one guest. */
struct migrate_bar {
    uint64_t bytes, dirty_pages;
    unsigned int rounds;
};

struct migrate_show {
    struct cmd_context *context;
    struct migrate_bar bars[DOMM_MAX_GUESTS];
};

/* Fills the callbacks, which use the show. Both must live as long as the migration. */
void migrate_show_begin(struct migrate_show *show_r, struct cmd_context *context,
                        struct domm_session_callbacks *callbacks_r);
void migrate_show_end(struct migrate_show *show);

/* Prints the report, as JSON if the command line asks for it. */
int migrate_show_report(const struct cmd_context *context, const struct domm_report *report,
                        struct domm_error *err);

#endif
