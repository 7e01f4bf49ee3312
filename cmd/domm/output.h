/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_OUTPUT_H
#define DOMM_CMD_OUTPUT_H

#include "lib/base/json.h"

/* A result on standard output. Whether it arrived, cmd_dispatch sees in the end. */
void cmd_print_json(struct json_object *root);

#endif
