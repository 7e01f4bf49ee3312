/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/receiver.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/privileges.h"
#include "lib/stream/stream.h"
#include "lib/stream/vif_adder.h"
#include "lib/xen/domain.h"
#include "lib/xen/restore.h"
#include "lib/xen/restore_vifs.h"

/* The guest is whole only with its vifs, and with a configuration that names them. */
static int receiver_complete(struct domm_xen *xen, const struct domm_receiver *receiver,
                             const char *name, struct domm_child *adder, uint32_t *domid_r,
                             struct domm_error *err)
{
    int rc = domm_xen_restore(xen, receiver->json, name, DOMM_CHILD_STREAM, domid_r, err);
    if (rc)
        return rc;
    rc = domm_vif_adder_await(adder, err);
    if (rc)
        return rc;
    return domm_restore_keep_vifs(xen, *domid_r, receiver->json, err);
}

/* The adder has its own connection to Xen, and starts before this process opens one. */
static int receiver_restore(const struct domm_receiver *receiver, const char *name, int control,
                            uint32_t *domid_r, struct domm_error *err)
{
    const struct domm_vif_adder spec = {.log = receiver->log, .json = receiver->json, .name = name};
    cleanup_xen struct domm_xen *xen = NULL;
    struct domm_child adder;
    int rc = domm_vif_adder_start(&spec, control, &adder, err);
    if (rc)
        return rc;
    rc = domm_xen_open(receiver->log, &xen, err);
    if (!rc)
        rc = receiver_complete(xen, receiver, name, &adder, domid_r, err);
    domm_vif_adder_end(&adder);
    if (rc && xen)
        domm_restore_clear_vifs(xen, *domid_r);
    return rc;
}

static int receiver_run(void *context, int control, struct domm_error *err)
{
    const struct domm_receiver *receiver = context;
    struct domm_progress progress = {.kind = DOMM_PROGRESS_RESTORED};
    char name[256];
    int length = snprintf(name, sizeof(name), "%s" DOMM_INCOMING, receiver->name);
    if (length < 0 || (size_t)length >= sizeof(name))
        return domm_fail(err, DOMM_REFUSED, "the guest's name is too long");
    uint64_t start = domm_now_ns();
    receiver->log->expects = domm_child_is_hushed;
    int rc = domm_privileges_lessen(err);
    if (rc)
        return rc;
    rc = domm_libxl_await(DOMM_CHILD_STREAM, err);
    if (rc)
        return rc;
    rc = receiver_restore(receiver, name, control, &progress.domid, err);
    if (rc)
        return rc;
    progress.took_ns = domm_now_ns() - start;
    return domm_child_report(control, &progress, err);
}

int domm_receiver_start(struct domm_xen *xen, const struct domm_receiver *receiver, int stream,
                        struct domm_child *child_r, struct domm_error *err)
{
    struct domm_receiver copy = *receiver;
    return domm_child_start(xen, stream, receiver_run, &copy, child_r, err);
}
