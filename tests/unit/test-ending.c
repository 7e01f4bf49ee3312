/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that handles the end of a guest is started, by systemd or by dommd itself: here it is
 * this program, and systemctl is a script. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/dommd/ending_process.h"
#include "lib/base/clock.h"

static char directory[] = "/tmp/domm-ending-XXXXXX";
static struct domm_log logger;

/* Writes what it was told, and whether a signal of dommd's loop is blocked in it. */
static int be_the_process(char **words)
{
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    fprintf(stderr, "%s %s, SIGTERM %s\n", words[1], words[2],
            sigismember(&blocked, SIGTERM) ? "blocked" : "not blocked");
    return 0;
}

static int begin(void **state)
{
    char path[128];
    sigset_t term;
    (void)state;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    FILE *file = tmpfile();
    assert_non_null(file);
    domm_log_init(&logger, file, "dommd");
    snprintf(path, sizeof(path), "%s/systemctl", directory);
    FILE *script = fopen(path, "we");
    assert_non_null(script);
    fputs("#!/bin/sh\necho \"systemctl $*\" >&2\n", script);
    fclose(script);
    chmod(path, 0755);
    setenv("PATH", directory, 1);
    return 0;
}

/* What the process has logged, once it has; null if it never does. */
static const char *logged(void)
{
    static char text[256];
    ssize_t size = 0;
    for (int64_t end = domm_now_ms() + 10000; size <= 0 && domm_now_ms() < end; usleep(10000))
        size = pread(fileno(logger.stream), text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void dommd_starts_itself_where_systemd_does_not(void **state)
{
    struct domm_error err;
    (void)state;
    unsetenv("INVOCATION_ID");
    assert_int_equal(ending_process_start(&logger, 7, &err), 0);
    assert_string_equal(logged(), "--ending 7, SIGTERM not blocked\n");
}

static void a_service_has_systemd_start_it(void **state)
{
    struct domm_error err;
    (void)state;
    setenv("INVOCATION_ID", "0123456789abcdef0123456789abcdef", 1);
    assert_int_equal(ending_process_start(&logger, 7, &err), 0);
    assert_string_equal(logged(), "systemctl --no-block start dommd-ending@7.service\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dommd_starts_itself_where_systemd_does_not, begin),
        cmocka_unit_test_setup(a_service_has_systemd_start_it, begin),
    };
    char path[128];
    if (argc == 3)
        return be_the_process(argv);
    if (!mkdtemp(directory))
        return 1;
    int failed = cmocka_run_group_tests_name("ending", tests, NULL, NULL);
    snprintf(path, sizeof(path), "%s/systemctl", directory);
    unlink(path);
    rmdir(directory);
    return failed;
}
