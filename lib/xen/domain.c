/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/xen/xen_internal.h"

const char *domm_domain_type_name(enum domm_domain_type type)
{
    static const char *const names[] = {
        [DOMM_DOMAIN_PV] = "pv",
        [DOMM_DOMAIN_PVH] = "pvh",
        [DOMM_DOMAIN_HVM] = "hvm",
    };
    return names[type];
}

const char *domm_domain_state_name(enum domm_domain_state state)
{
    static const char *const names[] = {
        [DOMM_DOMAIN_RUNNABLE] = "runnable", [DOMM_DOMAIN_BLOCKED] = "blocked",
        [DOMM_DOMAIN_RUNNING] = "running",   [DOMM_DOMAIN_PAUSED] = "paused",
        [DOMM_DOMAIN_SHUTDOWN] = "shutdown", [DOMM_DOMAIN_SUSPENDED] = "suspended",
        [DOMM_DOMAIN_CRASHED] = "crashed",   [DOMM_DOMAIN_DYING] = "dying",
    };
    return names[state];
}

size_t domm_name_length(const char *name)
{
    static const char *const endings[] = {DOMM_INCOMING, DOMM_AWAY};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            return length - ending;
    }
    return length;
}

static enum domm_domain_state domain_state_of(const libxl_dominfo *info)
{
    if (info->dying)
        return DOMM_DOMAIN_DYING;
    if (info->shutdown && info->shutdown_reason == LIBXL_SHUTDOWN_REASON_CRASH)
        return DOMM_DOMAIN_CRASHED;
    if (info->shutdown && info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND)
        return DOMM_DOMAIN_SUSPENDED;
    if (info->shutdown)
        return DOMM_DOMAIN_SHUTDOWN;
    if (info->paused)
        return DOMM_DOMAIN_PAUSED;
    if (info->running)
        return DOMM_DOMAIN_RUNNING;
    return info->blocked ? DOMM_DOMAIN_BLOCKED : DOMM_DOMAIN_RUNNABLE;
}

/* Xen's flag distinguishes PV from other types; only libxl distinguishes PVH and HVM, by a node
 * that guests cannot write (libxl__domain_type, tools/libs/light/libxl_dom.c). */
static enum domm_domain_type type_of(struct domm_xen *xen, const libxl_dominfo *info)
{
    if (info->domain_type == LIBXL_DOMAIN_TYPE_PV)
        return DOMM_DOMAIN_PV;
    char path[32];
    snprintf(path, sizeof(path), "/libxl/%u/type", info->domid);
    cleanup_free char *type = xs_read(xen->xenstore, XBT_NULL, path, NULL);
    return type && strcmp(type, "pvh") == 0 ? DOMM_DOMAIN_PVH : DOMM_DOMAIN_HVM;
}

static int domain_fill(struct domm_xen *xen, const libxl_dominfo *info,
                       struct domm_domain *domain_r)
{
    *domain_r = (struct domm_domain){
        .domid = info->domid,
        .name = libxl_domid_to_name(xen->libxl, info->domid),
        .type = type_of(xen, info),
        .state = domain_state_of(info),
        .memory_kib = info->current_memkb + info->outstanding_memkb,
        .vcpus = info->vcpu_online,
        .last_vcpu = info->vcpu_max_id,
    };
    memcpy(domain_r->uuid.bytes, libxl_uuid_bytearray_const(&info->uuid),
           sizeof(domain_r->uuid.bytes));
    if (!domain_r->name)
        domain_r->name = strdup("");
    return domain_r->name ? 0 : -1;
}

int domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                     struct domm_error *err)
{
    int count = 0;
    libxl_dominfo *infos = libxl_list_domain(xen->libxl, &count);
    if (!infos)
        return domm_fail(err, DOMM_FAILED, "asking Xen for its domains");
    int rc = 0;
    size_t filled = 0;
    struct domm_domain *domains = calloc((size_t)count, sizeof(*domains));
    while (domains && filled < (size_t)count &&
           domain_fill(xen, &infos[filled], &domains[filled]) == 0)
        filled++;
    if (filled < (size_t)count) {
        domm_domains_free(domains, filled);
        rc = domm_no_memory(err);
    } else {
        *domains_r = domains;
        *count_r = filled;
    }
    libxl_dominfo_list_free(infos, count);
    return rc;
}

void domm_domains_free(struct domm_domain *domains, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(domains[i].name);
    free(domains);
}

int domm_xen_cpu_time(struct domm_xen *xen, uint32_t domid, uint64_t *ns_r, struct domm_error *err)
{
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    int libxl_rc = libxl_domain_info(xen->libxl, &info, domid);
    *ns_r = info.cpu_time;
    libxl_dominfo_dispose(&info);
    return libxl_rc ? domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid) : 0;
}

int domm_xen_rename(struct domm_xen *xen, uint32_t domid, const char *from, const char *to,
                    struct domm_error *err)
{
    int libxl_rc = libxl_domain_rename(xen->libxl, domid, from, to);
    if (!libxl_rc)
        return 0;
    return domm_fail(err, DOMM_FAILED, "renaming domain %u from %s to %s: error %d", domid, from,
                     to, libxl_rc);
}

int domm_xen_configuration(struct domm_xen *xen, uint32_t domid, char **json_r,
                           struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    int libxl_rc = libxl_retrieve_domain_configuration(xen->libxl, domid, &config, NULL);
    *json_r = libxl_rc ? NULL : libxl_domain_config_to_json(xen->libxl, &config);
    libxl_domain_config_dispose(&config);
    if (!*json_r)
        return domm_fail(err, DOMM_FAILED, "asking for the configuration of domain %u: error %d",
                         domid, libxl_rc);
    return 0;
}

int domm_xen_unpause(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_unpause(xen->libxl, domid, NULL);
    return libxl_rc ? domm_fail(err, DOMM_FAILED, "unpausing domain %u: error %d", domid, libxl_rc)
                    : 0;
}

int domm_xen_destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_destroy(xen->libxl, domid, NULL);
    if (!libxl_rc)
        return 0;
    enum domm_code code = libxl_rc == ERROR_DOMAIN_NOTFOUND ? DOMM_NOT_FOUND : DOMM_OUTCOME_UNKNOWN;
    return domm_fail(err, code, "destroying domain %u: error %d", domid, libxl_rc);
}
