/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes on beside the loop of a migration: the worker with its steps, the transfers with their
 * progress. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/migrate/transfers.h"
#include "lib/migrate/worker.h"

#define PATIENCE_MS 30000

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Jobs of guest 0 go through, the others fail; each waits until it is let. */
struct gate {
    int fds[2];
    pthread_t thread;
    int done;
};

static int pass_gate(void *context, const struct domm_job *job, struct domm_error *err)
{
    struct gate *gate = context;
    char byte;
    gate->thread = pthread_self();
    if (read(gate->fds[0], &byte, 1) != 1)
        return domm_fail(err, DOMM_FAILED, "no gate");
    gate->done++;
    return job->guest ? domm_fail(err, DOMM_REFUSED, "guest %u", job->guest) : 0;
}

static void gate_open(struct gate *gate)
{
    assert_int_equal(write(gate->fds[1], "", 1), 1);
}

static struct domm_worker *start(struct gate *gate)
{
    struct domm_worker *worker;
    struct domm_error err;
    memset(gate, 0, sizeof(*gate));
    assert_int_equal(pipe(gate->fds), 0);
    assert_int_equal(domm_worker_start(pass_gate, gate, &worker, &err), 0);
    return worker;
}

static void stop(struct domm_worker *worker, struct gate *gate)
{
    domm_worker_stop(worker);
    close(gate->fds[0]);
    close(gate->fds[1]);
}

static void a_job_is_done_beside(void **state)
{
    (void)state;
    struct gate gate;
    struct domm_job job;
    struct domm_worker *worker = start(&gate);
    assert_false(is_readable(domm_worker_fd(worker), 0));
    assert_false(domm_worker_take(worker, &job));
    for (unsigned int guest = 0; guest < 3; guest++) {
        const struct domm_job given = {
            .kind = DOMM_JOB_UNDO, .step = DOMM_STEP_COPY, .guest = guest};
        domm_worker_give(worker, &given);
        assert_false(domm_worker_take(worker, &job));
        assert_false(is_readable(domm_worker_fd(worker), 0));
        gate_open(&gate);
        assert_true(is_readable(domm_worker_fd(worker), PATIENCE_MS));
        assert_true(domm_worker_take(worker, &job));
        assert_int_equal(job.kind, DOMM_JOB_UNDO);
        assert_int_equal(job.step, DOMM_STEP_COPY);
        assert_int_equal(job.guest, guest);
        assert_int_equal(job.rc, guest ? -DOMM_REFUSED : 0);
        if (guest)
            assert_contains(job.err.text, "guest ");
        assert_false(pthread_equal(gate.thread, pthread_self()));
        assert_false(is_readable(domm_worker_fd(worker), 0));
        assert_false(domm_worker_take(worker, &job));
    }
    stop(worker, &gate);
}

static void stopping_waits_for_the_job_in_hand(void **state)
{
    (void)state;
    struct gate gate;
    const struct domm_job job = {.kind = DOMM_JOB_RUN};
    struct domm_worker *worker = start(&gate);
    domm_worker_give(worker, &job);
    gate_open(&gate);
    stop(worker, &gate);
    assert_int_equal(gate.done, 1);
    worker = start(&gate);
    stop(worker, &gate); /* nor does it wait for none */
    assert_int_equal(gate.done, 0);
    domm_worker_stop(NULL);
}

/* A transfer: does what it is told, by the bytes of a text. */
static int play(void *context, int control, struct domm_error *err)
{
    int rc = 0;
    for (const char *word = context; *word && !rc; word++) {
        struct domm_progress progress = {.kind = *word == 'r' ? DOMM_PROGRESS_ROUND
                                                              : DOMM_PROGRESS_SUSPENDED,
                                         .rounds = (uint32_t)(word - (const char *)context)};
        if (*word == 'w')
            rc = domm_child_next_command(control, -1) == DOMM_COMMAND_STOP ? 0 : -DOMM_ABORTED;
        else if (*word == 'n')
            rc = domm_child_is_hushed() ? -DOMM_FAILED : 0;
        else if (*word == 'h')
            while (!domm_child_is_hushed())
                poll(NULL, 0, 1);
        else if (*word == 'f')
            rc = domm_fail(err, DOMM_REFUSED, "as told");
        else if (*word == 'x')
            _exit(1);
        else
            rc = domm_child_report(control, &progress, err);
    }
    return rc;
}

static void add(struct domm_transfers *transfers, unsigned int guest, const char *words)
{
    struct domm_child child;
    struct domm_error err;
    if (domm_child_start(NULL, STDERR_FILENO, play, (void *)(uintptr_t)words, &child, &err))
        fail_msg("%s", err.text);
    domm_transfers_add(transfers, guest, &child);
}

/* What the loop does, until a transfer has ended. */
static void receive_all(struct domm_transfers *transfers, unsigned int guest)
{
    struct domm_progress progress;
    int fd;
    while ((fd = domm_transfers_fd(transfers, guest)) >= 0) {
        if (!is_readable(fd, PATIENCE_MS))
            fail_msg("no progress");
        domm_transfers_receive(transfers, guest, &progress);
    }
}

static void news_are_heard_one_by_one(void **state)
{
    (void)state;
    static const enum domm_progress_kind expected[] = {
        DOMM_PROGRESS_ROUND, DOMM_PROGRESS_ROUND, DOMM_PROGRESS_SUSPENDED, DOMM_PROGRESS_ENDED};
    struct domm_transfers transfers;
    struct domm_progress progress;
    struct domm_error err;
    domm_transfers_begin(&transfers);
    assert_int_equal(domm_transfers_fd(&transfers, 3), -1);
    assert_false(domm_transfers_receive(&transfers, 3, &progress));
    add(&transfers, 3, "rrws");
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(is_readable(domm_transfers_fd(&transfers, 3), PATIENCE_MS));
        assert_true(domm_transfers_receive(&transfers, 3, &progress));
        assert_int_equal(progress.kind, expected[i]);
        if (i == 1) {
            assert_false(domm_transfers_receive(&transfers, 3, &progress));
            assert_int_equal(domm_transfers_command(&transfers, 3, DOMM_COMMAND_STOP, &err), 0);
        }
    }
    assert_int_equal(domm_transfers_fd(&transfers, 3), -1);
    /* The last of its kind is kept. */
    assert_int_equal(domm_transfers_await(&transfers, 3, DOMM_PROGRESS_ROUND, &progress, &err), 0);
    assert_int_equal(progress.rounds, 1);
    domm_transfers_finish(&transfers);
}

struct waiting {
    struct domm_transfers *transfers;
    pthread_t thread;
    int rc;
    struct domm_progress progress;
    struct domm_error err;
};

static void *wait_suspended(void *context)
{
    struct waiting *waiting = context;
    waiting->rc = domm_transfers_await(waiting->transfers, 1, DOMM_PROGRESS_SUSPENDED,
                                       &waiting->progress, &waiting->err);
    return NULL;
}

/* A step waits while the loop hears. */
static struct waiting await_suspended(struct domm_transfers *transfers, bool cancel)
{
    static const struct timespec moment = {.tv_nsec = 50000000};
    struct waiting waiting = {.transfers = transfers};
    assert_int_equal(pthread_create(&waiting.thread, NULL, wait_suspended, &waiting), 0);
    if (cancel) {
        nanosleep(&moment, NULL);
        domm_transfers_cancel(transfers, true);
    } else {
        receive_all(transfers, 1);
    }
    pthread_join(waiting.thread, NULL);
    return waiting;
}

static void a_step_waits_for_news(void **state)
{
    (void)state;
    struct domm_transfers transfers;
    domm_transfers_begin(&transfers);
    add(&transfers, 1, "rs");
    const struct waiting waiting = await_suspended(&transfers, false);
    assert_int_equal(waiting.rc, 0);
    assert_int_equal(waiting.progress.kind, DOMM_PROGRESS_SUSPENDED);
    assert_int_equal(waiting.progress.rounds, 1);
    domm_transfers_finish(&transfers);
}

static void a_step_learns_why_there_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *words, *text;
        int rc;
    } ends[] = {{"rf", "as told", -DOMM_REFUSED},
                {"rx", "has died", -DOMM_FAILED},
                {"", "has died", -DOMM_FAILED}};
    struct domm_transfers transfers;
    domm_transfers_begin(&transfers);
    for (size_t i = 0; i < COUNT(ends); i++) {
        add(&transfers, 1, ends[i].words);
        const struct waiting waiting = await_suspended(&transfers, false);
        assert_int_equal(waiting.rc, ends[i].rc);
        assert_contains(waiting.err.text, ends[i].text);
        domm_transfers_end(&transfers, 1, 10000);
    }
    domm_transfers_finish(&transfers);
}

static void a_step_gives_up_when_it_is_told(void **state)
{
    (void)state;
    struct domm_transfers transfers;
    domm_transfers_begin(&transfers);
    add(&transfers, 1, "w");
    assert_false(domm_transfers_cancelled(&transfers));
    const struct waiting waiting = await_suspended(&transfers, true);
    assert_int_equal(waiting.rc, -DOMM_ABORTED);
    assert_true(domm_transfers_cancelled(&transfers));
    domm_transfers_cancel(&transfers, false);
    assert_false(domm_transfers_cancelled(&transfers));
    domm_transfers_finish(&transfers);
}

static void all_children_are_hushed(void **state)
{
    (void)state;
    struct domm_transfers transfers;
    struct domm_progress progress;
    struct domm_error err;
    domm_transfers_begin(&transfers);
    domm_transfers_hush(&transfers);
    add(&transfers, 0, "nwnrwhs");
    add(&transfers, 2, "nrhs"); /* it never reads a command, as a receiver */
    assert_int_equal(domm_transfers_command(&transfers, 0, DOMM_COMMAND_STOP, &err), 0);
    for (unsigned int guest = 0; guest <= 2; guest += 2) {
        assert_true(is_readable(domm_transfers_fd(&transfers, guest), PATIENCE_MS));
        assert_true(domm_transfers_receive(&transfers, guest, &progress));
    }
    domm_transfers_hush(&transfers);
    for (unsigned int guest = 0; guest <= 2; guest += 2) {
        if (guest == 0)
            assert_int_equal(domm_transfers_command(&transfers, guest, DOMM_COMMAND_STOP, &err), 0);
        receive_all(&transfers, guest);
        assert_int_equal(
            domm_transfers_await(&transfers, guest, DOMM_PROGRESS_SUSPENDED, &progress, &err), 0);
    }
    domm_transfers_finish(&transfers);
}

static void an_ended_child_is_gone(void **state)
{
    (void)state;
    struct domm_transfers transfers;
    struct domm_error err;
    domm_transfers_begin(&transfers);
    add(&transfers, 1, "w");
    domm_transfers_end(&transfers, 1, 10000);
    domm_transfers_end(&transfers, 1, 10000);
    assert_int_equal(domm_transfers_fd(&transfers, 1), -1);
    assert_int_equal(domm_transfers_command(&transfers, 1, DOMM_COMMAND_STOP, &err), -DOMM_FAILED);
    assert_contains(err.text, "it has no saver or receiver");
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    /* Its place is free for another. */
    add(&transfers, 1, "s");
    assert_int_equal(await_suspended(&transfers, false).rc, 0);
    add(&transfers, 0, "w"); /* and finishing ends those that are left */
    domm_transfers_finish(&transfers);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_done_beside),
        cmocka_unit_test(stopping_waits_for_the_job_in_hand),
        cmocka_unit_test(news_are_heard_one_by_one),
        cmocka_unit_test(a_step_waits_for_news),
        cmocka_unit_test(a_step_learns_why_there_are_none),
        cmocka_unit_test(a_step_gives_up_when_it_is_told),
        cmocka_unit_test(all_children_are_hushed),
        cmocka_unit_test(an_ended_child_is_gone),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
