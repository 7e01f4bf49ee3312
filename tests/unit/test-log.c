/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/xen/xen_internal.h"

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

static void progress_of_several_lines_is_overwritten(void **state)
{
    struct capture *capture = *state;
    capture->log.terminal = true;
    domm_log_status(&capture->log, "copying\n  a\n  b\033");
    domm_log_status(&capture->log, "stopping");
    domm_log_status(&capture->log, NULL);
    assert_string_equal(capture->text, "\r\033[Kprog: copying\n  a\n  b?"
                                       "\r\033[2A\033[Jprog: stopping\r\033[K");
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

static void the_journal_is_told_priorities(void **state)
{
    (void)state;
    FILE *stream = tmpfile();
    struct domm_log log;
    struct stat file;
    char id[48], text[64] = "";
    assert_non_null(stream);
    assert_int_equal(fstat(fileno(stream), &file), 0);
    snprintf(id, sizeof(id), "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    domm_log_init(&log, stream, "prog");
    domm_log(&log, DOMM_LOG_ERROR, "x");
    assert_int_equal(setenv("JOURNAL_STREAM", id, 1), 0);
    domm_log_init(&log, stream, "prog");
    domm_log(&log, DOMM_LOG_ERROR, "x");
    domm_log(&log, DOMM_LOG_INFO, "y");
    unsetenv("JOURNAL_STREAM");
    rewind(stream);
    assert_true(fread(text, 1, sizeof(text) - 1, stream) > 0);
    assert_string_equal(text, "prog: error: x\n<3>prog: error: x\n<6>prog: info: y\n");
    fclose(stream);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void what_a_cause_may_log_is_bounded(void **state)
{
    struct capture *capture = *state;
    struct domm_log_limit limit = {.bucket = {.rate = 1, .burst = 3}};
    size_t allowed = 0;
    for (int i = 0; i < 1000; i++)
        allowed += domm_log_allows(&capture->log, &limit);
    assert_in_range(allowed, 3, 5);
    limit.bucket.at_ms -= 2000;
    assert_true(domm_log_allows(&capture->log, &limit));
    domm_log(&capture->log, DOMM_LOG_ERROR, "again");
    char text[96];
    snprintf(text, sizeof(text),
             "prog: warning: %zu lines were left out here\nprog: error: again\n", 1000 - allowed);
    assert_string_equal(capture->text, text);
}

/* Thousands of failed calls a second, each of several lines, are what a monitor can cause. */
static void libraries_keep_to_the_limit(void **state)
{
    struct capture *capture = *state;
    struct domm_log_limit limit = {.bucket = {.rate = 1, .burst = 3}};
    struct domm_xtl xtl;
    domm_xtl_init(&xtl, &capture->log);
    for (int i = 0; i < 100; i++)
        xtl_log(&xtl.vtable, XTL_ERROR, EINVAL, "xc", "mapping %d", i);
    assert_int_equal(lines_of(capture->text), 100);
    capture->log.libraries = &limit;
    for (int i = 0; i < 1000; i++) {
        xtl_log(&xtl.vtable, XTL_DEBUG, -1, "xc", "not shown, and not counted");
        xtl_log(&xtl.vtable, XTL_ERROR, EINVAL, "xc", "mapping %d", i);
    }
    assert_in_range(lines_of(capture->text), 103, 106);
}

static bool yes(void)
{
    return true;
}

static void what_is_expected_of_libraries_is_detail(void **state)
{
    struct capture *capture = *state;
    struct domm_xtl xtl;
    domm_xtl_init(&xtl, &capture->log);
    capture->log.expects = yes;
    xtl_log(&xtl.vtable, XTL_ERROR, -1, "xc", "Save failed");
    domm_log(&capture->log, DOMM_LOG_ERROR, "interrupted");
    capture->log.minimum = DOMM_LOG_DETAIL;
    xtl_log(&xtl.vtable, XTL_ERROR, -1, "xc", "Save failed");
    assert_string_equal(capture->text, "prog: error: interrupted\nprog: detail: xc: Save failed\n");
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
        CASE(progress_of_several_lines_is_overwritten),
        CASE(colour_is_around_the_level_only),
        CASE(timestamps_are_iso_8601),
        CASE(what_a_cause_may_log_is_bounded),
        CASE(libraries_keep_to_the_limit),
        CASE(what_is_expected_of_libraries_is_detail),
        cmocka_unit_test(the_journal_is_told_priorities),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
