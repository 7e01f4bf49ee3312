/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A migration of which all is made up but what is told of it: its journal, its progress for other
 * processes, its events and its report. It enters each state, and every kind of progress is made
 * once. The shell command FAKE_MEANWHILE is run while it is under way. A pair cannot move to the
 * host FAKE_REFUSES. Its journal is left as by a process that was killed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/migrate/job_status.h"
#include "lib/migrate/source.h"
#include "lib/pair/locks.h"
#include "tests/cli/fake.h"

#define S UINT64_C(1000000000)

static void add_guest(struct domm_session *session, unsigned int number, const char *name)
{
    const struct domm_uuid uuid = {{(unsigned char)(number ? 1 : 3), [6] = 0x40, [8] = 0x80}};
    struct domm_report_guest *report = &session->report.guests[number];
    session->guests[number].domid = number ? 1 : 3;
    session->guests[number].facts = (struct domm_message_guest){.uuid = uuid, .memory_kib = 262144};
    strcpy(session->guests[number].facts.name, name);
    strcpy(report->name, name);
    report->uuid = uuid;
}

WRAP(int, domm_source_open, struct domm_source *source_r, const struct domm_source_options *options,
     struct domm_log *log, struct domm_error *err)
{
    struct domm_session *session = &source_r->session;
    struct domm_uuid pair = {{0}};
    const char *refuses = getenv("FAKE_REFUSES");
    if (refuses && strcmp(refuses, options->host) == 0)
        return domm_fail(err, DOMM_PREFLIGHT, "%s has no room", refuses);
    source_r->options = *options;
    session->log = log;
    session->ssh = options->ssh;
    session->locks = -1;
    session->began_ns = domm_now_ns();
    session->machine.setup.source = true;
    session->record.ready_timeout = DOMM_READY_TIMEOUT;
    domm_report_begin(&session->report);
    clock_gettime(CLOCK_REALTIME, &session->report.began);
    (void)domm_uuid_parse(options->pair, &pair); /* evacuate names pairs so */
    session->offer.migration = session->report.migration =
        (struct domm_uuid){{0xab, 0xcd, [15] = pair.bytes[0]}};
    session->offer.n_targets = session->report.n_targets = 1;
    add_guest(session, 0, "ids");
    add_guest(session, 1, "web");
    strcpy(session->report.source, "host1");
    strcpy(session->report.destination, options->host);
    return 0;
}

static void enter_states(struct domm_session *session, struct domm_error *err)
{
    for (enum domm_migration_state in = DOMM_SRC_CHECKING; in < DOMM_DST_LISTENING; in++) {
        session->machine.state = in;
        (void)domm_journal_state(session->journal, in, err);
        session->callbacks->state(session->callbacks->context, session);
    }
}

static void make_progress(struct domm_session *session)
{
    for (enum domm_progress_kind kind = DOMM_PROGRESS_ROUND; kind <= DOMM_PROGRESS_ENDED; kind++) {
        const struct domm_progress progress = {.kind = kind, .rounds = 1, .bytes = 4096};
        if (kind == DOMM_PROGRESS_RESTORED || kind == DOMM_PROGRESS_VIFS)
            continue; /* a receiver's */
        session->callbacks->progress(session->callbacks->context, session, 1, &progress);
    }
}

/* As by SIGUSR1 while memory is copied: of the monitor half was sent, of the target all. */
static void ask_how_far(struct domm_session *session)
{
    session->machine.state = DOMM_SRC_COPYING;
    session->report.guests[0].bytes = UINT64_C(128) << 20;
    session->report.guests[1].bytes = UINT64_C(300) << 20;
    session->callbacks->status(session->callbacks->context, session, true);
}

/* The monitor reaches each mark, the target all but the last. */
static void reach_marks(struct domm_report *report)
{
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        domm_report_add_round(&report->guests[g], S, 4096, 3);
        for (enum domm_mark mark = 0; mark < DOMM_MARKS - g; mark++)
            report->guests[g].marks[mark] = (1 + mark) * S;
    }
    report->predicted_copies = S;
}

/* The lock and the beginning of the journal are real. */
static int begin(struct domm_session *session, struct domm_error *err)
{
    int rc = domm_guest_locks_open(&session->locks, err);
    return rc ? rc : domm_session_begin_journal(session, true, err);
}

static int take_back(struct domm_session *session, struct domm_error *err)
{
    session->error = *err;
    session->report.state = session->machine.state = DOMM_SRC_ROLLED_BACK;
    return domm_journal_state(session->journal, session->machine.state, err);
}

WRAP(int, domm_source_run, struct domm_source *source, const sigset_t *signals,
     struct domm_error *err)
{
    struct domm_session *session = &source->session;
    const char *meanwhile = getenv("FAKE_MEANWHILE");
    int rc = source->options.preflight ? 0 : begin(session, err);
    if (rc)
        return rc;
    domm_job_status_write(session);
    if (meanwhile && system(meanwhile))
        return domm_fail(err, DOMM_FAILED, "%s failed", meanwhile);
    session->machine.state = DOMM_SRC_CHECKING;
    if (!source->options.preflight && (domm_session_pass(session, DOMM_PHASE_MIGRATE, err) ||
                                       domm_session_pass(session, DOMM_PHASE_STOP, err)))
        return take_back(session, err);
    enter_states(session, err);
    make_progress(session);
    if (getenv("FAKE_ASKED"))
        ask_how_far(session);
    reach_marks(&session->report);
    session->report.state = source->options.preflight ? DOMM_SRC_ROLLED_BACK : DOMM_SRC_MOVED;
    session->machine.state = session->report.state;
    return domm_journal_state(session->journal, session->machine.state, err);
}

WRAP(void, domm_source_close, struct domm_source *source)
{
    domm_job_status_remove(&source->session);
    domm_journal_close(source->session.journal);
}
