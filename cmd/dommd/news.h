/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a monitor's process is told of changes in its targets' memory. */
#ifndef DOMM_DOMMD_NEWS_H
#define DOMM_DOMMD_NEWS_H

#include "cmd/dommd/monitor.h"

/* The numbers of pages have changed: all processes are owed them. */
void news_owe_pages(struct monitor *monitor);

/* Sends what is owed to a process, as far as there is room in its channel; the rest stays owed.
 * Returns whether something was sent: the process has to be woken. */
bool news_send(struct monitor *monitor, struct client *client);

#endif
