/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a monitor to be ready, with a xenstore, an agent and devices that are made up here
 * (the linker puts the functions called __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/migrate/ready.h"
#include "lib/pair/locks.h"

#define MONITOR 7u
#define PING "/local/domain/7/domm/ping"
#define PONG "/local/domain/7/domm/agent/pong"

/* The agent gives the word back at once, if it runs. */
static char word[32];
static unsigned questions, measurements;
static atomic_bool agent_runs, carrier, agent_is_blind, agent_lacks_vif;
static int store_events = -1;

int __wrap_domm_store_rewrite(struct domm_store *store, const char *path, const char *value,
                              struct domm_error *err);
int __wrap_domm_store_rewrite(struct domm_store *store, const char *path, const char *value,
                              struct domm_error *err)
{
    (void)store;
    (void)err;
    assert_string_equal(path, PING);
    snprintf(word, sizeof(word), "%s", value);
    questions++;
    return 0;
}

int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err);
int __wrap_domm_store_read(struct domm_store *store, const char *path, char **value_r,
                           struct domm_error *err)
{
    (void)store;
    if (!agent_runs)
        return domm_fail(err, DOMM_NOT_FOUND, "no %s", path);
    if (strcmp(path, PONG) == 0)
        *value_r = strdup(word);
    else if (agent_is_blind)
        *value_r = strdup("{\"memory\":{\"ok\":false}}");
    else if (asprintf(value_r,
                      "{\"memory\":{\"ok\":true,\"error\":\"\"},\"network\":"
                      "[{\"vif\":1,\"ok\":%s,\"error\":\"\"}],\"storage\":[]}",
                      agent_lacks_vif ? "false" : "true") < 0)
        *value_r = NULL;
    return *value_r ? 0 : domm_no_memory(err);
}

int __wrap_domm_store_watch(struct domm_store *store, const char *path, struct domm_error *err);
int __wrap_domm_store_watch(struct domm_store *store, const char *path, struct domm_error *err)
{
    (void)store;
    (void)path;
    (void)err;
    return 0;
}

int __wrap_domm_store_unwatch(struct domm_store *store, const char *path, struct domm_error *err);
int __wrap_domm_store_unwatch(struct domm_store *store, const char *path, struct domm_error *err)
{
    (void)store;
    (void)path;
    (void)err;
    return 0;
}

int __wrap_domm_store_fd(struct domm_store *store);
int __wrap_domm_store_fd(struct domm_store *store)
{
    (void)store;
    return store_events;
}

void __wrap_domm_store_drop_events(struct domm_store *store);
void __wrap_domm_store_drop_events(struct domm_store *store)
{
    eventfd_t value;
    (void)store;
    eventfd_read(store_events, &value);
}

int __wrap_domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                         const struct domm_uuid *monitor,
                                         struct domm_inventory *inventory_r,
                                         struct domm_error *err);
int __wrap_domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                         const struct domm_uuid *monitor,
                                         struct domm_inventory *inventory_r, struct domm_error *err)
{
    (void)xen;
    (void)log;
    (void)err;
    struct domm_inventory_entry *entries = calloc(2, sizeof(*entries));
    assert_non_null(entries);
    entries[0].domain = (struct domm_domain){
        .domid = MONITOR, .uuid = *monitor, .name = strdup("domm1"), .state = DOMM_DOMAIN_RUNNING};
    entries[0].record_state = DOMM_RECORD_VALID;
    entries[0].record.n_targets = 1;
    entries[0].record.targets[0] = (struct domm_record_target){
        .uuid = {{2}}, .n_mirrors = 1, .mirrors = {{.vif = 0, .to = 1}}};
    entries[1].domain = (struct domm_domain){
        .domid = 8, .uuid = {{2}}, .name = strdup("web"), .state = DOMM_DOMAIN_PAUSED};
    *inventory_r = (struct domm_inventory){.entries = entries, .count = 2};
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
    (void)monitor;
    (void)pair;
    (void)err;
    *ends_r = (struct domm_mirror_ends){.target_ifindex = 5, .monitor_ifindex = 6};
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
    measurements++;
    *state_r = (struct domm_mirror_state){
        .selection = *selection,
        .target = {.ifindex = target, .up = true, .operstate = "up"},
        .monitor = {.ifindex = monitor, .up = true, .carrier = carrier, .operstate = "up"},
        .sent = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = monitor},
        .received = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = monitor},
        .guard = {.ours = true, .action = DOMM_TC_FILTER_DROP}};
    return 0;
}

static struct domm_session session;
static int kernel; /* where news of devices come from */

static int begin(void **state)
{
    int ends[2];
    (void)state;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends))
        return -1;
    kernel = ends[1];
    session = (struct domm_session){.net_changes = ends[0]};
    session.guests[0].domid = MONITOR;
    session.guests[0].facts.uuid = (struct domm_uuid){{1}};
    store_events = eventfd(0, EFD_NONBLOCK);
    agent_runs = carrier = true;
    agent_is_blind = agent_lacks_vif = false;
    questions = measurements = 0;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    close(store_events);
    close(kernel);
    return close(session.net_changes);
}

/* 100 ms later, from elsewhere. */
static void *connect_vif(void *context)
{
    (void)context;
    poll(NULL, 0, 100);
    carrier = true;
    assert_int_equal(send(kernel, "x", 1, 0), 1);
    return NULL;
}

static void *start_agent(void *context)
{
    (void)context;
    poll(NULL, 0, 100);
    agent_runs = true;
    eventfd_write(store_events, 1);
    return NULL;
}

/* Devices are waited for from the answer on. */
static void *start_agent_late_then_connect_vif(void *context)
{
    poll(NULL, 0, DOMM_READY_DEVICES_MS);
    start_agent(context);
    return connect_vif(context);
}

static void *ask_it_otherwise_then_connect_vif(void *context)
{
    poll(NULL, 0, 100);
    snprintf(word, sizeof(word), "another's");
    return connect_vif(context);
}

static void look_while(void *(*happen)(void *context))
{
    struct domm_error err = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, happen, NULL), 0);
    int rc = domm_ready_look(&session, &err);
    pthread_join(thread, NULL);
    if (rc)
        fail_msg("%s", err.text);
}

static void a_monitor_that_was_asked_before_it_ran_is_not_asked_again(void **state)
{
    (void)state;
    agent_runs = false;
    domm_ready_ask(&session);
    look_while(start_agent);
    assert_int_equal(questions, 1);
}

static void a_carrier_that_comes_ends_the_wait(void **state)
{
    (void)state;
    carrier = false;
    look_while(connect_vif);
    assert_int_equal(questions, 1);
    assert_int_equal(measurements, 2);
}

static void an_answer_counts_after_somebody_else_has_asked(void **state)
{
    (void)state;
    carrier = false;
    look_while(ask_it_otherwise_then_connect_vif);
    assert_int_equal(questions, 1);
}

static void an_answer_that_comes_late_holds_while_a_device_connects(void **state)
{
    (void)state;
    agent_runs = carrier = false;
    domm_ready_ask(&session);
    look_while(start_agent_late_then_connect_vif);
    assert_int_equal(questions, 1);
}

static void a_look_that_lacks_more_than_devices_ends_and_the_next_asks_anew(void **state)
{
    (void)state;
    struct domm_error err;
    int64_t began_ms = domm_now_ms();
    agent_is_blind = true;
    assert_int_equal(domm_ready_look(&session, &err), -DOMM_PREFLIGHT);
    assert_contains(err.text, "web is not monitored");
    agent_is_blind = false;
    agent_lacks_vif = true;
    assert_int_equal(domm_ready_look(&session, &err), -DOMM_PREFLIGHT);
    assert_true(domm_now_ms() - began_ms < DOMM_READY_DEVICES_MS);
    assert_int_equal(questions, 2);
    agent_lacks_vif = false;
    assert_int_equal(domm_ready_look(&session, &err), 0);
    assert_int_equal(questions, 3);
}

/* A fresh one in place of the one that was asked. */
static void another_monitor_is_asked_anew(void **state)
{
    (void)state;
    struct domm_error err;
    domm_ready_ask(&session);
    session.question.domid = MONITOR - 1;
    assert_int_equal(domm_ready_look(&session, &err), 0);
    assert_int_equal(questions, 2);
}

static void news_that_are_old_end_no_wait(void **state)
{
    (void)state;
    struct domm_error err;
    carrier = false;
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(kernel, "x", 1, 0), 1);
    int64_t began_ms = domm_now_ms();
    assert_int_equal(domm_ready_look(&session, &err), -DOMM_PREFLIGHT);
    assert_true(domm_now_ms() - began_ms >= DOMM_READY_DEVICES_MS);
    assert_int_equal(questions, 1);
    assert_int_equal(measurements, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_monitor_that_was_asked_before_it_ran_is_not_asked_again,
                                        begin, finish),
        cmocka_unit_test_setup_teardown(a_carrier_that_comes_ends_the_wait, begin, finish),
        cmocka_unit_test_setup_teardown(an_answer_counts_after_somebody_else_has_asked, begin,
                                        finish),
        cmocka_unit_test_setup_teardown(an_answer_that_comes_late_holds_while_a_device_connects,
                                        begin, finish),
        cmocka_unit_test_setup_teardown(
            a_look_that_lacks_more_than_devices_ends_and_the_next_asks_anew, begin, finish),
        cmocka_unit_test_setup_teardown(another_monitor_is_asked_anew, begin, finish),
        cmocka_unit_test_setup_teardown(news_that_are_old_end_no_wait, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
