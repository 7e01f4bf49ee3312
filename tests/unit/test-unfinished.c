/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is made of journals that are not over. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/paths.h"
#include "lib/migrate/journal/facts.h"
#include "lib/migrate/journal/journal.h"
#include "lib/migrate/journal/unfinished.h"

#define MONITOR "d0330000-0000-4000-8000-000000000021"
#define TARGET "d0330000-0000-4000-8000-000000000011"

static char base[] = "/tmp/domm-past-XXXXXX";
static char state_directory[64], journals_directory[128];
static struct domm_uuid monitor, target, other = {{1}};
static const struct domm_unfinished_query domm_7 = {.guest = &monitor, .domid = 7, .source = true},
                                          domm_here = {.guest = &monitor};

static int make_directories(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(state_directory, sizeof(state_directory), "%s/lib", base);
    snprintf(journals_directory, sizeof(journals_directory), "%s/migrations", state_directory);
    domm_var_directory = state_directory;
    domm_journals_directory = journals_directory;
    return domm_uuid_parse(MONITOR, &monitor) && domm_uuid_parse(TARGET, &target) ? 0 : -1;
}

static int remove_directories(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command);
}

static int empty(void **state)
{
    char command[160];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", journals_directory);
    return system(command);
}

static void note(struct domm_journal *journal, const char *what, const char *json)
{
    struct domm_error err;
    assert_int_equal(domm_journal_note(journal, what, json_tokener_parse(json), &err), 0);
}

static struct domm_journal *begin(unsigned char number, bool source, const char *boot)
{
    struct domm_journal *journal;
    struct domm_error err;
    char text[512], this_boot[DOMM_UUID_TEXT];
    const struct domm_uuid migration = {{number}};
    assert_int_equal(domm_journal_begin(&migration, source, &journal, &err), 0);
    domm_boot_id(this_boot);
    snprintf(text, sizeof(text),
             "{\"boot\":\"%s\",\"destination\":\"host%u\",\"guests\":[{\"uuid\":\"" MONITOR
             "\",\"domid\":7},{\"uuid\":\"" TARGET "\",\"domid\":5}]}",
             boot ? boot : this_boot, number);
    note(journal, "begin", text);
    return journal;
}

static void look(const struct domm_unfinished_query *query, struct domm_unfinished *unfinished_r)
{
    struct domm_error err;
    if (domm_unfinished_find(query, unfinished_r, &err))
        fail_msg("%s", err.text);
}

static void look_in_vain(const struct domm_unfinished_query *query)
{
    struct domm_unfinished unfinished;
    struct domm_error err;
    assert_int_equal(domm_unfinished_find(query, &unfinished, &err), -DOMM_NOT_FOUND);
}

static void without_journals_there_is_no_past(void **state)
{
    (void)state;
    look_in_vain(&domm_7);
    look_in_vain(&domm_here);
}

static void one_is_found_by_its_guests_and_its_end(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    domm_journal_close(begin(1, true, NULL));
    look(&domm_7, &unfinished);
    assert_true(unfinished.source);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    assert_string_equal(unfinished.destination, "host1");
    look(&(struct domm_unfinished_query){.guest = &target, .domid = 5, .source = true},
         &unfinished);
    look_in_vain(&(struct domm_unfinished_query){.guest = &other, .domid = 7, .source = true});
    /* Another domain that had its UUID. */
    look_in_vain(&(struct domm_unfinished_query){.guest = &monitor, .domid = 5, .source = true});
    look_in_vain(&domm_here); /* no destination */
}

static void the_last_line_decides_the_owner(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    struct domm_journal *journal = begin(2, true, NULL);
    note(journal, "state", "{\"state\":\"stopping\"}");
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    note(journal, "decided", "{}");
    note(journal, "state", "{\"state\":\"committing\"}");
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_UNKNOWN);
    note(journal, "undecided", "{}");
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    note(journal, "decided", "{}");
    note(journal, "state", "{\"state\":\"watching\"}");
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_DESTINATION);
    domm_journal_close(journal);
    journal = begin(3, false, NULL);
    look(&domm_here, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    note(journal, "adopted", "{}");
    look(&domm_here, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_DESTINATION);
    domm_journal_close(journal);
}

static void finished_journals_and_those_of_earlier_boots_are_ignored(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    struct domm_error err;
    domm_journal_close(begin(4, true, "00000000-0000-0000-0000-000000000000"));
    look_in_vain(&domm_7);
    domm_journal_close(begin(5, true, NULL));
    look(&domm_7, &unfinished);
    assert_int_equal(domm_unfinished_finish(&domm_7, &err), 0);
    look_in_vain(&domm_7);
}

static void the_destination_knows_its_domains_once_they_are_restored(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    const struct domm_unfinished_query query = {.guest = &monitor, .domid = 9};
    struct domm_journal *journal = begin(11, false, NULL);
    look_in_vain(&query);
    note(journal, "restored", "{\"guests\":[{\"uuid\":\"" MONITOR "\",\"domid\":9}]}");
    look(&query, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    look_in_vain(&(struct domm_unfinished_query){.guest = &monitor, .domid = 9, .own = journal});
    domm_journal_close(journal);
}

/* A retry that was killed at its beginning hides nothing: the journal written last is the mildest.
 */
static void of_several_the_gravest_counts(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    struct domm_error err;
    struct domm_journal *journal = begin(6, true, NULL);
    note(journal, "decided", "{}");
    domm_journal_close(journal);
    usleep(20000);
    domm_journal_close(begin(7, true, NULL));
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_UNKNOWN);
    assert_string_equal(unfinished.destination, "host6");
    assert_int_equal(unfinished.count, 2);
    journal = begin(8, true, NULL);
    note(journal, "decided", "{}");
    note(journal, "state", "{\"state\":\"watching\"}");
    domm_journal_close(journal);
    domm_journal_close(begin(9, true, NULL));
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_DESTINATION);
    assert_string_equal(unfinished.destination, "host8");
    assert_int_equal(domm_unfinished_finish(&domm_7, &err), 0);
    look_in_vain(&domm_7);
}

static void nonsense_in_a_journal_says_nothing(void **state)
{
    (void)state;
    struct domm_unfinished unfinished;
    char path[256];
    struct domm_journal *journal = begin(9, true, NULL);
    snprintf(path, sizeof(path), "%s/journal", domm_journal_path(journal));
    FILE *stream = fopen(path, "a");
    fputs("[]\n{\"what\":7}\n\"decided\"\n{\"what\":\"begin\",\"guests\":[1,{}]}\n"
          "{\"what\":\"deci",
          stream);
    fclose(stream);
    look(&domm_7, &unfinished);
    assert_int_equal(unfinished.owner, DOMM_OWNER_SOURCE);
    domm_journal_close(journal);
}

static void the_mapping_state_is_there_or_not(void **state)
{
    (void)state;
    struct domm_error err;
    unsigned char *bytes;
    size_t size;
    struct domm_journal *journal = begin(10, true, NULL);
    assert_int_equal(domm_unfinished_mapping_state(&domm_7, &bytes, &size, &err), 0);
    assert_null(bytes);
    assert_int_equal(domm_journal_keep(journal, "mapping-state", "", 0, &err), 0);
    assert_int_equal(domm_unfinished_mapping_state(&domm_7, &bytes, &size, &err), 0);
    assert_null(bytes); /* cut short by a crash: it was never acted on */
    assert_int_equal(domm_journal_keep(journal, "mapping-state", "abc", 3, &err), 0);
    domm_journal_close(begin(11, true, NULL)); /* a retry has none, and hides none */
    assert_int_equal(domm_unfinished_mapping_state(&domm_7, &bytes, &size, &err), 0);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "abc", 3);
    free(bytes);
    domm_journal_close(journal);
}

/* As ext4 leaves a file whose last lines were not synced when the host went down. */
static void a_torn_line_swallows_no_later_one(void **state)
{
    static const char torn[] = "\0\0\0\0{\"what\":\"sta";
    (void)state;
    struct domm_error err;
    struct domm_journal_facts facts;
    struct domm_uuid migration = {{12}};
    char path[PATH_MAX + 16];
    struct domm_journal *journal = begin(12, false, NULL);
    assert_int_equal(domm_journal_decide(journal, "adopted", &err), 0);
    domm_journal_close(journal);
    assert_true(domm_journal_facts_find(&migration, false, &facts));
    snprintf(path, sizeof(path), "%s/journal", facts.path);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(torn, 1, sizeof(torn) - 1, file), sizeof(torn) - 1);
    fclose(file);
    assert_int_equal(domm_journal_resume(facts.path, &journal, &err), 0);
    assert_int_equal(domm_journal_decide(journal, "lost", &err), 0);
    domm_journal_close(journal);
    assert_true(domm_journal_facts_find(&migration, false, &facts));
    assert_int_equal(facts.owner, DOMM_OWNER_DESTINATION);
    assert_true(facts.lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_journals_there_is_no_past, empty),
        cmocka_unit_test_teardown(one_is_found_by_its_guests_and_its_end, empty),
        cmocka_unit_test_teardown(the_last_line_decides_the_owner, empty),
        cmocka_unit_test_teardown(finished_journals_and_those_of_earlier_boots_are_ignored, empty),
        cmocka_unit_test_teardown(the_destination_knows_its_domains_once_they_are_restored, empty),
        cmocka_unit_test_teardown(of_several_the_gravest_counts, empty),
        cmocka_unit_test_teardown(nonsense_in_a_journal_says_nothing, empty),
        cmocka_unit_test_teardown(the_mapping_state_is_there_or_not, empty),
        cmocka_unit_test_teardown(a_torn_line_swallows_no_later_one, empty),
    };
    return cmocka_run_group_tests(tests, make_directories, remove_directories);
}
