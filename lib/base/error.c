/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static DOMM_PRINTF(3, 0) void error_start(struct domm_error *err, enum domm_code code,
                                          const char *fmt, va_list args)
{
    err->code = code;
    err->hint[0] = '\0';
    vsnprintf(err->text, sizeof(err->text), fmt, args);
}

static void append(struct domm_error *err, const char *text)
{
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", text);
}

int domm_fail(struct domm_error *err, enum domm_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_start(err, code, fmt, args);
    va_end(args);
    return -(int)code;
}

int domm_fail_errno(struct domm_error *err, enum domm_code code, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_start(err, code, fmt, args);
    va_end(args);
    char reason[128];
    append(err, strerror_r(errnum, reason, sizeof(reason)));
    return -(int)code;
}

int domm_wrap(struct domm_error *err, const char *fmt, ...)
{
    char cause[sizeof(err->text)];
    memcpy(cause, err->text, sizeof(cause));
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    append(err, cause);
    return -(int)err->code;
}

int domm_hint(struct domm_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->hint, sizeof(err->hint), fmt, args);
    va_end(args);
    return -(int)err->code;
}

int domm_no_memory(struct domm_error *err)
{
    return domm_fail_errno(err, DOMM_FAILED, ENOMEM, "allocating memory");
}

const char *domm_code_meaning(enum domm_code code)
{
    static const char *const meanings[DOMM_CODES] = {
        [DOMM_OK] = "success",
        [DOMM_FAILED] = "failed; nothing was changed",
        [DOMM_USAGE] = "wrong usage",
        [DOMM_REFUSED] = "configuration or input refused",
        [DOMM_NOT_PERMITTED] = "not permitted, or not Xen",
        [DOMM_NOT_FOUND] = "not found",
        [DOMM_PREFLIGHT] = "a preflight check failed; nothing was changed",
        [DOMM_ROLLED_BACK] = "failed, and rolled back",
        [DOMM_ABORTED] = "aborted on request, and rolled back",
        [DOMM_OUTCOME_UNKNOWN] = "outcome unknown: recovery needed",
        [DOMM_DEGRADED] = "a target is monitored in part only",
        [DOMM_BLIND] = "a target is not monitored",
    };
    return meanings[code];
}
