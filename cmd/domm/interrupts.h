/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What signals do while a command waits. */
#ifndef DOMM_CMD_INTERRUPTS_H
#define DOMM_CMD_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

#include "lib/base/error.h"

/* Until cmd_interrupts_end, SIGINT, SIGTERM and SIGHUP end a wait and not the program. */
void cmd_interrupts_begin(void);
void cmd_interrupts_end(void);

/* Until cmd_interrupts_end they are ignored, so that a second interrupt does not stop the undoing
 * that the first one caused. */
void cmd_interrupts_ignore(void);

/* Whether one of them came since cmd_interrupts_begin. */
bool cmd_interrupted(void);

/* Blocks SIGINT, SIGTERM, SIGHUP unless it is ignored (nohup(1)), and one more, for a command that
 * reads them from the set. */
void cmd_signals_block(int more, sigset_t *signals_r, sigset_t *old_mask_r);

/* Ends this. What came meanwhile and was not read is forgotten: it came too late. */
void cmd_signals_unblock(const sigset_t *signals_read, const sigset_t *old_mask);

/* Sleeps up to that long; DOMM_ABORTED if interrupted. */
int cmd_pause_ms(unsigned ms, struct domm_error *err);

#endif
