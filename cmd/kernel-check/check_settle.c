/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several looks at a kernel say together. */
#include <string.h>

#include "cmd/kernel-check/check.h"

static struct change *find_change(struct changes *changes, const struct change *wanted)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct change *change = &changes->list[i];
        if (change->kind == wanted->kind && change->address == wanted->address)
            return change;
    }
    return NULL;
}

bool changes_hold(const struct changes *changes, const struct change *wanted)
{
    return find_change((struct changes *)(uintptr_t)changes, wanted);
}

bool changes_hold_exactly(const struct changes *changes, const struct change *wanted)
{
    const struct change *found = find_change((struct changes *)(uintptr_t)changes, wanted);
    return found && found->size == wanted->size &&
           memcmp(found->now, wanted->now, CHANGE_BYTES) == 0;
}

void changes_add(struct changes *changes, const struct change *change)
{
    struct change *found = find_change(changes, change);
    if (found && found->patching)
        *found = *change; /* what is worse, if it is */
    else if (!found && changes->count < MAX_CHANGES)
        changes->list[changes->count++] = *change;
    else if (!found && !change->patching)
        changes->more++;
}

static size_t count_patching(const struct changes *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++)
        count += changes->list[i].patching;
    return count;
}

void verdict_start(struct verdict *verdict_r, const struct changes *look)
{
    verdict_r->settled = *look;
    verdict_r->unsettled.count = 0;
    verdict_r->unsettled.more = 0;
    verdict_r->fewest_patching = count_patching(look);
}

/* Adds to the unsettled ones what is in one look and not in the other, if that one is complete. */
static void add_missing(struct changes *unsettled, const struct changes *look,
                        const struct changes *other)
{
    for (size_t i = 0; !other->more && i < look->count; i++) {
        if (!changes_hold(other, &look->list[i]))
            changes_add(unsettled, &look->list[i]);
    }
    unsettled->more += other->more ? 0 : look->more;
}

/* Keeps what is there now as well. Of lists that are not complete nothing can be said to be gone.
 */
static void keep_settled(struct changes *settled, const struct changes *look)
{
    const struct changes before = *settled;
    if (look->more && !before.more)
        return;
    settled->count = 0;
    settled->more = before.more ? look->more : 0;
    for (size_t i = 0; i < look->count; i++) {
        if (before.more || changes_hold(&before, &look->list[i]))
            settled->list[settled->count++] = look->list[i];
    }
}

void verdict_add(struct verdict *verdict, const struct changes *look)
{
    size_t patching = count_patching(look);
    add_missing(&verdict->unsettled, &verdict->settled, look);
    add_missing(&verdict->unsettled, look, &verdict->settled);
    keep_settled(&verdict->settled, look);
    if (patching < verdict->fewest_patching)
        verdict->fewest_patching = patching;
}

/* A patch in progress is over in another look. A kernel that is never without one does not patch
 * itself: somebody's breakpoint moves among its sites. */
void verdict_finish(struct verdict *verdict)
{
    struct changes *unsettled = &verdict->unsettled;
    size_t kept = 0;
    if (verdict->fewest_patching > count_patching(&verdict->settled))
        return;
    for (size_t i = 0; i < unsettled->count; i++) {
        if (!unsettled->list[i].patching)
            unsettled->list[kept++] = unsettled->list[i];
    }
    unsettled->count = kept;
}
