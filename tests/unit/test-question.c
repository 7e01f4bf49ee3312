/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question of the source, by a shell in place of ssh, and the destination's answer from its
 * journals, with domains that are made up. */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/paths.h"
#include "lib/migrate/journal/abort_request.h"
#include "lib/migrate/journal/journal.h"
#include "lib/migrate/question.h"
#include "lib/pair/locks.h"
#include "lib/xen/domain.h"
#include "lib/xen/xen.h"

#define MONITOR "d0330000-0000-4000-8000-000000000021"
#define MIGRATION "d0330000-0000-4000-8000-0000000000aa"

static char base[] = "/tmp/domm-question-XXXXXX";
static char state_directory[64], journals_directory[128], run_directory[64];
static struct domm_uuid monitor, migration;
static struct domm_error err;

/* The one domain of the host; no name: there is none. */
static const char *domain_name;

int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *e);
int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *e)
{
    (void)log;
    (void)e;
    *xen_r = NULL;
    return 0;
}

void __wrap_domm_xen_close(struct domm_xen *xen);
void __wrap_domm_xen_close(struct domm_xen *xen)
{
    (void)xen;
}

int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *e);
int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *e)
{
    (void)xen;
    (void)e;
    *count_r = domain_name != NULL;
    *domains_r = calloc(1, sizeof(**domains_r));
    if (domain_name)
        **domains_r = (struct domm_domain){
            .domid = 9, .uuid = monitor, .name = strdup(domain_name), .state = DOMM_DOMAIN_PAUSED};
    return 0;
}

static int make_directories(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(state_directory, sizeof(state_directory), "%s/lib", base);
    snprintf(run_directory, sizeof(run_directory), "%s/run", base);
    snprintf(journals_directory, sizeof(journals_directory), "%s/migrations", state_directory);
    domm_var_directory = state_directory;
    domm_run_directory = run_directory;
    domm_journals_directory = journals_directory;
    return domm_uuid_parse(MONITOR, &monitor) && domm_uuid_parse(MIGRATION, &migration) ? 0 : -1;
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
    domain_name = NULL;
    snprintf(command, sizeof(command), "rm -rf %s", journals_directory);
    return system(command);
}

static void note(struct domm_journal *journal, const char *what, const char *json)
{
    assert_int_equal(domm_journal_note(journal, what, json_tokener_parse(json), &err), 0);
}

static struct domm_journal *begin(bool of_this_boot)
{
    struct domm_journal *journal;
    char text[256], boot[DOMM_UUID_TEXT];
    domm_boot_id(boot);
    assert_int_equal(domm_journal_begin(&migration, false, &journal, &err), 0);
    snprintf(text, sizeof(text),
             "{\"boot\":\"%s\",\"guests\":[{\"uuid\":\"" MONITOR "\",\"domid\":9}]}",
             of_this_boot ? boot : "earlier");
    note(journal, "begin", text);
    return journal;
}

static enum domm_recovery_answer answer(void)
{
    static struct domm_log log;
    enum domm_recovery_answer said = DOMM_ANSWERS;
    if (domm_question_reply(&log, &migration, &said, &err))
        fail_msg("%s", err.text);
    return said;
}

static void a_line_is_read_as_it_was_written(void **state)
{
    (void)state;
    char line[256];
    const struct domm_uuid other = {{7}};
    for (enum domm_recovery_answer said = DOMM_ANSWER_NONE; said < DOMM_ANSWERS; said++) {
        domm_question_format(&migration, said, line, sizeof(line));
        assert_int_equal(line[strlen(line) - 1], '\n');
        line[strlen(line) - 1] = '\0';
        assert_int_equal(domm_question_parse(line, &migration), said);
        assert_int_equal(domm_question_parse(line, &other), DOMM_ANSWERS);
    }
}

static void anything_else_is_no_answer(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "{",
        "{}",
        "[]",
        "adopted",
        "{\"answer\":\"refused\"}",
        "{\"version\":2,\"migration\":\"" MIGRATION "\",\"answer\":\"refused\"}",
        "{\"version\":1,\"migration\":\"" MIGRATION "\",\"answer\":\"Refused\"}",
        "{\"version\":1,\"migration\":\"" MIGRATION "\",\"answer\":3}",
        "{\"version\":1,\"migration\":7,\"answer\":\"refused\"}",
        "{\"version\":1,\"migration\":\"" MIGRATION "\",\"answer\":\"refused\"} x",
        " {\"version\":1,\"migration\":\"" MIGRATION "\",\"answer\":\"refused\"}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}"};
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_int_equal(domm_question_parse(lines[i], &migration), DOMM_ANSWERS);
}

/* The shell gets the words that follow as $0 and so on, and answers what the script says. */
static enum domm_recovery_answer asks(const char *script, struct domm_error *why)
{
    char *words[] = {strdup("sh"), strdup("-c"), strdup(script), NULL};
    enum domm_recovery_answer said = domm_question_ask(words, &migration, why);
    for (size_t i = 0; i < 3; i++)
        free(words[i]);
    return said;
}

static void the_source_asks_by_the_uuid(void **state)
{
    (void)state;
    struct domm_error why = {0};
    assert_int_equal(asks("echo Welcome; test \"$0 $1 $2\" = 'domm receive --settle' && echo "
                          "'{\"version\": 1, \"migration\": \"'$3'\", \"answer\": \"lost\"}'",
                          &why),
                     DOMM_ANSWER_LOST);
    assert_int_equal(asks("echo nothing; exit 3", &why), DOMM_ANSWER_NONE);
    assert_contains(why.text, "status 3");
    assert_int_equal(asks("yes | head -c 100000", &why), DOMM_ANSWER_NONE);
    assert_int_equal(
        asks("printf '{\"version\": 1, \"migration\": \"%s\", \"answer\": \"adopted\"}' $3", &why),
        DOMM_ANSWER_NONE); /* cut short: its line does not end */
}

static void without_a_journal_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(answer(), DOMM_ANSWER_UNHEARD);
}

static void what_was_adopted_stays_so(void **state)
{
    (void)state;
    struct domm_journal *journal = begin(true);
    domain_name = "domm1--incoming";
    assert_int_equal(answer(), DOMM_ANSWER_REFUSED);
    note(journal, "adopted", "{}");
    domain_name = "domm1";
    assert_int_equal(answer(), DOMM_ANSWER_ADOPTED);
    domain_name = NULL;
    assert_int_equal(answer(), DOMM_ANSWER_LOST);
    domm_journal_finish(journal); /* they have run, and may have gone on to a third host */
    assert_int_equal(answer(), DOMM_ANSWER_ADOPTED);
    domm_journal_close(journal);
}

static void a_boot_forgets_nothing(void **state)
{
    (void)state;
    struct domm_journal *journal = begin(false);
    assert_int_equal(answer(), DOMM_ANSWER_REFUSED);
    note(journal, "adopted", "{}");
    assert_int_equal(answer(), DOMM_ANSWER_LOST);
    note(journal, "lost", "{}");
    domm_journal_finish(journal);
    assert_int_equal(answer(), DOMM_ANSWER_LOST);
    domm_journal_close(journal);
}

/* It is told to give up; once it has gone on past COMMIT, it has taken them over. */
static void a_process_that_lives_is_part_of_the_answer(void **state)
{
    (void)state;
    struct domm_journal *journal = begin(true);
    int locks;
    assert_int_equal(domm_guest_locks_open(&locks, &err), 0);
    assert_true(domm_guest_lock(locks, DOMM_LOCK_MIGRATION, &migration));
    domain_name = "domm1";
    note(journal, "adopted", "{}");
    assert_int_equal(domm_journal_state(journal, DOMM_DST_STARTING, &err), 0);
    assert_int_equal(answer(), DOMM_ANSWER_ADOPTED);
    assert_false(domm_abort_request_take(&migration));
    close(locks);
    domm_journal_close(journal);
}

static void one_in_prepared_is_told_to_give_up(void **state)
{
    (void)state;
    struct domm_journal *journal = begin(true);
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t receiver = fork();
    if (receiver == 0) { /* it lives until it is told */
        int locks;
        domm_guest_locks_open(&locks, &err);
        domm_guest_lock(locks, DOMM_LOCK_MIGRATION, &migration);
        (void)!write(ready[1], "", 1);
        while (!domm_abort_request_take(&migration))
            usleep(10000);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(answer(), DOMM_ANSWER_REFUSED);
    close(ready[0]);
    close(ready[1]);
    domm_journal_close(journal);
}

static void once_both_agree_it_may_be_forgotten(void **state)
{
    (void)state;
    char path[256];
    struct domm_journal *journal = begin(true);
    assert_int_equal(domm_question_close(&migration, &err), 0);
    snprintf(path, sizeof(path), "%s/agreed", domm_journal_path(journal));
    assert_int_equal(access(path, F_OK), 0);
    domm_journal_close(journal);
    empty(NULL);
    assert_int_equal(domm_question_close(&migration, &err), 0); /* it is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_line_is_read_as_it_was_written, empty),
        cmocka_unit_test_teardown(anything_else_is_no_answer, empty),
        cmocka_unit_test_teardown(the_source_asks_by_the_uuid, empty),
        cmocka_unit_test_teardown(without_a_journal_nothing_is_known, empty),
        cmocka_unit_test_teardown(what_was_adopted_stays_so, empty),
        cmocka_unit_test_teardown(a_boot_forgets_nothing, empty),
        cmocka_unit_test_teardown(a_process_that_lives_is_part_of_the_answer, empty),
        cmocka_unit_test_teardown(one_in_prepared_is_told_to_give_up, empty),
        cmocka_unit_test_teardown(once_both_agree_it_may_be_forgotten, empty),
    };
    return cmocka_run_group_tests(tests, make_directories, remove_directories);
}
