/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error object, passed last to every function that can fail.
 *
 * A function returns 0, or -code after filling the object. Each layer above may prefix the text
 * with its own attempt (domm_wrap); the code stays that of the first cause. Only main and the shell
 * print an error.
 */
#ifndef DOMM_BASE_ERROR_H
#define DOMM_BASE_ERROR_H

/* The codes are the exit codes of the programs; domm(1) documents them. Never renumber. */
enum domm_code {
    DOMM_OK = 0,
    DOMM_FAILED = 1,          /* an operation failed; nothing was changed */
    DOMM_USAGE = 2,           /* the command line is wrong */
    DOMM_REFUSED = 3,         /* a configuration or other input is refused */
    DOMM_NOT_PERMITTED = 4,   /* not permitted, or this is not Xen */
    DOMM_NOT_FOUND = 5,       /* no such domain, host or file */
    DOMM_PREFLIGHT = 6,       /* a check before the operation failed; nothing was changed */
    DOMM_ROLLED_BACK = 7,     /* an operation failed half-way; everything is as it was before */
    DOMM_ABORTED = 8,         /* aborted on request; everything is as it was before */
    DOMM_OUTCOME_UNKNOWN = 9, /* something is half done; recovery is needed */
    DOMM_DEGRADED = 10,       /* monitor-status: a target is monitored in part only */
    DOMM_BLIND = 11,          /* monitor-status: a target is not monitored */
    DOMM_CODES
};

/* One object per command, on the stack, zeroed. Texts that do not fit are cut, never overrun. */
struct domm_error {
    enum domm_code code;
    char text[1024]; /* what failed and where, "attempt: cause", without a newline */
    char hint[512];  /* what to do next; empty if there is no advice */
};

#define DOMM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Starts an error. Forgets what the object held. Returns -code. */
int domm_fail(struct domm_error *err, enum domm_code code, const char *fmt, ...) DOMM_PRINTF(3, 4);

/* As domm_fail, with ": " and the text of the errno value after it. */
int domm_fail_errno(struct domm_error *err, enum domm_code code, int errnum, const char *fmt, ...)
    DOMM_PRINTF(4, 5);

/* Puts "context: " before the text. Returns -err->code. */
int domm_wrap(struct domm_error *err, const char *fmt, ...) DOMM_PRINTF(2, 3);

/* Sets the advice what to do next, replacing an earlier one. Returns -err->code. */
int domm_hint(struct domm_error *err, const char *fmt, ...) DOMM_PRINTF(2, 3);

/* Memory ran out. */
int domm_no_memory(struct domm_error *err);

/* The meaning of a code as in domm(1); a static string. */
const char *domm_code_meaning(enum domm_code code);

#endif
