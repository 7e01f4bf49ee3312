/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/mapping/protocol.h"

static const struct domm_request good = {
    .type = DOMM_REQUEST_MAP,
    .id = 7,
    .target = 1,
    .slot = 2,
    .count = 510,
    .va = UINT64_C(0x7f1234600000),
    .gfn = 0x1234,
};

static int round_trip(const struct domm_request *request, struct domm_request *got,
                      struct domm_error *err)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    domm_request_encode(request, bytes);
    return domm_request_decode(bytes, got, err);
}

static void requests_survive_the_wire(void **state)
{
    (void)state;
    struct domm_request request = good, got;
    struct domm_error err;
    memcpy(request.nonce, "0123456789abcdef", sizeof(request.nonce));
    assert_int_equal(round_trip(&request, &got, &err), 0);
    assert_memory_equal(&got, &request, sizeof(request));
}

static void the_wire_is_little_endian_and_stays_as_it_is(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_REQUEST_BYTES];
    domm_request_encode(&good, bytes);
    static const unsigned char head[] = {'D',  'O',  'M', 'M', 1,    0,    4, 0, 7, 0, 0,    0,
                                         0,    0,    0,   0,   1,    0,    0, 0, 2, 0, 0,    0,
                                         254,  1,    0,   0,   0,    0,    0, 0, 0, 0, 0x60, 0x34,
                                         0x12, 0x7f, 0,   0,   0x34, 0x12, 0, 0, 0, 0, 0,    0};
    assert_memory_equal(bytes, head, sizeof(head));
}

struct bad {
    struct domm_request request;
    const char *reason;
};

static void requests_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct bad bad[] = {
        {good, "id is 0"},   {good, "type"},
        {good, "type"},      {good, "multiple of 2 MiB"},
        {good, "process's"}, {good, "process's"},
        {good, "process's"}, {good, "slot"},
        {good, "slot"},      {good, "number of slots"},
        {good, "slots"},     {good, "slots"},
        {good, "frame"},     {good, "regions"},
        {good, "regions"},   {good, "process's"},
    };
    bad[0].request.id = 0;
    bad[1].request.type = 0;
    bad[2].request.type = (enum domm_request_type)7;
    bad[3].request.va += 4096;
    bad[4].request.va = 0;
    bad[5].request.va = UINT64_C(1) << 47;
    bad[6].request.va = UINT64_C(0xffff800000000000);
    bad[7].request.slot = 0;
    bad[8].request.slot = 512;
    bad[9].request.count = 0;
    bad[10].request.count = 511;
    bad[11].request.count = UINT32_MAX;
    bad[12].request.gfn = UINT64_C(0xffffffffff);
    bad[13].request.type = bad[14].request.type = bad[15].request.type = DOMM_REQUEST_LOCATE;
    bad[13].request.count = 0;
    bad[14].request.count = DOMM_REGIONS_AT_ONCE + 1;
    bad[15].request.va = (UINT64_C(1) << 47) - DOMM_REGION_BYTES;
    bad[15].request.count = 2;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct domm_request got;
        struct domm_error err;
        if (round_trip(&bad[i].request, &got, &err) != -DOMM_REFUSED)
            fail_msg("case %zu was accepted", i);
        assert_contains(err.text, bad[i].reason);
    }
}

static void frames_of_other_protocols_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_REQUEST_BYTES];
    struct domm_request got;
    struct domm_error err;
    static const size_t fixed[] = {0, 1, 2, 3, 4, 5, 28, 31};
    for (size_t i = 0; i < COUNT(fixed); i++) {
        domm_request_encode(&good, bytes);
        bytes[fixed[i]] ^= 0x80;
        assert_int_equal(domm_request_decode(bytes, &got, &err), -DOMM_REFUSED);
    }
}

/* Whatever passes is within bounds; nothing may crash, and a sanitizer may watch. */
static void noise_passes_only_within_bounds(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_REQUEST_BYTES];
    struct domm_request got;
    struct domm_error err;
    size_t passed = 0;
    srand(1);
    for (size_t i = 0; i < 200000; i++) {
        domm_request_encode(&good, bytes);
        for (int flips = rand() % 4; flips >= 0; flips--)
            bytes[rand() % DOMM_REQUEST_BYTES] = (unsigned char)rand();
        if (domm_request_decode(bytes, &got, &err))
            continue;
        passed++;
        if (got.type == DOMM_REQUEST_MAP || got.type == DOMM_REQUEST_UNMAP) {
            assert_in_range(got.slot, 1, 511);
            assert_in_range(got.count, 1, 512 - got.slot);
            assert_int_equal(got.va % DOMM_REGION_BYTES, 0);
            assert_true(got.va < UINT64_C(1) << 47);
        }
    }
    assert_in_range(passed, 1000, 199000);
}

static void replies_survive_the_wire(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_reply reply = {.type = DOMM_REPLY,
                               .id = 9,
                               .status = DOMM_STATUS_NO_REGION,
                               .count = 3,
                               .generation = 5,
                               .frames = 65536,
                               .attached = true};
    struct domm_reply got;
    struct domm_error err;
    memcpy(reply.uuid.bytes, "0123456789abcdef", sizeof(reply.uuid.bytes));
    memset(reply.valid, 0xa5, sizeof(reply.valid));
    domm_reply_encode(&reply, bytes);
    assert_int_equal(domm_reply_decode(bytes, &got, &err), 0);
    assert_int_equal(got.type, reply.type);
    assert_int_equal(got.id, reply.id);
    assert_int_equal(got.status, reply.status);
    assert_int_equal(got.count, reply.count);
    assert_int_equal(got.generation, reply.generation);
    assert_int_equal(got.frames, reply.frames);
    assert_true(got.attached);
    assert_memory_equal(got.uuid.bytes, reply.uuid.bytes, sizeof(reply.uuid.bytes));
    assert_memory_equal(got.valid, reply.valid, sizeof(reply.valid));
}

static void replies_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_reply reply = {.type = DOMM_EVENT_CHANGED}, got;
    struct domm_error err;
    domm_reply_encode(&reply, bytes);
    assert_int_equal(domm_reply_decode(bytes, &got, &err), 0);
    bytes[8] = 1; /* an event with an id */
    assert_int_equal(domm_reply_decode(bytes, &got, &err), -DOMM_REFUSED);
    bytes[8] = 0;
    bytes[6] = DOMM_REPLY; /* a reply without */
    assert_int_equal(domm_reply_decode(bytes, &got, &err), -DOMM_REFUSED);
    bytes[8] = 1;
    assert_int_equal(domm_reply_decode(bytes, &got, &err), 0);
    bytes[16] = DOMM_STATUSES;
    assert_int_equal(domm_reply_decode(bytes, &got, &err), -DOMM_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_survive_the_wire),
        cmocka_unit_test(the_wire_is_little_endian_and_stays_as_it_is),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(frames_of_other_protocols_are_refused),
        cmocka_unit_test(noise_passes_only_within_bounds),
        cmocka_unit_test(replies_survive_the_wire),
        cmocka_unit_test(replies_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
