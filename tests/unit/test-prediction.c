/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long the targets would stand still: the pace of a saver, the sum, and what an earlier report
 * tells. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/paths.h"
#include "lib/migrate/journal/last_report.h"
#include "lib/migrate/prediction.h"
#include "lib/stream/pace.h"

#define MS UINT64_C(1000000)

static void a_pace_is_that_of_the_last_large_round(void **state)
{
    (void)state;
    struct domm_pace pace = {0};
    assert_int_equal(domm_pace_pages(&pace, 300), 0);
    assert_int_equal(domm_pace_time(&pace, 1000), 0);
    domm_pace_take(&pace, 100000, 1000 * MS); /* the first, with all zero pages */
    assert_int_equal(domm_pace_pages(&pace, 300), 30000);
    domm_pace_take(&pace, 10000, 1000 * MS);
    assert_int_equal(domm_pace_pages(&pace, 300), 3000);
    assert_int_equal(domm_pace_time(&pace, 500), 50 * MS + 1);
    domm_pace_take(&pace, 255, 1 * MS);
    assert_int_equal(domm_pace_pages(&pace, 300), 3000);
    assert_int_equal(domm_pace_time(&pace, 0), 1); /* known, unlike 0 */
}

/* A rate of 2^40 pages in a round that took no time to speak of. */
static void a_pace_does_not_overflow(void **state)
{
    (void)state;
    struct domm_pace pace = {0};
    domm_pace_take(&pace, UINT64_C(1) << 40, 0);
    assert_true(domm_pace_pages(&pace, 1) > UINT64_C(1) << 40);
    domm_pace_take(&pace, 256, UINT64_C(1) << 50);
    assert_true(domm_pace_time(&pace, UINT64_C(1) << 20) > UINT64_C(1) << 50);
}

static void the_monitors_copy_comes_behind_the_slowest_targets(void **state)
{
    (void)state;
    const struct domm_prediction prediction = {.rest_ns = 1000 * MS,
                                               .final_ns = {100 * MS, 20 * MS, 70 * MS, 30 * MS}};
    assert_int_equal(domm_prediction_copies(&prediction), 170 * MS);
    assert_int_equal(domm_prediction_downtime(&prediction), 1170 * MS);
}

static void the_guests_stop_only_within_the_limit(void **state)
{
    (void)state;
    struct domm_prediction prediction = {.final_ns = {100 * MS, 0}};
    assert_true(domm_prediction_fits(&prediction, 2)); /* there is none */
    prediction.limit_ns = 200 * MS;
    assert_false(domm_prediction_fits(&prediction, 2)); /* the target's copy is not known */
    domm_prediction_take(&prediction, 1, 100 * MS, false);
    assert_true(domm_prediction_fits(&prediction, 2));
    prediction.rest_ns = 1;
    assert_false(domm_prediction_fits(&prediction, 2));
}

static void more_rounds_are_no_use_once_several_were_over(void **state)
{
    (void)state;
    struct domm_prediction prediction = {.limit_ns = 200 * MS, .rest_ns = 150 * MS};
    for (int i = 0; i < 4; i++)
        domm_prediction_take(&prediction, 0, 51 * MS, true);
    assert_false(domm_prediction_is_hopeless(&prediction));
    domm_prediction_take(&prediction, 0, 50 * MS, true); /* one fits */
    for (int i = 0; i < 4; i++)
        domm_prediction_take(&prediction, 0, 51 * MS, true);
    domm_prediction_take(&prediction, 1, 51 * MS, true); /* a target's does not count */
    assert_false(domm_prediction_is_hopeless(&prediction));
    domm_prediction_take(&prediction, 0, 51 * MS, true);
    assert_true(domm_prediction_is_hopeless(&prediction));
    domm_prediction_take(&prediction, 0, 51 * MS, false); /* the next may be better */
    assert_false(domm_prediction_is_hopeless(&prediction));
    prediction.rest_ns = 201 * MS;
    assert_true(domm_prediction_is_hopeless(&prediction));
    prediction.limit_ns = 0;
    assert_false(domm_prediction_is_hopeless(&prediction));
}

static void put_report(const char *name, long seconds, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", domm_journals_directory, name);
    assert_true(mkdir(path, 0700) == 0 || strcmp(name, ".") == 0);
    strcat(path, "/report.json");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    const struct timespec times[] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void the_rest_is_that_of_the_last_migration_to_the_host(void **state)
{
    (void)state;
    char directory[] = "/tmp/domm-reports-XXXXXX", command[64];
    const char *real = domm_journals_directory;
    assert_non_null(mkdtemp(directory));
    domm_journals_directory = directory;
    assert_int_equal(domm_last_report_rest("host2"), 0);
    put_report("a", 100, "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":1}");
    put_report("b", 300, "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":3}");
    put_report("c", 200, "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":2}");
    put_report("d", 400, "{\"outcome\":\"held\",\"destination\":\"host2\",\"rest_ns\":4}");
    put_report("e", 500, "{\"outcome\":\"moved\",\"destination\":\"host3\",\"rest_ns\":5}");
    put_report("f", 600, "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":null}");
    put_report("g", 700, "{\"outcome\":\"moved\",\"destination\":\"host2\"}");
    put_report("h", 800, "[]");
    put_report("i", 900, "not JSON");
    put_report("j", 950, "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":\"9\"}");
    put_report(
        ".", 990,
        "{\"outcome\":\"moved\",\"destination\":\"host2\",\"rest_ns\":6}"); /* no migration's */
    assert_int_equal(domm_last_report_rest("host2"), 3);
    assert_int_equal(domm_last_report_rest("host3"), 5);
    assert_int_equal(domm_last_report_rest("host1"), 0);
    domm_journals_directory = real;
    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pace_is_that_of_the_last_large_round),
        cmocka_unit_test(a_pace_does_not_overflow),
        cmocka_unit_test(the_monitors_copy_comes_behind_the_slowest_targets),
        cmocka_unit_test(the_guests_stop_only_within_the_limit),
        cmocka_unit_test(more_rounds_are_no_use_once_several_were_over),
        cmocka_unit_test(the_rest_is_that_of_the_last_migration_to_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
