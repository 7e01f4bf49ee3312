/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads that the agent answers later, without a FUSE connection (the linker puts the functions
 * called __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include <errno.h>

#include "cmd/agent/late_reads.h"
#include "lib/base/clock.h"

typedef void interrupt_func(struct fuse_req *request, void *context);

static struct fuse_req *request_of(int number)
{
    return (struct fuse_req *)(uintptr_t)(number + 1);
}

static struct {
    int answered, last_error;
    struct fuse_req *last;
    interrupt_func *interrupt;
    void *context;
} kernel;

int __wrap_fuse_reply_err(struct fuse_req *request, int error);
int __wrap_fuse_reply_err(struct fuse_req *request, int error)
{
    kernel.answered++;
    kernel.last = request;
    kernel.last_error = error;
    return 0;
}

void __wrap_fuse_req_interrupt_func(struct fuse_req *request, interrupt_func *func, void *context);
void __wrap_fuse_req_interrupt_func(struct fuse_req *request, interrupt_func *func, void *context)
{
    (void)request;
    kernel.interrupt = func;
    kernel.context = context;
}

static bool add(struct late_reads *late, int number)
{
    return late_reads_add(late,
                          &(struct late_read){request_of(number), 5, 4096, (off_t)4096 * number});
}

static int begin(void **state)
{
    (void)state;
    memset(&kernel, 0, sizeof(kernel));
    return 0;
}

static void reads_are_put_off_until_then_and_no_more_than_fit(void **state)
{
    (void)state;
    struct late_reads late = {.until_ms = 0};
    struct late_read taken[LATE_READS];
    assert_false(add(&late, 0));
    late.until_ms = domm_now_ms() - 1;
    assert_false(add(&late, 0));
    late.until_ms = INT64_MAX;
    for (int i = 0; i < LATE_READS; i++)
        assert_true(add(&late, i));
    assert_false(add(&late, LATE_READS));
    assert_int_equal(late_reads_take(&late, taken), LATE_READS);
    assert_int_equal(taken[3].offset, 3 * 4096);
    assert_int_equal(late_reads_take(&late, taken), 0);
    assert_int_equal(kernel.answered, 0);
}

static void a_signal_ends_the_wait_of_one(void **state)
{
    (void)state;
    struct late_reads late = {.until_ms = INT64_MAX};
    struct late_read taken[LATE_READS];
    for (int i = 0; i < 3; i++)
        assert_true(add(&late, i));
    kernel.interrupt(request_of(1), kernel.context);
    kernel.interrupt(request_of(1), kernel.context); /* is answered already */
    assert_int_equal(kernel.answered, 1);
    assert_ptr_equal(kernel.last, request_of(1));
    assert_int_equal(kernel.last_error, EINTR);
    assert_int_equal(late_reads_take(&late, taken), 2);
    kernel.interrupt(request_of(0), kernel.context); /* is being answered */
    assert_int_equal(kernel.answered, 1);
}

static void all_are_refused_and_none_is_put_off_again(void **state)
{
    (void)state;
    struct late_reads late = {.until_ms = INT64_MAX};
    assert_true(add(&late, 0));
    assert_true(add(&late, 1));
    late_reads_refuse(&late);
    assert_int_equal(kernel.answered, 2);
    assert_int_equal(kernel.last_error, EIO);
    assert_false(add(&late, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_are_put_off_until_then_and_no_more_than_fit, begin),
        cmocka_unit_test_setup(a_signal_ends_the_wait_of_one, begin),
        cmocka_unit_test_setup(all_are_refused_and_none_is_put_off_again, begin),
    };
    return cmocka_run_group_tests_name("late-reads", tests, NULL, NULL);
}
