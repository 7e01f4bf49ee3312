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
    session->question.answered = false;
}

/* If the monitor is another domain now, the earlier nonce is never answered. */
static bool is_question_open(const struct domm_session *session)
{
    return session->question.domid && session->question.domid == session->guests[0].domid;
}

/* The agent is content with all that it sees of the target. */
static bool is_content(const struct domm_pair_status *pair)
{
    bool content = pair->entry && pair->memory.verdict <= DOMM_VERDICT_READY &&
                   pair->storage.verdict <= DOMM_VERDICT_READY;
    for (size_t i = 0; i < pair->answer.n_monitor_vifs; i++)
        content &= pair->answer.monitor_vifs[i].ok;
    return content;
}

/* Then the agent need not be asked again: it has answered before its devices have connected. */
static bool lacks_devices_alone(const struct domm_status *status)
{
    bool alone = status->answered && status->domain.verdict <= DOMM_VERDICT_READY;
    for (size_t i = 0; i < status->n_pairs; i++)
        alone &= is_content(&status->pairs[i]);
    return alone;
}

static int ready_judge(struct domm_session *session, const struct domm_inventory *inventory,
                       bool *devices_r, struct domm_error *err)
{
    struct domm_session_question *question = &session->question;
    bool open = is_question_open(session);
    const struct domm_observer observer = {
        .xen = session->xen,
        .store = session->store,
        .netlink = session->netlink,
        .asked = open ? &question->word : NULL,
        .answered = open && question->answered,
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
    question->answered = open && status.answered;
    if (!status.answered)
        rc = domm_fail(err, DOMM_PREFLIGHT, "the agent in %s gives no sign of life",
                       monitor->domain.name);
    else if (judgement->verdict != DOMM_VERDICT_READY)
        rc = domm_fail(err, DOMM_PREFLIGHT, "%s is not monitored: %s", name, judgement->reason);
    *devices_r = rc && open && lacks_devices_alone(&status);
    domm_status_free(&status);
    return rc;
}

/* *devices_r: nothing is lacking but that devices connect. */
static int ready_check(struct domm_session *session, bool *devices_r, struct domm_error *err)
{
    struct domm_inventory inventory;
    *devices_r = false;
    int rc = domm_inventory_read_unscanned(session->xen, session->log,
                                           &session->guests[0].facts.uuid, &inventory, err);
    if (rc)
        return rc;
    rc = ready_judge(session, &inventory, devices_r, err);
    domm_inventory_free(&inventory);
    return rc;
}

int domm_ready_check(struct domm_session *session, struct domm_error *err)
{
    bool ignored;
    return ready_check(session, &ignored, err);
}

int domm_ready_look(struct domm_session *session, struct domm_error *err)
{
    int64_t end_ms = 0;
    bool devices;
    int rc;
    if (!is_question_open(session))
        domm_ready_ask(session);
    do {
        domm_net_changes_drop(session->net_changes);
        rc = ready_check(session, &devices, err);
        end_ms = end_ms ? end_ms : domm_now_ms() + DOMM_READY_DEVICES_MS;
    } while (devices && domm_net_changes_wait(session->net_changes, end_ms));
    session->question.domid = 0;
    return rc;
}
