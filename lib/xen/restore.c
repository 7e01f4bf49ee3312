/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/restore.h"

#include <stdlib.h>
#include <string.h>

#include "lib/xen/restore_internal.h"
#include "lib/xen/xen_internal.h"

#define STREAM_VERSION 2

static int restore_read_config(struct domm_xen *xen, const char *json, const char *name,
                               libxl_domain_config *config, struct domm_error *err)
{
    if (libxl_domain_config_from_json(xen->libxl, config, json))
        return domm_fail(err, DOMM_REFUSED, "libxl does not understand the guest's configuration");
    if (config->c_info.type != LIBXL_DOMAIN_TYPE_PV && config->c_info.type != LIBXL_DOMAIN_TYPE_PVH)
        return domm_fail(err, DOMM_REFUSED, "the guest is neither PV nor PVH");
    free(config->c_info.name);
    config->c_info.name = strdup(name);
    return config->c_info.name ? 0 : domm_no_memory(err);
}

int domm_xen_restore(struct domm_xen *xen, const char *json, const char *name, int fd,
                     uint32_t *domid_r, struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_restore_params params;
    uint32_t domid = 0;
    libxl_domain_config_init(&config);
    libxl_domain_restore_params_init(&params);
    params.stream_version = STREAM_VERSION;
    int rc = restore_read_config(xen, json, name, &config, err);
    if (!rc) {
        domm_restore_leave_late_vifs(&config);
        /* libxl destroys the domain if it fails (domcreate_complete, libxl_create.c). */
        int libxl_rc =
            libxl_domain_create_restore(xen->libxl, &config, &domid, fd, -1, &params, NULL, NULL);
        if (libxl_rc)
            rc = domm_fail(err, DOMM_FAILED, "libxl could not build the guest %s: error %d", name,
                           libxl_rc);
    }
    libxl_domain_restore_params_dispose(&params);
    libxl_domain_config_dispose(&config);
    *domid_r = domid;
    return rc;
}
