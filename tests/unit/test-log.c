/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/base/log.h"

struct capture {
    struct domm_log log;
    char *text;
    size_t size;
};

static int open_capture(void **state)
{
    struct capture *capture = calloc(1, sizeof(*capture));
    assert_non_null(capture);
    domm_log_init(&capture->log, open_memstream(&capture->text, &capture->size), "prog");
    *state = capture;
    return 0;
}

static int close_capture(void **state)
{
    struct capture *capture = *state;
    fclose(capture->log.stream);
    free(capture->text);
    free(capture);
    return 0;
}

static DOMM_PRINTF(3, 4) void say(struct domm_log *log, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    domm_vlog(log, DOMM_LOG_ERROR, errnum, "libxl", fmt, args);
    va_end(args);
}

static void a_line_has_program_level_context_and_reason(void **state)
{
    struct capture *capture = *state;
    say(&capture->log, ENOENT, "domain %d", 7);
    assert_string_equal(capture->text, "prog: error: libxl: domain 7: No such file or directory\n");
}

static void lower_levels_are_left_out(void **state)
{
    struct capture *capture = *state;
    capture->log.minimum = DOMM_LOG_ERROR;
    domm_log(&capture->log, DOMM_LOG_WARN, "not this");
    domm_log(&capture->log, DOMM_LOG_ERROR, "this");
    assert_string_equal(capture->text, "prog: error: this\n");
}

static void an_error_comes_with_its_hint(void **state)
{
    struct capture *capture = *state;
    struct domm_error err;
    domm_fail(&err, DOMM_FAILED, "what");
    domm_hint(&err, "next");
    domm_log_error(&capture->log, &err);
    assert_string_equal(capture->text, "prog: error: what\nprog: hint: next\n");
}

static void no_text_can_drive_the_terminal(void **state)
{
    struct capture *capture = *state;
    domm_log(&capture->log, DOMM_LOG_WARN, "%s", "a\033[2Jb\nprog: error: forged\x7f");
    assert_string_equal(capture->text, "prog: warning: a?[2Jb?prog: error: forged?\n");
}

static void progress_is_for_terminals(void **state)
{
    struct capture *capture = *state;
    domm_log_progress(&capture->log, "saving", 10);
    fflush(capture->log.stream);
    assert_string_equal(capture->text, "");
    capture->log.terminal = true;
    domm_log_progress(&capture->log, "saving", 10);
    domm_log(&capture->log, DOMM_LOG_INFO, "x");
    assert_string_equal(capture->text, "\r\033[Kprog: saving: 10%\r\033[Kprog: info: x\n");
}

static void colour_is_around_the_level_only(void **state)
{
    struct capture *capture = *state;
    assert_false(capture->log.colour); /* not a terminal */
    capture->log.colour = true;
    domm_log(&capture->log, DOMM_LOG_ERROR, "x");
    assert_string_equal(capture->text, "prog: \033[31merror\033[0m: x\n");
}

static void timestamps_are_iso_8601(void **state)
{
    struct capture *capture = *state;
    char text[DOMM_TIMESTAMP];
    domm_timestamp(&(struct timespec){.tv_sec = 1769860800, .tv_nsec = 7999999}, text);
    assert_string_equal(text, "2026-01-31T12:00:00.007Z");
    capture->log.timestamps = true;
    domm_log(&capture->log, DOMM_LOG_INFO, "x");
    assert_int_equal(strlen(capture->text), strlen(text) + strlen(" prog: info: x\n"));
    assert_int_equal(capture->text[10], 'T');
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_capture, close_capture)
    const struct CMUnitTest tests[] = {
        CASE(a_line_has_program_level_context_and_reason),
        CASE(lower_levels_are_left_out),
        CASE(an_error_comes_with_its_hint),
        CASE(no_text_can_drive_the_terminal),
        CASE(progress_is_for_terminals),
        CASE(colour_is_around_the_level_only),
        CASE(timestamps_are_iso_8601),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
