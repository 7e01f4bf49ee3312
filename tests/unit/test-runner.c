/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two ends of a migration as they run, each in a process of its own with its real loop, worker and
 * link; what they do to guests is made up here. Each writes what it has done to a pipe.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/lock.h"
#include "lib/base/place.h"
#include "lib/move/decision.h"
#include "lib/move/runner.h"

/* What goes wrong. */
struct plan {
    bool source_fails, destination_fails; /* at this step of that end */
    enum domm_step step;
    bool cut;         /* the link, at that step of the source */
    bool interrupted; /* the source, at that step */
    bool never_ready;
};

static struct plan plan;
static int other_end; /* the source's descriptor, to be cut */

static int do_step(struct domm_end *end, enum domm_step step, unsigned int guest,
                   struct domm_error *err)
{
    bool source = end->machine.setup.source;
    (void)guest;
    if (step == plan.step && source && plan.cut)
        shutdown(other_end, SHUT_RDWR);
    if (step == plan.step && source && plan.interrupted) {
        kill(getpid(), SIGINT);
        while (!domm_movers_cancelled(&end->movers))
            poll(NULL, 0, 5);
        return domm_fail(err, DOMM_ABORTED, "given up");
    }
    if (step == plan.step && (source ? plan.source_fails : plan.destination_fails))
        return domm_fail(err, DOMM_FAILED, "as planned");
    return 0;
}

static int undo_step(struct domm_end *end, enum domm_step step, unsigned int guest,
                     struct domm_error *err)
{
    (void)end;
    (void)step;
    (void)guest;
    (void)err;
    return 0;
}

static int look(struct domm_end *end, struct domm_error *err)
{
    (void)end;
    return plan.never_ready ? domm_fail(err, DOMM_PREFLIGHT, "domm1 sleeps") : 0;
}

static int hear(struct domm_end *end, const struct domm_wire *message, struct domm_error *err)
{
    (void)err;
    if (message->type == DOMM_MESSAGE_OFFER) {
        end->offer = message->offer;
        domm_machine_learn(&end->machine, message->offer.n_targets, message->offer.on_not_ready);
    }
    if (message->type == DOMM_MESSAGE_FINISHED)
        end->report.outcome = message->finished.outcome;
    return 0;
}

static int say(struct domm_end *end, struct domm_wire *message, struct domm_error *err)
{
    (void)err;
    if (message->type == DOMM_MESSAGE_HELLO)
        message->hello = (struct domm_wire_hello){.lowest = 1, .highest = 1, .program = "test"};
    if (message->type == DOMM_MESSAGE_OFFER)
        message->offer = end->offer;
    if (message->type == DOMM_MESSAGE_FINISHED)
        message->finished.outcome =
            end->machine.state == DOMM_DST_HELD ? DOMM_WIRE_HELD : DOMM_WIRE_MOVED;
    return 0;
}

static void news(struct domm_end *end, unsigned int guest, const struct domm_news *heard)
{
    (void)end;
    (void)guest;
    (void)heard;
}

/* The guests converge at once. */
static int tick(struct domm_end *end)
{
    for (unsigned int g = 0; end->machine.state == DOMM_SRC_COPYING && g < domm_end_guests(end);
         g++)
        domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_CONVERGED, .guest = g});
    return 20;
}

static int no_fd(struct domm_end *end)
{
    (void)end;
    return -1;
}

static const struct domm_end_ops ops = {.run = do_step,
                                        .undo = undo_step,
                                        .look = look,
                                        .hear = hear,
                                        .say = say,
                                        .news = news,
                                        .tick = tick,
                                        .fd = no_fd};

struct result {
    enum domm_move_state state;
    enum domm_wire_outcome outcome;
    struct domm_error error;
};

static void run_end(bool source, int link, int result_fd)
{
    static struct domm_end end;
    static struct domm_log log;
    struct result result = {0};
    sigset_t signals;
    const struct domm_move_setup setup = {.source = source, .n_targets = 2};
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    alarm(30);
    other_end = link;
    domm_log_init(&log, stderr, source ? "source" : "destination");
    log.minimum = DOMM_LOG_CRITICAL;
    end.ops = &ops;
    end.log = &log;
    end.began_ns = domm_child_now_ns();
    domm_movers_begin(&end.movers);
    end.offer = (struct domm_wire_offer){
        .migration = {{1}}, .n_targets = source ? 2 : 0, .ready_timeout_ms = 1000};
    end.signals = signalfd(-1, &signals, SFD_NONBLOCK);
    if (domm_peer_begin(&end.peer, source, link, link, &result.error) == 0)
        domm_run_end(&end, &setup, &result.error);
    result.state = end.machine.state;
    result.outcome = end.report.outcome;
    if (end.error.code)
        result.error = end.error;
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
    if (source_r->outcome == DOMM_WIRE_HELD)
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

static void ends_as(enum domm_move_state here, enum domm_move_state there)
{
    run_both(&source, &destination);
    assert_string_equal(domm_states[source.state].name, domm_states[here].name);
    assert_string_equal(domm_states[destination.state].name, domm_states[there].name);
}

static void all_goes_well(void **state)
{
    (void)state;
    plan = (struct plan){0};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_MOVED);
    assert_int_equal(source.outcome, DOMM_WIRE_MOVED);
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

static void a_domm_that_is_never_ready_has_its_targets_held(void **state)
{
    (void)state;
    plan = (struct plan){.never_ready = true};
    ends_as(DOMM_SRC_MOVED, DOMM_DST_HELD);
    assert_int_equal(source.outcome, DOMM_WIRE_HELD);
    assert_contains(destination.error.text, "domm1 sleeps");
}

/* Who takes the locks drops it; who does not get them leaves it to who has them. */
static void what_was_decided_before_does_not_count(void **state)
{
    (void)state;
    static struct domm_end first, second;
    static const struct domm_uuid domm;
    static char directory[] = "/tmp/domm-test-XXXXXX";
    char lock[sizeof(directory) + 16];
    enum domm_event_type left;
    struct domm_error err;
    domm_run_directory = mkdtemp(directory);
    assert_non_null(domm_run_directory);
    assert_int_equal(domm_guest_locks_open(&first.locks, &err), 0);
    assert_int_equal(domm_guest_locks_open(&second.locks, &err), 0);
    assert_int_equal(domm_decision_leave(&domm, DOMM_EVENT_FORCE, &err), 0);
    assert_int_equal(domm_end_lock_guests(&first, &err), 0);
    assert_false(domm_decision_take(&domm, &left));
    assert_int_equal(domm_decision_leave(&domm, DOMM_EVENT_FORCE, &err), 0);
    assert_int_equal(domm_end_lock_guests(&second, &err), -DOMM_PREFLIGHT);
    assert_true(domm_decision_take(&domm, &left));
    close(first.locks);
    close(second.locks);
    snprintf(lock, sizeof(lock), "%s/guests.lock", directory);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_goes_well),
        cmocka_unit_test(a_step_that_fails_takes_everything_back),
        cmocka_unit_test(a_link_that_is_cut_takes_everything_back),
        cmocka_unit_test(an_interrupt_takes_everything_back),
        cmocka_unit_test(a_domm_that_is_never_ready_has_its_targets_held),
        cmocka_unit_test(what_was_decided_before_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
