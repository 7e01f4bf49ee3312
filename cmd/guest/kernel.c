/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel in a target's memory. Looking for it means going through all of that memory, so it is
 * done when somebody asks, and remembered. */
#include "cmd/guest/agent.h"
#include "cmd/guest/clock.h"

/* A target that is still booting has no kernel to be found. While the agent looks it does nothing
 * else; so one that has it look for long, in vain, is seldom looked at. */
#define LOOK_AGAIN_MS 10000
#define LOOK_SHARE 20

void view_forget_kernel(struct view *view)
{
    domm_kernel_close(view->kernel);
    view->kernel = NULL;
    view->kernel_again_ms = 0;
}

static void look(struct view *view)
{
    struct domm_physical physical = domm_physical_guest(view->memory);
    int64_t start = now_ms();
    if (start < view->kernel_again_ms)
        return;
    bool missed = domm_kernel_open(&physical, &view->kernel) != 0;
    int64_t rest = LOOK_SHARE * (now_ms() - start);
    view->kernel_again_ms = missed ? now_ms() + (rest > LOOK_AGAIN_MS ? rest : LOOK_AGAIN_MS) : 0;
}

const struct domm_kernel_facts *view_kernel(struct view *view)
{
    if (!view->attached || view->filled < domm_guest_memory_frames(view->memory))
        return NULL;
    if (view->kernel && !domm_kernel_is_there(view->kernel))
        view_forget_kernel(view);
    if (!view->kernel)
        look(view);
    return view->kernel ? domm_kernel_facts(view->kernel) : NULL;
}
