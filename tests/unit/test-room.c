/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for guests, from a host and a dom0 that are made up. */
#include "tests/unit/unit.h"

#include "lib/xen/config_file.h"
#include "lib/xen/room.h"
#include "lib/xen/xen_internal.h"

static uint64_t free_kib, dom0_kib; /* dom0 gives what it is asked for while it is willing */
static bool willing;
static int asked;
static char command_line[64];

int __wrap_libxl_get_free_memory(libxl_ctx *ctx, uint64_t *kib);
int __wrap_libxl_get_free_memory(libxl_ctx *ctx, uint64_t *kib)
{
    (void)ctx;
    *kib = free_kib;
    return 0;
}

int __wrap_libxl_get_memory_target(libxl_ctx *ctx, uint32_t domid, uint64_t *kib);
int __wrap_libxl_get_memory_target(libxl_ctx *ctx, uint32_t domid, uint64_t *kib)
{
    (void)ctx;
    assert_int_equal(domid, 0);
    *kib = dom0_kib;
    return 0;
}

int __wrap_libxl_set_memory_target(libxl_ctx *ctx, uint32_t domid, int64_t kib, int relative,
                                   int enforce);
int __wrap_libxl_set_memory_target(libxl_ctx *ctx, uint32_t domid, int64_t kib, int relative,
                                   int enforce)
{
    (void)ctx;
    assert_int_equal(domid, 0);
    assert_int_equal(relative, 1);
    assert_int_equal(enforce, 0);
    asked++;
    dom0_kib = (uint64_t)((int64_t)dom0_kib + kib);
    free_kib = willing ? (uint64_t)((int64_t)free_kib - kib) : free_kib;
    return 0;
}

int __wrap_libxl_wait_for_memory_target(libxl_ctx *ctx, uint32_t domid, int seconds);
int __wrap_libxl_wait_for_memory_target(libxl_ctx *ctx, uint32_t domid, int seconds)
{
    (void)ctx;
    (void)domid;
    (void)seconds;
    return willing ? 0 : ERROR_FAIL;
}

const libxl_version_info *__wrap_libxl_get_version_info(libxl_ctx *ctx);
const libxl_version_info *__wrap_libxl_get_version_info(libxl_ctx *ctx)
{
    static libxl_version_info info = {.commandline = command_line};
    (void)ctx;
    return &info;
}

/* No xl.conf of this machine is looked at. */
int __wrap_domm_config_file_read(const char *path, const char *const *arguments, size_t n,
                                 struct domm_config_file **file_r, struct domm_error *err);
int __wrap_domm_config_file_read(const char *path, const char *const *arguments, size_t n,
                                 struct domm_config_file **file_r, struct domm_error *err)
{
    (void)arguments;
    (void)n;
    *file_r = NULL;
    return domm_fail(err, DOMM_NOT_FOUND, "%s", path);
}

static struct domm_log logger;
static struct domm_xen xen;

static int begin(void **state)
{
    (void)state;
    domm_log_init(&logger, stderr, "test");
    xen.xtl.log = &logger;
    free_kib = 100 * 1024;
    dom0_kib = 4096 * 1024;
    willing = true;
    asked = 0;
    command_line[0] = '\0';
    return 0;
}

static void what_is_free_is_not_asked_for(void **state)
{
    struct domm_error err;
    (void)state;
    assert_int_equal(domm_xen_make_room(&xen, 100 * 1024, &err), 0);
    assert_int_equal(asked, 0);
}

static void dom0_gives_up_what_is_missing(void **state)
{
    struct domm_error err;
    (void)state;
    assert_int_equal(domm_xen_check_room(&xen, 612 * 1024, &err), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(domm_xen_make_room(&xen, 612 * 1024, &err), 0);
    assert_int_equal(asked, 1);
    assert_int_equal(dom0_kib, 3584 * 1024);
}

static void one_whose_size_is_given_keeps_it(void **state)
{
    struct domm_error err;
    (void)state;
    strcpy(command_line, "placeholder dom0_mem=4096M,max:4096M");
    assert_int_equal(domm_xen_check_room(&xen, 612 * 1024, &err), -DOMM_PREFLIGHT);
    assert_int_equal(domm_xen_make_room(&xen, 612 * 1024, &err), -DOMM_PREFLIGHT);
    assert_int_equal(asked, 0);
    assert_string_equal(err.text, "612 MiB of memory are needed, but the host has 100 MiB free");
}

static void dom0_keeps_what_it_needs(void **state)
{
    struct domm_error err;
    (void)state;
    assert_int_equal(domm_xen_make_room(&xen, 4100 * 1024, &err), -DOMM_PREFLIGHT);
    assert_int_equal(asked, 0);
}

static void a_dom0_that_gives_nothing_is_an_error(void **state)
{
    struct domm_error err;
    (void)state;
    willing = false;
    assert_int_equal(domm_xen_make_room(&xen, 612 * 1024, &err), -DOMM_PREFLIGHT);
    assert_int_equal(asked, 1);
}

static void the_administrator_decides(void **state)
{
    (void)state;
    assert_true(domm_room_balloons(NULL, ""));
    assert_true(domm_room_balloons("auto", "loglvl=all"));
    assert_true(domm_room_balloons("auto", "xdom0_mem=1G"));
    assert_false(domm_room_balloons("auto", "dom0_mem=1G"));
    assert_false(domm_room_balloons(NULL, "loglvl=all dom0_mem=max:1G"));
    assert_true(domm_room_balloons("on", "dom0_mem=1G"));
    assert_true(domm_room_balloons("1", "dom0_mem=1G"));
    assert_false(domm_room_balloons("off", ""));
    assert_false(domm_room_balloons("0", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_free_is_not_asked_for, begin),
        cmocka_unit_test_setup(dom0_gives_up_what_is_missing, begin),
        cmocka_unit_test_setup(one_whose_size_is_given_keeps_it, begin),
        cmocka_unit_test_setup(dom0_keeps_what_it_needs, begin),
        cmocka_unit_test_setup(a_dom0_that_gives_nothing_is_an_error, begin),
        cmocka_unit_test_setup(the_administrator_decides, begin),
    };
    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
