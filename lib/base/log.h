/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diagnostics. A program makes one struct domm_log for its stderr and passes it down; libxl's
 * messages are logged to it as well (lib/xen/xtl.c). Results are never printed this way.
 */
#ifndef DOMM_BASE_LOG_H
#define DOMM_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/bucket.h"
#include "lib/base/error.h"

/* The levels of xentoollog.h, in its order, so that -v means the same for libxl and for domm. */
enum domm_log_level {
    DOMM_LOG_DEBUG,
    DOMM_LOG_VERBOSE,
    DOMM_LOG_DETAIL,
    DOMM_LOG_PROGRESS,
    DOMM_LOG_INFO,
    DOMM_LOG_NOTICE,
    DOMM_LOG_WARN,
    DOMM_LOG_ERROR,
    DOMM_LOG_CRITICAL,
    DOMM_LOG_LEVELS
};

/* Bounds the lines that one cause, such as a guest, can make a program log. */
struct domm_log_limit {
    struct domm_bucket bucket; /* of lines */
    unsigned long left_out;    /* lines since the last one that was allowed */
};

struct domm_log {
    FILE *stream; /* borrowed */
    const char *program;
    enum domm_log_level minimum;
    bool timestamps;
    bool journal;       /* connected to the journal: lines begin with their priority */
    bool terminal;      /* progress may be drawn and overwritten */
    bool colour;        /* a terminal, and NO_COLOR is not set */
    unsigned int status_lines; /* of progress that was drawn; the cursor stands behind the last */
    /* Whose limit bounds the lines of libxl and libxc now, of which one failed call makes several;
     * borrowed. Null: they are not bounded. */
    struct domm_log_limit *libraries;
    /* Asked before each line of libxl and libxc: whether it follows from what domm does on purpose,
     * such as an abort. Then it is detail. Null: none does. */
    bool (*expects)(void);
};

/* Logs to the stream at level PROGRESS and above; colour and progress only on a terminal. */
void domm_log_init(struct domm_log *log, FILE *stream, const char *program);

/* context ("libxl", or null) names the origin of the message. The text of errnum is added unless it
 * is negative. */
void domm_vlog(struct domm_log *log, enum domm_log_level level, int errnum, const char *context,
               const char *fmt, va_list args) DOMM_PRINTF(5, 0);

/* Writes a line to the log if the level is at least the minimum. */
void domm_log(struct domm_log *log, enum domm_log_level level, const char *fmt, ...)
    DOMM_PRINTF(3, 4);

/* Takes a line from the limit: false if none is left, and the line is not to be logged. The first
 * line that is allowed again comes after one that says how many were left out. */
bool domm_log_allows(struct domm_log *log, struct domm_log_limit *limit);

/* Logs an error: its text and its hint. */
void domm_log_error(struct domm_log *log, const struct domm_error *err);

/* Redraws the progress, of one line or several; null removes it. Only on a terminal, where it takes at
 * most half of the lines. */
void domm_log_status(struct domm_log *log, const char *status);

/* The same for a percentage; 100 removes the line. Only on a terminal. */
void domm_log_progress(struct domm_log *log, const char *what, int percent);

#define DOMM_TIMESTAMP 32 /* bytes, with the terminator */

/* ISO 8601 in UTC with milliseconds: 2026-01-31T12:00:00.123Z. */
void domm_timestamp(const struct timespec *when, char text_r[DOMM_TIMESTAMP]);

#endif
