/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of targets as files. */
#ifndef DOMM_AGENT_MEMORY_H
#define DOMM_AGENT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "lib/base/log.h"
#include "lib/vmi/domm-guest.h"

#define MOUNT_POINT "/run/domm"

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
    struct domm_kernel *kernel; /* null until it was requested and found */
    int64_t kernel_again_ms;    /* the last search failed: no new one before this time */
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
    bool resting;
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

/* Reads a page of the target now, preferably one that is mapped, and returns whether that worked.
 * *lack_r is the reason if not, or what is missing; null if nothing is. */
bool memory_check(struct memory *memory, const unsigned char uuid[16], const char **lack_r);

/* How many frames of a view can be read now, with those beyond its end. */
uint64_t view_mapped(const struct view *view);

/* view.c. The view's kernel, searched for once all memory is mapped. Null if none is found;
 * the search is then not repeated for a while. */
const struct domm_kernel_facts *view_kernel(struct view *view);
/* Frees the kernel. Call it before the view's memory is closed. */
void view_forget_kernel(struct view *view);

/* files.c */
int files_open(struct memory *memory);
void files_close(struct memory *memory);

#endif
