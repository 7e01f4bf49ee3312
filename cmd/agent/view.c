/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a target's memory holds. The search for its kernel reads all of that memory, so it is made
 * on request, and the result is kept. */
#include <stdio.h>
#include <string.h>

#include "cmd/agent/memory.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/clock.h"

#define LOOK_AGAIN_MS 10000  /* a booting target has no kernel that can be found */
#define LOOK_SHARE 4         /* at most a fifth of the time goes into searches of one target */
#define SEARCH_MAX_MS 120000 /* readers wait meanwhile */

static bool is_complete(const struct view *view)
{
    return view->attached && view->filled >= domm_vmi_memory_frames(view->memory);
}

/* After a reboot it is not. */
static bool kernel_is_there(const struct view *view)
{
    char page[sizeof(view->kernel.page)];
    uint64_t address = view->kernel.facts.vmcoreinfo;
    return domm_vmi_read(view->memory, address, page, sizeof(page)) == (ssize_t)sizeof(page) &&
           memcmp(page, view->kernel.page, sizeof(page)) == 0;
}

void view_end_search(struct view *view)
{
    if (!view->finder)
        return;
    view->search = sd_event_source_disable_unref(view->search);
    view->overdue = sd_event_source_disable_unref(view->overdue);
    view->has_kernel = kernel_finder_finish(view->finder, &view->kernel);
    view->finder = NULL;
    int64_t now = domm_now_ms(), rest = LOOK_SHARE * (now - view->search_ms);
    view->search_again_ms = now + (view->has_kernel || rest > LOOK_AGAIN_MS ? rest : LOOK_AGAIN_MS);
    if (view->waiting.count)
        view->answer(view);
}

void view_forget_kernel(struct view *view)
{
    view_end_search(view);
    view->has_kernel = false;
    view->search_again_ms = 0;
}

static int on_search_end(sd_event_source *source, int fd, uint32_t events, void *view)
{
    (void)source;
    (void)fd;
    (void)events;
    view_end_search(view);
    return 0;
}

static int on_search_overdue(sd_event_source *source, uint64_t usec, void *view)
{
    (void)source;
    (void)usec;
    view_end_search(view);
    return 0;
}

static void view_begin_search(struct memory *memory, struct view *view)
{
    struct domm_error err;
    char path[sizeof(MOUNT_POINT "//mem") + sizeof(view->name)];
    snprintf(path, sizeof(path), MOUNT_POINT "/%s/mem", view->name);
    view->search_ms = domm_now_ms();
    view->search_again_ms = view->search_ms + LOOK_AGAIN_MS;
    view->finder = kernel_finder_start(path);
    if (!view->finder) {
        domm_log(memory->log, DOMM_LOG_WARN, "target %s: no process to look for its kernel",
                 view->name);
        return;
    }
    if (event_loop_add_io(memory->event, kernel_finder_fd(view->finder), on_search_end, view,
                          &view->search, &err) ||
        event_loop_add_timer(memory->event, on_search_overdue, view, &view->overdue, &err))
        view_end_search(view);
    else
        event_timer_set(view->overdue, SEARCH_MAX_MS);
}

bool view_searches(struct memory *memory, struct view *view)
{
    if (!is_complete(view) || memory->frozen)
        return false;
    if (view->has_kernel && kernel_is_there(view))
        return false;
    if (!view->finder && domm_now_ms() >= view->search_again_ms)
        view_begin_search(memory, view);
    return view->finder;
}

const struct domm_kernel_facts *view_kernel(const struct view *view)
{
    return is_complete(view) && view->has_kernel && kernel_is_there(view) ? &view->kernel.facts
                                                                          : NULL;
}

uint64_t view_mapped(const struct view *view)
{
    uint64_t mapped = 0;
    for (uint64_t gfn = 0; view->attached && gfn < view->filled; gfn++)
        mapped += domm_vmi_is_mapped(view->memory, gfn);
    for (uint64_t i = 0; view->attached && i < domm_vmi_beyond(view->memory); i++)
        mapped += domm_vmi_beyond_is_mapped(view->memory, i);
    return mapped;
}
