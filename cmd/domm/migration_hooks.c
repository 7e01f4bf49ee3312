/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/migration_hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cmd/domm/hooks.h"
#include "cmd/domm/host_log.h"

static void add_guest(struct cmd_fields *fields, const char *prefix,
                      const struct domm_session_guest *guest, bool here)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&guest->facts.uuid, uuid);
    cmd_fields_add(fields, "%s=%s", prefix, guest->facts.name);
    cmd_fields_add(fields, "%s_UUID=%s", prefix, uuid);
    if (here && guest->domid)
        cmd_fields_add(fields, "%s_DOMID=%u", prefix, guest->domid);
}

/* The state is given, as the loop's thread may be changing the session's. */
static void collect_facts(struct cmd_fields *fields, const char *hook,
                          const struct domm_session *session, enum domm_migration_state state)
{
    char uuid[DOMM_UUID_TEXT], prefix[32];
    const char *client = getenv("SSH_CLIENT"); /* set by sshd: ADDRESS PORT PORT */
    bool source = session->machine.setup.source,
         here = state != DOMM_SRC_MOVED && state != DOMM_DST_GONE;
    domm_uuid_format(&session->offer.migration, uuid);
    cmd_fields_add(fields, "DOMM_HOOK=%s", hook);
    cmd_fields_add(fields, "DOMM_MIGRATION=%s", uuid);
    cmd_fields_add(fields, "DOMM_ROLE=%s", source ? "source" : "destination");
    if (source)
        cmd_fields_add(fields, "DOMM_PEER=%s", session->report.destination);
    else if (client)
        cmd_fields_add(fields, "DOMM_PEER=%.*s", (int)strcspn(client, " "), client);
    cmd_fields_add(fields, "DOMM_STATE=%s", domm_migration_states[state].name);
    add_guest(fields, "DOMM_MONITOR", &session->guests[0], here);
    cmd_fields_add(fields, "DOMM_TARGETS=%u", session->offer.n_targets);
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++) {
        snprintf(prefix, sizeof(prefix), "DOMM_TARGET_%u", g);
        add_guest(fields, prefix, &session->guests[g], here);
    }
}

/* In the worker's thread. */
static int run_pre_hook(void *context, const struct domm_session *session,
                        enum domm_session_phase phase, struct domm_error *err)
{
    struct cmd_migration_hooks *hooks = context;
    struct cmd_fields fields = {.count = 0};
    const char *hook = phase == DOMM_PHASE_STOP ? "pre-stop" : "pre-migrate";
    enum domm_migration_state state = phase == DOMM_PHASE_STOP        ? DOMM_SRC_STOPPING
                                      : session->machine.setup.source ? DOMM_SRC_CHECKING
                                                                      : DOMM_DST_ADMITTING;
    hooks->begun = true;
    collect_facts(&fields, hook, session, state);
    int rc = cmd_hook_run(hook, &fields, err);
    cmd_fields_free(&fields);
    return rc;
}

void cmd_migration_hooks_begin(struct cmd_migration_hooks *hooks_r)
{
    *hooks_r = (struct cmd_migration_hooks){.gate = {.context = hooks_r, .pass = run_pre_hook}};
}

void cmd_migration_hooks_end(struct cmd_migration_hooks *hooks, struct domm_session *session)
{
    struct cmd_fields fields = {.count = 0};
    const char *hook;
    struct domm_error err;
    if (!hooks->begun)
        return;
    switch (session->machine.state) {
    case DOMM_SRC_MOVED:
    case DOMM_DST_MOVED:
    case DOMM_DST_HELD:
    case DOMM_DST_IMPAIRED:
        hook = "post-migrate";
        break;
    case DOMM_SRC_ROLLED_BACK:
    case DOMM_SRC_HELD:
    case DOMM_SRC_STUCK:
    case DOMM_DST_GONE:
    case DOMM_DST_STUCK:
        hook = "rolled-back";
        break;
    default: /* it is unknown what became of the guests */
        return;
    }
    collect_facts(&fields, hook, session, session->machine.state);
    if (session->error.code)
        cmd_fields_add(&fields, "DOMM_ERROR=%s", session->error.text);
    if (domm_machine_is_complete(&session->machine))
        domm_session_unlock_guests(session); /* the hook may use domm */
    if (cmd_hook_run(hook, &fields, &err)) {
        domm_log(session->log, DOMM_LOG_WARN, "%s", err.text);
        cmd_host_log(LOG_WARNING, NULL, err.text, &fields);
    }
    cmd_fields_free(&fields);
}
