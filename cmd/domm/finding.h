/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the command check has found: a line each. */
#ifndef DOMM_CMD_FINDING_H
#define DOMM_CMD_FINDING_H

#include "cmd/domm/table.h"
#include "lib/base/json.h"

enum cmd_level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

struct cmd_findings {
    struct json_object *list; /* objects with check, level, found and advice */
    size_t warned, failed;
    enum domm_code code; /* of the first failure */
};

/* Begins with nothing found. cmd_findings_end must be called. */
void cmd_findings_begin(struct cmd_findings *findings_r);

/* Adds one: what was checked, what was found, and what to do (null: nothing). A failure has the
 * code DOMM_PREFLIGHT. */
void cmd_find(struct cmd_findings *findings, enum cmd_level level, const char *check,
              const char *advice, const char *found, ...) DOMM_PRINTF(5, 6);

/* Adds the outcome of a function: ok and what was found, or the error with its hint. Returns rc. */
int cmd_find_outcome(struct cmd_findings *findings, const char *check, int rc,
                     const struct domm_error *err, const char *found);

/* Prints all, as JSON or as lines. Fails with the code of the first failure if there is one. */
int cmd_findings_end(struct cmd_findings *findings, bool json, struct domm_error *err);

#endif
