/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/room.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/xen/config_file.h"
#include "lib/xen/xen_internal.h"

#define XL_CONF "/etc/xen/xl.conf"
#define CREDIT_MS 30000
#define WAIT_S 10

/* libxl refuses to leave dom0 less (LIBXL_MIN_DOM0_MEM, tools/libs/light/libxl_internal.h). */
#define LEAST_DOM0_KIB UINT64_C(131072)

bool domm_room_balloons(const char *autoballoon, const char *command_line)
{
    if (autoballoon && (strcmp(autoballoon, "on") == 0 || strcmp(autoballoon, "1") == 0))
        return true;
    if (autoballoon && (strcmp(autoballoon, "off") == 0 || strcmp(autoballoon, "0") == 0))
        return false;
    for (const char *at = command_line; (at = strstr(at, "dom0_mem=")); at++) {
        if (at == command_line || at[-1] == ' ')
            return false;
    }
    return true;
}

/* A file that xl cannot read either says nothing. */
static bool balloons(struct domm_xen *xen)
{
    const libxl_version_info *info = libxl_get_version_info(xen->libxl);
    struct domm_config_file *file = NULL;
    struct domm_error ignored;
    domm_config_file_read(XL_CONF, NULL, 0, &file, &ignored);
    bool balloons = domm_room_balloons(file ? domm_config_file_text(file, "autoballoon") : NULL,
                                       info ? info->commandline : "");
    domm_config_file_free(file);
    return balloons;
}

/* How much is missing. */
static int ask_missing(struct domm_xen *xen, uint64_t kib, uint64_t *missing_r,
                       struct domm_error *err)
{
    uint64_t free_kib = 0;
    int libxl_rc = libxl_get_free_memory(xen->libxl, &free_kib);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "asking Xen for its free memory: error %d", libxl_rc);
    *missing_r = kib > free_kib ? kib - free_kib : 0;
    return 0;
}

static int no_room(uint64_t kib, uint64_t missing_kib, struct domm_error *err)
{
    return domm_fail(err, DOMM_PREFLIGHT,
                     "%llu MiB of memory are needed, but the host has %llu MiB free",
                     (unsigned long long)(kib + 1023) / 1024,
                     (unsigned long long)(kib - missing_kib) / 1024);
}

int domm_xen_check_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err)
{
    uint64_t missing = 0, dom0;
    int rc = ask_missing(xen, kib, &missing, err);
    if (rc || !missing)
        return rc;
    if (!balloons(xen))
        return no_room(kib, missing, err);
    int libxl_rc = libxl_get_memory_target(xen->libxl, 0, &dom0);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "asking for dom0's memory: error %d", libxl_rc);
    if (dom0 >= LEAST_DOM0_KIB + missing)
        return 0;
    no_room(kib, missing, err);
    return domm_hint(err, "dom0 has %llu MiB, and keeps %llu MiB", (unsigned long long)dom0 / 1024,
                     (unsigned long long)LEAST_DOM0_KIB / 1024);
}

int domm_xen_make_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err)
{
    uint64_t missing = 0;
    int rc = domm_xen_check_room(xen, kib, err);
    if (rc)
        return rc;
    for (int64_t credit_ms = CREDIT_MS, start;; credit_ms -= domm_now_ms() - start) {
        start = domm_now_ms();
        rc = ask_missing(xen, kib, &missing, err);
        if (rc || !missing)
            return rc;
        domm_log(xen->xtl.log, DOMM_LOG_DETAIL, "dom0 gives up %llu MiB",
                 (unsigned long long)missing / 1024);
        if (credit_ms <= 0 ||
            libxl_set_memory_target(xen->libxl, 0, -(int64_t)missing, 1, 0) ||
            libxl_wait_for_memory_target(xen->libxl, 0, WAIT_S))
            return no_room(kib, missing, err);
    }
}
