/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host remembers: which targets are to be monitored, and what mirrors had lost. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/dommd/expect.h"
#include "lib/base/paths.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"
#include "lib/pair/losses.h"

static const struct domm_uuid ids = {{9}}, other_ids = {{8}};
static char base[] = "/tmp/domm-expected-XXXXXX";
static char names[2][16] = {"web--incoming", "m\xc3\xa9l\"\\"};
static struct domm_inventory_entry entries[2] = {
    {.domain = {.domid = 1, .uuid = {{1}}, .name = names[0]}},
    {.domain = {.domid = 2, .uuid = {{2}}, .name = names[1]}},
};
static const struct domm_inventory inventory = {.count = 2, .entries = entries};
static const struct domm_record record = {
    .n_targets = 3, .targets = {{.uuid = {{1}}}, {.uuid = {{2}}}, {.uuid = {{3}}}}};

/* What dommd reads under the lock of the records: as before, or without a target that was detached
 * since. */
static bool detached;
static struct domm_inventory_entry monitors[2];

int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err);
int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err)
{
    (void)xen;
    (void)log;
    (void)err;
    struct domm_inventory_entry *copy = calloc(1, sizeof(*copy));
    assert_non_null(copy);
    copy[0] = monitors[0];
    copy[0].domain.name = strdup(monitors[0].domain.name);
    if (detached)
        copy[0].record.n_targets = 0;
    *inventory_r = (struct domm_inventory){.count = 1, .entries = copy};
    return 0;
}

static int make(void **state)
{
    (void)state;
    domm_var_directory = domm_run_directory = mkdtemp(base);
    return domm_var_directory ? 0 : -1;
}

static int clear(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", base);
    return system(command);
}

static void note(const struct domm_uuid *monitor, const char *name)
{
    struct domm_error err;
    assert_int_equal(domm_expectations_note(&inventory, monitor, name, &record, &err), 0);
}

static size_t count(void)
{
    struct domm_expectations all;
    struct domm_error err;
    assert_int_equal(domm_expectations_read(NULL, &all, &err), 0);
    size_t found = all.count;
    domm_expectations_free(&all);
    return found;
}

static void what_was_noted_is_read(void **state)
{
    (void)state;
    struct domm_expectations all;
    struct domm_error err;
    assert_int_equal(count(), 0);
    assert_false(domm_expectation_exists(&record.targets[0].uuid));
    note(&ids, "ids");
    assert_true(domm_expectation_exists(&record.targets[0].uuid));
    assert_int_equal(domm_expectations_read(NULL, &all, &err), 0);
    assert_int_equal(all.count, 3);
    const struct domm_expectation *web = domm_expectations_find(&all, &record.targets[0].uuid);
    assert_string_equal(web->target_name, "web");
    assert_string_equal(web->monitor_name, "ids");
    assert_true(domm_uuid_equal(&web->monitor, &ids));
    assert_string_equal(domm_expectations_find(&all, &record.targets[1].uuid)->target_name,
                        names[1]);
    assert_string_equal(domm_expectations_find(&all, &record.targets[2].uuid)->target_name, "");
    assert_null(domm_expectations_find(&all, &ids));
    domm_expectations_free(&all);
}

static void it_ends_with_its_monitor_or_alone(void **state)
{
    (void)state;
    struct domm_error err;
    note(&ids, "ids");
    assert_int_equal(domm_expectations_end(&other_ids, NULL, &err), 0);
    assert_int_equal(count(), 3);
    assert_int_equal(domm_expectations_end(&ids, &record.targets[1].uuid, &err), 0);
    assert_int_equal(count(), 2);
    assert_int_equal(domm_expectation_remove(&record.targets[0].uuid, &err), 0);
    assert_int_equal(domm_expectation_remove(&record.targets[0].uuid, &err), 0);
    assert_int_equal(count(), 1);
    assert_int_equal(domm_expectations_end(&ids, NULL, &err), 0);
    assert_int_equal(count(), 0);
}

/* A create that is rolled back must not end what was expected of an earlier monitor. */
static void what_was_before_comes_back(void **state)
{
    (void)state;
    const struct domm_record first = {.n_targets = 1, .targets = {{.uuid = {{1}}}}};
    struct domm_expectations before, after;
    struct domm_error err;
    assert_int_equal(domm_expectations_note(&inventory, &ids, "ids", &first, &err), 0);
    assert_int_equal(domm_expectations_read(NULL, &before, &err), 0);
    note(&other_ids, "other");
    assert_int_equal(domm_expectations_restore(&before, &record, &err), 0);
    assert_int_equal(domm_expectations_read(NULL, &after, &err), 0);
    assert_int_equal(after.count, 1);
    assert_true(domm_uuid_equal(&after.list[0].monitor, &ids));
    domm_expectations_free(&before);
    domm_expectations_free(&after);
    assert_int_equal(domm_expectations_end(&ids, NULL, &err), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", base, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_file_that_cannot_be_read_still_counts(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "[]", "{\"monitor\":1}",
                                      "{\"monitor\":{\"uuid\":\"1\"}}"};
    const char *uuid = "expected/0a000000-0000-0000-0000-000000000000";
    char *said = NULL;
    size_t size;
    struct domm_expectations all;
    struct domm_error err;
    struct domm_log log;
    note(&ids, "ids");
    write_file("expected/readme", "not one");
    for (size_t i = 0; i < COUNT(bad); i++) {
        FILE *stream = open_memstream(&said, &size);
        domm_log_init(&log, stream, "test");
        write_file(uuid, bad[i]);
        assert_int_equal(domm_expectations_read(&log, &all, &err), 0);
        fclose(stream);
        assert_int_equal(all.count, 4);
        assert_int_equal(all.list[3].target.bytes[0], 10);
        assert_true(domm_uuid_is_nil(&all.list[3].monitor));
        assert_contains(said, "0a000000-");
        domm_expectations_free(&all);
        free(said);
    }
}

/* Of monitors that were restored, or made by a domm that noted nothing. */
static void dommd_notes_what_is_missing(void **state)
{
    (void)state;
    char name[24] = "ids--incoming";
    struct service service = {.xen = NULL};
    const struct domm_inventory now = {.count = 1, .entries = monitors};
    struct domm_error err;
    int lock = -1;
    assert_int_equal(domm_expectations_end(&ids, NULL, &err), 0);
    size_t others = count();
    domm_log_init(&service.log, stderr, "test");
    monitors[0] = (struct domm_inventory_entry){.domain = {.domid = 3, .uuid = ids, .name = name},
                                                .record_state = DOMM_RECORD_VALID,
                                                .record = record};
    service_note_expected(&service, &now); /* a copy: the migration says when */
    assert_int_equal(count(), others);
    strcpy(name, "ids");
    assert_true(domm_try_lock_records(&lock)); /* a detach is at work */
    service_note_expected(&service, &now);
    assert_int_equal(count(), others);
    close(lock);
    detached = true; /* since dommd has read its inventory */
    service_note_expected(&service, &now);
    assert_int_equal(count(), others);
    detached = false;
    service_note_expected(&service, &now);
    assert_int_equal(count(), others + 3);
}

static void lost_packets_are_those_since_the_last_look(void **state)
{
    (void)state;
    struct domm_losses losses;
    struct domm_error err;
    const struct domm_loss first = {{{1}}, 0, 5, 6, 10, 20, 30}, second = {{{1}}, 1, 7, 6, 1, 1, 1};
    domm_losses_read(&losses);
    assert_int_equal(losses.count, 0);
    assert_int_equal(domm_losses_since(&losses, &first), 0); /* no look before this one */
    assert_int_equal(domm_losses_note(&losses, &first, &err), 0);
    assert_int_equal(domm_losses_note(&losses, &second, &err), 0);
    assert_int_equal(domm_losses_write(&losses, &err), 0);
    domm_losses_free(&losses);
    domm_losses_read(&losses);
    assert_int_equal(losses.count, 2);
    struct domm_loss now = first;
    assert_int_equal(domm_losses_since(&losses, &now), 0);
    now.not_copied += 3;
    now.not_delivered += 4;
    now.in_queue += 5;
    assert_int_equal(domm_losses_since(&losses, &now), 12);
    now.not_copied = 2; /* the filter was made anew */
    assert_int_equal(domm_losses_since(&losses, &now), 11);
    now.in_queue = 1; /* so was the qdisc */
    assert_int_equal(domm_losses_since(&losses, &now), 7);
    now.to = 8; /* another vif */
    assert_int_equal(domm_losses_since(&losses, &now), 0);
    domm_losses_free(&losses);
    write_file("losses", "x\n01000000-0000-0000-0000-000000000000 0 5 6 1 2 -\n"
                         "01000000-0000-0000-0000-000000000000 0 5 6 1 2 3\n");
    domm_losses_read(&losses);
    assert_int_equal(losses.count, 1);
    domm_losses_free(&losses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_is_read),
        cmocka_unit_test(it_ends_with_its_monitor_or_alone),
        cmocka_unit_test(what_was_before_comes_back),
        cmocka_unit_test(a_file_that_cannot_be_read_still_counts),
        cmocka_unit_test(dommd_notes_what_is_missing),
        cmocka_unit_test(lost_packets_are_those_since_the_last_look),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
