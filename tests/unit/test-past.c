/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is made of journals that are not over. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/place.h"
#include "lib/move/journal.h"
#include "lib/move/past.h"

#define DOMM "d0330000-0000-4000-8000-000000000021"
#define TARGET "d0330000-0000-4000-8000-000000000011"

static char base[] = "/tmp/domm-past-XXXXXX";
static char state_directory[64], journals_directory[128];
static struct domm_uuid domm, target, other = {{1}};
static const struct domm_past_query domm_7 = {.guest = &domm, .domid = 7, .source = true},
                                    domm_here = {.guest = &domm};

static int make_places(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(state_directory, sizeof(state_directory), "%s/lib", base);
    snprintf(journals_directory, sizeof(journals_directory), "%s/migrations", state_directory);
    domm_state_directory = state_directory;
    domm_journals_directory = journals_directory;
    return domm_uuid_parse(DOMM, &domm) && domm_uuid_parse(TARGET, &target) ? 0 : -1;
}

static int remove_places(void **state)
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
             "{\"boot\":\"%s\",\"destination\":\"host%u\",\"guests\":[{\"uuid\":\"" DOMM
             "\",\"domid\":7},{\"uuid\":\"" TARGET "\",\"domid\":5}]}",
             boot ? boot : this_boot, number);
    note(journal, "begin", text);
    return journal;
}

static void look(const struct domm_past_query *query, struct domm_past *past_r)
{
    struct domm_error err;
    if (domm_past_find(query, past_r, &err))
        fail_msg("%s", err.text);
}

static void look_in_vain(const struct domm_past_query *query)
{
    struct domm_past past;
    struct domm_error err;
    assert_int_equal(domm_past_find(query, &past, &err), -DOMM_NOT_FOUND);
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
    struct domm_past past;
    domm_journal_close(begin(1, true, NULL));
    look(&domm_7, &past);
    assert_true(past.source);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    assert_string_equal(past.destination, "host1");
    look(&(struct domm_past_query){.guest = &target, .domid = 5, .source = true}, &past);
    look_in_vain(&(struct domm_past_query){.guest = &other, .domid = 7, .source = true});
    /* Another domain that had its UUID. */
    look_in_vain(&(struct domm_past_query){.guest = &domm, .domid = 5, .source = true});
    look_in_vain(&domm_here); /* no destination */
}

static void the_owner_is_what_was_written_last(void **state)
{
    (void)state;
    struct domm_past past;
    struct domm_journal *journal = begin(2, true, NULL);
    note(journal, "state", "{\"state\":\"stopping\"}");
    look(&domm_7, &past);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    note(journal, "decided", "{}");
    note(journal, "state", "{\"state\":\"committing\"}");
    look(&domm_7, &past);
    assert_int_equal(past.owner, DOMM_PAST_UNKNOWN);
    note(journal, "undecided", "{}");
    look(&domm_7, &past);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    note(journal, "decided", "{}");
    note(journal, "state", "{\"state\":\"watching\"}");
    look(&domm_7, &past);
    assert_int_equal(past.owner, DOMM_PAST_DESTINATION);
    domm_journal_close(journal);
    journal = begin(3, false, NULL);
    look(&domm_here, &past);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    note(journal, "adopted", "{}");
    look(&domm_here, &past);
    assert_int_equal(past.owner, DOMM_PAST_DESTINATION);
    domm_journal_close(journal);
}

static void what_is_over_or_of_an_earlier_boot_is_passed_over(void **state)
{
    (void)state;
    struct domm_past past;
    struct domm_error err;
    domm_journal_close(begin(4, true, "00000000-0000-0000-0000-000000000000"));
    look_in_vain(&domm_7);
    domm_journal_close(begin(5, true, NULL));
    look(&domm_7, &past);
    assert_int_equal(domm_past_finish(&domm_7, &err), 0);
    look_in_vain(&domm_7);
}

static void the_destination_knows_its_domains_once_they_are_restored(void **state)
{
    (void)state;
    struct domm_past past;
    const struct domm_past_query query = {.guest = &domm, .domid = 9};
    struct domm_journal *journal = begin(11, false, NULL);
    look_in_vain(&query);
    note(journal, "restored", "{\"guests\":[{\"uuid\":\"" DOMM "\",\"domid\":9}]}");
    look(&query, &past);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    look_in_vain(&(struct domm_past_query){.guest = &domm, .domid = 9, .own = journal});
    domm_journal_close(journal);
}

static void of_several_the_last_counts(void **state)
{
    (void)state;
    struct domm_past past;
    for (unsigned char i = 6; i < 9; i++) {
        domm_journal_close(begin(i, true, NULL));
        usleep(20000);
    }
    look(&domm_7, &past);
    assert_string_equal(past.destination, "host8");
}

static void nonsense_in_a_journal_says_nothing(void **state)
{
    (void)state;
    struct domm_past past;
    char path[256];
    struct domm_journal *journal = begin(9, true, NULL);
    snprintf(path, sizeof(path), "%s/journal", domm_journal_path(journal));
    FILE *stream = fopen(path, "a");
    fputs("[]\n{\"what\":7}\n\"decided\"\n{\"what\":\"begin\",\"guests\":[1,{}]}\n"
          "{\"what\":\"deci",
          stream);
    fclose(stream);
    look(&domm_7, &past);
    assert_int_equal(past.owner, DOMM_PAST_SOURCE);
    domm_journal_close(journal);
}

static void the_mapping_state_is_there_or_not(void **state)
{
    (void)state;
    struct domm_past past;
    struct domm_error err;
    unsigned char *bytes;
    size_t size;
    struct domm_journal *journal = begin(10, true, NULL);
    look(&domm_7, &past);
    assert_int_equal(domm_past_mapping_state(&past, &bytes, &size, &err), 0);
    assert_null(bytes);
    assert_int_equal(domm_journal_keep(journal, "mapping-state", "abc", 3, &err), 0);
    assert_int_equal(domm_past_mapping_state(&past, &bytes, &size, &err), 0);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "abc", 3);
    free(bytes);
    domm_journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_journals_there_is_no_past, empty),
        cmocka_unit_test_teardown(one_is_found_by_its_guests_and_its_end, empty),
        cmocka_unit_test_teardown(the_owner_is_what_was_written_last, empty),
        cmocka_unit_test_teardown(what_is_over_or_of_an_earlier_boot_is_passed_over, empty),
        cmocka_unit_test_teardown(the_destination_knows_its_domains_once_they_are_restored, empty),
        cmocka_unit_test_teardown(of_several_the_last_counts, empty),
        cmocka_unit_test_teardown(nonsense_in_a_journal_says_nothing, empty),
        cmocka_unit_test_teardown(the_mapping_state_is_there_or_not, empty),
    };
    return cmocka_run_group_tests(tests, make_places, remove_places);
}
