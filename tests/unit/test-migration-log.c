/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a migration leaves in the host's log: the fields of the journal, or a line of syslog. */
#include "tests/unit/unit.h"

#include <sys/uio.h>
#include <syslog.h>

#include "cmd/domm/migration_log.h"

static bool has_journal;
static char sent[4096]; /* the fields, each with a line break behind it */
static char line[1024];
static int line_priority;

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
    (void)path;
    (void)mode;
    return has_journal ? 0 : -1;
}

int __wrap_sd_journal_sendv(const struct iovec *fields, int n);
int __wrap_sd_journal_sendv(const struct iovec *fields, int n)
{
    for (int i = 0; i < n; i++) {
        strncat(sent, fields[i].iov_base, fields[i].iov_len);
        strcat(sent, "\n");
    }
    return 0;
}

#define KEEP_LINE(priority, fmt)                                                                   \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        vsnprintf(line, sizeof(line), fmt, args);                                                  \
        va_end(args);                                                                              \
        line_priority = priority;                                                                  \
    } while (0)

void __wrap_syslog(int priority, const char *fmt, ...);
void __wrap_syslog(int priority, const char *fmt, ...)
{
    KEEP_LINE(priority, fmt);
}

/* What syslog is with _FORTIFY_SOURCE. */
void __wrap___syslog_chk(int priority, int flag, const char *fmt, ...);
void __wrap___syslog_chk(int priority, int flag, const char *fmt, ...)
{
    (void)flag;
    KEEP_LINE(priority, fmt);
}

static struct domm_session session;

static int begin(void **state)
{
    (void)state;
    memset(&session, 0, sizeof(session));
    domm_report_begin(&session.report);
    session.offer.migration = (struct domm_uuid){{0xab, 0xcd}};
    session.offer.n_targets = session.report.n_targets = 2;
    strcpy(session.guests[0].facts.name, "ids");
    strcpy(session.guests[1].facts.name, "web");
    strcpy(session.guests[2].facts.name, "mail\nPRIORITY=0");
    strcpy(session.report.destination, "host2");
    sent[0] = line[0] = '\0';
    has_journal = true;
    return 0;
}

static void source_ended(enum domm_migration_state in)
{
    session.machine.setup.source = true;
    session.machine.state = session.report.state = in;
}

static void a_migration_is_found_by_its_fields(void **state)
{
    (void)state;
    source_ended(DOMM_SRC_MOVED);
    for (unsigned int g = 1; g <= 2; g++) {
        session.report.guests[g].marks[DOMM_MARK_STOPPED] = 1000;
        session.report.guests[g].marks[DOMM_MARK_RESUMED] = 3000 + g;
    }
    cmd_migration_log(&session);
    assert_string_equal(sent, "MESSAGE=migration of ids and 2 targets to host2: moved\n"
                              "PRIORITY=5\n"
                              "SYSLOG_IDENTIFIER=domm\n"
                              "MESSAGE_ID=" CMD_MIGRATION_MESSAGE_ID "\n"
                              "DOMM_MIGRATION=abcd0000-0000-0000-0000-000000000000\n"
                              "DOMM_ROLE=source\n"
                              "DOMM_OUTCOME=moved\n"
                              "DOMM_MONITOR=ids\n"
                              "DOMM_TARGET=web\n"
                              "DOMM_TARGET=mail?PRIORITY=0\n"
                              "DOMM_DESTINATION=host2\n"
                              "DOMM_DOWNTIME_NS=2002\n"
                              "DOMM_UNMONITORED_CPU_NS=0\n");
}

static void a_target_that_ran_unmonitored_is_a_warning(void **state)
{
    (void)state;
    source_ended(DOMM_SRC_MOVED);
    session.report.unmonitored = true;
    session.report.guests[1].unmonitored_cpu = 300;
    session.report.guests[2].unmonitored_cpu = 70;
    cmd_migration_log(&session);
    assert_contains(sent, "PRIORITY=4\n");
    assert_contains(sent, "DOMM_UNMONITORED_CPU_NS=370\n");
    assert_null(strstr(sent, "DOWNTIME"));
}

static void a_failure_has_its_reason(void **state)
{
    (void)state;
    source_ended(DOMM_SRC_ROLLED_BACK);
    domm_fail(&session.error, DOMM_FAILED, "the link is lost");
    cmd_migration_log(&session);
    assert_contains(
        sent, "MESSAGE=migration of ids and 2 targets to host2: rolled back: the link is lost\n");
    assert_contains(sent, "DOMM_ERROR=the link is lost\n");
    assert_contains(sent, "PRIORITY=4\n");
    assert_null(strstr(sent, "UNMONITORED"));
    sent[0] = '\0';
    source_ended(DOMM_SRC_UNKNOWN);
    cmd_migration_log(&session);
    assert_contains(sent, "PRIORITY=3\n");
}

static void the_destination_has_its_own_entry(void **state)
{
    (void)state;
    session.offer.n_targets = session.report.n_targets = 1;
    session.machine.state = DOMM_DST_HELD;
    cmd_migration_log(&session);
    assert_contains(sent, "MESSAGE=migration of ids and 1 target to this host: held\n");
    assert_contains(sent, "DOMM_ROLE=destination\n");
    assert_contains(sent, "PRIORITY=3\n");
    assert_null(strstr(sent, "DESTINATION="));
}

static void without_a_journal_it_is_a_line_of_syslog(void **state)
{
    (void)state;
    has_journal = false;
    source_ended(DOMM_SRC_MOVED);
    cmd_migration_log(&session);
    assert_string_equal(line, "migration of ids and 2 targets to host2: moved");
    assert_int_equal(line_priority, LOG_NOTICE);
    assert_string_equal(sent, "");
}

static void nothing_is_said_of_guests_that_are_not_known(void **state)
{
    (void)state;
    session.guests[0].facts.name[0] = '\0';
    cmd_migration_log(&session);
    assert_string_equal(sent, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_migration_is_found_by_its_fields, begin),
        cmocka_unit_test_setup(a_target_that_ran_unmonitored_is_a_warning, begin),
        cmocka_unit_test_setup(a_failure_has_its_reason, begin),
        cmocka_unit_test_setup(the_destination_has_its_own_entry, begin),
        cmocka_unit_test_setup(without_a_journal_it_is_a_line_of_syslog, begin),
        cmocka_unit_test_setup(nothing_is_said_of_guests_that_are_not_known, begin),
    };
    return cmocka_run_group_tests_name("migration-log", tests, NULL, NULL);
}
