/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an NFS export is to be mounted, if not as usual: keys of a configuration, and one text
 * ("port=2050,sec=krb5p,vers=4.2") in records and in xenstore. */
#ifndef DOMM_PAIR_NFS_OPTIONS_H
#define DOMM_PAIR_NFS_OPTIONS_H

#include <stdbool.h>

#include "lib/base/error.h"

#define DOMM_NFS_OPTIONS 40 /* bytes of the text, with the terminator */

struct domm_nfs_options {
    unsigned port; /* of the NFS service; 0: as usual */
    char sec[6];   /* the security flavour of nfs(5): sys, krb5, krb5i or krb5p; empty: as usual */
    char vers[4];  /* 3, 4, 4.0, 4.1 or 4.2; empty: 3, and 4 if the server refuses that */
};

/* Sets one of them. DOMM_REFUSED for another key or value. */
int domm_nfs_options_set(struct domm_nfs_options *options, const char *key, const char *value,
                         struct domm_error *err);

/* Reads the text; an empty one has none. DOMM_REFUSED if there is anything else in it. */
int domm_nfs_options_parse(const char *text, struct domm_nfs_options *options_r,
                           struct domm_error *err);

/* Writes the text; empty if there are none. */
void domm_nfs_options_format(const struct domm_nfs_options *options, char text_r[DOMM_NFS_OPTIONS]);

/* Whether both are the same. */
bool domm_nfs_options_equal(const struct domm_nfs_options *a, const struct domm_nfs_options *b);

#endif
