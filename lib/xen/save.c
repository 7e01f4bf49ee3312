/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/save.h"

#include <errno.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/xen/hv_internal.h"

static int save_on_precopy(struct precopy_stats stats, void *data)
{
    const struct domm_save_hooks *hooks = data;
    const struct domm_precopy precopy = {
        .round = stats.iteration,
        .sent_pages = stats.total_written,
        .counted = stats.dirty_count >= 0,
        .dirty_pages = stats.dirty_count >= 0 ? (uint64_t)stats.dirty_count : 0,
    };
    switch (hooks->precopy(hooks->context, &precopy)) {
    case DOMM_PRECOPY_GO_ON:
        return XGS_POLICY_CONTINUE_PRECOPY;
    case DOMM_PRECOPY_STOP:
        return XGS_POLICY_STOP_AND_COPY;
    case DOMM_PRECOPY_ABORT:
        break;
    }
    return XGS_POLICY_ABORT;
}

static int on_suspend(void *data)
{
    const struct domm_save_hooks *hooks = data;
    return hooks->stop(hooks->context);
}

/* libxenguest insists on this hook for a translated guest. A PVH guest has no device model that
 * would write its memory. */
static int on_log_dirty(uint32_t domid, unsigned enable, void *data)
{
    (void)domid;
    (void)enable;
    (void)data;
    return 0;
}

int domm_hv_save(struct domm_hv *hv, uint32_t domid, int fd, enum domm_save_mode mode, bool verify,
                 const struct domm_save_hooks *hooks, struct domm_error *err)
{
    struct domm_save_hooks copy = *hooks;
    struct save_callbacks callbacks = {
        .suspend = on_suspend,
        .precopy_policy = save_on_precopy,
        .switch_qemu_logdirty = on_log_dirty,
        .data = &copy,
    };
    uint32_t flags = (mode == DOMM_SAVE_LIVE ? XCFLAGS_LIVE : 0) | (verify ? XCFLAGS_DEBUG : 0);
    errno = 0;
    if (xc_domain_save(hv->control, fd, domid, flags, &callbacks, XC_STREAM_PLAIN, -1) == 0)
        return 0;
    if (!errno)
        return domm_fail(err, DOMM_FAILED, "saving domain %u", domid);
    return domm_fail_errno(err, DOMM_FAILED, errno, "saving domain %u", domid);
}
