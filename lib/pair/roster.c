/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/roster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/pair/saved_record.h"

const char *domm_absence_name(enum domm_absence absence)
{
    static const char *const names[] = {
        [DOMM_ABSENCE_NONE] = "present",          [DOMM_ABSENCE_GONE] = "gone",
        [DOMM_ABSENCE_SAVED] = "saved",           [DOMM_ABSENCE_UNREADABLE] = "unreadable",
        [DOMM_ABSENCE_UNRECORDED] = "unrecorded",
    };
    return names[absence];
}

static struct domm_roster_entry *roster_add(struct domm_roster *roster, enum domm_absence absence,
                                            struct domm_error *err)
{
    struct domm_roster_entry *entries =
        realloc(roster->entries, (roster->count + 1) * sizeof(*entries));
    if (!entries) {
        domm_no_memory(err);
        return NULL;
    }
    roster->entries = entries;
    entries[roster->count] = (struct domm_roster_entry){.absence = absence};
    return &entries[roster->count++];
}

/* One whose record cannot be read is told of even if nothing is known of its targets. */
static int roster_add_present(struct domm_roster *roster, const struct domm_inventory *inventory,
                              enum domm_record_state state, enum domm_absence absence,
                              struct domm_error *err)
{
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->entries[i].record_state != state)
            continue;
        struct domm_roster_entry *entry = roster_add(roster, absence, err);
        if (!entry)
            return -(int)err->code;
        entry->monitor = inventory->entries[i];
        if (absence != DOMM_ABSENCE_NONE)
            entry->monitor.record = (struct domm_record){0};
    }
    return 0;
}

static bool is_recorded(const struct domm_inventory *inventory, const struct domm_uuid *target)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        if (entry->record_state == DOMM_RECORD_VALID && domm_record_find(&entry->record, target))
            return true;
    }
    return false;
}

static bool is_saved(const char *saved_directory, const struct domm_uuid *monitor)
{
    cleanup_free char *record = NULL;
    struct domm_error ignored;
    return domm_saved_record_read(saved_directory, monitor, &record, &ignored) == 0 && record;
}

/* dom0 has the nil UUID, which also stands for a monitor that is not known. */
static const struct domm_inventory_entry *find_here(const struct domm_inventory *inventory,
                                                    const struct domm_uuid *monitor)
{
    return domm_uuid_is_nil(monitor) ? NULL : domm_inventory_by_uuid(inventory, monitor);
}

/* An entry of a monitor that cannot monitor, with room for a target; null if there is none. */
static struct domm_roster_entry *find_absent(struct domm_roster *roster,
                                             const struct domm_uuid *monitor)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct domm_roster_entry *entry = &roster->entries[i];
        if (entry->absence != DOMM_ABSENCE_NONE &&
            entry->monitor.record.n_targets < DOMM_RECORD_MAX_TARGETS &&
            domm_uuid_equal(&entry->monitor.domain.uuid, monitor))
            return entry;
    }
    return NULL;
}

static struct domm_roster_entry *add_absent(struct domm_roster *roster,
                                            const struct domm_inventory *inventory,
                                            const struct domm_expectation *expectation,
                                            const char *saved_directory, struct domm_error *err)
{
    const struct domm_inventory_entry *here = find_here(inventory, &expectation->monitor);
    enum domm_absence absence = here ? DOMM_ABSENCE_UNRECORDED
                                : is_saved(saved_directory, &expectation->monitor)
                                    ? DOMM_ABSENCE_SAVED
                                    : DOMM_ABSENCE_GONE;
    struct domm_roster_entry *entry = roster_add(roster, absence, err);
    if (!entry)
        return NULL;
    if (here)
        entry->monitor.domain = here->domain;
    else
        entry->monitor.domain = (struct domm_domain){
            .domid = DOMM_NO_DOMID,
            .uuid = expectation->monitor,
            .name = (char *)(uintptr_t)expectation->monitor_name,
        };
    return entry;
}

static int roster_add_expected(struct domm_roster *roster, const struct domm_inventory *inventory,
                               const struct domm_expectation *expectation,
                               const char *saved_directory, struct domm_error *err)
{
    struct domm_roster_entry *entry = find_absent(roster, &expectation->monitor);
    if (!entry)
        entry = add_absent(roster, inventory, expectation, saved_directory, err);
    if (!entry)
        return -(int)err->code;
    struct domm_record *record = &entry->monitor.record;
    record->targets[record->n_targets++].uuid = expectation->target;
    return 0;
}

static int roster_fill(struct domm_roster *roster, const struct domm_inventory *inventory,
                       const struct domm_expectations *expected, const char *saved_directory,
                       struct domm_error *err)
{
    int rc = roster_add_present(roster, inventory, DOMM_RECORD_VALID, DOMM_ABSENCE_NONE, err);
    if (rc)
        return rc;
    rc = roster_add_present(roster, inventory, DOMM_RECORD_INVALID, DOMM_ABSENCE_UNREADABLE, err);
    for (size_t i = 0; !rc && i < expected->count; i++) {
        if (!is_recorded(inventory, &expected->list[i].target))
            rc = roster_add_expected(roster, inventory, &expected->list[i], saved_directory, err);
    }
    return rc;
}

int domm_roster_make(const struct domm_inventory *inventory,
                     const struct domm_expectations *expected, const char *saved_directory,
                     struct domm_roster *roster_r, struct domm_error *err)
{
    *roster_r = (struct domm_roster){0};
    int rc = roster_fill(roster_r, inventory, expected, saved_directory, err);
    if (rc)
        domm_roster_free(roster_r);
    return rc;
}

void domm_roster_free(struct domm_roster *roster)
{
    free(roster->entries);
    *roster = (struct domm_roster){0};
}

static const struct domm_uuid *find_expected(const struct domm_expectations *expected,
                                             const char *text)
{
    struct domm_uuid uuid;
    bool by_uuid = domm_uuid_parse(text, &uuid);
    for (size_t i = 0; *text && i < expected->count; i++) {
        const struct domm_expectation *one = &expected->list[i];
        if (by_uuid ? domm_uuid_equal(&one->target, &uuid) : strcmp(one->target_name, text) == 0)
            return &one->target;
    }
    for (size_t i = 0; *text && i < expected->count; i++) {
        const struct domm_expectation *one = &expected->list[i];
        if (by_uuid ? domm_uuid_equal(&one->monitor, &uuid) : strcmp(one->monitor_name, text) == 0)
            return &one->monitor;
    }
    return NULL;
}

int domm_roster_find_uuid(const struct domm_inventory *inventory,
                          const struct domm_expectations *expected, const char *text,
                          struct domm_uuid *uuid_r, struct domm_error *err)
{
    const struct domm_inventory_entry *here;
    int rc = domm_inventory_find(inventory, text, &here, err);
    const struct domm_uuid *expected_uuid = rc ? find_expected(expected, text) : NULL;
    if (rc && !expected_uuid)
        return rc;
    *uuid_r = rc ? *expected_uuid : here->domain.uuid;
    return 0;
}

/* Leaves the one target in the record. */
static bool limit_to(struct domm_record *record, const struct domm_uuid *target)
{
    const struct domm_record_target *found = domm_record_find(record, target);
    if (!found)
        return false;
    record->targets[0] = *found;
    record->n_targets = 1;
    return true;
}

int domm_roster_select(struct domm_roster *roster, const struct domm_inventory *inventory,
                       const struct domm_expectations *expected, const char *text,
                       struct domm_error *err)
{
    struct domm_uuid uuid;
    size_t kept = 0;
    int rc = domm_roster_find_uuid(inventory, expected, text, &uuid, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < roster->count; i++) {
        if (domm_uuid_equal(&roster->entries[i].monitor.domain.uuid, &uuid))
            roster->entries[kept++] = roster->entries[i];
    }
    for (size_t i = 0; !kept && i < roster->count; i++) {
        if (limit_to(&roster->entries[i].monitor.record, &uuid))
            roster->entries[kept++] = roster->entries[i];
    }
    roster->count = kept;
    if (kept)
        return 0;
    domm_fail(err, DOMM_REFUSED, "%s is neither a monitor nor a target", text);
    return domm_hint(err, "domm list shows the role of each domain");
}
