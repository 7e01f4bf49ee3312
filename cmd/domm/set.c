/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/running.h"
#include "cmd/domm/settings.h"
#include "lib/base/cleanup.h"
#include "lib/migrate/journal/tuning.h"

#define LOOK_MS 100
#define LOOKS 50

/* In the order of enum domm_tuning. */
const struct cmd_setting cmd_settings[] = {
    {"bandwidth", "MiB/s", 1000000, 1 << 20},
    {"max-downtime", "ms", 86400000, 1},
    {0},
};

struct set_request {
    enum domm_tuning tuning;
    unsigned long number; /* 0: no limit */
};

static int set_parse(const struct cmd_arguments *arguments, struct set_request *request_r,
                     struct domm_error *err)
{
    const char *name = arguments->operands[1], *value = arguments->operands[2];
    unsigned int i = 0;
    while (cmd_settings[i].name && strcmp(cmd_settings[i].name, name) != 0)
        i++;
    if (!cmd_settings[i].name)
        return domm_fail(err, DOMM_USAGE, "'%s' is neither %s nor %s", name, cmd_settings[0].name,
                         cmd_settings[1].name);
    *request_r = (struct set_request){.tuning = (enum domm_tuning)i};
    if (strcmp(value, "none") == 0)
        return 0;
    if (cmd_option_number(name, value, cmd_settings[i].most, &request_r->number, err))
        return domm_hint(err, "none removes the limit");
    return 0;
}

int cmd_set_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    struct set_request request;
    return set_parse(arguments, &request, err);
}

/* What the process has not taken when it has ended is of no use any more. */
static int await_taking(const struct domm_journal_facts *facts, enum domm_tuning tuning,
                        struct domm_error *err)
{
    uint64_t ignored;
    for (int i = 0; i < LOOKS; i++) {
        if (!domm_tuning_waits(&facts->migration, tuning))
            return 0;
        if (cmd_pause_ms(LOOK_MS, err))
            break;
    }
    domm_tuning_take(&facts->migration, tuning, &ignored);
    domm_fail(err, DOMM_FAILED, "the process of the migration does not change it");
    return domm_hint(err, "it may be too late: domm jobs shows the state of the migration");
}

int cmd_set(struct cmd_context *context, const struct cmd_arguments *arguments,
            struct domm_error *err)
{
    (void)context;
    cleanup_free struct domm_journal_facts *facts = calloc(1, sizeof(*facts));
    struct set_request request;
    if (!facts)
        return domm_no_memory(err);
    int rc = set_parse(arguments, &request, err);
    if (rc)
        return rc;
    rc = cmd_running_find(arguments->operands[0], true, facts, err);
    if (rc)
        return rc;
    const struct cmd_setting *setting = &cmd_settings[request.tuning];
    rc = domm_tuning_write(&facts->migration, request.tuning,
                           (uint64_t)request.number * setting->unit, err);
    if (rc)
        return rc;
    rc = await_taking(facts, request.tuning, err);
    if (rc)
        return rc;
    if (request.number)
        printf("%s of the migration of %s: %lu %s\n", setting->name, facts->guests[0].name,
               request.number, setting->unit_name);
    else
        printf("%s of the migration of %s: no limit\n", setting->name, facts->guests[0].name);
    return 0;
}
