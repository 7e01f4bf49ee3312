/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that feeds what is written to a pipe to the filter. libxenguest writes to a descriptor
 * and calls back from the same thread, so that somebody else must read meanwhile.
 */
#ifndef DOMM_SAVE_PUMP_H
#define DOMM_SAVE_PUMP_H

#include "lib/save/filter.h"

struct domm_pump;

/* The filter, and with it the sink, belong to the pump's thread from now on, but for what
 * domm_pump_await says. */
int domm_pump_start(struct domm_filter *filter, struct domm_pump **pump_r, struct domm_error *err);

/* Where libxenguest writes. */
int domm_pump_fd(const struct domm_pump *pump);

/* Waits until the filter is at the pages. As long as nothing more is written to the pipe, the sink
 * is the caller's. Fails if the filter did. */
int domm_pump_await(struct domm_pump *pump, struct domm_error *err);

/* Ends the input, waits until it is all filtered, and frees the pump. Its error, if it has one, is
 * the cause of the one that libxenguest has seen. */
int domm_pump_finish(struct domm_pump *pump, struct domm_error *err);

#endif
