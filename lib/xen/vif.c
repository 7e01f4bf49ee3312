/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/text.h"
#include "lib/xen/xen_internal.h"

#define MAX_DEVID 65535

bool domm_vif_parse_devid(const char *text, unsigned *devid_r)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] || (text[0] == '0' && digits > 1))
        return false;
    *devid_r = (unsigned)strtoul(text, NULL, 10);
    return *devid_r <= MAX_DEVID;
}

bool domm_vif_name_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= DOMM_VIF_NAME || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c >= 0x7f || c == '/' || c == ':')
            return false;
    }
    return true;
}

static int read_vif(struct domm_xen *xen, uint32_t domid, const char *devid, struct domm_vif *vif,
                    struct domm_error *err)
{
    if (!domm_vif_parse_devid(devid, &vif->devid))
        return domm_fail(err, DOMM_REFUSED, "domain %u has a vif whose devid is not a number",
                         domid);
    char path[96];
    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u/%u/vifname", domid, vif->devid);
    cleanup_free char *name = xs_read(xen->xenstore, XBT_NULL, path, NULL);
    if (!name) { /* the name that netback gives and libxl keeps */
        snprintf(vif->name, sizeof(vif->name), "vif%u.%u", domid, vif->devid);
        return 0;
    }
    if (!domm_vif_name_valid(name))
        return domm_fail(err, DOMM_REFUSED, "vif %u of domain %u: \"%.32s\" is not a device name",
                         vif->devid, domid, domm_make_printable(name));
    snprintf(vif->name, sizeof(vif->name), "%s", name);
    return 0;
}

static int by_devid(const void *a, const void *b)
{
    unsigned first = ((const struct domm_vif *)a)->devid;
    unsigned second = ((const struct domm_vif *)b)->devid;
    return (first > second) - (first < second);
}

int domm_xen_vifs(struct domm_xen *xen, uint32_t domid, struct domm_vif **vifs_r, size_t *count_r,
                  struct domm_error *err)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof(path), "/local/domain/0/backend/vif/%u", domid);
    cleanup_free char **devids = xs_directory(xen->xenstore, XBT_NULL, path, &count);
    if (!devids && errno != ENOENT)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listing the vifs of domain %u", domid);
    if (!devids)
        count = 0;
    if (count > DOMM_VIF_MAX)
        return domm_fail(err, DOMM_REFUSED, "domain %u has %u vifs, more than %d", domid, count,
                         DOMM_VIF_MAX);
    cleanup_free struct domm_vif *vifs = calloc(count + 1, sizeof(*vifs));
    if (!vifs)
        return domm_no_memory(err);
    for (unsigned i = 0; i < count; i++) {
        int rc = read_vif(xen, domid, devids[i], &vifs[i], err);
        if (rc)
            return rc;
    }
    qsort(vifs, count, sizeof(*vifs), by_devid);
    *vifs_r = vifs;
    vifs = NULL; /* the caller owns it now */
    *count_r = count;
    return 0;
}
