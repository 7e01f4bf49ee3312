/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitors that another toolstack saves and restores, and their records. */
#ifndef DOMM_DOMMD_SAVED_H
#define DOMM_DOMMD_SAVED_H

#include "cmd/dommd/service.h"

struct domm_inventory;
struct domm_inventory_entry;

/* Notes whether the monitor is suspended, and saves the record of one that is. */
void monitor_note_suspended(struct service *service, struct monitor *monitor,
                            const struct domm_inventory_entry *entry);

/* Gives monitors that were restored the record that was saved. */
void service_return_records(struct service *service, const struct domm_inventory *inventory);

#endif
