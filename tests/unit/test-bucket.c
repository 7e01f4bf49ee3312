/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/base/bucket.h"

static void it_fills_at_its_rate_and_not_beyond_its_burst(void **state)
{
    (void)state;
    struct domm_bucket bucket = {.rate = 10, .burst = 5, .at_ms = 1000};
    assert_false(domm_bucket_may(&bucket));
    domm_bucket_fill(&bucket, 1099);
    assert_false(domm_bucket_may(&bucket));
    domm_bucket_fill(&bucket, 1100);
    assert_int_equal(bucket.tokens, 1);
    domm_bucket_fill(&bucket, 100000);
    assert_int_equal(bucket.tokens, 5);
}

static void often_asked_it_gives_no_less(void **state)
{
    (void)state;
    struct domm_bucket bucket = {.rate = 3, .burst = 1000};
    for (int64_t now = 0; now <= 100000; now += 7)
        domm_bucket_fill(&bucket, now);
    assert_in_range(bucket.tokens, 299, 300);
}

static void a_debt_is_waited_for(void **state)
{
    (void)state;
    struct domm_bucket bucket = {.rate = 100, .burst = 10, .tokens = 10};
    domm_bucket_take(&bucket, 60);
    assert_false(domm_bucket_may(&bucket));
    int64_t wait = domm_bucket_wait(&bucket);
    assert_in_range(wait, 500, 520);
    domm_bucket_fill(&bucket, wait - 20);
    assert_false(domm_bucket_may(&bucket));
    domm_bucket_fill(&bucket, wait);
    assert_true(domm_bucket_may(&bucket));
    assert_int_equal(domm_bucket_wait(&bucket), 0);
}

static void a_long_idle_time_fills_it_at_any_rate(void **state)
{
    (void)state;
    const int64_t rate = INT64_C(1) << 40;
    struct domm_bucket bucket = {.rate = rate, .burst = rate, .tokens = -rate};
    domm_bucket_fill(&bucket, INT64_C(1000) * 60 * 60 * 24 * 365);
    assert_int_equal(bucket.tokens, rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fills_at_its_rate_and_not_beyond_its_burst),
        cmocka_unit_test(often_asked_it_gives_no_less),
        cmocka_unit_test(a_debt_is_waited_for),
        cmocka_unit_test(a_long_idle_time_fills_it_at_any_rate),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
