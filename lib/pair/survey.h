/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status of all targets that are monitored, or should be, on this host: a look, which remembers
 * what mirrors have lost for the next one. */
#ifndef DOMM_PAIR_SURVEY_H
#define DOMM_PAIR_SURVEY_H

#include "lib/pair/status.h"

struct domm_survey {
    struct domm_expectations expected;
    struct domm_roster roster;
    size_t count;
    struct domm_status *statuses; /* those of monitors on this host first */
};

/* Looks at all, or at the monitor or target that `text` names if it is not null: then it fails as
 * domm_roster_select does. The observer's own expectations and losses are not used. The survey
 * points into the inventory, and is freed by domm_survey_free. */
int domm_survey_make(const struct domm_observer *observer, const struct domm_inventory *inventory,
                     struct domm_log *log, const char *text, struct domm_survey *survey_r,
                     struct domm_error *err);
void domm_survey_free(struct domm_survey *survey);

/* The gravest verdict on a target; NONE if there is none. */
enum domm_verdict domm_survey_worst(const struct domm_survey *survey);

#endif
