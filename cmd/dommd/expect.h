/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets of records whose monitoring is not expected yet (lib/pair/expectation.h): of monitors
 * that were restored, or made by a domm that knew nothing of it. */
#ifndef DOMM_DOMMD_EXPECT_H
#define DOMM_DOMMD_EXPECT_H

#include "cmd/dommd/service.h"

struct domm_inventory;

/* Notes them, unless another program is changing records now: then the next time. */
void service_note_expected(struct service *service, const struct domm_inventory *inventory);

#endif
