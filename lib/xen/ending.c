/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/ending.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/boot.h"
#include "lib/base/cleanup.h"
#include "lib/xen/domain.h"
#include "lib/xen/guest.h"
#include "lib/xen/internal.h"

#define DUMPS "/var/lib/xen/dump"
#define TENDED_USERDATA "domm-tended" /* "SINCE LIFE BOOT", as below */

/* Making a guest anew takes seconds, in which dommd does nothing else. So one that ends again and
 * again, soon after it has begun, is restarted ever later. In ms. */
#define SHORTEST_LIFE 5000
#define LONGEST_LIFE 60000
#define STEADY 60000

/* In a file, which an unclean end of the host leaves: for a domain of the same domid and UUID in
 * its next run it says nothing. */
struct tending {
    long long since; /* CLOCK_MONOTONIC, ms; 0: it is not tended */
    long long life;  /* it ends no sooner than that after */
    char boot[DOMM_UUID_TEXT];
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static struct tending read_tending(struct domm_xen *xen, uint32_t domid)
{
    cleanup_free char *data = NULL;
    size_t size = 0;
    char text[128], boot[DOMM_UUID_TEXT];
    struct domm_error ignored;
    struct tending tending = {0};
    domm_xen_userdata(xen, domid, TENDED_USERDATA, &data, &size, &ignored);
    snprintf(text, sizeof(text), "%.*s", (int)size, data ? data : "");
    domm_boot_id(boot);
    if (sscanf(text, "%lld %lld %36s", &tending.since, &tending.life, tending.boot) != 3 ||
        strcmp(tending.boot, boot) != 0)
        tending.since = 0;
    return tending;
}

/* A guest that runs untended is better than one that does not run. */
static void tend(struct domm_xen *xen, uint32_t domid, long long life)
{
    char text[128], boot[DOMM_UUID_TEXT];
    struct domm_error err;
    domm_boot_id(boot);
    snprintf(text, sizeof(text), "%lld %lld %s", now_ms(), life, boot);
    if (domm_xen_userdata_store(xen, domid, TENDED_USERDATA, text, &err))
        domm_log(xen->xtl.log, DOMM_LOG_WARN,
                 "nobody will look after domain %u when it ends by itself: %s", domid, err.text);
}

static void untend(struct domm_xen *xen, uint32_t domid)
{
    struct domm_error ignored;
    domm_xen_userdata_store(xen, domid, TENDED_USERDATA, NULL, &ignored);
}

static long long next_life(const struct tending *last)
{
    if (now_ms() - last->since > last->life + STEADY)
        return SHORTEST_LIFE;
    return 2 * last->life < LONGEST_LIFE ? 2 * last->life : LONGEST_LIFE;
}

void domm_xen_tend(struct domm_xen *xen, uint32_t domid)
{
    tend(xen, domid, SHORTEST_LIFE);
}

bool domm_xen_end_is_due(struct domm_xen *xen, uint32_t domid)
{
    const struct tending tending = read_tending(xen, domid);
    return tending.since && now_ms() - tending.since >= tending.life;
}

/* PRESERVE if it has not ended: what there is to do with it is nothing. */
static libxl_action_on_shutdown action_for(const libxl_dominfo *info,
                                           const libxl_domain_config *config)
{
    if (!info->shutdown || info->dying)
        return LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    switch (info->shutdown_reason) {
    case LIBXL_SHUTDOWN_REASON_POWEROFF:
        return config->on_poweroff;
    case LIBXL_SHUTDOWN_REASON_REBOOT:
        return config->on_reboot;
    case LIBXL_SHUTDOWN_REASON_CRASH:
        return config->on_crash;
    case LIBXL_SHUTDOWN_REASON_WATCHDOG:
        return config->on_watchdog;
    case LIBXL_SHUTDOWN_REASON_SOFT_RESET: /* for which its memory would have to be kept */
        return config->on_soft_reset == LIBXL_ACTION_ON_SHUTDOWN_SOFT_RESET ? config->on_reboot
                                                                            : config->on_soft_reset;
    default: /* suspended: somebody saves it */
        return LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    }
}

/* As with xl, what there is to do is done without a core as well; libxl's log says why there is
 * none. */
static void dump_core(struct domm_xen *xen, uint32_t domid, const libxl_domain_config *config)
{
    char path[128];
    snprintf(path, sizeof(path), DUMPS "/%s", config->c_info.name);
    libxl_domain_core_dump(xen->libxl, domid, path, NULL);
}

/* A QEMU inherits which signals are blocked here, and libxl ends it by one of them, SIGHUP
 * (kill_device_model, tools/libs/light/libxl_dm.c). */
static _Thread_local bool making;

static void unblock_in_child(void)
{
    sigset_t none;
    sigemptyset(&none);
    if (making)
        pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, unblock_in_child);
}

static int make_again(struct domm_xen *xen, libxl_domain_config *config, uint32_t *domid_r,
                      struct domm_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    making = true;
    int libxl_rc = libxl_domain_create_new(xen->libxl, config, domid_r, NULL, NULL);
    making = false;
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "making %s again: error %d", config->c_info.name,
                                libxl_rc)
                    : 0;
}

static int destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_destroy(xen->libxl, domid, NULL);
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "destroying domain %u: error %d", domid, libxl_rc)
                    : 0;
}

/* As xl does (preserve_domain, tools/xl/xl_vmcontrol.c): the old one takes another name, the new
 * one that it had. By libxl_domain_preserve the old one has another UUID in xenstore, but not for
 * Xen. */
static int rename_away(struct domm_xen *xen, uint32_t domid, libxl_domain_config *config,
                       struct domm_error *err)
{
    char suffix[32];
    struct tm tm;
    time_t now = time(NULL);
    libxl_uuid uuid;
    strftime(suffix, sizeof(suffix), "-%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    libxl_uuid_generate(&uuid);
    int libxl_rc = libxl_domain_preserve(xen->libxl, domid, &config->c_info, suffix, uuid);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "renaming domain %u: error %d", domid, libxl_rc);
    untend(xen, domid);
    return 0;
}

static int carry_out(struct domm_xen *xen, uint32_t domid, libxl_action_on_shutdown action,
                     libxl_domain_config *config, enum domm_ending *ending_r, uint32_t *domid_r,
                     struct domm_error *err)
{
    int rc = 0;
    switch (action) {
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
        dump_core(xen, domid, config);
        break;
    default:
        break;
    }
    switch (action) {
    case LIBXL_ACTION_ON_SHUTDOWN_DESTROY:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY:
        *ending_r = DOMM_ENDING_DESTROYED;
        return destroy(xen, domid, err);
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
        rc = destroy(xen, domid, err);
        break;
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME:
        rc = rename_away(xen, domid, config, err);
        break;
    default:
        return 0;
    }
    *ending_r = DOMM_ENDING_RESTARTED;
    return rc ? rc : make_again(xen, config, domid_r, err);
}

int domm_xen_end(struct domm_xen *xen, uint32_t domid, enum domm_ending *ending_r,
                 uint32_t *domid_r, struct domm_error *err)
{
    libxl_dominfo info;
    libxl_domain_config config;
    const struct tending tending = read_tending(xen, domid);
    *ending_r = DOMM_ENDING_NONE;
    libxl_dominfo_init(&info);
    libxl_domain_config_init(&config);
    int rc = 0, libxl_rc = libxl_domain_info(xen->libxl, &info, domid);
    if (!libxl_rc)
        libxl_rc = libxl_retrieve_domain_configuration(xen->libxl, domid, &config, NULL);
    if (libxl_rc)
        rc = domm_fail(err, DOMM_FAILED, "asking for the configuration of domain %u: error %d",
                       domid, libxl_rc);
    else
        rc = carry_out(xen, domid, action_for(&info, &config), &config, ending_r, domid_r, err);
    if (!rc && *ending_r == DOMM_ENDING_RESTARTED)
        tend(xen, *domid_r, next_life(&tending));
    else if (rc || *ending_r == DOMM_ENDING_NONE)
        untend(xen, domid);
    libxl_domain_config_dispose(&config);
    libxl_dominfo_dispose(&info);
    return rc;
}

int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *json, const char *name,
                   uint32_t *domid_r, struct domm_error *err)
{
    libxl_domain_config config;
    int rc = 0;
    libxl_domain_config_init(&config);
    if (libxl_domain_config_from_json(xen->libxl, &config, json))
        rc =
            domm_fail(err, DOMM_REFUSED, "libxl does not understand the configuration of %s", name);
    if (!rc) {
        free(config.c_info.name);
        config.c_info.name = strdup(name);
        rc = config.c_info.name ? 0 : domm_no_memory(err);
    }
    if (!rc && domid)
        rc = destroy(xen, domid, err);
    rc = rc ? rc : make_again(xen, &config, domid_r, err);
    libxl_domain_config_dispose(&config);
    return rc;
}
