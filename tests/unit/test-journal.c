/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What domm leaves on a host: journals and locks. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/paths.h"
#include "lib/migrate/journal/journal.h"
#include "lib/pair/locks.h"

static char base[] = "/tmp/domm-places-XXXXXX";

/* What is waited for: the path of each. The linker puts this in place of fsync(2). */
static char synced[16][PATH_MAX];
static size_t n_synced;

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    assert_true(n_synced < COUNT(synced));
    ssize_t size = readlink(link, synced[n_synced], PATH_MAX - 1);
    assert_true(size > 0);
    synced[n_synced++][size] = '\0';
    return 0;
}

static void expect_synced(const char *path)
{
    for (size_t i = 0; i < n_synced; i++) {
        if (strcmp(synced[i], path) == 0)
            return;
    }
    fail_msg("%s is not on the disk", path);
}
static char run_directory[64], state_directory[64], journals_directory[128];

static const struct domm_uuid uuid = {{0xd0, 0x33, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1}};

static int make_directories(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(run_directory, sizeof(run_directory), "%s/run", base);
    snprintf(state_directory, sizeof(state_directory), "%s/lib", base);
    snprintf(journals_directory, sizeof(journals_directory), "%s/migrations", state_directory);
    domm_run_directory = run_directory;
    domm_var_directory = state_directory;
    domm_journals_directory = journals_directory;
    return 0;
}

static int remove_directories(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", base);
    return system(command);
}

static size_t read_file(const char *directory, const char *name, char *text_r, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("%s is missing", path);
    size_t got = fread(text_r, 1, size - 1, file);
    text_r[got] = '\0';
    fclose(file);
    return got;
}

static struct domm_journal *journal_begin(bool source)
{
    struct domm_journal *journal;
    struct domm_error err;
    if (domm_journal_begin(&uuid, source, &journal, &err))
        fail_msg("%s", err.text);
    return journal;
}

static void a_journal_has_a_line_for_each_note(void **state)
{
    (void)state;
    static const struct {
        const char *what, *entry, *value;
    } lines[] = {{"state", "state", "checking"},
                 {"run", "step", "copy"},
                 {"report", "why", "a \"text\"\nof two lines"}};
    struct domm_error err;
    char text[4096], *rest = text;
    struct domm_journal *journal = journal_begin(true);
    assert_contains(domm_journal_path(journal),
                    "/lib/migrations/d0330304-0506-0708-090a-0b0c0d0e0f01.source");
    assert_int_equal(domm_journal_state(journal, DOMM_SRC_CHECKING, &err), 0);
    assert_int_equal(domm_journal_step(journal, "run", DOMM_STEP_COPY, 32, &err), 0);
    struct json_object *why = json_object_new_object();
    domm_json_text(why, "why", lines[2].value);
    assert_int_equal(domm_journal_note(journal, "report", why, &err), 0);
    read_file(domm_journal_path(journal), "journal", text, sizeof(text));
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct json_object *line = json_tokener_parse(strsep(&rest, "\n"));
        assert_non_null(line);
        assert_non_null(json_object_object_get(line, "time"));
        assert_string_equal(json_object_get_string(json_object_object_get(line, "what")),
                            lines[i].what);
        assert_string_equal(json_object_get_string(json_object_object_get(line, lines[i].entry)),
                            lines[i].value);
        if (i == 1)
            assert_int_equal(json_object_get_int(json_object_object_get(line, "guest")), 32);
        json_object_put(line);
    }
    assert_string_equal(rest, "");
    domm_journal_close(journal);
}

static void a_journal_goes_on_where_it_was(void **state)
{
    (void)state;
    struct domm_error err;
    char once[4096], twice[4096];
    for (int i = 0; i < 2; i++) {
        struct domm_journal *journal = journal_begin(false);
        assert_contains(domm_journal_path(journal), ".destination");
        assert_int_equal(domm_journal_state(journal, DOMM_SRC_CHECKING, &err), 0);
        read_file(domm_journal_path(journal), "journal", i ? twice : once, sizeof(once));
        domm_journal_close(journal);
    }
    assert_memory_equal(twice, once, strlen(once));
    assert_int_equal(strlen(twice), 2 * strlen(once));
}

static void a_file_is_kept_beside_it(void **state)
{
    (void)state;
    static char big[100000];
    struct domm_error err;
    struct stat file;
    char text[100], path[256];
    struct domm_journal *journal = journal_begin(true);
    memset(big, 'b', sizeof(big));
    assert_int_equal(domm_journal_keep(journal, "mapping-state", big, sizeof(big), &err), 0);
    snprintf(path, sizeof(path), "%s/mapping-state", domm_journal_path(journal));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, sizeof(big));
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(domm_journal_keep(journal, "mapping-state", "less", 4, &err), 0);
    assert_int_equal(read_file(domm_journal_path(journal), "mapping-state", text, sizeof(text)), 4);
    assert_int_equal(domm_journal_keep(journal, "no/such", "", 0, &err), -DOMM_FAILED);
    assert_contains(err.text, "source/no/such");
    assert_int_equal(stat(domm_journal_path(journal), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0700);
    domm_journal_close(journal);
}

static void no_journal_takes_everything(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(domm_journal_state(NULL, DOMM_SRC_CHECKING, &err), 0);
    assert_int_equal(domm_journal_step(NULL, "run", DOMM_STEP_COPY, 0, &err), 0);
    assert_int_equal(domm_journal_note(NULL, "x", json_object_new_object(), &err), 0);
    assert_int_equal(domm_journal_keep(NULL, "x", "", 0, &err), 0);
    assert_int_equal(domm_journal_decide(NULL, "decided", &err), 0);
    assert_string_equal(domm_journal_path(NULL), journals_directory);
    domm_journal_close(NULL);
}

static void a_journal_that_cannot_be_is_a_failure(void **state)
{
    (void)state;
    struct domm_journal *journal;
    struct domm_error err;
    domm_var_directory = "/dev/null/lib";
    assert_int_equal(domm_journal_begin(&uuid, true, &journal, &err), -DOMM_FAILED);
    assert_contains(err.text, "making /dev/null/lib: Not a directory");
    domm_var_directory = state_directory;
}

static void a_journal_is_found_after_a_crash_of_the_host(void **state)
{
    (void)state;
    n_synced = 0;
    struct domm_journal *journal = journal_begin(true);
    expect_synced(domm_journal_path(journal));
    expect_synced(journals_directory);
    expect_synced(state_directory);
    expect_synced(base);
    domm_journal_close(journal);
}

static void only_a_decision_waits_for_the_disk(void **state)
{
    (void)state;
    struct domm_error err;
    char text[16384], path[PATH_MAX];
    struct domm_journal *journal = journal_begin(true);
    n_synced = 0;
    assert_int_equal(domm_journal_state(journal, DOMM_SRC_STOPPING, &err), 0);
    assert_int_equal(domm_journal_step(journal, "run", DOMM_STEP_DETACH, 0, &err), 0);
    assert_int_equal(domm_journal_keep(journal, DOMM_JOURNAL_STATE, "state", 5, &err), 0);
    assert_int_equal(domm_journal_drop(journal, DOMM_JOURNAL_STATE, &err), 0);
    assert_int_equal(n_synced, 0);
    assert_int_equal(domm_journal_decide(journal, "decided", &err), 0);
    assert_int_equal(n_synced, 1);
    snprintf(path, sizeof(path), "%s/journal", domm_journal_path(journal));
    expect_synced(path);
    read_file(domm_journal_path(journal), "journal", text, sizeof(text));
    assert_contains(strstr(text, "detach"), "\"what\":\"decided\"");
    domm_journal_close(journal);
}

static int guest_locks(void)
{
    struct domm_error err;
    int fd;
    if (domm_guest_locks_open(&fd, &err))
        fail_msg("%s", err.text);
    return fd;
}

static void one_has_a_guests_lock(void **state)
{
    (void)state;
    int one = guest_locks(), other = guest_locks();
    assert_false(domm_guest_is_moving(&uuid));
    assert_true(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    assert_true(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid)); /* it has it already */
    assert_false(domm_guest_lock(other, DOMM_LOCK_MOVE, &uuid));
    assert_true(domm_guest_is_moving(&uuid));
    domm_guest_unlock(other, DOMM_LOCK_MOVE, &uuid); /* not its own to give up */
    assert_false(domm_guest_lock(other, DOMM_LOCK_MOVE, &uuid));
    domm_guest_unlock(one, DOMM_LOCK_MOVE, &uuid);
    assert_true(domm_guest_lock(other, DOMM_LOCK_MOVE, &uuid));
    assert_false(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    close(other); /* as when its process ends */
    assert_true(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    close(one);
    assert_false(domm_guest_is_moving(&uuid));
}

static void the_kinds_are_apart(void **state)
{
    (void)state;
    int one = guest_locks(), other = guest_locks();
    assert_true(domm_guest_lock(one, DOMM_LOCK_TABLES, &uuid));
    assert_false(domm_guest_is_moving(&uuid));
    assert_true(domm_guest_lock(other, DOMM_LOCK_MOVE, &uuid));
    assert_false(domm_guest_lock(other, DOMM_LOCK_TABLES, &uuid));
    assert_false(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    assert_true(domm_guest_lock(other, DOMM_LOCK_MIGRATION, &uuid));
    assert_true(domm_guest_lock(one, DOMM_LOCK_SEEN, &uuid));
    assert_true(domm_guest_is_locked(DOMM_LOCK_MIGRATION, &uuid));
    domm_guest_unlock(other, DOMM_LOCK_MIGRATION, &uuid);
    assert_false(domm_guest_is_locked(DOMM_LOCK_MIGRATION, &uuid));
    assert_true(domm_guest_is_locked(DOMM_LOCK_SEEN, &uuid));
    close(one);
    close(other);
}

/* Guests whose UUIDs differ in a single bit, of the random ones. */
static void the_guests_are_apart(void **state)
{
    (void)state;
    int one = guest_locks(), other = guest_locks();
    assert_true(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    for (size_t byte = 9; byte < 16; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            struct domm_uuid near = uuid;
            near.bytes[byte] = (unsigned char)(near.bytes[byte] ^ 1u << bit);
            assert_false(domm_guest_is_moving(&near));
            if (!domm_guest_lock(other, DOMM_LOCK_MOVE, &near))
                fail_msg("bit %d of byte %zu tells nothing", bit, byte);
            domm_guest_unlock(other, DOMM_LOCK_MOVE, &near);
        }
    }
    assert_true(domm_guest_is_moving(&uuid));
    close(one);
    close(other);
}

static void a_lock_outlives_a_child(void **state)
{
    (void)state;
    int one = guest_locks(), other = guest_locks();
    assert_true(domm_guest_lock(one, DOMM_LOCK_MOVE, &uuid));
    pid_t child = fork();
    if (child == 0)
        _exit(close(one));
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(domm_guest_lock(other, DOMM_LOCK_MOVE, &uuid));
    close(one);
    close(other);
}

static void one_service_runs(void **state)
{
    (void)state;
    struct domm_error err;
    int one, other;
    assert_false(domm_service_runs());
    assert_int_equal(domm_lock_service(&one, &err), 0);
    assert_true(domm_service_runs());
    assert_int_equal(domm_lock_service(&other, &err), -DOMM_FAILED);
    assert_contains(err.text, "another dommd runs");
    assert_contains(err.text, "/run/dommd.lock");
    close(other);
    close(one);
    assert_false(domm_service_runs());
}

static void records_are_changed_one_after_another(void **state)
{
    (void)state;
    struct domm_error err;
    int one, other, ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int failed = domm_lock_records(&one, &err) || write(ready[1], "", 1) != 1;
        usleep(300000);
        _exit(failed);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(domm_lock_records(&other, &err), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(other);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_service_runs),
        cmocka_unit_test(records_are_changed_one_after_another),
        cmocka_unit_test(one_has_a_guests_lock),
        cmocka_unit_test(the_kinds_are_apart),
        cmocka_unit_test(the_guests_are_apart),
        cmocka_unit_test(a_lock_outlives_a_child),
        cmocka_unit_test(a_journal_has_a_line_for_each_note),
        cmocka_unit_test(a_journal_goes_on_where_it_was),
        cmocka_unit_test(a_file_is_kept_beside_it),
        cmocka_unit_test(a_journal_is_found_after_a_crash_of_the_host),
        cmocka_unit_test(only_a_decision_waits_for_the_disk),
        cmocka_unit_test(no_journal_takes_everything),
        cmocka_unit_test(a_journal_that_cannot_be_is_a_failure),
    };
    return cmocka_run_group_tests_name("places", tests, make_directories, remove_directories);
}
