/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/disk.h"

#include <string.h>

#include "lib/xen/xen_internal.h"

int domm_xen_disk(struct domm_xen *xen, uint32_t domid, const char *vdev,
                  enum domm_disk_state *state_r, struct domm_error *err)
{
    int count = 0;
    *state_r = DOMM_DISK_ABSENT;
    libxl_device_disk *disks = libxl_device_disk_list(xen->libxl, domid, &count);
    if (count && !disks)
        return domm_fail(err, DOMM_FAILED, "listing the disks of domain %u", domid);
    for (int i = 0; i < count; i++) {
        if (disks[i].vdev && strcmp(disks[i].vdev, vdev) == 0)
            *state_r = disks[i].readwrite ? DOMM_DISK_WRITABLE : DOMM_DISK_READ_ONLY;
    }
    libxl_device_disk_list_free(disks, count);
    return 0;
}
