/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/shared/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int print_and_leave(const char *text, bool *done_r, struct domm_error *err)
{
    *done_r = true;
    if (puts(text) < 0 || fflush(stdout) != 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing to standard output");
    return 0;
}

int parse_seconds(const char *what, const char *text, int most, int *seconds_r,
                  struct domm_error *err)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno || end == text || *end || seconds < 1 || seconds > most)
        return domm_fail(err, DOMM_USAGE, "--%s: '%s' is not a number from 1 to %d", what, text,
                         most);
    *seconds_r = (int)seconds;
    return 0;
}
