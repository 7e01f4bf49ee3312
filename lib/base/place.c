/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/place.h"

const char *domm_run_directory = DOMM_RUN_DIRECTORY;
const char *domm_state_directory = DOMM_STATE_DIRECTORY;
const char *domm_journals_directory = DOMM_STATE_DIRECTORY "/migrations";
