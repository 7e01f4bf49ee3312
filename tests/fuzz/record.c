/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record, which a peer sends and libxl and /var/lib/domm/saved keep. What is accepted is written
 * and read again without a change. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/pair/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    struct domm_record record, again;
    cleanup_free char *json = NULL, *same = NULL;
    if (domm_record_parse((const char *)data, size, &record, &err))
        return 0;
    MUST(record.n_targets <= DOMM_RECORD_MAX_TARGETS);
    MUST(domm_record_format(&record, &json, &err) == 0);
    MUST(domm_record_parse(json, strlen(json), &again, &err) == 0);
    MUST(domm_record_format(&again, &same, &err) == 0 && strcmp(json, same) == 0);
    for (size_t i = 0; i < record.n_targets; i++)
        MUST(domm_record_find(&record, &record.targets[i].uuid));
    return 0;
}
