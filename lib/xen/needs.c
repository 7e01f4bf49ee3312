/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/needs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xen/internal.h"

struct list {
    struct domm_need *items;
    size_t count;
};

/* False if memory ran out. */
static bool add(struct list *list, enum domm_need_kind kind, const char *what)
{
    if (!what || !*what)
        return true;
    struct domm_need *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    list->items = grown;
    grown[list->count] = (struct domm_need){.kind = kind, .what = strdup(what)};
    return grown[list->count++].what != NULL;
}

static bool is_script(const char *script, const char *name)
{
    const char *slash = strrchr(script, '/');
    return strcmp(slash ? slash + 1 : script, name) == 0;
}

/* libxl gives each vif a bridge by default; only its own scripts use it. */
static bool uses_bridge(const libxl_device_nic *nic)
{
    return !nic->script || is_script(nic->script, "vif-bridge");
}

/* What another script makes of the path is known to that alone. */
static bool is_file(const libxl_device_disk *disk)
{
    return !disk->script || is_script(disk->script, DOMM_MONITOR_DISK_SCRIPT);
}

static bool add_all(struct list *list, const libxl_domain_config *config)
{
    bool whole = true;
    for (int i = 0; i < config->num_nics; i++) {
        const libxl_device_nic *nic = &config->nics[i];
        if (nic->backend_domid || nic->backend_domname)
            continue;
        whole &= add(list, DOMM_NEED_SCRIPT, nic->script);
        whole &= !uses_bridge(nic) || add(list, DOMM_NEED_BRIDGE, nic->bridge);
    }
    for (int i = 0; i < config->num_disks; i++) {
        const libxl_device_disk *disk = &config->disks[i];
        if (disk->backend_domid || disk->backend_domname)
            continue;
        whole &= add(list, DOMM_NEED_SCRIPT, disk->script);
        whole &= !is_file(disk) || add(list, DOMM_NEED_FILE, disk->pdev_path);
    }
    return whole;
}

int domm_xen_needs(struct domm_xen *xen, const char *json, struct domm_need **needs_r,
                   size_t *count_r, struct domm_error *err)
{
    struct list list = {0};
    libxl_domain_config config;
    int rc = 0;
    libxl_domain_config_init(&config);
    if (libxl_domain_config_from_json(xen->libxl, &config, json))
        rc = domm_fail(err, DOMM_REFUSED, "libxl does not understand the guest's configuration");
    else if (!add_all(&list, &config))
        rc = domm_no_memory(err);
    libxl_domain_config_dispose(&config);
    if (rc) {
        domm_needs_free(list.items, list.count);
        list = (struct list){0};
    }
    *needs_r = list.items;
    *count_r = list.count;
    return rc;
}

void domm_needs_free(struct domm_need *needs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(needs[i].what);
    free(needs);
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
