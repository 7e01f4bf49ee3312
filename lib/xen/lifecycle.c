/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/lifecycle.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/xen/domain.h"
#include "lib/xen/userdata.h"
#include "lib/xen/xen_internal.h"

#define DUMPS "/var/lib/xen/dump"
#define MANAGED_USERDATA "domm-tended" /* "SINCE LIFE BOOT", as below */

/* Making a guest anew takes seconds of dom0's time. So one that ends again and again, soon after it
 * has begun, is restarted ever later. In ms. */
#define SHORTEST_LIFE 5000
#define LONGEST_LIFE 60000
#define STEADY 60000

/* In a file, which an unclean end of the host leaves: for a domain of the same domid and UUID in
 * its next run it says nothing. */
struct managed {
    long long since; /* CLOCK_MONOTONIC, ms; 0: it is not managed */
    long long life;  /* time of its last restart */
    char boot[DOMM_UUID_TEXT];
};

static struct managed read_managed(struct domm_xen *xen, uint32_t domid)
{
    cleanup_free char *data = NULL;
    size_t size = 0;
    char text[128], boot[DOMM_UUID_TEXT];
    struct domm_error ignored;
    struct managed managed = {0};
    domm_xen_userdata_read(xen, domid, MANAGED_USERDATA, &data, &size, &ignored);
    snprintf(text, sizeof(text), "%.*s", (int)size, data ? data : "");
    domm_boot_id(boot);
    if (sscanf(text, "%lld %lld %36s", &managed.since, &managed.life, managed.boot) != 3 ||
        strcmp(managed.boot, boot) != 0)
        managed.since = 0;
    return managed;
}

/* A guest that is not managed is better than one that does not run. */
static void manage(struct domm_xen *xen, uint32_t domid, long long life)
{
    char text[128], boot[DOMM_UUID_TEXT];
    struct domm_error err;
    domm_boot_id(boot);
    snprintf(text, sizeof(text), "%lld %lld %s", (long long)domm_now_ms(), life, boot);
    if (domm_xen_userdata_store(xen, domid, MANAGED_USERDATA, text, &err))
        domm_log(xen->xtl.log, DOMM_LOG_WARN, "dommd will not handle the shutdown of domain %u: %s",
                 domid, err.text);
}

static void unmanage(struct domm_xen *xen, uint32_t domid)
{
    struct domm_error ignored;
    domm_xen_userdata_store(xen, domid, MANAGED_USERDATA, NULL, &ignored);
}

static long long next_life(const struct managed *last)
{
    if (domm_now_ms() - last->since > last->life + STEADY)
        return SHORTEST_LIFE;
    return 2 * last->life < LONGEST_LIFE ? 2 * last->life : LONGEST_LIFE;
}

void domm_xen_manage(struct domm_xen *xen, uint32_t domid)
{
    manage(xen, domid, SHORTEST_LIFE);
}

bool domm_xen_shutdown_is_due(struct domm_xen *xen, uint32_t domid)
{
    const struct managed managed = read_managed(xen, domid);
    return managed.since && domm_now_ms() - managed.since >= managed.life;
}

/* PRESERVE if it has not ended: nothing is done with it. */
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
    case LIBXL_SHUTDOWN_REASON_SOFT_RESET: /* a core dump would need its memory */
        return config->on_soft_reset == LIBXL_ACTION_ON_SHUTDOWN_SOFT_RESET ? config->on_reboot
                                                                            : config->on_soft_reset;
    default: /* suspended: a program is saving it */
        return LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    }
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
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "creating %s again: error %d",
                                config->c_info.name, libxl_rc)
                    : 0;
}

static int lifecycle_destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
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
    unmanage(xen, domid);
    return 0;
}

static int lifecycle_carry_out(struct domm_xen *xen, uint32_t domid,
                               libxl_action_on_shutdown action, libxl_domain_config *config,
                               enum domm_shutdown_outcome *ending_r, uint32_t *domid_r,
                               struct domm_error *err)
{
    int rc = 0;
    switch (action) {
    case LIBXL_ACTION_ON_SHUTDOWN_DESTROY:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY:
        *ending_r = DOMM_SHUTDOWN_DESTROYED;
        return lifecycle_destroy(xen, domid, err);
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
        rc = lifecycle_destroy(xen, domid, err);
        break;
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME:
        rc = rename_away(xen, domid, config, err);
        break;
    default:
        return 0;
    }
    *ending_r = DOMM_SHUTDOWN_RESTARTED;
    if (rc)
        return rc;
    return make_again(xen, config, domid_r, err);
}

/* config is initialized, and disposed of by the caller. */
static int lifecycle_ask(struct domm_xen *xen, uint32_t domid, libxl_domain_config *config,
                         libxl_action_on_shutdown *action_r, struct domm_error *err)
{
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    int libxl_rc = libxl_domain_info(xen->libxl, &info, domid);
    if (!libxl_rc)
        libxl_rc = libxl_retrieve_domain_configuration(xen->libxl, domid, config, NULL);
    if (!libxl_rc)
        *action_r = action_for(&info, config);
    libxl_dominfo_dispose(&info);
    return libxl_rc
               ? domm_fail(err, DOMM_FAILED, "asking for the configuration of domain %u: error %d",
                           domid, libxl_rc)
               : 0;
}

/* Debian's packages of Xen do not make the directory. */
static int write_core(struct domm_xen *xen, uint32_t domid, const char *name,
                      struct domm_error *err)
{
    char path[128];
    int rc = domm_make_directory(DUMPS, 0700, err);
    if (rc)
        return rc;
    snprintf(path, sizeof(path), DUMPS "/%s", name);
    int libxl_rc = libxl_domain_core_dump(xen->libxl, domid, path, NULL);
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "dumping the core of domain %u to %s: error %d",
                                domid, path, libxl_rc)
                    : 0;
}

int domm_xen_dump_core(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    libxl_domain_config config;
    libxl_action_on_shutdown action;
    libxl_domain_config_init(&config);
    int rc = lifecycle_ask(xen, domid, &config, &action, err);
    if (!rc && (action == LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY ||
                action == LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART))
        rc = write_core(xen, domid, config.c_info.name, err);
    libxl_domain_config_dispose(&config);
    return rc;
}

int domm_xen_handle_shutdown(struct domm_xen *xen, uint32_t domid,
                             enum domm_shutdown_outcome *ending_r, uint32_t *domid_r,
                             struct domm_error *err)
{
    libxl_domain_config config;
    libxl_action_on_shutdown action;
    const struct managed managed = read_managed(xen, domid);
    *ending_r = DOMM_SHUTDOWN_NONE;
    libxl_domain_config_init(&config);
    int rc = lifecycle_ask(xen, domid, &config, &action, err);
    if (!rc)
        rc = lifecycle_carry_out(xen, domid, action, &config, ending_r, domid_r, err);
    if (!rc && *ending_r == DOMM_SHUTDOWN_RESTARTED)
        manage(xen, *domid_r, next_life(&managed));
    else if (rc || *ending_r == DOMM_SHUTDOWN_NONE)
        unmanage(xen, domid);
    libxl_domain_config_dispose(&config);
    return rc;
}

/* What libxl would find out only after the old domain is gone. */
static int check_images(const libxl_domain_config *config, struct domm_error *err)
{
    const char *const images[] = {config->b_info.kernel, config->b_info.ramdisk};
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
        if (images[i] && access(images[i], R_OK))
            return domm_fail_errno(err, DOMM_FAILED, errno, "creating %s again: %s",
                                   config->c_info.name, images[i]);
    }
    return 0;
}

/* config is initialized, and disposed of by the caller. */
static int replace_domain(struct domm_xen *xen, uint32_t domid, libxl_domain_config *config,
                          const char *json, const char *name, uint32_t *domid_r,
                          struct domm_error *err)
{
    if (libxl_domain_config_from_json(xen->libxl, config, json))
        return domm_fail(err, DOMM_REFUSED, "libxl does not understand the configuration of %s",
                         name);
    free(config->c_info.name);
    config->c_info.name = strdup(name);
    if (!config->c_info.name)
        return domm_no_memory(err);
    int rc = check_images(config, err);
    if (rc)
        return rc;
    if (domid) {
        rc = lifecycle_destroy(xen, domid, err);
        if (rc)
            return rc;
    }
    return make_again(xen, config, domid_r, err);
}

int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *json, const char *name,
                   uint32_t *domid_r, struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    int rc = replace_domain(xen, domid, &config, json, name, domid_r, err);
    libxl_domain_config_dispose(&config);
    return rc;
}
