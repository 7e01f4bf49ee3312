/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An entry need not tell its place in the source. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "cmd/domm/migration_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"

#define MAX_FIELDS (16 + DOMM_RECORD_MAX_TARGETS)

struct entry {
    struct iovec fields[MAX_FIELDS];
    int count;
};

/* A field for which there is no memory is left out. */
static void DOMM_PRINTF(2, 3) entry_add(struct entry *entry, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = entry->count < MAX_FIELDS ? vasprintf(&text, fmt, args) : -1;
    va_end(args);
    if (length >= 0)
        entry->fields[entry->count++] =
            (struct iovec){.iov_base = domm_make_printable(text), .iov_len = (size_t)length};
}

static void entry_free(struct entry *entry)
{
    for (int i = 0; i < entry->count; i++)
        free(entry->fields[i].iov_base);
}

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

static void add_times(struct entry *entry, const struct domm_report *report)
{
    uint64_t downtime = domm_report_targets_downtime(report), unmonitored = 0;
    if (downtime != DOMM_NEVER)
        entry_add(entry, "DOMM_DOWNTIME_NS=%ju", (uintmax_t)downtime);
    for (unsigned int g = 1; g <= report->n_targets; g++)
        unmonitored += report->guests[g].unmonitored_cpu;
    if (report->state == DOMM_SRC_MOVED)
        entry_add(entry, "DOMM_UNMONITORED_CPU_NS=%ju", (uintmax_t)unmonitored);
}

static void add_fields(struct entry *entry, const struct domm_session *session)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&session->offer.migration, uuid);
    entry_add(entry, "MESSAGE_ID=" CMD_MIGRATION_MESSAGE_ID);
    entry_add(entry, "PRIORITY=%d", logged_priority(session));
    entry_add(entry, "SYSLOG_IDENTIFIER=domm");
    entry_add(entry, "DOMM_MIGRATION=%s", uuid);
    entry_add(entry, "DOMM_ROLE=%s", is_source(session) ? "source" : "destination");
    entry_add(entry, "DOMM_OUTCOME=%s", logged_outcome(session));
    entry_add(entry, "DOMM_MONITOR=%s", session->guests[0].facts.name);
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++)
        entry_add(entry, "DOMM_TARGET=%s", session->guests[g].facts.name);
    if (session->error.code)
        entry_add(entry, "DOMM_ERROR=%s", session->error.text);
    if (is_source(session)) {
        entry_add(entry, "DOMM_DESTINATION=%s", session->report.destination);
        add_times(entry, &session->report);
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
    return domm_make_printable(text);
}

/* Where sd_journal_sendv would send to; without it the entry would be lost in silence. */
static bool is_there_a_journal(void)
{
    return access("/run/systemd/journal/socket", W_OK) == 0;
}

void cmd_migration_log(const struct domm_session *session)
{
    struct entry entry = {.count = 0};
    cleanup_free char *message = session->guests[0].facts.name[0] ? logged_text(session) : NULL;
    if (!message)
        return;
    if (is_there_a_journal()) {
        entry_add(&entry, "MESSAGE=%s", message);
        add_fields(&entry, session);
        (void)sd_journal_sendv(entry.fields, entry.count);
        entry_free(&entry);
        return;
    }
    openlog("domm", LOG_PID, LOG_DAEMON);
    syslog(logged_priority(session), "%s", message);
    closelog();
}
