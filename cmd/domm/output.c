/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/output.h"

#include <stdio.h>

void cmd_print_json(struct json_object *root)
{
    puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
}
