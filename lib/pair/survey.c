/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/survey.h"

#include <stdlib.h>

#include "lib/pair/saved_record.h"

static int survey_measure(const struct domm_observer *observer,
                          const struct domm_inventory *inventory, struct domm_survey *survey,
                          struct domm_error *err)
{
    const struct domm_roster *roster = &survey->roster;
    cleanup_free const struct domm_inventory_entry **present =
        calloc(roster->count + 1, sizeof(*present));
    size_t n_present = 0;
    survey->statuses = calloc(roster->count + 1, sizeof(*survey->statuses));
    if (!present || !survey->statuses)
        return domm_no_memory(err);
    for (; n_present < roster->count && !roster->entries[n_present].absence; n_present++)
        present[n_present] = &roster->entries[n_present].monitor;
    int rc = domm_status_measure(observer, inventory, present, n_present, survey->statuses, err);
    if (rc)
        return rc;
    for (survey->count = n_present; !rc && survey->count < roster->count; survey->count++)
        rc = domm_status_of_absent(observer, inventory, &roster->entries[survey->count],
                                   &survey->statuses[survey->count], err);
    return rc;
}

static int note_pair(struct domm_losses *losses, const struct domm_pair_status *pair,
                     struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < pair->target->n_mirrors; i++) {
        struct domm_loss now = domm_mirror_loss(pair, &pair->mirrors[i]);
        if (pair->mirrors[i].measured)
            rc = domm_losses_note(losses, &now, err);
    }
    return rc;
}

/* That it cannot be remembered changes no verdict of this look. */
static void note_losses(const struct domm_survey *survey, struct domm_losses *losses,
                        struct domm_log *log)
{
    struct domm_error err;
    int rc = 0;
    for (size_t i = 0; !rc && i < survey->count; i++) {
        for (size_t j = 0; !rc && j < survey->statuses[i].n_pairs; j++)
            rc = note_pair(losses, &survey->statuses[i].pairs[j], &err);
    }
    if (rc || domm_losses_write(losses, &err))
        domm_log(log, DOMM_LOG_WARN, "remembering what mirrors have lost: %s", err.text);
}

static int survey_look(const struct domm_observer *observer, const struct domm_inventory *inventory,
                       struct domm_log *log, struct domm_survey *survey, struct domm_error *err)
{
    struct domm_losses losses;
    struct domm_observer recalling = *observer;
    domm_losses_read(&losses);
    recalling.losses = &losses;
    recalling.expected = &survey->expected;
    int rc = survey_measure(&recalling, inventory, survey, err);
    if (!rc)
        note_losses(survey, &losses, log);
    domm_losses_free(&losses);
    return rc;
}

static int survey_fill(const struct domm_observer *observer, const struct domm_inventory *inventory,
                       struct domm_log *log, const char *text, struct domm_survey *survey,
                       struct domm_error *err)
{
    int rc = domm_expectations_read(log, &survey->expected, err);
    if (rc)
        return rc;
    rc = domm_roster_make(inventory, &survey->expected, DOMM_SAVED_RECORD_DIRECTORY,
                          &survey->roster, err);
    if (rc)
        return rc;
    rc = text ? domm_roster_select(&survey->roster, inventory, &survey->expected, text, err) : 0;
    if (rc)
        return rc;
    return survey_look(observer, inventory, log, survey, err);
}

int domm_survey_make(const struct domm_observer *observer, const struct domm_inventory *inventory,
                     struct domm_log *log, const char *text, struct domm_survey *survey_r,
                     struct domm_error *err)
{
    *survey_r = (struct domm_survey){0};
    int rc = survey_fill(observer, inventory, log, text, survey_r, err);
    if (rc)
        domm_survey_free(survey_r);
    return rc;
}

void domm_survey_free(struct domm_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++)
        domm_status_free(&survey->statuses[i]);
    free(survey->statuses);
    domm_roster_free(&survey->roster);
    domm_expectations_free(&survey->expected);
    *survey = (struct domm_survey){0};
}

enum domm_verdict domm_survey_worst(const struct domm_survey *survey)
{
    enum domm_verdict worst = DOMM_VERDICT_NONE;
    for (size_t i = 0; i < survey->count; i++) {
        if (survey->statuses[i].worst > worst)
            worst = survey->statuses[i].worst;
    }
    return worst;
}
