/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/xen/restore_internal.h"

/*
 * Scripts that make a port of a switch, or an unconnected device. Nothing is sent to such a port:
 * netback gives it no carrier before the guest connects. Others may draw the guest's packets to
 * this host as soon as they run: vif-route and vif-nat add a route to the guest's address, for
 * which a dom0 with proxy ARP then answers.
 */
static bool restore_is_silent(const char *script)
{
    static const char *const silent[] = {"vif-bridge", "vif-openvswitch", "vif-domm-monitor"};
    const char *slash = script ? strrchr(script, '/') : NULL;
    const char *name = slash ? slash + 1 : script;
    bool found = !name; /* libxl takes vif-bridge */
    for (size_t i = 0; !found && i < sizeof(silent) / sizeof(silent[0]); i++)
        found = strcmp(name, silent[i]) == 0;
    return found;
}

/* libxl stores devid and MAC of each vif that it has made. Without them they would be chosen here,
 * where the process that stores the configuration does not see them. */
bool domm_restore_vif_is_early(const libxl_device_nic *nic)
{
    static const libxl_mac none;
    return nic->devid >= 0 && memcmp(nic->mac, none, sizeof(none)) != 0 && !nic->backend_domid &&
           !nic->backend_domname && restore_is_silent(nic->script);
}

void domm_restore_leave_late_vifs(libxl_domain_config *config)
{
    int left = 0;
    for (int i = 0; i < config->num_nics; i++) {
        if (domm_restore_vif_is_early(&config->nics[i]))
            libxl_device_nic_dispose(&config->nics[i]);
        else
            config->nics[left++] = config->nics[i];
    }
    config->num_nics = left;
}
