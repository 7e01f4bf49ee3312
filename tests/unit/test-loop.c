/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two ends of a migration as they run, each in a process of its own with its real loop, worker and
 * link; what they do to guests is made up here. Each writes what it has done to a pipe.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/paths.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/migrate/loop.h"
#include "lib/pair/locks.h"

/* What goes wrong. */
struct plan {
    bool source_fails, destination_fails; /* at this step of that end */
    enum domm_step step;
    bool cut;         /* the link, at that step of the source */
    bool interrupted; /* the source, at that step */
    bool tuned;       /* the source, while it is at that step */
    bool asked;       /* the source, for its status, at that step */
    bool never_ready;
    unsigned int targets;                 /* 0: two */
    bool abort_source, abort_destination; /* by another process, at that step of the source */
    bool full;                            /* that step cannot be journalled, at either end */
};

static struct plan plan;
static bool is_destination;
static int other_end; /* the source's descriptor, to be cut */

/* Shared by both ends. */
static atomic_bool *abort_requested;

/* The linker puts these in place of the request's file, and of the journal. */
bool __wrap_domm_abort_request_take(const struct domm_uuid *migration);
bool __wrap_domm_abort_request_take(const struct domm_uuid *migration)
{
    (void)migration;
    bool requested = abort_requested[is_destination];
    abort_requested[is_destination] = false;
    return requested;
}

int __wrap_domm_journal_step(struct domm_journal *journal, const char *what, enum domm_step step,
                             unsigned int guest, struct domm_error *err);
int __wrap_domm_journal_step(struct domm_journal *journal, const char *what, enum domm_step step,
                             unsigned int guest, struct domm_error *err)
{
    (void)journal;
    (void)what;
    (void)guest;
    return plan.full && step == plan.step ? domm_fail(err, DOMM_FAILED, "no space is left") : 0;
}

static atomic_bool answered; /* what the step under way asked for */

/* What the step under way wants to be changed, and what was. */
static atomic_uint tuned[DOMM_TUNINGS];

static void ask_for_limits(const struct domm_uuid *migration)
{
    struct domm_error err;
    tuned[DOMM_TUNING_BANDWIDTH] = tuned[DOMM_TUNING_MAX_DOWNTIME] = 0;
    if (domm_tuning_write(migration, DOMM_TUNING_BANDWIDTH, 7, &err) ||
        domm_tuning_write(migration, DOMM_TUNING_MAX_DOWNTIME, 900, &err))
        _exit(2);
    while (tuned[DOMM_TUNING_BANDWIDTH] != 7 || tuned[DOMM_TUNING_MAX_DOWNTIME] != 900)
        poll(NULL, 0, 5);
    if (domm_tuning_waits(migration, DOMM_TUNING_BANDWIDTH))
        _exit(3);
}

static void answer(void *context, const struct domm_session *session, bool asked)
{
    (void)context;
    (void)session;
    if (asked)
        answered = true;
}

static int do_step(struct domm_session *session, enum domm_step step, unsigned int guest,
                   struct domm_error *err)
{
    bool source = session->machine.setup.source;
    (void)guest;
    if (step == plan.step && source && (plan.abort_source || plan.abort_destination)) {
        abort_requested[plan.abort_destination] = true;
        if (step == DOMM_STEP_DESTROY) /* too late */
            return 0;
        while (!domm_transfers_cancelled(&session->transfers))
            poll(NULL, 0, 5);
        return domm_fail(err, DOMM_ABORTED, "given up");
    }
    if (step == plan.step && source && plan.cut)
        shutdown(other_end, SHUT_RDWR);
    if (step == plan.step && source && plan.tuned)
        ask_for_limits(&session->offer.migration);
    if (step == plan.step && source && plan.asked) {
        kill(getpid(), SIGUSR1);
        while (!answered)
            poll(NULL, 0, 5);
    }
    if (step == plan.step && source && plan.interrupted) {
        kill(getpid(), SIGINT);
        while (!domm_transfers_cancelled(&session->transfers))
            poll(NULL, 0, 5);
        return domm_fail(err, DOMM_ABORTED, "given up");
    }
    if (step == plan.step && (source ? plan.source_fails : plan.destination_fails))
        return domm_fail(err, DOMM_FAILED, "as planned");
    return 0;
}

static int undo_step(struct domm_session *session, enum domm_step step, unsigned int guest,
                     struct domm_error *err)
{
    (void)session;
    (void)step;
    (void)guest;
    (void)err;
    return 0;
}

static int look(struct domm_session *session, struct domm_error *err)
{
    (void)session;
    return plan.never_ready ? domm_fail(err, DOMM_PREFLIGHT, "domm1 sleeps") : 0;
}

static int receive(struct domm_session *session, const struct domm_message *message,
                   struct domm_error *err)
{
    (void)err;
    if (message->type == DOMM_MESSAGE_OFFER) {
        session->offer = message->offer;
        domm_machine_learn(&session->machine, message->offer.n_targets,
                           message->offer.on_not_ready);
    }
    if (message->type == DOMM_MESSAGE_FINISHED)
        session->report.outcome = message->finished.outcome;
    return 0;
}

static int send_nothing(struct domm_session *session, struct domm_message *message,
                        struct domm_error *err)
{
    (void)err;
    if (message->type == DOMM_MESSAGE_HELLO)
        message->hello = (struct domm_message_hello){.lowest = 1, .highest = 1, .program = "test"};
    if (message->type == DOMM_MESSAGE_OFFER)
        message->offer = session->offer;
    if (message->type == DOMM_MESSAGE_FINISHED)
        message->finished.outcome =
            session->machine.state == DOMM_DST_HELD ? DOMM_MIGRATION_HELD : DOMM_MIGRATION_MOVED;
    return 0;
}

static void progress(struct domm_session *session, unsigned int guest,
                     const struct domm_progress *heard)
{
    (void)session;
    (void)guest;
    (void)heard;
}

/* The guests converge at once. */
static int tick(struct domm_session *session)
{
    for (unsigned int g = 0;
         session->machine.state == DOMM_SRC_COPYING && g < domm_session_guest_count(session); g++)
        domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_CONVERGED, .guest = g});
    return 20;
}

static void tune(struct domm_session *session, enum domm_tuning tuning, uint64_t value)
{
    (void)session;
    tuned[tuning] = (unsigned int)value;
}

static int no_fd(struct domm_session *session)
{
    (void)session;
    return -1;
}

static struct domm_session_ops ops = {.run = do_step,
                                      .undo = undo_step,
                                      .look = look,
                                      .receive = receive,
                                      .send = send_nothing,
                                      .progress = progress,
                                      .tick = tick,
                                      .fd = no_fd};

struct result {
    enum domm_migration_state state;
    enum domm_migration_outcome outcome;
    struct domm_error error;
};

static void run_end(bool source, int link, int result_fd)
{
    static struct domm_session session;
    static struct domm_log log;
    static const struct domm_session_callbacks callbacks = {.status = answer};
    struct result result = {0};
    sigset_t signals;
    unsigned int targets = plan.targets ? plan.targets : 2;
    const struct domm_migration_setup setup = {.source = source, .n_targets = targets};
    is_destination = !source;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    alarm(30);
    other_end = link;
    domm_log_init(&log, stderr, source ? "source" : "destination");
    log.minimum = DOMM_LOG_CRITICAL;
    ops.tune = source ? tune : NULL;
    session.ops = &ops;
    session.log = &log;
    session.callbacks = &callbacks;
    session.began_ns = domm_now_ns();
    domm_transfers_begin(&session.transfers);
    session.offer = (struct domm_message_offer){
        .migration = {{1}}, .n_targets = source ? targets : 0, .ready_timeout_ms = 1000};
    session.signals = signalfd(-1, &signals, SFD_NONBLOCK);
    if (domm_control_link_begin(&session.link, source, link, link, &result.error) == 0)
        domm_session_run(&session, &setup, &result.error);
    result.state = session.machine.state;
    result.outcome = session.report.outcome;
    if (session.error.code)
        result.error = session.error;
    if (write(result_fd, &result, sizeof(result)) != sizeof(result))
        _exit(1);
    _exit(0);
}

/* A destination that holds its targets goes on looking: it is ended. */
static void run_both(struct result *source_r, struct result *destination_r)
{
    int link[2], results[2][2];
    pid_t pids[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, link), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(results[i]), 0);
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            close(link[1 - i]);
            run_end(i == 0, link[i], results[i][1]);
        }
        close(results[i][1]);
    }
    close(link[0]);
    close(link[1]);
    assert_int_equal(read(results[0][0], source_r, sizeof(*source_r)), sizeof(*source_r));
    if (source_r->outcome == DOMM_MIGRATION_HELD)
        kill(pids[1], SIGINT);
    assert_int_equal(read(results[1][0], destination_r, sizeof(*destination_r)),
                     sizeof(*destination_r));
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        close(results[i][0]);
    }
}

static struct result source, destination;

static void ends_as(enum domm_migration_state here, enum domm_migration_state there)
{
    abort_requested[0] = abort_requested[1] = false;
    run_both(&source, &destination);
    assert_string_equal(domm_migration_states[source.state].name, domm_migration_states[here].name);
    assert_string_equal(domm_migration_states[destination.state].name,
                        domm_migration_states[there].name);
}

static void all_goes_well(void **state)
{
    (void)state;
    plan = (struct plan){0};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
    assert_int_equal(source.outcome, DOMM_MIGRATION_MOVED);
    assert_int_equal(source.error.code, DOMM_OK);
}

static void a_step_that_fails_takes_everything_back(void **state)
{
    (void)state;
    static const enum domm_step steps[] = {DOMM_STEP_COPY, DOMM_STEP_STOP, DOMM_STEP_DETACH,
                                           DOMM_STEP_RENAME_AWAY};
    for (size_t i = 0; i < COUNT(steps); i++) {
        plan = (struct plan){.source_fails = true, .step = steps[i]};
        ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
        assert_contains(source.error.text, "as planned");
        assert_contains(destination.error.text, "as planned");
    }
    static const enum domm_step there[] = {DOMM_STEP_ADMIT, DOMM_STEP_RESTORE, DOMM_STEP_VERIFY};
    for (size_t i = 0; i < COUNT(there); i++) {
        plan = (struct plan){.destination_fails = true, .step = there[i]};
        ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
        assert_contains(source.error.text, "the other host");
        assert_contains(source.error.text, "as planned");
    }
}

static void a_link_that_is_cut_takes_everything_back(void **state)
{
    (void)state;
    plan = (struct plan){.cut = true, .step = DOMM_STEP_DETACH};
    ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
    assert_contains(source.error.text, "link");
}

static void an_interrupt_takes_everything_back(void **state)
{
    (void)state;
    plan = (struct plan){.interrupted = true, .step = DOMM_STEP_STOP};
    ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
    assert_int_equal(source.error.code, DOMM_ABORTED);
}

static void who_asks_is_answered_and_nothing_is_taken_back(void **state)
{
    (void)state;
    plan = (struct plan){.asked = true, .step = DOMM_STEP_STOP};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
}

static void limits_are_changed_while_a_step_runs(void **state)
{
    (void)state;
    static char directory[] = "/tmp/domm-test-XXXXXX";
    const char *before = domm_run_directory;
    domm_run_directory = mkdtemp(directory);
    assert_non_null(domm_run_directory);
    plan = (struct plan){.tuned = true, .step = DOMM_STEP_COPY};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
    assert_int_equal(rmdir(directory), 0);
    domm_run_directory = before;
}

static void a_monitor_that_is_never_ready_has_its_targets_held(void **state)
{
    (void)state;
    plan = (struct plan){.never_ready = true};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_HELD);
    assert_int_equal(source.outcome, DOMM_MIGRATION_HELD);
    assert_contains(destination.error.text, "domm1 sleeps");
}

static void an_abort_at_either_host_takes_everything_back(void **state)
{
    (void)state;
    static const enum domm_step steps[] = {DOMM_STEP_COPY, DOMM_STEP_STOP, DOMM_STEP_RENAME_AWAY};
    for (size_t i = 0; i < 2 * COUNT(steps); i++) {
        plan = (struct plan){
            .abort_source = i % 2 == 0, .abort_destination = i % 2 == 1, .step = steps[i / 2]};
        ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
        assert_int_equal(source.error.code, DOMM_ABORTED);
        assert_contains(source.error.text, "an abort was requested");
    }
    plan = (struct plan){.abort_source = true, .step = DOMM_STEP_DESTROY}; /* too late */
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
}

/* Each reports more at once than there was once room for. */
static void many_guests_lose_no_event(void **state)
{
    (void)state;
    plan = (struct plan){.targets = DOMM_RECORD_MAX_TARGETS};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
}

/* Before the hand-over it takes everything back; afterwards the guests run all the same. */
static void a_full_disk_stops_no_guest_that_was_handed_over(void **state)
{
    (void)state;
    static const enum domm_step before[] = {DOMM_STEP_COPY, DOMM_STEP_DECIDE, DOMM_STEP_ADOPT},
                                after[] = {DOMM_STEP_START_MONITOR, DOMM_STEP_RELEASE,
                                           DOMM_STEP_SETTLE, DOMM_STEP_DESTROY};
    for (size_t i = 0; i < COUNT(before); i++) {
        plan = (struct plan){.full = true, .step = before[i]};
        ends_as(DOMM_SRC_ROLLED_BACK, DOMM_DST_GONE);
        assert_contains(source.error.text, "no space is left");
    }
    for (size_t i = 0; i < COUNT(after); i++) {
        plan = (struct plan){.full = true, .step = after[i]};
        ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
    }
}

/* Who takes the locks drops it; who does not get them leaves it to who has them. */
static void earlier_decisions_do_not_count(void **state)
{
    (void)state;
    static struct domm_session first, second;
    static const struct domm_uuid monitor;
    static char directory[] = "/tmp/domm-test-XXXXXX";
    char lock[sizeof(directory) + 16];
    enum domm_event_type left;
    struct domm_error err;
    domm_run_directory = mkdtemp(directory);
    assert_non_null(domm_run_directory);
    assert_int_equal(domm_guest_locks_open(&first.locks, &err), 0);
    assert_int_equal(domm_guest_locks_open(&second.locks, &err), 0);
    assert_int_equal(domm_hold_override_write(&monitor, DOMM_EVENT_FORCE, &err), 0);
    assert_int_equal(domm_session_lock_guests(&first, &err), 0);
    assert_false(domm_hold_override_take(&monitor, &left));
    assert_int_equal(domm_hold_override_write(&monitor, DOMM_EVENT_FORCE, &err), 0);
    assert_int_equal(domm_session_lock_guests(&second, &err), -DOMM_PREFLIGHT);
    assert_true(domm_hold_override_take(&monitor, &left));
    close(first.locks);
    close(second.locks);
    snprintf(lock, sizeof(lock), "%s/guests.lock", directory);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(directory), 0);
}

static int share_requests(void **state)
{
    (void)state;
    abort_requested = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return abort_requested == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_goes_well),
        cmocka_unit_test(a_step_that_fails_takes_everything_back),
        cmocka_unit_test(a_link_that_is_cut_takes_everything_back),
        cmocka_unit_test(an_interrupt_takes_everything_back),
        cmocka_unit_test(who_asks_is_answered_and_nothing_is_taken_back),
        cmocka_unit_test(limits_are_changed_while_a_step_runs),
        cmocka_unit_test(a_monitor_that_is_never_ready_has_its_targets_held),
        cmocka_unit_test(an_abort_at_either_host_takes_everything_back),
        cmocka_unit_test(many_guests_lose_no_event),
        cmocka_unit_test(a_full_disk_stops_no_guest_that_was_handed_over),
        cmocka_unit_test(earlier_decisions_do_not_count),
    };
    return cmocka_run_group_tests(tests, share_requests, NULL);
}
