/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output of domm migrate: progress bars on a terminal, a line when SIGUSR1 asks, JSON
 * events, and the report. */
#ifndef DOMM_CMD_MIGRATE_SHOW_H
#define DOMM_CMD_MIGRATE_SHOW_H

#include "cmd/domm/table.h"
#include "lib/migrate/source.h"

struct migrate_show {
    struct cmd_context *context;
    const struct domm_source *source;
    /* What all guests together had sent when the rate was last computed. */
    uint64_t sent, sent_at_ns;
    double rate; /* MB/s; negative: not known yet */
};

/* Fills the callbacks, which use the show and look at the source. All must live as long as the
 * migration. */
void migrate_show_begin(struct migrate_show *show_r, struct cmd_context *context,
                        const struct domm_source *source,
                        struct domm_session_callbacks *callbacks_r);
void migrate_show_end(struct migrate_show *show);

/* Prints the report, as JSON if the command line asks for it. */
int migrate_show_report(const struct cmd_context *context, const struct domm_report *report,
                        struct domm_error *err);

#endif
