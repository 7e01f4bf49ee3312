/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/paths.h"

const char *domm_run_directory = DOMM_RUN_DIRECTORY;
const char *domm_var_directory = DOMM_VAR_DIRECTORY;
const char *domm_journals_directory = DOMM_VAR_DIRECTORY "/migrations";
