/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop of dommd. */
#ifndef DOMM_DOMMD_LOOP_H
#define DOMM_DOMMD_LOOP_H

#include <stdbool.h>

#include "cmd/dommd/service.h"

/* Serves until a signal ends service->event; then, if `revoke`, takes back every mapping. */
int service_run(struct service *service, bool revoke, struct domm_error *err);

#endif
