/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The targets' memory as files: what domm-agent does besides giving signs of life. */
#ifndef DOMM_GUEST_AGENT_H
#define DOMM_GUEST_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/guest/domm-guest.h"

#define MOUNT_POINT "/run/domm"

/* A target as it is shown: a directory with its memory. It stays when the target is detached, and
 * reading then fails, so that a program that had it open is not left in the dark. */
struct view {
    bool used, attached;
    char name[64]; /* of the directory */
    struct domm_guest_target target;
    struct domm_guest_memory *memory; /* null before the first mapping */
    uint64_t filled;                  /* frames that were asked for, from 0 on */
    uint64_t mapped;                  /* of these, when they were asked for */
    bool cut_short;                   /* not all could be asked for: dommd maps no more */
    int64_t started_ms;
    struct domm_kernel *kernel; /* null until somebody asks and it is found */
    int64_t kernel_again_ms;    /* not to be looked for before: it was, in vain */
};

struct fuse_session;

struct memory {
    struct domm_log *log;
    struct domm_guest *guest;
    struct fuse_session *files; /* null until the first target is there */
    bool off;                   /* this kernel offers no channel */
    struct view views[DOMM_GUEST_MAX_TARGETS];
};

/* memory.c. Whatever fails is logged: the agent's signs of life go on. */
void memory_open(struct memory *memory, struct domm_log *log);
void memory_close(struct memory *memory);

#define MEMORY_FDS 2
/* Fills fds (with -1 where there is nothing to wait for). */
void memory_fds(const struct memory *memory, struct pollfd fds[MEMORY_FDS]);

/* Does what there is to do; returns after how many milliseconds it wants to be called again. */
int64_t memory_step(struct memory *memory);

/* Reads a page of the target now, mapped before if one is, and says whether that works. *lack_r is
 * why not, or what does not; null if there is nothing to complain of. */
bool memory_check(struct memory *memory, const unsigned char uuid[16], const char **lack_r);

/* How many frames of a view can be read now. */
uint64_t view_mapped(const struct view *view);

/* kernel.c. The view's kernel, looked for once all of the memory is mapped; null if none is found,
 * and then not looked for again for a while. */
const struct domm_kernel_facts *view_kernel(struct view *view);
/* Forgets it: before the view's memory is closed. */
void view_forget_kernel(struct view *view);

/* files.c */
int files_open(struct memory *memory);
void files_close(struct memory *memory);
int files_fd(const struct memory *memory);
/* Answers one request of the kernel, if there is one; false when the files were unmounted. */
bool files_serve(struct memory *memory);

#endif
