/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/xen/internal.h"

const char *domm_domain_type_name(enum domm_domain_type type)
{
    static const char *const names[] = {
        [DOMM_TYPE_PV] = "pv",
        [DOMM_TYPE_PVH] = "pvh",
        [DOMM_TYPE_HVM] = "hvm",
    };
    return names[type];
}

const char *domm_domain_state_name(enum domm_domain_state state)
{
    static const char *const names[] = {
        [DOMM_STATE_RUNNABLE] = "runnable", [DOMM_STATE_BLOCKED] = "blocked",
        [DOMM_STATE_RUNNING] = "running",   [DOMM_STATE_PAUSED] = "paused",
        [DOMM_STATE_SHUTDOWN] = "shutdown", [DOMM_STATE_SUSPENDED] = "suspended",
        [DOMM_STATE_CRASHED] = "crashed",   [DOMM_STATE_DYING] = "dying",
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

static enum domm_domain_state state_of(const libxl_dominfo *info)
{
    if (info->dying)
        return DOMM_STATE_DYING;
    if (info->shutdown && info->shutdown_reason == LIBXL_SHUTDOWN_REASON_CRASH)
        return DOMM_STATE_CRASHED;
    if (info->shutdown && info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND)
        return DOMM_STATE_SUSPENDED;
    if (info->shutdown)
        return DOMM_STATE_SHUTDOWN;
    if (info->paused)
        return DOMM_STATE_PAUSED;
    if (info->running)
        return DOMM_STATE_RUNNING;
    return info->blocked ? DOMM_STATE_BLOCKED : DOMM_STATE_RUNNABLE;
}

/* Xen's own flag tells PV from the rest; only libxl knows PVH from HVM, and keeps it in a node
 * that guests cannot write (libxl__domain_type, tools/libs/light/libxl_dom.c). */
static enum domm_domain_type type_of(struct domm_xen *xen, const libxl_dominfo *info)
{
    if (info->domain_type == LIBXL_DOMAIN_TYPE_PV)
        return DOMM_TYPE_PV;
    char path[32];
    snprintf(path, sizeof(path), "/libxl/%u/type", info->domid);
    cleanup_free char *type = xs_read(xen->xenstore, XBT_NULL, path, NULL);
    return type && strcmp(type, "pvh") == 0 ? DOMM_TYPE_PVH : DOMM_TYPE_HVM;
}

static int fill(struct domm_xen *xen, const libxl_dominfo *info, struct domm_domain *domain_r)
{
    *domain_r = (struct domm_domain){
        .domid = info->domid,
        .name = libxl_domid_to_name(xen->libxl, info->domid),
        .type = type_of(xen, info),
        .state = state_of(info),
        .memory_kib = info->current_memkb + info->outstanding_memkb,
        .vcpus = info->vcpu_online,
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
    while (domains && filled < (size_t)count && fill(xen, &infos[filled], &domains[filled]) == 0)
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

int domm_xen_userdata(struct domm_xen *xen, uint32_t domid, const char *userid, char **data_r,
                      size_t *size_r, struct domm_error *err)
{
    uint8_t *data = NULL;
    int size = 0;
    int libxl_rc = libxl_userdata_retrieve(xen->libxl, domid, userid, &data, &size);
    if (libxl_rc) {
        /* The domain may have ended since it was listed, which is no failure of Xen. */
        bool gone = libxl_domain_info(xen->libxl, NULL, domid) == ERROR_DOMAIN_NOTFOUND;
        return domm_fail(err, gone ? DOMM_NOT_FOUND : DOMM_FAILED,
                         "reading the userdata \"%s\" of domain %u: error %d", userid, domid,
                         libxl_rc);
    }
    *data_r = (char *)data;
    *size_r = (size_t)size;
    return 0;
}
