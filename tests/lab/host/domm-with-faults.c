/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm with fault points, for tests/lab/faults/matrix; no other build has any. Before and after
 * each step of a migration, each undo, and each message that drives the machines, it runs
 *
 *     /usr/local/sbin/domm-fault END WHEN WHAT GUEST
 *
 * if that program is there, for example "domm-fault source after undo-stop 1" and
 * "domm-fault destination before send-committed 0". It may do anything, to its parent as well;
 * if it fails, the step, the undo or the sending does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/migrate/protocol/control_link.h"
#include "lib/migrate/session.h"

#define PROGRAM "/usr/local/sbin/domm-fault"

struct fault_point {
    const char *end, *verb, *what;
    unsigned int guest;
};

static int pass_point(const struct fault_point *point, const char *when, struct domm_error *err)
{
    char command[128];
    if (access(PROGRAM, X_OK))
        return 0;
    snprintf(command, sizeof(command), "exec " PROGRAM " %s %s %s%s %u", point->end, when,
             point->verb, point->what, point->guest);
    return system(command) ? domm_fail(err, DOMM_FAILED, "a fault was asked for: %s", command) : 0;
}

/* Defines what the linker has callers call in place of a function that runs or undoes a step. */
#define WITH_FAULTS(function, end_name, verb_name)                                                 \
    int __real_##function(struct domm_session *session, enum domm_step step, unsigned int guest,   \
                          struct domm_error *err);                                                 \
    int __wrap_##function(struct domm_session *session, enum domm_step step, unsigned int guest,   \
                          struct domm_error *err);                                                 \
    int __wrap_##function(struct domm_session *session, enum domm_step step, unsigned int guest,   \
                          struct domm_error *err)                                                  \
    {                                                                                              \
        const struct fault_point point = {                                                         \
            .end = end_name, .verb = verb_name, .what = domm_steps[step].name, .guest = guest};    \
        int rc = pass_point(&point, "before", err);                                                \
        if (rc)                                                                                    \
            return rc;                                                                             \
        rc = __real_##function(session, step, guest, err);                                         \
        if (rc)                                                                                    \
            return rc;                                                                             \
        return pass_point(&point, "after", err);                                                   \
    }

WITH_FAULTS(domm_source_step, "source", "")
WITH_FAULTS(domm_source_undo, "source", "undo-")
WITH_FAULTS(domm_destination_step, "destination", "")
WITH_FAULTS(domm_destination_undo, "destination", "undo-")

static const char *const message_names[DOMM_MACHINE_MESSAGES] = {
    [DOMM_MESSAGE_HELLO] = "hello",         [DOMM_MESSAGE_OFFER] = "offer",
    [DOMM_MESSAGE_ACCEPT] = "accept",       [DOMM_MESSAGE_PREPARE] = "prepare",
    [DOMM_MESSAGE_PREPARED] = "prepared",   [DOMM_MESSAGE_COMMIT] = "commit",
    [DOMM_MESSAGE_COMMITTED] = "committed", [DOMM_MESSAGE_FINISHED] = "finished",
    [DOMM_MESSAGE_ABORT] = "abort",         [DOMM_MESSAGE_GONE] = "gone",
};

int __real_domm_control_link_send(struct domm_control_link *link,
                                  const struct domm_message *message, struct domm_error *err);
int __wrap_domm_control_link_send(struct domm_control_link *link,
                                  const struct domm_message *message, struct domm_error *err);

int __wrap_domm_control_link_send(struct domm_control_link *link,
                                  const struct domm_message *message, struct domm_error *err)
{
    if (message->type >= DOMM_MACHINE_MESSAGES)
        return __real_domm_control_link_send(link, message, err);
    const struct fault_point point = {.end = link->source ? "source" : "destination",
                                      .verb = "send-",
                                      .what = message_names[message->type]};
    int rc = pass_point(&point, "before", err);
    if (rc)
        return rc;
    rc = __real_domm_control_link_send(link, message, err);
    if (rc)
        return rc;
    return pass_point(&point, "after", err);
}
