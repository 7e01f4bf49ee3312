/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How domm migrate shows what goes on: bars on a terminal, events for programs, and the report. */
#ifndef DOMM_CMD_MIGRATE_SHOW_H
#define DOMM_CMD_MIGRATE_SHOW_H

#include "cmd/domm/table.h"
#include "lib/move/end.h"

/* A guest as the bars know it. */
struct migrate_bar {
    uint64_t bytes, dirty_pages;
    unsigned int rounds;
};

struct migrate_show {
    struct cmd_context *context;
    struct migrate_bar bars[DOMM_MOVERS];
};

/* The spectator calls back into the show, and both live as long as the migration. */
void migrate_show_begin(struct migrate_show *show_r, struct cmd_context *context,
                        struct domm_spectator *spectator_r);
void migrate_show_end(struct migrate_show *show);

int migrate_show_report(const struct cmd_context *context, const struct domm_report *report,
                        struct domm_error *err);

#endif
