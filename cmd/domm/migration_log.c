/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/migration_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "cmd/domm/host_log.h"
#include "lib/base/cleanup.h"

static bool is_source(const struct domm_session *session)
{
    return session->machine.setup.source;
}

static const char *logged_outcome(const struct domm_session *session)
{
    return domm_migration_states[session->machine.state].name;
}

/* An administrator has something to do, or a target ran unmonitored, or all is well. */
static int logged_priority(const struct domm_session *session)
{
    switch (session->machine.state) {
    case DOMM_SRC_MOVED:
    case DOMM_DST_MOVED:
        return session->report.unmonitored ? LOG_WARNING : LOG_NOTICE;
    case DOMM_SRC_ROLLED_BACK:
    case DOMM_DST_GONE:
        return LOG_WARNING;
    default:
        return LOG_ERR;
    }
}

static void add_times(struct cmd_fields *fields, const struct domm_report *report)
{
    uint64_t downtime = domm_report_targets_downtime(report), unmonitored = 0;
    if (downtime != DOMM_NEVER)
        cmd_fields_add(fields, "DOMM_DOWNTIME_NS=%ju", (uintmax_t)downtime);
    for (unsigned int g = 1; g <= report->n_targets; g++)
        unmonitored += report->guests[g].unmonitored_cpu;
    if (report->state == DOMM_SRC_MOVED)
        cmd_fields_add(fields, "DOMM_UNMONITORED_CPU_NS=%ju", (uintmax_t)unmonitored);
}

static void add_fields(struct cmd_fields *fields, const struct domm_session *session)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&session->offer.migration, uuid);
    cmd_fields_add(fields, "DOMM_MIGRATION=%s", uuid);
    cmd_fields_add(fields, "DOMM_ROLE=%s", is_source(session) ? "source" : "destination");
    cmd_fields_add(fields, "DOMM_OUTCOME=%s", logged_outcome(session));
    cmd_fields_add(fields, "DOMM_MONITOR=%s", session->guests[0].facts.name);
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++)
        cmd_fields_add(fields, "DOMM_TARGET=%s", session->guests[g].facts.name);
    if (session->error.code)
        cmd_fields_add(fields, "DOMM_ERROR=%s", session->error.text);
    if (is_source(session)) {
        cmd_fields_add(fields, "DOMM_DESTINATION=%s", session->report.destination);
        add_times(fields, &session->report);
    }
}

static char *logged_text(const struct domm_session *session)
{
    const char *error = session->error.code ? session->error.text : "";
    char *text = NULL;
    if (asprintf(&text, "migration of %s and %u target%s %s%s: %s%s%s",
                 session->guests[0].facts.name, session->offer.n_targets,
                 session->offer.n_targets == 1 ? "" : "s", is_source(session) ? "to " : "",
                 is_source(session) ? session->report.destination : "to this host",
                 logged_outcome(session), *error ? ": " : "", error) < 0)
        return NULL;
    return text;
}

void cmd_migration_log(const struct domm_session *session)
{
    struct cmd_fields fields = {.count = 0};
    cleanup_free char *message = session->guests[0].facts.name[0] ? logged_text(session) : NULL;
    if (!message)
        return;
    add_fields(&fields, session);
    cmd_host_log(logged_priority(session), CMD_MIGRATION_MESSAGE_ID, message, &fields);
    cmd_fields_free(&fields);
}
