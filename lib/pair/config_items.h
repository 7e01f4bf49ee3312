/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lists of a configuration, item by item. Used by config.c only. Each function adds one item to
 * the configuration or refuses it; the lists that an item refers to come first. */
#ifndef DOMM_PAIR_CONFIG_ITEMS_H
#define DOMM_PAIR_CONFIG_ITEMS_H

#include "lib/pair/config.h"

typedef int domm_config_take(struct domm_config *config, const char *text, struct domm_error *err);

domm_config_take domm_config_take_target;
domm_config_take domm_config_take_disk;
domm_config_take domm_config_take_vif;
domm_config_take domm_config_take_mirror;
domm_config_take domm_config_take_storage;
domm_config_take domm_config_take_setting;

/* Checks that the file exists and is not a directory. */
int domm_config_check_file(const char *path, struct domm_error *err);

#endif
