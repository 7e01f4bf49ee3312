/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/host_requirements.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xen/xen_internal.h"

struct requirement_list {
    struct domm_requirement *items;
    size_t count;
};

/* False if memory ran out. */
static bool requirements_add(struct requirement_list *list, enum domm_requirement_kind kind,
                             const char *what)
{
    if (!what || !*what)
        return true;
    struct domm_requirement *grown = realloc(list->items, (list->count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    list->items = grown;
    grown[list->count] = (struct domm_requirement){.kind = kind, .what = strdup(what)};
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

/* Only the script knows how to interpret its path. */
static bool is_file(const libxl_device_disk *disk)
{
    return !disk->script || is_script(disk->script, DOMM_MONITOR_DISK_SCRIPT);
}

static bool add_all(struct requirement_list *list, const libxl_domain_config *config)
{
    bool whole = requirements_add(list, DOMM_REQUIREMENT_IMAGE, config->b_info.kernel) &&
                 requirements_add(list, DOMM_REQUIREMENT_IMAGE, config->b_info.ramdisk);
    for (int i = 0; i < config->num_nics; i++) {
        const libxl_device_nic *nic = &config->nics[i];
        if (nic->backend_domid || nic->backend_domname)
            continue;
        whole &= requirements_add(list, DOMM_REQUIREMENT_SCRIPT, nic->script);
        whole &= !uses_bridge(nic) || requirements_add(list, DOMM_REQUIREMENT_BRIDGE, nic->bridge);
    }
    for (int i = 0; i < config->num_disks; i++) {
        const libxl_device_disk *disk = &config->disks[i];
        if (disk->backend_domid || disk->backend_domname)
            continue;
        whole &= requirements_add(list, DOMM_REQUIREMENT_SCRIPT, disk->script);
        whole &= !is_file(disk) || requirements_add(list, DOMM_REQUIREMENT_FILE, disk->pdev_path);
    }
    return whole;
}

int domm_xen_requirements(struct domm_xen *xen, const char *json,
                          struct domm_requirement **requirements_r, size_t *count_r,
                          struct domm_error *err)
{
    struct requirement_list list = {0};
    libxl_domain_config config;
    int rc = 0;
    libxl_domain_config_init(&config);
    if (libxl_domain_config_from_json(xen->libxl, &config, json))
        rc = domm_fail(err, DOMM_REFUSED, "libxl does not understand the guest's configuration");
    else if (!add_all(&list, &config))
        rc = domm_no_memory(err);
    libxl_domain_config_dispose(&config);
    if (rc) {
        domm_requirements_free(list.items, list.count);
        list = (struct requirement_list){0};
    }
    *requirements_r = list.items;
    *count_r = list.count;
    return rc;
}

void domm_requirements_free(struct domm_requirement *requirements, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(requirements[i].what);
    free(requirements);
}
