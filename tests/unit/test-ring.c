/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/xen/ring.h"

struct pair {
    struct domm_ring_page page;
    struct domm_ring monitor, dom0;
};

static void join(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    domm_ring_offer(&pair->monitor, &pair->page);
    assert_int_equal(domm_ring_other(&pair->monitor), DOMM_RING_AWAITED);
    assert_true(domm_ring_join(&pair->dom0, &pair->page));
    assert_int_equal(domm_ring_other(&pair->monitor), DOMM_RING_HERE);
    assert_int_equal(domm_ring_other(&pair->dom0), DOMM_RING_HERE);
}

static void it_is_joined_once(void **state)
{
    static struct domm_ring_page nobody;
    struct pair pair;
    struct domm_ring second;
    (void)state;
    assert_false(domm_ring_join(&second, &nobody));
    join(&pair);
    assert_false(domm_ring_join(&second, &pair.page));
    pair.page.dom0 = DOMM_RING_GONE;
    assert_int_equal(domm_ring_other(&pair.monitor), DOMM_RING_GONE);
    assert_false(domm_ring_join(&second, &pair.page));
    pair.page.monitor = DOMM_RING_GONE;
    assert_int_equal(domm_ring_other(&pair.dom0), DOMM_RING_GONE);
}

/* With every fill, through the end of the slots and over that of the counters. */
static void it_carries_messages_in_order(void **state)
{
    unsigned char request[DOMM_RING_REQUEST], reply[DOMM_RING_REPLY];
    struct pair pair;
    unsigned char sent = 0, received = 0;
    (void)state;
    join(&pair);
    pair.monitor.in = pair.dom0.out = UINT32_MAX - 40;
    pair.page.requests_in = pair.page.requests_out = UINT32_MAX - 40;
    for (unsigned int fill = 1; fill <= DOMM_RING_SLOTS; fill++) {
        for (unsigned int i = 0; i < fill; i++) {
            memset(request, sent++, sizeof(request));
            assert_true(domm_ring_send(&pair.monitor, request));
        }
        for (; domm_ring_receive(&pair.dom0, request); received++) {
            assert_int_equal(request[0], received);
            assert_int_equal(request[sizeof(request) - 1], received);
            memset(reply, received, sizeof(reply));
            assert_true(domm_ring_send(&pair.dom0, reply));
            assert_true(domm_ring_receive(&pair.monitor, reply));
            assert_int_equal(reply[sizeof(reply) - 1], received);
        }
        assert_int_equal(received, sent);
    }
    assert_false(pair.monitor.broken || pair.dom0.broken);
}

static void a_full_one_takes_no_more(void **state)
{
    unsigned char request[DOMM_RING_REQUEST] = {0};
    struct pair pair;
    (void)state;
    join(&pair);
    for (unsigned int i = 0; i < DOMM_RING_SLOTS; i++)
        assert_true(domm_ring_send(&pair.monitor, request));
    assert_false(domm_ring_send(&pair.monitor, request));
    assert_true(domm_ring_receive(&pair.dom0, request));
    assert_true(domm_ring_send(&pair.monitor, request));
    assert_false(pair.monitor.broken || pair.dom0.broken);
}

static void impossible_counters_are_its_end(void **state)
{
    unsigned char request[DOMM_RING_REQUEST], reply[DOMM_RING_REPLY] = {0};
    struct pair pair;
    (void)state;
    join(&pair);
    pair.page.requests_in = DOMM_RING_SLOTS + 1;
    assert_false(domm_ring_receive(&pair.dom0, request));
    assert_int_equal(domm_ring_other(&pair.dom0), DOMM_RING_GONE);
    join(&pair);
    pair.page.replies_out = 1;
    assert_false(domm_ring_send(&pair.dom0, reply));
    assert_int_equal(domm_ring_other(&pair.dom0), DOMM_RING_GONE);
    pair.page.replies_out = 0;
    assert_false(domm_ring_send(&pair.dom0, reply));
}

/* dom0 keeps its counters for itself: what the monitor makes of them moves nothing. */
static void own_counters_are_not_read_back(void **state)
{
    unsigned char request[DOMM_RING_REQUEST] = {1};
    struct pair pair;
    (void)state;
    join(&pair);
    assert_true(domm_ring_send(&pair.monitor, request));
    pair.page.requests_out = 77;
    pair.page.replies_in = 99;
    assert_true(domm_ring_receive(&pair.dom0, request));
    assert_int_equal(pair.page.requests_out, 1);
    assert_false(domm_ring_receive(&pair.dom0, request));
}

static void a_sleeping_side_is_woken_once(void **state)
{
    unsigned char request[DOMM_RING_REQUEST] = {1};
    struct pair pair;
    (void)state;
    join(&pair);
    domm_ring_wake(&pair.dom0);
    assert_true(domm_ring_send(&pair.monitor, request));
    assert_false(domm_ring_must_wake(&pair.monitor));
    assert_true(domm_ring_sleep(&pair.dom0)); /* there is a request already */
    assert_true(domm_ring_receive(&pair.dom0, request));
    assert_false(domm_ring_sleep(&pair.dom0));
    assert_true(domm_ring_send(&pair.monitor, request));
    assert_true(domm_ring_must_wake(&pair.monitor));
    assert_false(domm_ring_must_wake(&pair.monitor));
    assert_true(domm_ring_receive(&pair.dom0, request));
    pair.page.monitor = DOMM_RING_GONE;
    assert_true(domm_ring_sleep(&pair.dom0)); /* nobody will wake it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_joined_once),
        cmocka_unit_test(it_carries_messages_in_order),
        cmocka_unit_test(a_full_one_takes_no_more),
        cmocka_unit_test(impossible_counters_are_its_end),
        cmocka_unit_test(own_counters_are_not_read_back),
        cmocka_unit_test(a_sleeping_side_is_woken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
