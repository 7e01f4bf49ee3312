/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What domm set can change of a migration that is under way. */
#ifndef DOMM_CMD_SETTINGS_H
#define DOMM_CMD_SETTINGS_H

#include <stdint.h>

struct cmd_setting {
    const char *name; /* as the option of migrate is called */
    const char *unit_name;
    unsigned long most;
    uint64_t unit; /* one of that unit, in the unit of enum domm_tuning */
};

/* Ends with a setting without a name. */
extern const struct cmd_setting cmd_settings[];

#endif
