/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settings of a pair's migrations, the list `migrate` of domm.cfg(5): texts KEY=VALUE that travel in
 * the record with the pair. What a key means, and which values it has, is known where migrations
 * are started (cmd/domm/defaults.h).
 */
#ifndef DOMM_PAIR_SETTINGS_H
#define DOMM_PAIR_SETTINGS_H

#include <stddef.h>

#include "lib/base/error.h"

#define DOMM_SETTINGS_MAX 8
#define DOMM_SETTING_BYTES 24 /* of a key, and of a value, with the terminator */

struct domm_setting {
    char key[DOMM_SETTING_BYTES];   /* lower-case letters and _ */
    char value[DOMM_SETTING_BYTES]; /* lower-case letters and digits */
};

struct domm_settings {
    size_t count;
    struct domm_setting items[DOMM_SETTINGS_MAX];
};

/* Adds KEY=VALUE. DOMM_REFUSED if it has another form, the key is there already, or there is no
 * room. */
int domm_settings_add(struct domm_settings *settings, const char *text, struct domm_error *err);

#endif
