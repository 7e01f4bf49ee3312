/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/xen/internal.h"

#define DUMPS "/var/lib/xen/dump"

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
    default: /* suspended: somebody saves it */
        return LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    }
}

static int dump_core(struct domm_xen *xen, uint32_t domid, const libxl_domain_config *config,
                     struct domm_error *err)
{
    char path[128];
    snprintf(path, sizeof(path), DUMPS "/%s", config->c_info.name);
    int libxl_rc = libxl_domain_core_dump(xen->libxl, domid, path, NULL);
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "dumping the core of domain %u to %s: error %d",
                                domid, path, libxl_rc)
                    : 0;
}

static int make_again(struct domm_xen *xen, libxl_domain_config *config, uint32_t *domid_r,
                      struct domm_error *err)
{
    int libxl_rc = libxl_domain_create_new(xen->libxl, config, domid_r, NULL, NULL);
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

/* As xl does (preserve_domain, tools/xl/xl_vmcontrol.c): the old one takes another name and UUID,
 * the new one those it had. */
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
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "renaming domain %u: error %d", domid, libxl_rc)
                    : 0;
}

static int carry_out(struct domm_xen *xen, uint32_t domid, libxl_action_on_shutdown action,
                     libxl_domain_config *config, enum domm_ending *ending_r, uint32_t *domid_r,
                     struct domm_error *err)
{
    int rc = 0;
    switch (action) {
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
        rc = dump_core(xen, domid, config, err);
        break;
    default:
        break;
    }
    switch (action) {
    case LIBXL_ACTION_ON_SHUTDOWN_DESTROY:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY:
        *ending_r = DOMM_ENDING_DESTROYED;
        return rc ? rc : destroy(xen, domid, err);
    case LIBXL_ACTION_ON_SHUTDOWN_RESTART:
    case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
        rc = rc ? rc : destroy(xen, domid, err);
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
    libxl_domain_config_dispose(&config);
    libxl_dominfo_dispose(&info);
    return rc;
}

int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *name, uint32_t *domid_r,
                   struct domm_error *err)
{
    libxl_domain_config config;
    int rc = 0;
    libxl_domain_config_init(&config);
    int libxl_rc = libxl_retrieve_domain_configuration(xen->libxl, domid, &config, NULL);
    if (libxl_rc)
        rc = domm_fail(err, DOMM_FAILED, "asking for the configuration of domain %u: error %d",
                       domid, libxl_rc);
    if (!rc) {
        free(config.c_info.name);
        config.c_info.name = strdup(name);
        rc = config.c_info.name ? destroy(xen, domid, err) : domm_no_memory(err);
    }
    rc = rc ? rc : make_again(xen, &config, domid_r, err);
    libxl_domain_config_dispose(&config);
    return rc;
}
