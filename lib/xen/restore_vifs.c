/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/restore_vifs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "lib/xen/restore_internal.h"
#include "lib/xen/userdata.h"
#include "lib/xen/xen_internal.h"

#define LIBXL_CONFIG "libxl-json"

bool domm_restore_has_begun(struct domm_xen *xen, const char *name, uint32_t *domid_r)
{
    return libxl_name_to_domid(xen->libxl, name, domid_r) == 0;
}

static int restore_read_source_config(struct domm_xen *xen, const char *json,
                                      libxl_domain_config *config, struct domm_error *err)
{
    if (libxl_domain_config_from_json(xen->libxl, config, json))
        return domm_fail(err, DOMM_REFUSED, "libxl does not understand the guest's configuration");
    return 0;
}

/* libxl reads its configuration as a C string. */
static int restore_store_config(struct domm_xen *xen, uint32_t domid, const char *json,
                                struct domm_error *err)
{
    int libxl_rc = libxl_userdata_store(xen->libxl, domid, LIBXL_CONFIG, (const uint8_t *)json,
                                        (int)strlen(json) + 1);
    if (!libxl_rc)
        return 0;
    return domm_fail(err, DOMM_FAILED, "storing the configuration of domain %u: error %d", domid,
                     libxl_rc);
}

/* Nothing in it asks for a device model, which does not run yet (libxl__dm_check_start). */
static char *restore_format_stub(struct domm_xen *xen, const libxl_domain_config *config)
{
    libxl_domain_config stub;
    libxl_domain_config_init(&stub);
    stub.c_info.type = config->c_info.type;
    stub.c_info.name = strdup(config->c_info.name ? config->c_info.name : "");
    libxl_uuid_copy(xen->libxl, &stub.c_info.uuid, &config->c_info.uuid);
    libxl_domain_build_info_init_type(&stub.b_info, config->c_info.type);
    char *json = libxl_domain_config_to_json(xen->libxl, &stub);
    libxl_domain_config_dispose(&stub);
    return json;
}

/* If the stream was so short that the restore is complete already, libxl's own is there. */
static int restore_store_stub(struct domm_xen *xen, uint32_t domid,
                              const libxl_domain_config *config, struct domm_error *err)
{
    cleanup_free char *stored = NULL;
    size_t size = 0;
    int rc = domm_xen_userdata_read(xen, domid, LIBXL_CONFIG, &stored, &size, err);
    if (rc || stored)
        return rc;
    cleanup_free char *stub = restore_format_stub(xen, config);
    return stub ? restore_store_config(xen, domid, stub, err) : domm_no_memory(err);
}

static int restore_fail_vif(struct domm_xen *xen, uint32_t domid, const libxl_device_nic *nic,
                            int libxl_rc, struct domm_error *err)
{
    char path[96];
    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/%d/hotplug-error", domid,
             nic->devid);
    cleanup_free char *said = xs_read(xen->xenstore, XBT_NULL, path, NULL);
    if (said)
        return domm_fail(err, DOMM_FAILED, "making vif %d: its script said: %.256s", nic->devid,
                         domm_make_printable(said));
    return domm_fail(err, DOMM_FAILED,
                     "making vif %d (bridge %s, script %s): libxl's error %d; see "
                     "/var/log/xen/xen-hotplug.log",
                     nic->devid, nic->bridge ? nic->bridge : "", nic->script ? nic->script : "",
                     libxl_rc);
}

static int restore_add_each(struct domm_xen *xen, uint32_t domid, libxl_domain_config *config,
                            struct domm_error *err)
{
    bool stub = false;
    int rc = 0;
    for (int i = 0; !rc && i < config->num_nics; i++) {
        libxl_device_nic *nic = &config->nics[i];
        if (!domm_restore_vif_is_early(nic))
            continue;
        rc = stub ? 0 : restore_store_stub(xen, domid, config, err);
        stub = true;
        if (rc)
            return rc;
        int libxl_rc = libxl_device_nic_add(xen->libxl, domid, nic, NULL);
        if (libxl_rc)
            rc = restore_fail_vif(xen, domid, nic, libxl_rc, err);
    }
    return rc;
}

int domm_restore_add_vifs(struct domm_xen *xen, uint32_t domid, const char *json,
                          struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    int rc = restore_read_source_config(xen, json, &config, err);
    if (!rc)
        rc = restore_add_each(xen, domid, &config, err);
    libxl_domain_config_dispose(&config);
    return rc;
}

/* The name goes with the domain's nodes, after its devices (devices_destroy_cb, libxl_domain.c). */
bool domm_restore_is_undone(struct domm_xen *xen, uint32_t domid)
{
    char path[64];
    unsigned int count = 0;
    cleanup_free char *name = libxl_domid_to_name(xen->libxl, domid);
    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u", domid);
    cleanup_free char **devids = xs_directory(xen->xenstore, XBT_NULL, path, &count);
    bool undone = !name;
    for (unsigned int i = 0; devids && !undone && i < count; i++) {
        char node[128];
        snprintf(node, sizeof(node), "%s/%.16s/online", path, devids[i]);
        cleanup_free char *online = xs_read(xen->xenstore, XBT_NULL, node, NULL);
        undone = !online || strcmp(online, "1") != 0;
    }
    return undone;
}

int domm_restore_keep_vifs(struct domm_xen *xen, uint32_t domid, const char *json,
                           struct domm_error *err)
{
    cleanup_free char *stored = NULL;
    cleanup_free char *merged = NULL;
    size_t size = 0;
    int rc = domm_xen_userdata_read(xen, domid, LIBXL_CONFIG, &stored, &size, err);
    if (rc)
        return rc;
    if (!stored || !memchr(stored, '\0', size))
        return domm_fail(err, DOMM_FAILED, "libxl has stored no configuration of domain %u", domid);
    rc = domm_restore_merge_vifs(stored, json, &merged, err);
    if (rc)
        return rc;
    return restore_store_config(xen, domid, merged, err);
}
