/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/nfs_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PORT 65535

static int set_port(struct domm_nfs_options *options, const char *value, struct domm_error *err)
{
    size_t length = strlen(value);
    unsigned long port = strtoul(value, NULL, 10);
    if (length > 5 || strspn(value, "0123456789") != length || !port || port > MAX_PORT)
        return domm_fail(err, DOMM_REFUSED, "port=%.32s is not from 1 to %d", value, MAX_PORT);
    options->port = (unsigned)port;
    return 0;
}

static bool option_is_one_of(const char *value, const char *const *values)
{
    while (*values && strcmp(*values, value) != 0)
        values++;
    return *values;
}

int domm_nfs_options_set(struct domm_nfs_options *options, const char *key, const char *value,
                         struct domm_error *err)
{
    static const char *const flavours[] = {"sys", "krb5", "krb5i", "krb5p", NULL};
    static const char *const versions[] = {"3", "4", "4.0", "4.1", "4.2", NULL};
    if (strcmp(key, "port") == 0)
        return set_port(options, value, err);
    if (strcmp(key, "sec") == 0) {
        if (!option_is_one_of(value, flavours))
            return domm_fail(err, DOMM_REFUSED, "sec=%.32s is not sys, krb5, krb5i or krb5p",
                             value);
        snprintf(options->sec, sizeof(options->sec), "%s", value);
        return 0;
    }
    if (strcmp(key, "vers") == 0) {
        if (!option_is_one_of(value, versions))
            return domm_fail(err, DOMM_REFUSED, "vers=%.32s is not 3, 4, 4.0, 4.1 or 4.2", value);
        snprintf(options->vers, sizeof(options->vers), "%s", value);
        return 0;
    }
    return domm_fail(err, DOMM_REFUSED, "the NFS option '%.32s' is not known here", key);
}

int domm_nfs_options_parse(const char *text, struct domm_nfs_options *options_r,
                           struct domm_error *err)
{
    char copy[DOMM_NFS_OPTIONS], *rest = copy, *item;
    int rc = 0;
    *options_r = (struct domm_nfs_options){0};
    if (strlen(text) >= sizeof(copy))
        return domm_fail(err, DOMM_REFUSED, "NFS options '%.40s' are too long", text);
    strcpy(copy, text);
    while (!rc && *text && (item = strsep(&rest, ","))) {
        char *value = strchr(item, '=');
        if (!value)
            return domm_fail(err, DOMM_REFUSED, "the NFS option '%s' has no value", item);
        *value = '\0';
        rc = domm_nfs_options_set(options_r, item, value + 1, err);
    }
    return rc;
}

static void add_option(char *text, const char *key, const char *value)
{
    size_t used = strlen(text);
    if (*value)
        snprintf(text + used, DOMM_NFS_OPTIONS - used, "%s%s=%s", used ? "," : "", key, value);
}

void domm_nfs_options_format(const struct domm_nfs_options *options, char text_r[DOMM_NFS_OPTIONS])
{
    char port[12] = "";
    if (options->port)
        snprintf(port, sizeof(port), "%u", options->port);
    text_r[0] = '\0';
    add_option(text_r, "port", port);
    add_option(text_r, "sec", options->sec);
    add_option(text_r, "vers", options->vers);
}

bool domm_nfs_options_equal(const struct domm_nfs_options *a, const struct domm_nfs_options *b)
{
    return a->port == b->port && strcmp(a->sec, b->sec) == 0 && strcmp(a->vers, b->vers) == 0;
}
