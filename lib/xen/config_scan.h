/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds the assignments in a text that libxlutil has accepted. For config_file.c alone. */
#ifndef DOMM_XEN_CONFIG_SCAN_H
#define DOMM_XEN_CONFIG_SCAN_H

#include "lib/xen/config_file.h"

struct domm_config_keys {
    size_t count;
    struct domm_config_key *keys; /* each item owns its `where` */
};

/* Appends the assignments of the text. name is the file's, or the argument itself. False: no
 * memory. */
bool domm_config_scan(struct domm_config_keys *keys, const char *name, const char *text,
                      size_t size, bool is_argument);

/* Frees the keys. */
void domm_config_keys_free(struct domm_config_keys *keys);

#endif
