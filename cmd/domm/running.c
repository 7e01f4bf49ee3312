/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/running.h"

#include <string.h>

#include "lib/pair/locks.h"

struct running_search {
    const char *text;
    bool at_source, found;
    struct domm_journal_facts *facts;
};

static bool is_migration_named(const struct domm_journal_facts *facts, const char *text)
{
    struct domm_uuid uuid;
    if (domm_uuid_parse(text, &uuid))
        return domm_uuid_equal(&uuid, &facts->migration) ||
               domm_journal_facts_name(facts, &uuid, 0);
    for (size_t g = 0; g < facts->n_guests; g++) {
        if (strcmp(facts->guests[g].name, text) == 0)
            return true;
    }
    return false;
}

static bool find_running(void *context, const struct domm_journal_facts *facts)
{
    struct running_search *search = context;
    search->found = !facts->over && (facts->source || !search->at_source) &&
                    is_migration_named(facts, search->text) &&
                    domm_guest_is_locked(DOMM_LOCK_MIGRATION, &facts->migration);
    if (search->found)
        *search->facts = *facts;
    return !search->found;
}

int cmd_running_find(const char *text, bool at_source, struct domm_journal_facts *facts_r,
                     struct domm_error *err)
{
    struct running_search search = {.text = text, .at_source = at_source, .facts = facts_r};
    domm_journal_facts_each(find_running, &search);
    if (search.found)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "no migration of '%s' is under way %s this host", text,
              at_source ? "from" : "on");
    return domm_hint(err, "domm jobs lists migrations");
}
