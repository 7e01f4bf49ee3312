/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/xen.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/xen/probe.h"
#include "lib/xen/xen_internal.h"

int domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err)
{
    *xen_r = NULL;
    int rc = domm_probe_dom0(err);
    if (rc)
        return rc;
    struct domm_xen *xen = calloc(1, sizeof(*xen));
    if (!xen)
        return domm_no_memory(err);
    domm_xtl_init(&xen->xtl, log);
    int libxl_rc = libxl_ctx_alloc(&xen->libxl, LIBXL_VERSION, 0, &xen->xtl.vtable);
    if (libxl_rc) {
        rc = domm_fail(err, DOMM_NOT_PERMITTED, "opening libxl: error %d", libxl_rc);
        goto fail;
    }
    /* Savers, ssh and others are also children of this process, which libxl must not reap. */
    static const libxl_childproc_hooks hooks = {
        .chldowner = libxl_sigchld_owner_libxl_always_selective_reap};
    libxl_childproc_setmode(xen->libxl, &hooks, NULL);
    xen->xenstore = xs_open(0);
    if (!xen->xenstore) {
        rc = domm_fail_errno(err, DOMM_NOT_PERMITTED, errno, "connecting to xenstored");
        goto fail;
    }
    *xen_r = xen;
    return 0;
fail:
    domm_xen_close(xen);
    return rc;
}

void domm_xen_close(struct domm_xen *xen)
{
    if (!xen)
        return;
    xs_close(xen->xenstore);
    libxl_ctx_free(xen->libxl);
    free(xen);
}

const char *domm_libxl_version(void)
{
    return XENLIGHT_VERSION; /* configure asks pkg-config; the library has no call for it */
}

int domm_xen_host(struct domm_xen *xen, struct domm_host *host_r, struct domm_error *err)
{
    const libxl_version_info *version = libxl_get_version_info(xen->libxl);
    if (!version)
        return domm_fail(err, DOMM_FAILED, "asking Xen for its version");
    libxl_physinfo physinfo;
    libxl_physinfo_init(&physinfo);
    int libxl_rc = libxl_get_physinfo(xen->libxl, &physinfo);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "asking Xen for its capabilities: error %d", libxl_rc);
    *host_r = (struct domm_host){
        .major = version->xen_version_major,
        .minor = version->xen_version_minor,
        .extra = version->xen_version_extra,
        .changeset = version->changeset,
        .command_line = version->commandline,
        /* A PV guest's dirty pages are tracked by shadow paging only: without it
         * paging_log_dirty_enable (xen/arch/x86/mm/paging.c) ends in mm/shadow/none.c, which
         * answers EOPNOTSUPP; arch_do_physinfo (xen/arch/x86/sysctl.c) sets the capability from
         * the same CONFIG_SHADOW_PAGING. */
        .pv_log_dirty = physinfo.cap_pv && physinfo.cap_shadow,
    };
    libxl_physinfo_dispose(&physinfo);
    return 0;
}

void domm_xen_forked(struct domm_xen *xen)
{
    if (xen)
        libxl_postfork_child_noexec(xen->libxl);
}
