/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of a restore, and by nobody else. */
#ifndef DOMM_XEN_RESTORE_INTERNAL_H
#define DOMM_XEN_RESTORE_INTERNAL_H

#include <stdbool.h>

#include "lib/xen/xen_internal.h"

/* Whether the vif may be made while the guest still runs at the source. */
bool domm_restore_vif_is_early(const libxl_device_nic *nic);

/* Leaves the others to libxl. */
void domm_restore_leave_late_vifs(libxl_domain_config *config);

#endif
