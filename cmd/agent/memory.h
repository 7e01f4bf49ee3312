/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of targets as files. */
#ifndef DOMM_AGENT_MEMORY_H
#define DOMM_AGENT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "cmd/agent/kernel_finder.h"
#include "cmd/agent/late_reads.h"
#include "lib/base/log.h"
#include "lib/vmi/domm-guest.h"

#define MOUNT_POINT "/run/domm"

struct fuse_req;

/* A directory with the memory of one target. It stays when the target is detached; reads then fail,
 * so that a program with an open file notices. */
struct view {
    bool used, attached;
    char name[64]; /* of the directory */
    struct domm_vmi_target target;
    struct domm_vmi_memory *memory; /* null before the first mapping */
    uint64_t filled;                /* frames that were requested, from 0 on */
    uint64_t mapped;                /* of these, at the time of the request */
    bool cut_short;                 /* not all could be requested: dommd maps no more */
    int64_t started_ms;
    bool has_kernel;
    struct found_kernel kernel;
    struct kernel_finder *finder;      /* null: no search is under way */
    sd_event_source *search;           /* its end */
    sd_event_source *overdue;          /* it takes too long */
    int64_t search_ms;                 /* when it began */
    int64_t search_again_ms;           /* no new one before this time */
    struct late_reads waiting;         /* of info.json, for the end of the search */
    void (*answer)(struct view *view); /* answers the waiting reads; set by files.c */
};

struct fuse_session;

struct memory {
    struct domm_log *log;
    struct domm_vmi *vmi;
    sd_event *event;            /* borrowed */
    sd_event_source *timer;     /* of the next work */
    sd_event_source *channel;   /* events from dommd */
    struct fuse_session *files; /* null until the first target is there */
    gid_t group;                /* that may read them; 0: none */
    sd_event_source *requests;  /* the kernel's, of these files */
    bool off;                   /* this kernel offers no channel */
    bool resting, frozen;
    struct late_reads late; /* of pages that may merely not have been claimed anew yet */
    struct view views[DOMM_VMI_MAX_TARGETS];
};

/* memory.c. The event loop then maps the memory of the targets that dommd offers. Failures of that
 * are logged, since the agent must go on giving signs of life. */
int memory_open(struct memory *memory, sd_event *event, struct domm_log *log,
                struct domm_error *err);
void memory_close(struct memory *memory);

/* While it rests it does not follow dommd: to claim all mappings anew after a migration takes the
 * longer the more there are. What is mapped can be read meanwhile. */
void memory_rest(struct memory *memory, bool rest);

/* While it is frozen nobody looks for a kernel: Linux cannot freeze a process that waits for a page
 * of a memory file. */
void memory_freeze(struct memory *memory, bool frozen);

/* Reads a page of the target now, preferably one that is mapped, and returns whether that worked.
 * *lack_r is the reason if not, or what is missing; null if nothing is. */
bool memory_check(struct memory *memory, const unsigned char uuid[16], const char **lack_r);

/* How many frames of a view can be read now, with those beyond its end. */
uint64_t view_mapped(const struct view *view);

/* view.c. Whether a search for the view's kernel is under way; begins it, once all memory is
 * mapped, if the kernel is not known. A search in vain is not repeated for a while. */
bool view_searches(struct memory *memory, struct view *view);
/* Ends it if it is under way, and answers those who wait. */
void view_end_search(struct view *view);
/* Null if the kernel was not found. */
const struct domm_kernel_facts *view_kernel(const struct view *view);
/* Ends the search as well. Call it before the view's memory is closed. */
void view_forget_kernel(struct view *view);

/* files.c */
int files_open(struct memory *memory);
void files_close(struct memory *memory);
/* Reads again for those who wait; for some the wait may go on. */
void files_answer_late(struct memory *memory);

#endif
