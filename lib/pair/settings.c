/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/settings.h"

#include <stdbool.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

static bool take_part(const char *text, size_t length, const char *of, char part_r[])
{
    if (!length || length >= DOMM_SETTING_BYTES || strspn(text, of) < length)
        return false;
    memcpy(part_r, text, length);
    part_r[length] = '\0';
    return true;
}

int domm_settings_add(struct domm_settings *settings, const char *text, struct domm_error *err)
{
    const char *equals = strchr(text, '=');
    struct domm_setting setting;
    if (!equals || !take_part(text, (size_t)(equals - text), LETTERS "_", setting.key) ||
        !take_part(equals + 1, strlen(equals + 1), LETTERS "0123456789", setting.value))
        return domm_fail(err, DOMM_REFUSED, "\"%.64s\" is not KEY=VALUE", text);
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].key, setting.key) == 0)
            return domm_fail(err, DOMM_REFUSED, "%s is set twice", setting.key);
    }
    if (settings->count == DOMM_SETTINGS_MAX)
        return domm_fail(err, DOMM_REFUSED, "more than %d settings", DOMM_SETTINGS_MAX);
    settings->items[settings->count++] = setting;
    return 0;
}
