/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the targets of a pair would stand still if the guests were stopped now. Pure.
 *
 * It is the sum of two parts:
 *   - the final copies, as the savers estimate them by their last rounds (domm_progress.final_ns).
 *     Those of the targets go on side by side, and the monitor's comes behind them;
 *   - the rest: suspending, restoring, handing over, becoming ready. Nothing of it can be measured
 *     before, so it is taken from the last migration to the same host: what that one took longer
 *     than its own copies were predicted to take.
 */
#ifndef DOMM_MIGRATE_PREDICTION_H
#define DOMM_MIGRATE_PREDICTION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/migrate/transfers.h"

/* Begin zeroed. */
struct domm_prediction {
    uint64_t limit_ns;                  /* 0: no limit */
    uint64_t rest_ns;                   /* 0: not known */
    uint64_t final_ns[DOMM_MAX_GUESTS]; /* 0: not known yet */
    unsigned int over;                  /* settled rounds of the monitor that were over the limit */
};

/* The final copies, and with the rest. */
uint64_t domm_prediction_copies(const struct domm_prediction *prediction);
uint64_t domm_prediction_downtime(const struct domm_prediction *prediction);

/* Whether each guest's final copy is known. */
bool domm_prediction_is_known(const struct domm_prediction *prediction, unsigned int n_guests);

/* Whether the guests may be stopped now: each copy is known, and the limit is kept. */
bool domm_prediction_fits(const struct domm_prediction *prediction, unsigned int n_guests);

/* Takes a round's estimate. settled: no guest's next round will be better. */
void domm_prediction_take(struct domm_prediction *prediction, unsigned int guest, uint64_t final_ns,
                          bool settled);

/* Whether to give up before the time limit of pre-copy: the rest alone is over the limit, or
 * several settled rounds were. */
bool domm_prediction_is_hopeless(const struct domm_prediction *prediction);

#endif
