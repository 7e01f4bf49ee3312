/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/userdata.h"

#include <string.h>

#include "lib/xen/xen_internal.h"

int domm_xen_userdata_read(struct domm_xen *xen, uint32_t domid, const char *userid, char **data_r,
                           size_t *size_r, struct domm_error *err)
{
    uint8_t *data = NULL;
    int size = 0;
    /* The domain may have ended since it was listed; that is no failure of Xen. libxl would call it
     * one. */
    bool gone = libxl_domain_info(xen->libxl, NULL, domid) == ERROR_DOMAIN_NOTFOUND;
    int libxl_rc = gone ? ERROR_DOMAIN_NOTFOUND
                        : libxl_userdata_retrieve(xen->libxl, domid, userid, &data, &size);
    if (libxl_rc) {
        gone = libxl_domain_info(xen->libxl, NULL, domid) == ERROR_DOMAIN_NOTFOUND;
        return domm_fail(err, gone ? DOMM_NOT_FOUND : DOMM_FAILED,
                         "reading the userdata \"%s\" of domain %u: error %d", userid, domid,
                         libxl_rc);
    }
    *data_r = (char *)data;
    *size_r = (size_t)size;
    return 0;
}

int domm_xen_userdata_store(struct domm_xen *xen, uint32_t domid, const char *userid,
                            const char *text, struct domm_error *err)
{
    int libxl_rc = libxl_userdata_store(xen->libxl, domid, userid, (const uint8_t *)text,
                                        text ? (int)strlen(text) : 0);
    if (!libxl_rc)
        return 0;
    return domm_fail(err, DOMM_FAILED, "writing the userdata \"%s\" of domain %u: error %d", userid,
                     domid, libxl_rc);
}
