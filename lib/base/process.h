/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of child processes. Signals do not interrupt these waits: libxl's children cause SIGCHLD
 * at any time. Each call takes the child from the list of processes: its PID is not to be used
 * again. */
#ifndef DOMM_BASE_PROCESS_H
#define DOMM_BASE_PROCESS_H

#include <sys/types.h>

/* Waits until the child has ended. Returns its status as waitpid(2) gives it, or -1 if it is no
 * child of this process. */
int domm_process_await(pid_t pid);

/* Kills the child and waits until it has ended. Nothing happens if pid is not positive. */
void domm_process_kill(pid_t pid);

/* As domm_process_await(), and kills a child that has not ended after grace_ms milliseconds. -1 as
 * well, and nothing happens, if pid is not positive. */
int domm_process_end(pid_t pid, int grace_ms);

#endif
