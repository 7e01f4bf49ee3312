/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/receiver.h"

#include <stdio.h>

#include "lib/save/stream.h"
#include "lib/xen/domain.h"
#include "lib/xen/restore.h"

static int run(void *context, int control, struct domm_error *err)
{
    const struct domm_receiver *receiver = context;
    struct domm_news news = {.kind = DOMM_NEWS_RESTORED};
    struct domm_xen *xen = NULL;
    char name[256];
    int length = snprintf(name, sizeof(name), "%s" DOMM_INCOMING, receiver->name);
    if (length < 0 || (size_t)length >= sizeof(name))
        return domm_fail(err, DOMM_REFUSED, "the guest's name is too long");
    uint64_t start = domm_child_now_ns();
    int rc = domm_libxl_await(DOMM_CHILD_STREAM, err);
    if (!rc)
        rc = domm_xen_open(receiver->log, &xen, err);
    if (!rc)
        rc = domm_xen_restore(xen, receiver->json, name, DOMM_CHILD_STREAM, &news.domid, err);
    news.took_ns = domm_child_now_ns() - start;
    if (!rc)
        rc = domm_child_report(control, &news, err);
    domm_xen_close(xen);
    return rc;
}

int domm_receiver_start(struct domm_xen *xen, const struct domm_receiver *receiver, int stream,
                        struct domm_child *child_r, struct domm_error *err)
{
    struct domm_receiver copy = *receiver;
    return domm_child_start(xen, stream, run, &copy, child_r, err);
}
