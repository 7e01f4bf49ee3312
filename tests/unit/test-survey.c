/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What monitor-status and Prometheus are told of two monitors of which one cannot be looked at, is
 * gone or is saved, with a Xen, agents and devices that are made up here (the linker puts the
 * functions called __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "cmd/domm/prometheus.h"
#include "lib/base/paths.h"
#include "lib/mapping/scan.h"
#include "lib/pair/saved_record.h"
#include "lib/pair/survey.h"

enum { IDS = 3, OTHER = 4 }; /* domids of monitors; the targets are 1 and 2 */

static uint32_t unscannable, silent, without_vifs;
static bool nobody_can_be_asked;
static uint64_t dropped;

int __wrap_domm_agents_ask(struct domm_store *store, const uint32_t *domids, size_t count,
                           const struct domm_agent_word *asked, int timeout_ms, bool *answered_r,
                           struct domm_error *err);
int __wrap_domm_agents_ask(struct domm_store *store, const uint32_t *domids, size_t count,
                           const struct domm_agent_word *asked, int timeout_ms, bool *answered_r,
                           struct domm_error *err)
{
    (void)store;
    (void)asked;
    (void)timeout_ms;
    for (size_t i = 0; i < count; i++)
        answered_r[i] = !nobody_can_be_asked && domids[i] != silent;
    return nobody_can_be_asked ? domm_fail(err, DOMM_FAILED, "xenstore is full") : 0;
}

void __wrap_domm_agent_answer_read(struct domm_store *store, uint32_t monitor,
                                   const struct domm_uuid *target,
                                   struct domm_agent_answer *answer_r);
void __wrap_domm_agent_answer_read(struct domm_store *store, uint32_t monitor,
                                   const struct domm_uuid *target,
                                   struct domm_agent_answer *answer_r)
{
    (void)store;
    (void)monitor;
    (void)target;
    *answer_r = (struct domm_agent_answer){.given = true,
                                           .memory = {.ok = true},
                                           .n_monitor_vifs = 1,
                                           .monitor_devids = {1},
                                           .monitor_vifs = {{.ok = true}}};
}

bool __wrap_domm_pages_read(struct domm_store *store, uint32_t monitor,
                            const struct domm_uuid *target, struct domm_pages *pages_r);
bool __wrap_domm_pages_read(struct domm_store *store, uint32_t monitor,
                            const struct domm_uuid *target, struct domm_pages *pages_r)
{
    (void)store;
    (void)monitor;
    (void)target;
    *pages_r = (struct domm_pages){0};
    return false;
}

int64_t __wrap_domm_agent_silent_ms(struct domm_store *store, uint32_t monitor);
int64_t __wrap_domm_agent_silent_ms(struct domm_store *store, uint32_t monitor)
{
    (void)store;
    (void)monitor;
    return 60000;
}

/* A monitor that has written nonsense where its layout is to be read. */
int __wrap_domm_scan_briefly(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                             uint64_t *paused_ns_r, struct domm_error *err);
int __wrap_domm_scan_briefly(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                             uint64_t *paused_ns_r, struct domm_error *err)
{
    (void)hv;
    if (monitor == unscannable)
        return domm_fail(err, DOMM_REFUSED, "its p2m has 1 entry\033[2J");
    *scan_r = (struct domm_scan){.count = 1, .foreign = calloc(1, sizeof(*scan_r->foreign))};
    *paused_ns_r = 1;
    return 0;
}

bool __wrap_domm_service_runs(void);
bool __wrap_domm_service_runs(void)
{
    return true;
}

int __wrap_domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target,
                            uint32_t monitor, const struct domm_mirror_pair *pair,
                            struct domm_mirror_ends *ends_r, struct domm_error *err);
int __wrap_domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target,
                            uint32_t monitor, const struct domm_mirror_pair *pair,
                            struct domm_mirror_ends *ends_r, struct domm_error *err)
{
    (void)xen;
    (void)sock;
    (void)target;
    (void)pair;
    if (monitor == without_vifs)
        return domm_fail(err, DOMM_FAILED, "its vifs cannot be listed");
    *ends_r = (struct domm_mirror_ends){
        .target_ifindex = 5, .monitor_ifindex = 6, .target = {.name = "vif1.0"}};
    return 0;
}

int __wrap_domm_mirror_measure(struct nl_sock *sock, int target, int monitor,
                               const struct domm_selection *selection,
                               struct domm_mirror_state *state_r, struct domm_error *err);
int __wrap_domm_mirror_measure(struct nl_sock *sock, int target, int monitor,
                               const struct domm_selection *selection,
                               struct domm_mirror_state *state_r, struct domm_error *err)
{
    (void)sock;
    (void)err;
    *state_r = (struct domm_mirror_state){
        .selection = *selection,
        .target = {.ifindex = target, .up = true},
        .monitor = {.ifindex = monitor, .up = true, .carrier = true},
        .dropped_in_queue = dropped,
        .sent = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = monitor},
        .received = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = monitor},
        .guard = {.ours = true, .action = DOMM_TC_FILTER_DROP}};
    return 0;
}

static struct domm_hv *const memory = (struct domm_hv *)&unscannable; /* any that is not null */
static char base[] = "/tmp/domm-survey-XXXXXX";
static char saved[sizeof(base) + 8];
static char names[5][24];
static struct domm_inventory_entry entries[5];
static struct domm_inventory inventory;
static struct domm_survey survey;
static struct domm_log test_log;

/* ids monitors web, other monitors db; both are expected. */
static int start(void **state)
{
    static const char *const called[] = {"Domain-0", "web", "db", "ids", "other"};
    struct domm_error err;
    (void)state;
    unscannable = silent = without_vifs = 0;
    nobody_can_be_asked = false;
    dropped = 0;
    for (size_t i = 0; i < 5; i++) {
        strcpy(names[i], called[i]);
        entries[i] = (struct domm_inventory_entry){.domain = {.domid = (uint32_t)i,
                                                              .uuid = {{(unsigned char)i}},
                                                              .name = names[i],
                                                              .state = DOMM_DOMAIN_BLOCKED}};
    }
    for (size_t i = 3; i < 5; i++) {
        entries[i].record_state = DOMM_RECORD_VALID;
        entries[i].record = (struct domm_record){
            .n_targets = 1,
            .targets = {{.uuid = entries[i - 2].domain.uuid, .n_mirrors = 1, .mirrors = {{0, 1}}}}};
    }
    inventory = (struct domm_inventory){.count = 5, .entries = entries};
    for (size_t i = 3; i < 5; i++) {
        if (domm_expectations_note(&inventory, &entries[i].domain.uuid, names[i],
                                   &entries[i].record, &err))
            return -1;
    }
    domm_log_init(&test_log, stderr, "test");
    return 0;
}

static int finish(void **state)
{
    char command[192];
    (void)state;
    domm_survey_free(&survey);
    snprintf(command, sizeof(command), "rm -rf %s/expected %s/losses %s", base, base, saved);
    return system(command);
}

static int make(void **state)
{
    (void)state;
    domm_var_directory = domm_run_directory = mkdtemp(base);
    snprintf(saved, sizeof(saved), "%s/saved", base);
    return domm_var_directory ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    return rmdir(base);
}

static int look(const char *text, struct domm_error *err)
{
    const struct domm_observer observer = {.memory = memory};
    domm_survey_free(&survey);
    return domm_survey_make(&observer, &inventory, &test_log, text, &survey, err);
}

/* All monitors, and of each its targets, as "monitor presence: target verdict". */
static void expect_all(const char *expected)
{
    struct domm_error err;
    char text[512] = "";
    assert_int_equal(look(NULL, &err), 0);
    for (size_t i = 0; i < survey.count; i++) {
        const struct domm_status *status = &survey.statuses[i];
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%s %s:", i ? "; " : "",
                 status->monitor->domain.name, domm_absence_name(status->absence));
        for (size_t j = 0; j < status->n_pairs; j++) {
            used = strlen(text);
            snprintf(text + used, sizeof(text) - used, " %s %s", status->pairs[j].name,
                     domm_verdict_name(status->pairs[j].all.verdict));
        }
    }
    assert_string_equal(text, expected);
}

/* The domain, which has the index, ends. */
static void end_domain(size_t index)
{
    for (size_t i = index; i + 1 < inventory.count; i++)
        entries[i] = entries[i + 1];
    inventory.count--;
}

static void all_is_well(void **state)
{
    (void)state;
    expect_all("ids present: web ready; other present: db ready");
    assert_int_equal(domm_survey_worst(&survey), DOMM_VERDICT_READY);
}

/* It could write 1 into max_pfn, or not be paused. */
static void a_monitor_that_cannot_be_scanned_hides_no_other(void **state)
{
    (void)state;
    unscannable = IDS;
    silent = OTHER;
    expect_all("ids present: web degraded; other present: db degraded");
    assert_contains(survey.statuses[0].pairs[0].memory.reason, "page tables cannot be read");
    assert_contains(survey.statuses[0].pairs[0].memory.reason, "1 entry?[2J");
    assert_contains(survey.statuses[1].pairs[0].memory.reason, "no sign of life");
    assert_int_equal(survey.statuses[1].pairs[0].memory.verdict, DOMM_VERDICT_BLIND);
}

static void vifs_that_cannot_be_listed_hide_no_other(void **state)
{
    (void)state;
    without_vifs = IDS;
    expect_all("ids present: web degraded; other present: db ready");
    assert_contains(survey.statuses[0].pairs[0].network.reason, "cannot be listed");
}

static void agents_that_cannot_be_asked_are_a_verdict(void **state)
{
    (void)state;
    nobody_can_be_asked = true;
    expect_all("ids present: web degraded; other present: db degraded");
    assert_contains(survey.statuses[0].pairs[0].memory.reason, "cannot be asked: xenstore is full");
}

static void a_target_whose_monitor_is_gone_is_blind(void **state)
{
    struct domm_error err;
    (void)state;
    end_domain(3);
    expect_all("other present: db ready; ids gone: web blind");
    assert_int_equal(domm_survey_worst(&survey), DOMM_VERDICT_BLIND);
    assert_string_equal(survey.statuses[1].pairs[0].all.reason,
                        "its monitor ids is not on this host");
    end_domain(1); /* the target has ended too */
    expect_all("other present: db ready; ids gone: web blind");
    assert_int_equal(domm_expectation_remove(&(struct domm_uuid){{1}}, &err), 0);
    expect_all("other present: db ready");
}

static void a_monitor_that_was_saved_is_told_from_one_that_ended(void **state)
{
    struct domm_roster roster;
    struct domm_expectations expected;
    struct domm_error err;
    (void)state;
    assert_int_equal(domm_saved_record_write(saved, &entries[3].domain.uuid, "x", &err), 0);
    end_domain(3);
    assert_int_equal(domm_expectations_read(&test_log, &expected, &err), 0);
    assert_int_equal(domm_roster_make(&inventory, &expected, saved, &roster, &err), 0);
    assert_int_equal(roster.count, 2);
    assert_int_equal(roster.entries[1].absence, DOMM_ABSENCE_SAVED);
    assert_int_equal(roster.entries[1].monitor.domain.domid, DOMM_NO_DOMID);
    domm_roster_free(&roster);
    domm_expectations_free(&expected);
}

static void a_record_that_cannot_be_read_is_no_excuse(void **state)
{
    struct domm_error err;
    (void)state;
    entries[3].record_state = DOMM_RECORD_INVALID;
    expect_all("other present: db ready; ids unreadable: web blind");
    assert_int_equal(domm_expectation_remove(&(struct domm_uuid){{1}}, &err), 0);
    expect_all("other present: db ready; ids unreadable:"); /* nobody knows what it should see */
    assert_int_equal(domm_survey_worst(&survey), DOMM_VERDICT_BLIND);
}

static void a_record_that_forgets_its_target_is_told(void **state)
{
    (void)state;
    entries[3].record_state = DOMM_RECORD_ABSENT;
    expect_all("other present: db ready; ids unrecorded: web blind");
    entries[3].record_state = DOMM_RECORD_VALID;
    entries[3].record.n_targets = 0;
    expect_all("ids present:; other present: db ready; ids unrecorded: web blind");
}

static void expect_one(const char *text, const char *monitor, size_t n_pairs, const char *target)
{
    struct domm_error err;
    if (look(text, &err))
        fail_msg("%s: %s", text, err.text);
    assert_int_equal(survey.count, 1);
    assert_string_equal(survey.statuses[0].monitor->domain.name, monitor);
    assert_int_equal(survey.statuses[0].n_pairs, n_pairs);
    assert_string_equal(survey.statuses[0].pairs[0].name, target);
}

static void a_target_can_be_asked_for(void **state)
{
    (void)state;
    struct domm_error err;
    entries[3].record.targets[entries[3].record.n_targets++].uuid = (struct domm_uuid){{7}};
    expect_one("ids", "ids", 2, "web");
    expect_one("web", "ids", 1, "web");
    expect_one("1", "ids", 1, "web");
    expect_one("02000000-0000-0000-0000-000000000000", "other", 1, "db");
    assert_int_equal(look("0", &err), -DOMM_REFUSED);
    assert_contains(err.text, "0 is neither a monitor nor a target");
    assert_int_equal(look("nobody", &err), -DOMM_NOT_FOUND);
    entries[3].record.n_targets--;
    end_domain(3); /* ids */
    expect_one("web", "ids", 1, "web");
    expect_one("ids", "ids", 1, "web");
    end_domain(1); /* web */
    expect_one("web", "ids", 1, "web");
    expect_one("01000000-0000-0000-0000-000000000000", "ids", 1, "web");
}

static void packets_lost_since_the_last_look_degrade(void **state)
{
    (void)state;
    dropped = 5; /* before the first look */
    expect_all("ids present: web ready; other present: db ready");
    dropped = 8;
    expect_all("ids present: web degraded; other present: db degraded");
    assert_string_equal(survey.statuses[0].pairs[0].network.reason,
                        "3 packets have not reached the monitor since the last look");
    expect_all("ids present: web ready; other present: db ready");
}

static char *exposition(void)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    cmd_print_prometheus(file, survey.statuses, survey.count);
    fclose(file);
    return text;
}

/* The format of each line, in ASCII, and no line twice. */
static void check_exposition(const char *text)
{
    const char *line = text;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t length = (size_t)(end - line);
        const char *brace = memrchr(line, '}', length);
        for (size_t i = 0; i < length; i++) {
            if (line[i] < ' ' || line[i] > '~')
                fail_msg("not ASCII: %.*s", (int)length, line);
        }
        if (*line != '#' && !brace)
            fail_msg("no labels: %.*s", (int)length, line);
        for (const char *other = text; *line != '#' && other < line;
             other = strchr(other, '\n') + 1) {
            if (strncmp(other, line, (size_t)(brace - line) + 1) == 0)
                fail_msg("twice: %.*s", (int)length, line);
        }
    }
    assert_int_equal(*line, '\0');
}

/* Prometheus' own check, where it is installed: its package starts a service, so that the build
 * does not ask for it. */
static void check_with_promtool(const char *text)
{
    if (system("command -v promtool >/dev/null"))
        return;
    FILE *promtool = popen("promtool check metrics", "w");
    fputs(text, promtool);
    assert_int_equal(pclose(promtool), 0);
}

static void metrics_name_every_expected_target(void **state)
{
    (void)state;
    struct domm_error err;
    silent = OTHER;
    end_domain(3);
    assert_int_equal(look(NULL, &err), 0);
    cleanup_free char *text = exposition();
    assert_contains(text, "domm_verdict{monitor=\"ids\",target=\"web\",aspect=\"all\"} 2\n");
    assert_contains(text, "domm_verdict{monitor=\"other\",target=\"db\",aspect=\"memory\"} 2\n");
    assert_contains(text, "domm_monitor_present{monitor=\"ids\"} 0\n");
    assert_contains(text, "domm_agent_up{monitor=\"ids\"} 0\n");
    check_exposition(text);
    check_with_promtool(text);
}

/* Not UTF-8, quotes, backslashes, and names that would be alike if something were left out. */
static void metrics_are_valid_for_any_name(void **state)
{
    (void)state;
    struct domm_error err;
    strcpy(names[1], "a\"b\\\n\xff\x9b");
    strcpy(names[2], "a\"b\\\\n\xfe\x9b");
    strcpy(names[3], "\xc3\xa9");
    strcpy(names[4], "{}=, ");
    assert_int_equal(look(NULL, &err), 0);
    cleanup_free char *text = exposition();
    assert_contains(text,
                    "monitor=\"\\\\xc3\\\\xa9\",target=\"a\\\"b\\\\x5c\\\\x0a\\\\xff\\\\x9b\"");
    assert_contains(text, "monitor=\"{}=, \",target=\"a\\\"b\\\\x5c\\\\x5cn\\\\xfe\\\\x9b\"");
    check_exposition(text);
    check_with_promtool(text);
}

static void a_label_stays_the_name(void **state)
{
    (void)state;
    struct domm_error err;
    strcpy(names[1], "web--migratedaway");
    strcpy(names[3], "ids--migratedaway");
    assert_int_equal(look(NULL, &err), 0);
    cleanup_free char *moving = exposition();
    assert_contains(moving, "monitor=\"ids\",target=\"web\",aspect=\"all\"");
    end_domain(1);
    assert_int_equal(look(NULL, &err), 0);
    cleanup_free char *left = exposition();
    assert_contains(left, "monitor=\"ids\",target=\"web\",aspect=\"all\"} 2");
}

static void two_of_one_name_give_one_line(void **state)
{
    (void)state;
    struct domm_error err;
    strcpy(names[4], "ids--incoming");
    strcpy(names[2], "web--incoming");
    assert_int_equal(look(NULL, &err), 0);
    assert_int_equal(survey.count, 2);
    cleanup_free char *text = exposition();
    check_exposition(text);
    check_with_promtool(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
        TEST(all_is_well),
        TEST(a_monitor_that_cannot_be_scanned_hides_no_other),
        TEST(vifs_that_cannot_be_listed_hide_no_other),
        TEST(agents_that_cannot_be_asked_are_a_verdict),
        TEST(a_target_whose_monitor_is_gone_is_blind),
        TEST(a_monitor_that_was_saved_is_told_from_one_that_ended),
        TEST(a_record_that_cannot_be_read_is_no_excuse),
        TEST(a_record_that_forgets_its_target_is_told),
        TEST(a_target_can_be_asked_for),
        TEST(packets_lost_since_the_last_look_degrade),
        TEST(metrics_name_every_expected_target),
        TEST(metrics_are_valid_for_any_name),
        TEST(a_label_stays_the_name),
        TEST(two_of_one_name_give_one_line),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
