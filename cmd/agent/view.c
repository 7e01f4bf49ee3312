/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a target's memory holds. The search for its kernel reads all of that memory, so it is made
 * on request, and the result is kept. */
#include "cmd/agent/memory.h"
#include "lib/base/clock.h"

/* A booting target has no kernel that can be found. The agent does nothing else during a search, so
 * after a long search in vain the next one waits accordingly longer. */
#define LOOK_AGAIN_MS 10000
#define LOOK_SHARE 20

void view_forget_kernel(struct view *view)
{
    domm_kernel_close(view->kernel);
    view->kernel = NULL;
    view->kernel_again_ms = 0;
}

static void view_look(struct view *view)
{
    struct domm_physical physical = domm_physical_target(view->memory);
    int64_t start = domm_now_ms();
    if (start < view->kernel_again_ms)
        return;
    bool missed = domm_kernel_open(&physical, &view->kernel) != 0;
    int64_t rest = LOOK_SHARE * (domm_now_ms() - start);
    view->kernel_again_ms =
        missed ? domm_now_ms() + (rest > LOOK_AGAIN_MS ? rest : LOOK_AGAIN_MS) : 0;
}

const struct domm_kernel_facts *view_kernel(struct view *view)
{
    if (!view->attached || view->filled < domm_vmi_memory_frames(view->memory))
        return NULL;
    if (view->kernel && !domm_kernel_is_there(view->kernel))
        view_forget_kernel(view);
    if (!view->kernel)
        view_look(view);
    return view->kernel ? domm_kernel_facts(view->kernel) : NULL;
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
