/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/agent/memory.h"
#include "cmd/agent/wanted.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/clock.h"

/* Frames that are requested at once, between other work. */
#define SLICE (8 * 511)

/* Frames that memory_check tries. */
#define CHECKS 4

/* How often to look for dommd while it does not run. */
#define IDLE_MS 500

/* How long reads wait for dommd after a rest, before they fail. */
#define RENEW_MS 5000

static struct view *find_view(struct memory *memory, const unsigned char uuid[16])
{
    struct view *unused = NULL;
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++) {
        struct view *view = &memory->views[i];
        if (view->used && memcmp(view->target.uuid, uuid, sizeof(view->target.uuid)) == 0)
            return view;
        if (!view->attached && (!unused || !view->used))
            unused = view;
    }
    return unused;
}

static bool memory_is_taken(const struct memory *memory, const char *name)
{
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++) {
        if (memory->views[i].used && strcmp(memory->views[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The target's name if it is usable as a directory name, otherwise its UUID. */
static void choose_name(struct memory *memory, struct view *view)
{
    const char *name = view->target.name;
    if (wanted_name_fits(name) && !memory_is_taken(memory, name)) {
        snprintf(view->name, sizeof(view->name), "%s", name);
        return;
    }
    for (size_t i = 0; i < sizeof(view->target.uuid); i++)
        snprintf(view->name + 2 * i, 3, "%02x", view->target.uuid[i]);
}

static void attach(struct memory *memory, const struct domm_vmi_target *target)
{
    struct view *view = find_view(memory, target->uuid);
    if (!view || view->attached)
        return;
    bool known = view->used && memcmp(view->target.uuid, target->uuid, sizeof(target->uuid)) == 0;
    if (view->memory && (!known || domm_vmi_memory_frames(view->memory) != target->frames)) {
        view_forget_kernel(view);
        domm_vmi_memory_close(view->memory);
        view->memory = NULL;
    }
    if (!known)
        *view = (struct view){.target = *target, .waiting = {.until_ms = INT64_MAX}};
    view->target = *target;
    int rc = view->memory ? 0 : domm_vmi_memory_open(memory->vmi, target->uuid, &view->memory);
    if (rc) {
        domm_log(memory->log, DOMM_LOG_WARN, "target %s: reserving addresses for its memory: %s",
                 target->name, strerror(-rc));
        return;
    }
    if (!known)
        choose_name(memory, view);
    view->used = view->attached = true;
    view->filled = view->mapped = 0;
    view->cut_short = false;
    view->started_ms = domm_now_ms();
}

static void detach_missing(struct memory *memory, const struct domm_vmi_target *targets,
                           size_t count)
{
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++) {
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
    struct domm_vmi_target targets[DOMM_VMI_MAX_TARGETS];
    int count = domm_vmi_targets(memory->vmi, targets, DOMM_VMI_MAX_TARGETS);
    if (count < 0)
        return;
    detach_missing(memory, targets, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (targets[i].attached)
            attach(memory, &targets[i]);
    }
}

/* What lies beyond is found while the view is filled, and later. */
static void memory_fill_beyond(struct memory *memory, struct view *view)
{
    ssize_t mapped = view->cut_short ? 0 : domm_vmi_map_beyond(view->memory);
    if (mapped >= 0 || mapped == -EAGAIN || mapped == -EIO || mapped == -ENOENT)
        return;
    domm_log(memory->log, DOMM_LOG_WARN, "target %s: mapping what lies beyond: %s", view->name,
             strerror((int)-mapped));
    view->cut_short = true;
}

/* Requests the next frames of one view. Returns true if more remain. */
static bool memory_fill(struct memory *memory, struct view *view)
{
    uint64_t frames = domm_vmi_memory_frames(view->memory);
    uint64_t count = frames - view->filled < SLICE ? frames - view->filled : SLICE;
    ssize_t mapped = domm_vmi_map(view->memory, view->filled, count);
    if (mapped == -EAGAIN || mapped == -EIO || mapped == -ENOENT)
        return false; /* dommd or the target has gone; the next poll finds out */
    if (mapped < 0) {
        domm_log(memory->log, DOMM_LOG_WARN, "target %s: mapping: %s", view->name,
                 strerror((int)-mapped));
        view->filled = frames;
        view->cut_short = true;
        return false;
    }
    view->filled += count;
    view->mapped += (uint64_t)mapped;
    if (view->filled < frames)
        return true;
    memory_fill_beyond(memory, view);
    domm_log(memory->log, DOMM_LOG_INFO,
             "target %s: %" PRIu64 " of %" PRIu64 " frames mapped in %" PRId64 " ms", view->name,
             view->mapped, frames, domm_now_ms() - view->started_ms);
    return false;
}

static bool fill_all(struct memory *memory)
{
    bool more = false;
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++) {
        struct view *view = &memory->views[i];
        if (view->attached && view->filled < domm_vmi_memory_frames(view->memory))
            more |= memory_fill(memory, view);
        else if (view->attached)
            memory_fill_beyond(memory, view);
    }
    return more;
}

static bool has_views(const struct memory *memory)
{
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++) {
        if (memory->views[i].used)
            return true;
    }
    return false;
}

static void switch_off(struct memory *memory, const char *why)
{
    domm_log(memory->log, DOMM_LOG_WARN, "cannot offer memory: %s", why);
    memory->off = true;
    memory->resting = false;
    late_reads_refuse(&memory->late);
    sd_event_source_set_enabled(memory->channel, SD_EVENT_OFF);
    sd_event_source_set_enabled(memory->timer, SD_EVENT_OFF);
}

static void follow_dommd(struct memory *memory)
{
    int rc = domm_vmi_poll(memory->vmi, 0);
    if (rc == -ENODEV) {
        switch_off(memory, "/dev/xen/gntalloc is missing; load the module xen-gntalloc");
        return;
    }
    if (rc == 1) {
        memory->late.until_ms = 0;
        follow_targets(memory);
    }
    if (domm_now_ms() >= memory->late.until_ms)
        files_answer_late(memory);
    event_timer_set(memory->timer, fill_all(memory) ? 0 : IDLE_MS);
    if (has_views(memory) && !memory->files && files_open(memory))
        switch_off(memory, "mounting " MOUNT_POINT " failed");
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *memory)
{
    (void)source;
    (void)fd;
    (void)events;
    follow_dommd(memory);
    return 0;
}

static int memory_on_timer(sd_event_source *source, uint64_t usec, void *memory)
{
    (void)source;
    (void)usec;
    follow_dommd(memory);
    return 0;
}

int memory_open(struct memory *memory, sd_event *event, struct domm_log *log,
                struct domm_error *err)
{
    *memory = (struct memory){.log = log, .event = event};
    int rc = domm_vmi_open(&memory->vmi);
    if (rc) {
        domm_log(log, DOMM_LOG_WARN, "cannot offer memory: %s", strerror(-rc));
        memory->off = true;
        return 0;
    }
    rc = event_loop_add_timer(event, memory_on_timer, memory, &memory->timer, err);
    if (rc)
        return rc;
    rc = event_loop_add_io(event, domm_vmi_fd(memory->vmi), on_channel, memory, &memory->channel,
                           err);
    if (rc)
        return rc;
    event_timer_set(memory->timer, 0);
    return 0;
}

void memory_rest(struct memory *memory, bool rest)
{
    if (memory->off || memory->resting == rest)
        return;
    memory->resting = rest;
    if (!memory->frozen)
        memory->late.until_ms = rest ? INT64_MAX : domm_now_ms() + RENEW_MS;
    sd_event_source_set_enabled(memory->channel, rest ? SD_EVENT_OFF : SD_EVENT_ON);
    event_timer_set(memory->timer, rest ? -1 : 0);
}

/* Linux cannot freeze a program that waits for a read. A migration does not carry along pages of
 * Xen's own, such as a target's shared_info: after it, reads of these wait until they are claimed.
 */
void memory_freeze(struct memory *memory, bool frozen)
{
    memory->frozen = frozen;
    if (frozen || memory->resting)
        memory->late.until_ms = frozen ? 0 : INT64_MAX;
    if (frozen)
        files_answer_late(memory);
    for (size_t i = 0; frozen && i < DOMM_VMI_MAX_TARGETS; i++) {
        if (memory->views[i].finder)
            view_forget_kernel(&memory->views[i]);
    }
}

void memory_close(struct memory *memory)
{
    files_close(memory);
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++)
        view_forget_kernel(&memory->views[i]);
    sd_event_source_disable_unref(memory->channel);
    sd_event_source_disable_unref(memory->timer);
    domm_vmi_close(memory->vmi);
}

/* The first frame from gfn on that was mapped, otherwise frame 0, which every target has. */
static uint64_t choose_frame(const struct view *view, uint64_t gfn)
{
    for (; gfn < view->filled; gfn++) {
        if (domm_vmi_is_mapped(view->memory, gfn))
            return gfn;
    }
    return 0;
}

/* A single frame may be gone because the target balloons, so several frames are tried. */
static const char *check_view(const struct view *view)
{
    char page[DOMM_VMI_PAGE];
    uint64_t gfn = 0;
    for (int i = 0; i < CHECKS; i++) {
        gfn = choose_frame(view, gfn);
        /* Mapped frames can be read even if dommd does not run. */
        bool mapped = domm_vmi_is_mapped(view->memory, gfn);
        ssize_t got = mapped ? 1 : domm_vmi_map(view->memory, gfn, 1);
        if (got == -EAGAIN)
            return "dommd does not answer";
        if (got < 0)
            return "the target's memory cannot be mapped";
        if (got == 1)
            got = domm_vmi_read(view->memory, gfn * DOMM_VMI_PAGE, page, sizeof(page));
        if (got < 0)
            return "dom0 has removed the mappings of the target's memory";
        if (got == (ssize_t)sizeof(page))
            return NULL;
        gfn++;
    }
    return "no page of the target could be mapped";
}

static const char *find_lack(const struct memory *memory, const struct view *view)
{
    if (memory->off)
        return "this monitor offers no memory: no FUSE or xen-gntalloc";
    return view ? check_view(view) : "dommd does not offer the memory of this target";
}

bool memory_check(struct memory *memory, const unsigned char uuid[16], const char **lack_r)
{
    const struct view *view = NULL;
    for (size_t i = 0; !view && i < DOMM_VMI_MAX_TARGETS; i++) {
        const struct view *other = &memory->views[i];
        if (other->attached && memcmp(other->target.uuid, uuid, sizeof(other->target.uuid)) == 0)
            view = other;
    }
    *lack_r = find_lack(memory, view);
    bool works = !*lack_r;
    if (works && view->cut_short)
        *lack_r = "dommd maps only a part of the memory";
    else if (works && view->filled < domm_vmi_memory_frames(view->memory))
        *lack_r = "only a part of the memory is mapped yet";
    return works;
}
