/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/prediction.h"

#define MANY_ROUNDS_OVER 5

uint64_t domm_prediction_copies(const struct domm_prediction *prediction)
{
    uint64_t targets = 0;
    for (unsigned int g = 1; g < DOMM_MAX_GUESTS; g++) {
        if (prediction->final_ns[g] > targets)
            targets = prediction->final_ns[g];
    }
    return prediction->final_ns[0] + targets;
}

uint64_t domm_prediction_downtime(const struct domm_prediction *prediction)
{
    return prediction->rest_ns + domm_prediction_copies(prediction);
}

static bool exceeds_limit(const struct domm_prediction *prediction)
{
    return prediction->limit_ns && domm_prediction_downtime(prediction) > prediction->limit_ns;
}

bool domm_prediction_is_known(const struct domm_prediction *prediction, unsigned int n_guests)
{
    bool known = true;
    for (unsigned int g = 0; g < n_guests; g++)
        known &= prediction->final_ns[g] != 0;
    return known;
}

bool domm_prediction_fits(const struct domm_prediction *prediction, unsigned int n_guests)
{
    return !prediction->limit_ns ||
           (domm_prediction_is_known(prediction, n_guests) && !exceeds_limit(prediction));
}

void domm_prediction_take(struct domm_prediction *prediction, unsigned int guest, uint64_t final_ns,
                          bool settled)
{
    prediction->final_ns[guest] = final_ns;
    if (guest == 0)
        prediction->over = settled && exceeds_limit(prediction) ? prediction->over + 1 : 0;
}

bool domm_prediction_is_hopeless(const struct domm_prediction *prediction)
{
    return prediction->limit_ns &&
           (prediction->rest_ns > prediction->limit_ns || prediction->over >= MANY_ROUNDS_OVER);
}
