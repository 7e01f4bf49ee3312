/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/config_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        text[--length] = '\0';
    return text;
}

static int config_spec_take(char *part, const char *const *keys, char **values,
                            struct domm_error *err)
{
    char *equals = strchr(part, '=');
    if (!equals)
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not KEY=VALUE", part);
    *equals = '\0';
    const char *key = trim(part);
    const char *value = trim(equals + 1);
    size_t i = 0;
    while (keys[i] && strcmp(keys[i], key) != 0)
        i++;
    if (!keys[i])
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not known here", key);
    if (values[i])
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is set twice", key);
    if (!*value)
        return domm_fail(err, DOMM_REFUSED, "\"%s\" has no value", key);
    values[i] = strdup(value);
    return values[i] ? 0 : domm_no_memory(err);
}

int domm_spec_parse(const char *text, const char *const *keys, char **values,
                    struct domm_error *err)
{
    cleanup_free char *copy = strdup(text);
    int rc = copy ? 0 : domm_no_memory(err);
    char *rest = copy;
    for (size_t i = 0; keys[i]; i++)
        values[i] = NULL;
    while (!rc && rest && *trim(copy))
        rc = config_spec_take(strsep(&rest, ","), keys, values, err);
    for (size_t i = 0; rc && keys[i]; i++) {
        free(values[i]);
        values[i] = NULL;
    }
    return rc;
}

int domm_number_parse(const char *text, unsigned min, unsigned max, unsigned *number_r,
                      struct domm_error *err)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end)
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not a whole number", text);
    if (errno || number < min || number > max)
        return domm_fail(err, DOMM_REFUSED, "%s is not from %u to %u", text, min, max);
    *number_r = (unsigned)number;
    return 0;
}
