/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Savers and receivers: child processes that each transfer the memory of one guest. A child ends
 * when its parent ends, for whatever reason. It reports its progress over a socketpair, in messages
 * of one size; the parent sends commands.
 */
#ifndef DOMM_STREAM_CHILD_H
#define DOMM_STREAM_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/xen/xen.h"

/* Commands to a saver; a receiver is told the last two. */
enum domm_command {
    DOMM_COMMAND_STOP = 1, /* end pre-copy and suspend the guest */
    DOMM_COMMAND_FINISH,   /* send the rest of the suspended guest */
    DOMM_COMMAND_HUSH,     /* the migration is being taken back: what fails now is expected */
    DOMM_COMMAND_ABORT,    /* end; a suspended guest stays suspended */
};

/* Progress of a child. */
enum domm_progress_kind {
    DOMM_PROGRESS_NONE,      /* no progress within the timeout */
    DOMM_PROGRESS_ROUND,     /* a saver: after a round of pre-copy */
    DOMM_PROGRESS_SUSPENDED, /* a saver: the guest is suspended, and the saver waits for FINISH; the
                                monitor's page tables are the parent's until then */
    DOMM_PROGRESS_SENT,      /* a saver: everything is sent; the saver ends */
    DOMM_PROGRESS_RESTORED,  /* a receiver: the guest is restored and paused; the receiver ends */
    DOMM_PROGRESS_VIFS,      /* an adder of vifs, to its receiver: they are there; it ends */
    DOMM_PROGRESS_FAILED,    /* the child ends, with its work half done */
    DOMM_PROGRESS_ENDED,     /* the child has ended */
};

struct domm_progress {
    enum domm_progress_kind kind;
    enum domm_code code;  /* FAILED */
    uint32_t domid;       /* RESTORED */
    uint32_t rounds;      /* rounds of pre-copy so far */
    bool settled;         /* more rounds will not help */
    bool converged;       /* the dirty set is small */
    uint64_t dirty_pages; /* pages found dirty by the last round */
    uint64_t final_ns;    /* ROUND: how long the final copy would take now; 0: not known */
    uint64_t bytes;       /* bytes sent so far */
    uint64_t abandoned;   /* SENT: pages sent that the guest has released since */
    uint64_t
        took_ns; /* duration: ROUND: of the round; SUSPENDED: of the suspend; SENT: since FINISH */
    uint64_t when_ns; /* CLOCK_MONOTONIC */
    char text[512];   /* FAILED: why */
};

struct domm_child {
    pid_t pid;
    int control; /* readable when there is progress to read */
};

/* Runs in the child. domm_child_start reports its failure. The child has standard error, control
 * and DOMM_CHILD_STREAM of the parent's descriptors. */
typedef int (*domm_child_run)(void *context, int control, struct domm_error *err);

#define DOMM_CHILD_CONTROL 3
#define DOMM_CHILD_STREAM 4

/*
 * Forks. xen is the parent's connection, if it has one: a child cannot use it. The stream stays the
 * parent's to close. A child lives as long as the thread that started it (PR_SET_PDEATHSIG).
 */
int domm_child_start(struct domm_xen *xen, int stream, domm_child_run run, void *context,
                     struct domm_child *child_r, struct domm_error *err);

/* Prepares a child as domm_child_start does, for other children. It keeps standard error and these
 * descriptors of the parent, as DOMM_CHILD_CONTROL and the following numbers. */
int domm_child_enter(pid_t parent, const int *fds, int count, struct domm_error *err);

#define DOMM_CHILD_MAX_FDS 2

/* In the parent: sends a command. */
int domm_child_command(const struct domm_child *child, enum domm_command command,
                       struct domm_error *err);

/* Waits at most this long for progress; for ever if negative. Fails only on a system error. */
int domm_child_receive(const struct domm_child *child, int timeout_ms,
                       struct domm_progress *progress_r, struct domm_error *err);

/* Ends the child: sends ABORT, waits this long, then kills it and reaps it. May be called again. */
void domm_child_end(struct domm_child *child, int grace_ms);

/* In the child. */
int domm_child_report(int control, struct domm_progress *progress, struct domm_error *err);

/* In the child: waits for a command other than HUSH, for ever if negative; 0 at the timeout. ABORT
 * as well if the parent is gone. */
int domm_child_next_command(int control, int timeout_ms);

/* In the child: whether it was told HUSH or ABORT, or that is the next command. For domm_log's
 * `expects`. */
bool domm_child_is_hushed(void);

#endif
