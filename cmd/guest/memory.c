/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/guest/agent.h"
#include "cmd/guest/clock.h"
#include "cmd/guest/wanted.h"

/* Frames asked for between two looks at everything else. */
#define SLICE (8 * 511)

/* Frames that memory_check tries. */
#define CHECKS 4

/* How often dommd is looked for while it is not there. */
#define IDLE_MS 500

void memory_open(struct memory *memory, struct domm_log *log)
{
    *memory = (struct memory){.log = log};
    int rc = domm_guest_open(&memory->guest);
    if (rc) {
        domm_log(log, DOMM_LOG_WARN, "offering no memory: %s", strerror(-rc));
        memory->off = true;
    }
}

void memory_close(struct memory *memory)
{
    files_close(memory);
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++)
        view_forget_kernel(&memory->views[i]);
    domm_guest_close(memory->guest);
}

void memory_fds(const struct memory *memory, struct pollfd fds[MEMORY_FDS])
{
    fds[0] =
        (struct pollfd){.fd = memory->off ? -1 : domm_guest_fd(memory->guest), .events = POLLIN};
    fds[1] = (struct pollfd){.fd = memory->files ? files_fd(memory) : -1, .events = POLLIN};
}

static struct view *find_view(struct memory *memory, const unsigned char uuid[16])
{
    struct view *unused = NULL;
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++) {
        struct view *view = &memory->views[i];
        if (view->used && memcmp(view->target.uuid, uuid, sizeof(view->target.uuid)) == 0)
            return view;
        if (!view->attached && (!unused || !view->used))
            unused = view;
    }
    return unused;
}

static bool is_taken(const struct memory *memory, const char *name)
{
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++) {
        if (memory->views[i].used && strcmp(memory->views[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The target's name where it can be one of a directory, else its UUID. */
static void choose_name(struct memory *memory, struct view *view)
{
    const char *name = view->target.name;
    if (wanted_name_fits(name) && !is_taken(memory, name)) {
        snprintf(view->name, sizeof(view->name), "%s", name);
        return;
    }
    for (size_t i = 0; i < sizeof(view->target.uuid); i++)
        snprintf(view->name + 2 * i, 3, "%02x", view->target.uuid[i]);
}

static void attach(struct memory *memory, const struct domm_guest_target *target)
{
    struct view *view = find_view(memory, target->uuid);
    if (!view || view->attached)
        return;
    bool known = view->used && memcmp(view->target.uuid, target->uuid, sizeof(target->uuid)) == 0;
    if (view->memory && (!known || domm_guest_memory_frames(view->memory) != target->frames)) {
        view_forget_kernel(view);
        domm_guest_memory_close(view->memory);
        view->memory = NULL;
    }
    if (!known)
        *view = (struct view){.target = *target};
    view->target = *target;
    int rc = view->memory ? 0 : domm_guest_memory_open(memory->guest, target->uuid, &view->memory);
    if (rc) {
        domm_log(memory->log, DOMM_LOG_WARN, "target %s: no room for its memory: %s", target->name,
                 strerror(-rc));
        return;
    }
    if (!known)
        choose_name(memory, view);
    view->used = view->attached = true;
    view->filled = view->mapped = 0;
    view->cut_short = false;
    view->started_ms = now_ms();
}

static void detach_missing(struct memory *memory, const struct domm_guest_target *targets,
                           size_t count)
{
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++) {
        struct view *view = &memory->views[i];
        bool there = false;
        for (size_t j = 0; j < count; j++)
            there |= targets[j].attached &&
                     memcmp(targets[j].uuid, view->target.uuid, sizeof(view->target.uuid)) == 0;
        if (view->attached && !there)
            domm_log(memory->log, DOMM_LOG_INFO, "target %s is detached", view->name);
        view->attached &= there;
    }
}

static void follow_targets(struct memory *memory)
{
    struct domm_guest_target targets[DOMM_GUEST_MAX_TARGETS];
    int count = domm_guest_targets(memory->guest, targets, DOMM_GUEST_MAX_TARGETS);
    if (count < 0)
        return;
    detach_missing(memory, targets, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (targets[i].attached)
            attach(memory, &targets[i]);
    }
}

/* Asks for the next frames of one view; true if there is more to do. */
static bool fill(struct memory *memory, struct view *view)
{
    uint64_t frames = domm_guest_memory_frames(view->memory);
    uint64_t count = frames - view->filled < SLICE ? frames - view->filled : SLICE;
    ssize_t mapped = domm_guest_map(view->memory, view->filled, count);
    if (mapped == -EAGAIN || mapped == -EIO || mapped == -ENOENT)
        return false; /* dommd or the target went: the next poll tells */
    if (mapped < 0) {
        domm_log(memory->log, DOMM_LOG_WARN, "target %s: mapping: %s", view->name,
                 strerror((int)-mapped));
        view->filled = frames;
        view->cut_short = true;
        return false;
    }
    view->filled += count;
    view->mapped += (uint64_t)mapped;
    if (view->filled == frames)
        domm_log(memory->log, DOMM_LOG_INFO,
                 "target %s: %" PRIu64 " of %" PRIu64 " frames mapped in %" PRId64 " ms",
                 view->name, view->mapped, frames, now_ms() - view->started_ms);
    return view->filled < frames;
}

static bool fill_all(struct memory *memory)
{
    bool more = false;
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++) {
        struct view *view = &memory->views[i];
        if (view->attached && view->filled < domm_guest_memory_frames(view->memory))
            more |= fill(memory, view);
    }
    return more;
}

static bool has_views(const struct memory *memory)
{
    for (size_t i = 0; i < DOMM_GUEST_MAX_TARGETS; i++) {
        if (memory->views[i].used)
            return true;
    }
    return false;
}

int64_t memory_step(struct memory *memory)
{
    if (memory->off)
        return IDLE_MS;
    if (memory->files && !files_serve(memory))
        files_close(memory);
    int rc = domm_guest_poll(memory->guest, 0);
    if (rc == -ENODEV) {
        domm_log(memory->log, DOMM_LOG_WARN, "offering no memory: this kernel has no xen-gntalloc");
        memory->off = true;
        return IDLE_MS;
    }
    if (rc == 1)
        follow_targets(memory);
    bool more = fill_all(memory);
    if (has_views(memory) && !memory->files && files_open(memory)) {
        domm_log(memory->log, DOMM_LOG_WARN, "offering no files: mounting " MOUNT_POINT " failed");
        memory->off = true;
    }
    return more ? 0 : IDLE_MS;
}

uint64_t view_mapped(const struct view *view)
{
    uint64_t mapped = 0;
    for (uint64_t gfn = 0; view->attached && gfn < view->filled; gfn++)
        mapped += domm_guest_is_mapped(view->memory, gfn);
    return mapped;
}

/* One that was mapped before, from gfn on; else the first of all, which every target has. */
static uint64_t choose_frame(const struct view *view, uint64_t gfn)
{
    for (; gfn < view->filled; gfn++) {
        if (domm_guest_is_mapped(view->memory, gfn))
            return gfn;
    }
    return 0;
}

/* A frame that has gone meanwhile, since the target balloons, says nothing about the others. */
static const char *check_view(const struct view *view)
{
    char page[DOMM_GUEST_PAGE];
    uint64_t gfn = 0;
    for (int i = 0; i < CHECKS; i++) {
        gfn = choose_frame(view, gfn);
        /* What is mapped can be read whether or not dommd is there to map more. */
        bool mapped = domm_guest_is_mapped(view->memory, gfn);
        ssize_t got = mapped ? 1 : domm_guest_map(view->memory, gfn, 1);
        if (got == -EAGAIN)
            return "dommd does not answer";
        if (got < 0)
            return "the target's memory cannot be mapped";
        if (got == 1)
            got = domm_guest_read(view->memory, gfn * DOMM_GUEST_PAGE, page, sizeof(page));
        if (got < 0)
            return "the target's memory was taken back";
        if (got == (ssize_t)sizeof(page))
            return NULL;
        gfn++;
    }
    return "no page of the target could be mapped";
}

static const char *find_lack(const struct memory *memory, const struct view *view)
{
    if (memory->off)
        return "this domM offers no memory: no FUSE or xen-gntalloc";
    return view ? check_view(view) : "dommd offers no memory of it";
}

bool memory_check(struct memory *memory, const unsigned char uuid[16], const char **lack_r)
{
    const struct view *view = NULL;
    for (size_t i = 0; !view && i < DOMM_GUEST_MAX_TARGETS; i++) {
        const struct view *other = &memory->views[i];
        if (other->attached && memcmp(other->target.uuid, uuid, sizeof(other->target.uuid)) == 0)
            view = other;
    }
    *lack_r = find_lack(memory, view);
    bool works = !*lack_r;
    if (works && view->cut_short)
        *lack_r = "dommd maps only a part of it";
    return works;
}
