/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/text.h"

void cmd_fields_add(struct cmd_fields *fields, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int length = fields->count < CMD_FIELDS_MAX ? vasprintf(&text, fmt, args) : -1;
    va_end(args);
    if (length >= 0)
        fields->items[fields->count++] = domm_make_printable(text);
}

void cmd_fields_free(struct cmd_fields *fields)
{
    for (int i = 0; i < fields->count; i++)
        free(fields->items[i]);
    *fields = (struct cmd_fields){.count = 0};
}
