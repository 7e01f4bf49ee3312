/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/vif_adder.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/xen/restore_vifs.h"

#define RECEIVER_CONTROL DOMM_CHILD_STREAM /* in the adder */
#define LOOK_MS 50                         /* between looks whether libxl has made the domain */
#define GRACE_MS 60000

static int vif_adder_await_domain(struct domm_xen *xen, const char *name, int control,
                                  uint32_t *domid_r, struct domm_error *err)
{
    while (!domm_restore_has_begun(xen, name, domid_r)) {
        if (domm_child_next_command(control, LOOK_MS))
            return domm_fail(err, DOMM_ABORTED, "the restore has ended before vifs were made");
    }
    return 0;
}

/* Failures caused by the end of the stream are not reported: the receiver reports that. */
static void vif_adder_tell(struct domm_xen *xen, uint32_t domid, const struct domm_error *err)
{
    struct domm_error ignored;
    struct domm_progress progress = {.kind = DOMM_PROGRESS_FAILED, .code = err->code};
    if (domm_restore_is_undone(xen, domid))
        return;
    snprintf(progress.text, sizeof(progress.text), "%.*s", (int)sizeof(progress.text) - 1,
             err->text);
    domm_child_report(RECEIVER_CONTROL, &progress, &ignored);
}

static int vif_adder_add(struct domm_xen *xen, const struct domm_vif_adder *adder, int control,
                         uint32_t *domid_r, struct domm_error *err)
{
    int rc = vif_adder_await_domain(xen, adder->name, control, domid_r, err);
    if (rc)
        return rc;
    rc = domm_restore_add_vifs(xen, *domid_r, adder->json, err);
    if (rc)
        vif_adder_tell(xen, *domid_r, err);
    return rc;
}

static int vif_adder_run(void *context, int control, struct domm_error *err)
{
    const struct domm_vif_adder *adder = context;
    struct domm_progress progress = {.kind = DOMM_PROGRESS_VIFS};
    cleanup_xen struct domm_xen *xen = NULL;
    uint64_t start = domm_now_ns();
    adder->log->expects = domm_child_is_hushed;
    int rc = domm_xen_open(adder->log, &xen, err);
    if (rc)
        return rc;
    rc = vif_adder_add(xen, adder, control, &progress.domid, err);
    if (rc)
        return rc;
    progress.took_ns = domm_now_ns() - start;
    domm_log(adder->log, DOMM_LOG_VERBOSE,
             "%s: the vifs that can be there early are, %u ms after the restore began", adder->name,
             (unsigned int)(progress.took_ns / 1000000u));
    return domm_child_report(control, &progress, err);
}

int domm_vif_adder_start(const struct domm_vif_adder *adder, int receiver_control,
                         struct domm_child *child_r, struct domm_error *err)
{
    struct domm_vif_adder copy = *adder;
    return domm_child_start(NULL, receiver_control, vif_adder_run, &copy, child_r, err);
}

int domm_vif_adder_await(struct domm_child *child, struct domm_error *err)
{
    struct domm_progress progress = {.kind = DOMM_PROGRESS_NONE};
    while (progress.kind != DOMM_PROGRESS_VIFS) {
        int rc = domm_child_receive(child, -1, &progress, err);
        if (rc)
            return rc;
        if (progress.kind == DOMM_PROGRESS_FAILED)
            return domm_fail(err, progress.code, "%s", progress.text);
        if (progress.kind == DOMM_PROGRESS_ENDED)
            return domm_fail(err, DOMM_FAILED, "the process that makes the vifs has died");
    }
    return 0;
}

void domm_vif_adder_end(struct domm_child *child)
{
    domm_child_end(child, GRACE_MS);
}
