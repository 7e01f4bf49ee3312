/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/source_internal.h"

/* Each stream has the same share. */
static void limit_streams(struct domm_source *source, uint64_t bytes_per_s)
{
    unsigned int guests = domm_session_guest_count(&source->session);
    uint64_t share = bytes_per_s / guests;
    for (unsigned int g = 0; g < guests; g++)
        __atomic_store_n(&source->shared[g].bytes_per_s, bytes_per_s && !share ? 1 : share,
                         __ATOMIC_RELAXED);
}

/* The next round of each guest is judged by the new limit. */
static void limit_downtime(struct domm_source *source, uint64_t ms)
{
    source->prediction.limit_ns = ms * 1000000;
    source->prediction.over = 0;
    source->session.report.downtime_limit = source->prediction.limit_ns;
}

void domm_source_tune(struct domm_session *session, enum domm_tuning tuning, uint64_t value)
{
    if (tuning == DOMM_TUNING_BANDWIDTH)
        limit_streams(domm_source_of(session), value);
    else
        limit_downtime(domm_source_of(session), value);
}
