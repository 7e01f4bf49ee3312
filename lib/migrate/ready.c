/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/ready.h"

#include "lib/base/clock.h"
#include "lib/net/changes.h"

void domm_ready_ask(struct domm_session *session)
{
    struct domm_error ignored;
    uint32_t monitor = session->guests[0].domid;
    bool asked = domm_agent_ask(session->store, monitor, &session->question.word, &ignored) == 0;
    session->question.domid = asked ? monitor : 0;
}

/* If the monitor is another domain now, the earlier nonce is never answered. */
static bool is_question_open(const struct domm_session *session)
{
    return session->question.domid && session->question.domid == session->guests[0].domid;
}

static int ready_judge(struct domm_session *session, const struct domm_inventory *inventory,
                       struct domm_error *err)
{
    const struct domm_observer observer = {
        .xen = session->xen,
        .store = session->store,
        .netlink = session->netlink,
        .asked = is_question_open(session) ? &session->question.word : NULL,
    };
    const struct domm_inventory_entry *monitor =
        domm_inventory_by_uuid(inventory, &session->guests[0].facts.uuid);
    struct domm_status status;
    const char *name;
    if (!monitor || monitor->record_state != DOMM_RECORD_VALID)
        return domm_fail(err, DOMM_NOT_FOUND, "the monitor has ended");
    int rc = domm_status_measure(&observer, inventory, &monitor, 1, &status, err);
    if (rc)
        return rc;
    const struct domm_judgement *judgement = domm_status_gravest(&status, NULL, &name);
    if (!status.answered)
        rc = domm_fail(err, DOMM_PREFLIGHT, "the agent in %s gives no sign of life",
                       monitor->domain.name);
    else if (judgement->verdict != DOMM_VERDICT_READY)
        rc = domm_fail(err, DOMM_PREFLIGHT, "%s is not monitored: %s", name, judgement->reason);
    domm_status_free(&status);
    return rc;
}

int domm_ready_check(struct domm_session *session, struct domm_error *err)
{
    struct domm_inventory inventory;
    int rc = domm_inventory_read_unscanned(session->xen, session->log,
                                           &session->guests[0].facts.uuid, &inventory, err);
    if (rc)
        return rc;
    rc = ready_judge(session, &inventory, err);
    domm_inventory_free(&inventory);
    return rc;
}

int domm_ready_look(struct domm_session *session, struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + DOMM_READY_LOOK_MS;
    int rc;
    if (!is_question_open(session))
        domm_ready_ask(session);
    do {
        domm_net_changes_drop(session->net_changes);
        rc = domm_ready_check(session, err);
    } while (rc == -DOMM_PREFLIGHT && domm_net_changes_wait(session->net_changes, end_ms));
    session->question.domid = 0;
    return rc;
}
