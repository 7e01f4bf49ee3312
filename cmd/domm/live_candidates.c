/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/live_candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/host.h"
#include "cmd/domm/ssh_hosts.h"
#include "lib/base/cleanup.h"
#include "lib/migrate/journal/facts.h"
#include "lib/migrate/report/report_files.h"
#include "lib/pair/expectation.h"
#include "lib/pair/inventory.h"
#include "lib/pair/locks.h"

struct live_search {
    struct cmd_candidates *to;
    const char *word;
    enum cmd_completer kind;
};

/* Whether a domain of this role can stand there. dom0 is no guest. */
static bool can_stand(enum cmd_completer kind, const struct domm_domain *domain,
                      enum domm_role role)
{
    bool monitor = role == DOMM_ROLE_MONITOR || role == DOMM_ROLE_INVALID;
    switch (kind) {
    case COMPLETE_MONITOR:
        return monitor;
    case COMPLETE_TARGET:
        return role == DOMM_ROLE_TARGET;
    case COMPLETE_PAIR:
        return monitor || role == DOMM_ROLE_TARGET;
    case COMPLETE_OTHER:
        return role == DOMM_ROLE_NONE && domain->domid;
    default:
        return true;
    }
}

static void add_domains(const struct live_search *search)
{
    struct domm_inventory inventory;
    if (!cmd_inventory_silently(&inventory))
        return;
    for (size_t i = 0; i < inventory.count; i++) {
        const struct domm_inventory_entry *entry = &inventory.entries[i];
        if (can_stand(search->kind, &entry->domain, domm_inventory_role(&inventory, entry)))
            cmd_candidates_add(search->to, search->word, entry->domain.name);
    }
    domm_inventory_free(&inventory);
}

static bool is_monitored(const struct domm_inventory *inventory, const struct domm_uuid *target)
{
    const struct domm_inventory_entry *entry = domm_inventory_by_uuid(inventory, target);
    return entry && domm_inventory_monitor_of(inventory, entry, NULL);
}

static void add_expected(const struct live_search *search)
{
    struct domm_expectations expected;
    struct domm_inventory inventory;
    struct domm_error ignored;
    if (domm_expectations_read(NULL, &expected, &ignored))
        return;
    if (cmd_inventory_silently(&inventory)) {
        for (size_t i = 0; i < expected.count; i++) {
            if (!is_monitored(&inventory, &expected.list[i].target))
                cmd_candidates_add(search->to, search->word, expected.list[i].target_name);
        }
        domm_inventory_free(&inventory);
    }
    domm_expectations_free(&expected);
}

static bool add_migration(void *context, const struct domm_journal_facts *facts)
{
    const struct live_search *search = context;
    bool running = domm_guest_is_locked(DOMM_LOCK_MIGRATION, &facts->migration);
    char uuid[DOMM_UUID_TEXT];
    if (facts->over || running != (search->kind == COMPLETE_RUNNING))
        return true;
    for (size_t g = 0; g < facts->n_guests; g++)
        cmd_candidates_add(search->to, search->word, facts->guests[g].name);
    domm_uuid_format(&facts->migration, uuid);
    if (!running)
        cmd_candidates_add(search->to, search->word, uuid);
    return true;
}

static void add_reports(const struct live_search *search)
{
    cleanup_free struct domm_report_file *files = NULL;
    struct domm_error ignored;
    size_t count;
    if (domm_report_files(&files, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++)
        cmd_candidates_add(search->to, search->word, files[i].id);
}

static void add_host(void *context, const char *host)
{
    const struct live_search *search = context;
    cmd_candidates_add(search->to, search->word, host);
}

/* In a word USER@HOST the host is completed. */
static void add_hosts(struct live_search *search)
{
    const char *at = strrchr(search->word, '@');
    cleanup_free char *user = at ? strndup(search->word, (size_t)(at + 1 - search->word)) : NULL;
    if (at)
        search->word = at + 1;
    cmd_ssh_hosts_each(add_host, search);
    if (user)
        cmd_candidates_put_before(search->to, user);
}

void cmd_live_candidates_add(struct cmd_candidates *to, const char *word, enum cmd_completer kind)
{
    struct live_search search = {to, word, kind};
    if (kind >= COMPLETE_DOMAIN && kind <= COMPLETE_OTHER)
        add_domains(&search);
    else if (kind == COMPLETE_EXPECTED)
        add_expected(&search);
    else if (kind == COMPLETE_RUNNING || kind == COMPLETE_UNFINISHED)
        domm_journal_facts_each(add_migration, &search);
    else if (kind == COMPLETE_REPORT)
        add_reports(&search);
    else if (kind == COMPLETE_HOST)
        add_hosts(&search);
}
