/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives one end of a migration: hands its machine the events, carries out what it answers, keeps
 * the link alive and the deadlines.
 */
#ifndef DOMM_MOVE_RUNNER_H
#define DOMM_MOVE_RUNNER_H

#include "lib/move/end.h"

/*
 * Runs an end until it rests: end->machine says in which state, end->error why if it is not the
 * best. While domM is not ready and the targets are held, it goes on looking, until domM is ready,
 * somebody decides (decision.h) or a signal comes. Fails if it could not even begin.
 */
int domm_run_end(struct domm_end *end, const struct domm_move_setup *setup, struct domm_error *err);

#endif
