/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that feeds the bytes written to a pipe into the filter. libxenguest writes to a
 * descriptor and calls its hooks in the same thread, so another thread must read.
 */
#ifndef DOMM_STREAM_PUMP_H
#define DOMM_STREAM_PUMP_H

#include "lib/stream/stream_filter.h"

struct domm_pump;

/* The pump's thread owns the filter and the sink from now on, except as domm_pump_await says. */
int domm_pump_start(struct domm_stream_filter *filter, struct domm_pump **pump_r,
                    struct domm_error *err);

/* The descriptor for libxenguest to write to. */
int domm_pump_fd(const struct domm_pump *pump);

/* Waits until the filter has reached the pages. The sink is then the caller's, as long as nothing
 * is written to the pipe. Fails if the filter has failed. */
int domm_pump_await(struct domm_pump *pump, struct domm_error *err);

/* Ends the input, waits until all of it is filtered, and frees the pump. If it fails, its error is
 * the cause of libxenguest's failure. */
int domm_pump_finish(struct domm_pump *pump, struct domm_error *err);

#endif
