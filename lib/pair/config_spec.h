/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Specifications of the form "key=value,key=value", as those of vifs in xl.cfg(5). */
#ifndef DOMM_PAIR_CONFIG_SPEC_H
#define DOMM_PAIR_CONFIG_SPEC_H

#include <stddef.h>

#include "lib/base/error.h"

/* Splits the text: values[i] is a copy of the value of keys[i], or null. Blanks around keys and
 * values are dropped. Refuses a key that is not among keys (which end with null), a key that occurs
 * twice and a key without a value. On success values are the caller's to free; on failure they are
 * null. */
int domm_spec_parse(const char *text, const char *const *keys, char **values,
                    struct domm_error *err);

/* A decimal (or 0x...) number in that range, whole and without a sign. */
int domm_number_parse(const char *text, unsigned min, unsigned max, unsigned *number_r,
                      struct domm_error *err);

#endif
