/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/restart_check.h"

#include <errno.h>
#include <unistd.h>

#include "lib/xen/host_requirements.h"

static int check_image(struct domm_session *session, const char *path, struct domm_error *err)
{
    if (access(path, R_OK) == 0)
        return 0;
    domm_fail_errno(err, DOMM_PREFLIGHT, errno, "to restart %s on this host: %s",
                    session->guests[0].facts.name, path);
    if (session->offer.on_not_ready == DOMM_NOT_READY_RESTART)
        return domm_hint(err,
                         "copy the file to this host, or migrate without --on-not-ready restart");
    domm_log(session->log, DOMM_LOG_WARN, "%s", err->text);
    return 0;
}

int domm_restart_check(struct domm_session *session, struct domm_error *err)
{
    struct domm_requirement *requirements;
    size_t count;
    int rc = domm_xen_requirements(session->xen, (const char *)session->guests[0].config.bytes,
                                   &requirements, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        if (requirements[i].kind == DOMM_REQUIREMENT_IMAGE)
            rc = check_image(session, requirements[i].what, err);
    }
    domm_requirements_free(requirements, count);
    return rc;
}
