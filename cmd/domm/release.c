/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/recover_show.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/pair/inventory.h"
#include "lib/pair/locks.h"
#include "lib/xen/domain.h"

struct release_request {
    bool force, restart;
};

/* The process that holds the targets reads the decision within a second. */
static int write_override(struct cmd_context *context, const char *name,
                          const struct domm_uuid *monitor, const struct release_request *request,
                          struct domm_error *err)
{
    if (!request->force && !request->restart) {
        domm_fail(err, DOMM_REFUSED, "%s is being migrated; its targets run once it is ready",
                  name);
        return domm_hint(err,
                         "if the migration holds its targets, decide with --restart or --force");
    }
    int rc = domm_hold_override_write(monitor,
                                      request->force ? DOMM_EVENT_FORCE : DOMM_EVENT_RESTART, err);
    if (rc)
        return rc;
    if (context->globals.json)
        puts("{\"migrations\": []}");
    else
        printf("%s: the process that holds its targets will act on this\n", name);
    return 0;
}

struct monitor_search {
    const char *name;
    struct domm_uuid *uuid_r;
    bool found;
};

/* A monitor whose restart has failed is in the journal only. */
static bool find_in_journal(void *context, const struct domm_journal_facts *facts)
{
    struct monitor_search *search = context;
    search->found =
        !facts->over && facts->n_guests && strcmp(facts->guests[0].name, search->name) == 0;
    if (search->found)
        *search->uuid_r = facts->guests[0].uuid;
    return !search->found;
}

/* Finds a monitor by its proper name even if it was renamed for a migration, or is gone. */
static int release_find(struct cmd_context *context, const char *name, struct domm_uuid *uuid_r,
                        struct domm_error *err)
{
    struct domm_inventory inventory;
    const struct domm_inventory_entry *entry;
    struct monitor_search search = {.name = name, .uuid_r = uuid_r};
    int rc = domm_inventory_read(context->xen, context->log, &inventory, err);
    if (rc)
        return rc;
    rc = domm_inventory_find_pair(&inventory, name, &entry, err);
    if (!rc)
        *uuid_r = entry->domain.uuid;
    domm_inventory_free(&inventory);
    if (rc != -DOMM_NOT_FOUND)
        return rc;
    domm_journal_facts_each(find_in_journal, &search);
    return search.found ? 0 : rc;
}

static enum domm_recover_when release_when(const struct release_request *request)
{
    if (request->force)
        return DOMM_RECOVER_FORCE;
    return request->restart ? DOMM_RECOVER_RESTART : DOMM_RECOVER_READY;
}

static int release_targets(struct cmd_context *context, const char *name,
                           const struct release_request *request, struct domm_error *err)
{
    struct recover_show show = {.context = context};
    struct domm_uuid monitor;
    unsigned int left;
    int rc = release_find(context, name, &monitor, err);
    if (rc)
        return rc;
    if (domm_guest_is_moving(&monitor))
        return write_override(context, name, &monitor, request, err);
    const struct domm_recover_options options = {
        .guest = &monitor, .when = release_when(request), .held_only = true};
    recover_show_begin(&show);
    rc = domm_recover(context->log, &options, recover_show_result, &show, &left, err);
    recover_show_end(&show);
    if (rc)
        return rc;
    if (left)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "the targets of %s are not released", name);
    if (show.shown)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "no migration has left targets of %s stopped", name);
    return domm_hint(err, "use xl unpause for guests that were paused by hand");
}

static struct release_request release_parse(const struct cmd_arguments *arguments)
{
    struct release_request request = {0};
    for (size_t i = 0; i < arguments->n_options; i++) {
        request.force |= arguments->options[i].id == 'f';
        request.restart |= arguments->options[i].id == 'r';
    }
    return request;
}

int cmd_release_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    const struct release_request request = release_parse(arguments);
    if (request.force && request.restart)
        return domm_fail(err, DOMM_USAGE, "--force and --restart cannot be combined");
    return 0;
}

int cmd_release(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    const struct release_request request = release_parse(arguments);
    return release_targets(context, arguments->operands[0], &request, err);
}
