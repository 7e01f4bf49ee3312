/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the last packets of stopped targets have arrived. */
#include "tests/unit/unit.h"

#include "lib/migrate/drain.h"

static void nothing_more_for_long_enough_is_all(void **state)
{
    (void)state;
    struct domm_drain drain;
    domm_drain_begin(&drain, 1000, 5000);
    assert_int_equal(domm_drain_count(&drain, 1000, 5000), DOMM_DRAIN_QUIET_MS);
    assert_int_equal(domm_drain_count(&drain, 1000, 5049), 1);
    assert_int_equal(domm_drain_count(&drain, 1000, 5050), 0);
}

/* Something else took the time: there is nothing left to wait for. */
static void time_that_has_passed_counts(void **state)
{
    (void)state;
    struct domm_drain drain;
    domm_drain_begin(&drain, 1000, 5000);
    assert_int_equal(domm_drain_count(&drain, 1000, 5300), 0);
}

static void a_packet_that_comes_late_begins_the_time_anew(void **state)
{
    (void)state;
    struct domm_drain drain;
    domm_drain_begin(&drain, 1000, 5000);
    assert_int_equal(domm_drain_count(&drain, 1001, 5300), DOMM_DRAIN_QUIET_MS);
    assert_int_equal(domm_drain_count(&drain, 1001, 5340), 10);
    assert_int_equal(domm_drain_count(&drain, 1002, 5349), DOMM_DRAIN_QUIET_MS);
    assert_int_equal(domm_drain_count(&drain, 1002, 5399), 0);
}

static void a_balance_that_never_settles_is_not_waited_for(void **state)
{
    (void)state;
    struct domm_drain drain;
    int64_t now = 5000;
    uint64_t balance = 1000;
    domm_drain_begin(&drain, balance, now);
    for (int64_t left; (left = domm_drain_count(&drain, ++balance, now)) != 0; now += left)
        assert_true(now < 5000 + DOMM_DRAIN_LIMIT_MS);
    assert_true(now >= 5000 + DOMM_DRAIN_LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_more_for_long_enough_is_all),
        cmocka_unit_test(time_that_has_passed_counts),
        cmocka_unit_test(a_packet_that_comes_late_begins_the_time_anew),
        cmocka_unit_test(a_balance_that_never_settles_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
