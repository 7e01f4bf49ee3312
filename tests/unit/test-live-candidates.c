/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What migrations and expectations of this host offer. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "cmd/domm/live_candidates.h"
#include "lib/base/paths.h"
#include "lib/migrate/journal/journal.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"
#include "tests/unit/no-xen.h"

static char base[] = "/tmp/domm-live-XXXXXX";
static char journals[64];

/* ids monitors web. */
int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err)
{
    static char web[] = "web", ids[] = "ids";
    static struct domm_inventory_entry entries[] = {
        {.domain = {.domid = 1, .name = web, .uuid = {{1}}}},
        {.domain = {.domid = 2, .name = ids, .uuid = {{2}}},
         .record_state = DOMM_RECORD_VALID,
         .record = {.n_targets = 1, .targets = {{.uuid = {{1}}}}}},
    };
    (void)xen;
    (void)log;
    (void)err;
    *inventory_r = (struct domm_inventory){.count = COUNT(entries), .entries = entries};
    return 0;
}

void __wrap_domm_inventory_free(struct domm_inventory *inventory)
{
    (void)inventory;
}

static int make_directories(void **state)
{
    (void)state;
    domm_var_directory = domm_run_directory = mkdtemp(base);
    snprintf(journals, sizeof(journals), "%s/migrations", base);
    domm_journals_directory = journals;
    return domm_run_directory ? 0 : -1;
}

static int remove_directories(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command);
}

static void migrate(const struct domm_uuid *migration, const char *guests, bool over)
{
    struct domm_journal *journal;
    struct domm_error err;
    char text[256];
    assert_int_equal(domm_journal_begin(migration, true, &journal, &err), 0);
    snprintf(text, sizeof(text), "{\"destination\":\"host2\",\"guests\":[%s]}", guests);
    assert_int_equal(domm_journal_note(journal, "begin", json_tokener_parse(text), &err), 0);
    if (over)
        domm_journal_finish(journal);
    domm_journal_close(journal);
}

#define GUEST(number, name)                                                                        \
    "{\"uuid\":\"0" #number "000000-0000-4000-8000-000000000000\",\"domid\":1,\"name\":\"" name    \
    "\"}"

static void assert_offers(enum cmd_completer kind, const char *word, const char *expected)
{
    char text[256] = "";
    struct cmd_candidates candidates = {0};
    cmd_live_candidates_add(&candidates, word, kind);
    for (size_t i = 0; i < candidates.count; i++) {
        strcat(text, i ? "|" : "");
        strcat(text, candidates.items[i].text);
    }
    assert_string_equal(text, expected);
    cmd_candidates_free(&candidates);
}

static void migrations_are_those_that_can_be_aborted_or_recovered(void **state)
{
    (void)state;
    const struct domm_uuid running = {{0x11, [15] = 1}}, unfinished = {{0x22, [15] = 2}};
    const struct domm_uuid over = {{0x33, [15] = 3}};
    struct domm_error err;
    int locks;
    migrate(&running, GUEST(1, "ids") "," GUEST(2, "my web"), false);
    migrate(&unfinished, GUEST(3, "past"), false);
    migrate(&over, GUEST(4, "gone"), true);
    assert_int_equal(domm_guest_locks_open(&locks, &err), 0);
    assert_true(domm_guest_lock(locks, DOMM_LOCK_MIGRATION, &running));
    assert_offers(COMPLETE_RUNNING, "", "ids|my web");
    assert_offers(COMPLETE_UNFINISHED, "", "past|22000000-0000-0000-0000-000000000002");
    assert_offers(COMPLETE_UNFINISHED, "p", "past");
    close(locks);
    assert_offers(COMPLETE_RUNNING, "", "");
    assert_offers(COMPLETE_UNFINISHED, "my", "my web");
}

static void expect(unsigned char target, const char *name)
{
    const struct domm_uuid uuid = {{target}}, monitor = {{9}};
    struct domm_expectation expectation;
    struct domm_error err;
    domm_expectation_make(&uuid, name, &monitor, "ids", &expectation);
    assert_int_equal(domm_expectation_write(&expectation, &err), 0);
}

static void targets_are_those_that_lost_their_monitor(void **state)
{
    (void)state;
    assert_offers(COMPLETE_EXPECTED, "", "");
    expect(1, "web");
    expect(7, "my lost");
    assert_offers(COMPLETE_EXPECTED, "", "my lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_are_those_that_can_be_aborted_or_recovered),
        cmocka_unit_test(targets_are_those_that_lost_their_monitor),
    };
    return cmocka_run_group_tests_name("live candidates", tests, make_directories,
                                       remove_directories);
}
