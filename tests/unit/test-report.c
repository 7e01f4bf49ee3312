/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/paths.h"
#include "lib/migrate/report/report_files.h"

#define MS UINT64_C(1000000)

/* A small pair, as it moves: times in ms. */
static void fill(struct domm_report *report)
{
    static const uint64_t monitor[DOMM_MARKS] = {100, 600, 700, 800, 820, 850, 900, 1000};
    static const uint64_t target[DOMM_MARKS] = {100, 400, 620, 660, 700, 710, 1000};
    domm_report_begin(report);
    report->total = 1200 * MS;
    report->state = DOMM_SRC_MOVED;
    report->n_targets = 1;
    report->ptes = 45056;
    strcpy(report->source, "host1");
    strcpy(report->destination, "host2");
    strcpy(report->guests[0].name, "domm1");
    strcpy(report->guests[1].name, "target1");
    for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++) {
        report->guests[0].marks[mark] = monitor[mark] * MS;
        if (target[mark])
            report->guests[1].marks[mark] = target[mark] * MS;
    }
    report->guests[0].rounds = 3;
    report->guests[0].bytes = 134217728;
    report->guests[0].wire_bytes = 33554432;
    report->guests[1].rounds = 34;
    report->guests[1].bytes = 268435456;
    report->guests[1].wire_bytes = 67108864;
}

static void put_text(const struct domm_report *report, unsigned int columns, char **text_r)
{
    struct domm_error err;
    assert_int_equal(domm_report_text(report, columns, text_r, &err), 0);
}

static void spans_are_between_marks(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    struct domm_report_guest *target = &report.guests[1];
    assert_int_equal(domm_report_downtime(target), 340 * MS);
    assert_int_equal(domm_report_downtime(&report.guests[0]), 100 * MS);
    assert_int_equal(domm_report_span(target, DOMM_MARK_CONVERGED, DOMM_MARK_STOP), 220 * MS);
    assert_int_equal(domm_report_span(target, DOMM_MARK_RESUMED, DOMM_MARK_READY), DOMM_NEVER);
    target->marks[DOMM_MARK_RESUMED] = 1;
    assert_int_equal(domm_report_downtime(target), 0);
}

static void each_end_has_a_word_for_it(void **state)
{
    (void)state;
    static const struct {
        enum domm_migration_state state;
        enum domm_migration_outcome outcome;
        const char *word;
    } cases[] = {
        {DOMM_SRC_MOVED, DOMM_MIGRATION_MOVED, "moved"},
        {DOMM_SRC_MOVED, DOMM_MIGRATION_HELD, "held"},
        {DOMM_SRC_MOVED, DOMM_MIGRATION_IMPAIRED, "impaired"},
        {DOMM_SRC_UNKNOWN, DOMM_MIGRATION_MOVED, "unknown"},
        {DOMM_SRC_UNCONFIRMED, DOMM_MIGRATION_MOVED, "unconfirmed"},
        {DOMM_SRC_HELD, DOMM_MIGRATION_MOVED, "held-at-source"},
        {DOMM_SRC_ROLLED_BACK, DOMM_MIGRATION_MOVED, "rolled-back"},
        {DOMM_SRC_STUCK, DOMM_MIGRATION_MOVED, "rolled-back-in-part"},
        {DOMM_SRC_COPYING, DOMM_MIGRATION_MOVED, "unfinished"},
    };
    struct domm_report report;
    domm_report_begin(&report);
    for (size_t i = 0; i < COUNT(cases); i++) {
        report.state = cases[i].state;
        report.outcome = cases[i].outcome;
        assert_string_equal(domm_report_outcome(&report), cases[i].word);
    }
    /* Each state in which the source comes to rest has one. */
    for (enum domm_migration_state in = 0; in < DOMM_DST_LISTENING; in++) {
        report.state = in;
        bool unfinished = strcmp(domm_report_outcome(&report), "unfinished") == 0;
        assert_int_equal(unfinished, domm_migration_states[in].kind != DOMM_STATE_KIND_HALTS);
    }
}

static uint64_t number(struct json_object *object, const char *key)
{
    struct json_object *value;
    assert_true(json_object_object_get_ex(object, key, &value));
    return json_object_get_uint64(value);
}

static void the_json_has_each_figure(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    report.guests[1].unmonitored_cpu = UINT64_MAX;
    cleanup_json struct json_object *root = domm_report_json(&report);
    struct json_object *guests, *value;
    assert_true(json_object_object_get_ex(root, "outcome", &value));
    assert_string_equal(json_object_get_string(value), "moved");
    assert_int_equal(number(root, "ptes"), 45056);
    assert_true(json_object_object_get_ex(root, "guests", &guests));
    assert_int_equal(json_object_array_length(guests), 2);
    struct json_object *target = json_object_array_get_idx(guests, 1);
    assert_int_equal(number(target, "rounds"), 34);
    assert_int_equal(number(target, "bytes"), 268435456);
    assert_int_equal(number(target, "wire_bytes"), 67108864);
    assert_int_equal(number(target, "precopy_ns"), 520 * MS);
    assert_int_equal(number(target, "suspend_ns"), 40 * MS);
    assert_int_equal(number(target, "final_copy_ns"), 40 * MS);
    assert_int_equal(number(target, "restore_ns"), 10 * MS);
    assert_int_equal(number(target, "resume_ns"), 290 * MS);
    assert_int_equal(number(target, "downtime_ns"), 340 * MS);
    assert_int_equal(number(target, "wait_to_stop_ns"), 220 * MS);
    assert_true(number(target, "unmonitored_cpu_ns") == UINT64_MAX);
    assert_int_equal(number(target, "unmonitored_wall_ns"), 0);
    assert_int_equal(number(json_object_array_get_idx(guests, 0), "ready_ns"), 100 * MS);
    report.guests[1].marks[DOMM_MARK_RESUMED] = DOMM_NEVER;
    cleanup_json struct json_object *again = domm_report_json(&report);
    json_object_object_get_ex(again, "guests", &guests);
    assert_true(
        json_object_object_get_ex(json_object_array_get_idx(guests, 1), "downtime_ns", &value));
    assert_null(value);
}

static const char whole[] =
    "domm1 and 1 target, host1 to host2: moved, 1.200 s\n"
    "\n"
    "guest            rounds MB sent MB wire pre-copy  suspend    final  restore   resume downtime\n"
    "domm1                 3   134.2    33.6 600.0 ms 100.0 ms 20.00 ms 30.00 ms 50.00 ms 100.0 ms\n"
    "target1              34   268.4    67.1 520.0 ms 40.00 ms 40.00 ms 10.00 ms 290.0 ms 340.0 ms\n"
    "\n"
    "target1 waited for the monitor: 220.0 ms before its stop, 290.0 ms before it ran again\n"
    "target1 ran unmonitored: 0 ns of CPU time, 0 ns of wall time\n"
    "45056 page-table entries were carried\n"
    "\n"
    "domm1        =========================~~~~~sssss#rr-->>>>>++++++++++\n"
    "target1      ===============~~~~~~~~~~~ss##r-------------->>>>>>>>>>\n"
    "        0 ns                                                 1.200 s\n"
    "\n"
    "Around the stop:\n"
    "domm1   =~~~~~~~~~~~~~~sssssssssssss###rrrrr------->>>>>>>>>>>>>>+++\n"
    "target1 ~~~sssss#######r----------------------------------------->>>\n"
    "        596.2 ms                                             1.024 s\n"
    "= pre-copy   ~ converged, waits for the others   s suspends\n"
    "# final copy   r restored   - waits, stopped   > runs again\n"
    "+ monitor ready\n";

static void the_text_is_drawn_to_scale(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    cleanup_free char *text = NULL;
    put_text(&report, 68, &text);
    assert_string_equal(text, whole);
}

/* Lines of the chart have the width that was asked for, whatever is in the report. */
static void charts_keep_their_width(void **state)
{
    (void)state;
    struct domm_report report;
    srand(1);
    for (unsigned int i = 0; i < 2000; i++) {
        fill(&report);
        report.n_targets = 1 + (unsigned int)rand() % DOMM_RECORD_MAX_TARGETS;
        report.total = rand() % 4   ? (uint64_t)rand() * (uint64_t)rand()
                       : rand() % 3 ? 0
                                    : UINT64_MAX;
        for (unsigned int g = 0; g <= report.n_targets; g++) {
            snprintf(report.guests[g].name, sizeof(report.guests[g].name), "%0*u", 1 + rand() % 60,
                     g);
            for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++)
                report.guests[g].marks[mark] =
                    rand() % 3 ? (uint64_t)rand() << rand() % 33 : DOMM_NEVER - (rand() & 1);
        }
        unsigned int columns = (unsigned int)rand() % 300;
        cleanup_free char *text = NULL;
        put_text(&report, columns, &text);
        const char *row = strstr(text, "carried\n\n") + strlen("carried\n\n");
        for (unsigned int g = 0; g <= report.n_targets; g++) {
            size_t length = strcspn(row, "\n");
            assert_int_equal(length, columns < 40 ? 40 : columns);
            row += length + 1;
        }
    }
}

static void a_short_stop_is_seen(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    report.total = 3600000 * MS;
    cleanup_free char *text = NULL;
    put_text(&report, 80, &text);
    const char *row = strstr(strstr(text, "carried"), "\ntarget1 ");
    assert_non_null(row);
    assert_int_equal(row[9], '-');
    assert_contains(text, "Around the stop:");
}

static void unmonitored_time_is_reported(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    report.unmonitored = report.restarted = true;
    report.guests[1].unmonitored_cpu = 123456789;
    cleanup_free char *text = NULL;
    put_text(&report, 80, &text);
    assert_contains(text, "FORCED");
    assert_contains(text, "replaced by a fresh one");
    assert_contains(text, "123456789 ns of CPU time");

    domm_report_begin(&report); /* nothing happened at all */
    report.n_targets = 1;
    report.state = DOMM_SRC_ROLLED_BACK;
    cleanup_free char *nothing = NULL;
    put_text(&report, 80, &nothing);
    assert_contains(nothing, "rolled-back");
    assert_null(strstr(nothing, "Around the stop"));
}

static void a_report_comes_back_from_its_json(void **state)
{
    (void)state;
    static struct domm_report report, back;
    struct domm_error err;
    fill(&report);
    report.outcome = DOMM_MIGRATION_HELD;
    report.began = (struct timespec){.tv_sec = 1769860800, .tv_nsec = 123000000};
    domm_report_add_round(&report.guests[1], 200 * MS, 1000, 17);
    struct json_object *json = domm_report_json(&report), *again;
    assert_int_equal(domm_report_parse(json_object_to_json_string(json), &back, &err), 0);
    again = domm_report_json(&back);
    assert_string_equal(json_object_to_json_string(again), json_object_to_json_string(json));
    assert_int_equal(back.guests[1].history[0].dirty_pages, 17);
    json_object_put(json);
    json_object_put(again);
}

static void what_is_no_report_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "null",
                                        "{\"version\":1}",
                                        "{\"version\":1,\"guests\":[]}",
                                        "{\"version\":2,\"guests\":[{}]}"};
    static struct domm_report report;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(domm_report_parse(wrong[i], &report, &err), -DOMM_REFUSED);
    assert_int_equal(
        domm_report_parse("{\"version\":1,\"guests\":[7,{\"marks\":3,\"history\":[5]}]}", &report,
                          &err),
        0);
    assert_int_equal(report.n_targets, 1);
}

static void rounds_beyond_the_room_are_not_kept(void **state)
{
    (void)state;
    static struct domm_report report;
    fill(&report);
    for (unsigned int i = 0; i < DOMM_REPORT_ROUNDS + 3; i++)
        domm_report_add_round(&report.guests[0], i, i, i);
    assert_int_equal(report.guests[0].n_history, DOMM_REPORT_ROUNDS);
}

/* The marks of fill: the target stood still from 660 to 1000 ms of 1200. */
static void the_picture_is_to_scale_and_names_are_escaped(void **state)
{
    (void)state;
    static struct domm_report report;
    struct domm_error err;
    char *text;
    fill(&report);
    strcpy(report.guests[1].name, "<b>&\"");
    assert_int_equal(domm_report_html(&report, &text, &err), 0);
    assert_contains(text, "&lt;b&gt;&amp;&quot;");
    assert_contains(text, "<rect class=\"ready\" x=\"833.33\" y=\"0.0\" width=\"166.67\"");
    assert_null(strstr(text, "<b>&"));
    free(text);
    assert_int_equal(domm_report_svg(&report, &text, &err), 0);
    assert_contains(text, "host1");
    assert_contains(text, "Around the stop");
    free(text);
}

static void a_rollback_ends_at_the_source(void **state)
{
    (void)state;
    static struct domm_report report;
    struct domm_error err;
    char *text;
    fill(&report);
    report.state = DOMM_SRC_ROLLED_BACK;
    report.guests[1].marks[DOMM_MARK_RESTORED] = DOMM_NEVER;
    assert_int_equal(domm_report_html(&report, &text, &err), 0);
    const char *here = strstr(text, "host1</p>"), *there = strstr(text, "host2</p>");
    const char *ready = strstr(text, "<rect class=\"ready\"");
    assert_true(here && there && ready && here < ready && ready < there);
    free(text);
}

static void keep(const char *root, const char *id, time_t when)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s.source", root, id);
    mkdir(path, 0700);
    strcat(path, "/report.json");
    FILE *out = fopen(path, "w");
    fputs("{\"version\":1,\"guests\":[{\"name\":\"ids\"}]}", out);
    fclose(out);
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    utimensat(AT_FDCWD, path, times, 0);
}

static void kept_reports_are_found(void **state)
{
    (void)state;
    static struct domm_report report;
    char root[] = "/tmp/test-report-XXXXXX", command[64];
    const struct domm_report_file *file;
    struct domm_report_file *files;
    struct domm_error err;
    size_t count;
    domm_journals_directory = "/nowhere";
    assert_int_equal(domm_report_files(&files, &count, &err), 0);
    assert_int_equal(domm_report_find(files, count, NULL, &file, &err), -DOMM_NOT_FOUND);
    assert_non_null(mkdtemp(root));
    domm_journals_directory = root;
    keep(root, "11111111-0000-4000-8000-000000000001", 1000);
    keep(root, "12222222-0000-4000-8000-000000000002", 2000);
    keep(root, "not-a-uuid", 3000);
    assert_int_equal(domm_report_files(&files, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(domm_report_find(files, count, NULL, &file, &err), 0);
    assert_string_equal(file->id, "12222222-0000-4000-8000-000000000002");
    assert_int_equal(domm_report_find(files, count, "11", &file, &err), 0);
    assert_int_equal(domm_report_load(file->id, &report, &err), 0);
    assert_string_equal(report.guests[0].name, "ids");
    assert_int_equal(domm_report_find(files, count, "1", &file, &err), -DOMM_USAGE);
    assert_int_equal(domm_report_find(files, count, "3", &file, &err), -DOMM_NOT_FOUND);
    free(files);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

static void figures_of_the_destination_stay_in_bounds(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    struct domm_message_figures figures = {
        .guest = 1, .restored = 5 * MS, .resumed = UINT64_MAX, .unmonitored_cpu = UINT64_MAX};
    report.guests[1].unmonitored_cpu = 7;
    domm_report_add_figures(&report, &figures, 800 * MS, 1200 * MS);
    assert_int_equal(report.guests[1].marks[DOMM_MARK_RESTORED], 805 * MS);
    assert_int_equal(report.guests[1].marks[DOMM_MARK_RESUMED], 1200 * MS);
    assert_true(report.guests[1].unmonitored_cpu == UINT64_MAX);
    figures = (struct domm_message_figures){.ready = 0, .ptes = 9};
    domm_report_add_figures(&report, &figures, 800 * MS, 1200 * MS);
    assert_int_equal(report.guests[0].marks[DOMM_MARK_READY], DOMM_NEVER);
    assert_int_equal(report.ptes, 9);
    figures.guest = 2; /* there is none */
    figures.ptes = 10;
    domm_report_add_figures(&report, &figures, 800 * MS, 1200 * MS);
    assert_int_equal(report.ptes, 9);
    assert_int_equal(report.guests[2].marks[DOMM_MARK_RESTORED], DOMM_NEVER);
}

static uint64_t number_of(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    assert_true(json_object_object_get_ex(object, key, &value));
    return value ? json_object_get_uint64(value) : DOMM_NEVER;
}

static void the_downtime_is_told_beside_its_prediction(void **state)
{
    (void)state;
    struct domm_report report, back;
    struct domm_error err;
    char *text;
    fill(&report);
    report.downtime_limit = 300 * MS;
    report.predicted_copies = 100 * MS;
    report.predicted_rest = 150 * MS;
    struct json_object *json = domm_report_json(&report);
    assert_int_equal(number_of(json, "downtime_ns"), 340 * MS);
    assert_int_equal(number_of(json, "downtime_limit_ns"), 300 * MS);
    assert_int_equal(number_of(json, "predicted_downtime_ns"), 250 * MS);
    assert_int_equal(number_of(json, "rest_ns"), 240 * MS);
    assert_int_equal(domm_report_parse(json_object_to_json_string(json), &back, &err), 0);
    assert_int_equal(back.downtime_limit, report.downtime_limit);
    assert_int_equal(back.predicted_copies, report.predicted_copies);
    assert_int_equal(back.predicted_rest, report.predicted_rest);
    json_object_put(json);
    put_text(&report, 80, &text);
    assert_contains(text, "the targets stood still for 340.0 ms; predicted: 250.0 ms; "
                          "the limit: 300.0 ms\n");
    free(text);
    report.predicted_rest = report.downtime_limit = 0;
    put_text(&report, 80, &text);
    assert_contains(text, "stood still for 340.0 ms; predicted: more than 100.0 ms\n");
    free(text);
}

/* A target that does not run again has no downtime, and nothing is learnt from it. */
static void a_target_that_stands_still_has_no_downtime_yet(void **state)
{
    (void)state;
    struct domm_report report;
    fill(&report);
    report.predicted_copies = 100 * MS;
    report.guests[1].marks[DOMM_MARK_RESUMED] = DOMM_NEVER;
    struct json_object *json = domm_report_json(&report);
    assert_true(domm_report_targets_downtime(&report) == DOMM_NEVER);
    assert_true(number_of(json, "rest_ns") == DOMM_NEVER);
    assert_true(number_of(json, "downtime_limit_ns") == DOMM_NEVER);
    json_object_put(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_between_marks),
        cmocka_unit_test(the_downtime_is_told_beside_its_prediction),
        cmocka_unit_test(a_target_that_stands_still_has_no_downtime_yet),
        cmocka_unit_test(each_end_has_a_word_for_it),
        cmocka_unit_test(the_json_has_each_figure),
        cmocka_unit_test(the_text_is_drawn_to_scale),
        cmocka_unit_test(charts_keep_their_width),
        cmocka_unit_test(a_short_stop_is_seen),
        cmocka_unit_test(unmonitored_time_is_reported),
        cmocka_unit_test(a_report_comes_back_from_its_json),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(rounds_beyond_the_room_are_not_kept),
        cmocka_unit_test(the_picture_is_to_scale_and_names_are_escaped),
        cmocka_unit_test(a_rollback_ends_at_the_source),
        cmocka_unit_test(kept_reports_are_found),
        cmocka_unit_test(figures_of_the_destination_stay_in_bounds),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
