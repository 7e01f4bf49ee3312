/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/xen/vif.h"

static void devids_are_plain_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",  "-1",    "+1",  " 1",     "1 ",    "01",
                                      "x", "65536", "0x1", "123456", "99999", "1.0"};
    unsigned devid;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (domm_vif_parse_devid(bad[i], &devid))
            fail_msg("'%s' was taken for %u", bad[i], devid);
    }
    assert_true(domm_vif_parse_devid("0", &devid));
    assert_int_equal(devid, 0);
    assert_true(domm_vif_parse_devid("65535", &devid));
    assert_int_equal(devid, 65535);
}

static void names_are_those_of_devices(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          ".",         "..",     "sixteenletters16",
                                      "../../etc", "vif 1",     "vif1\n", "\x1b[2J",
                                      "vif1:0",    "v\xc3\xafg"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (domm_vif_name_valid(bad[i]))
            fail_msg("'%s' was taken", bad[i]);
    }
    assert_true(domm_vif_name_valid("vif1.0"));
    assert_true(domm_vif_name_valid("fifteenletters1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devids_are_plain_numbers),
        cmocka_unit_test(names_are_those_of_devices),
    };
    return cmocka_run_group_tests_name("vif", tests, NULL, NULL);
}
