/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dommd has open, and the monitors that it serves. */
#ifndef DOMM_DOMMD_SERVICE_H
#define DOMM_DOMMD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct domm_hv;
struct domm_store;
struct domm_xen;
struct monitor;
struct nl_sock;

struct service {
    struct domm_log log;
    struct domm_log_limit library_lines; /* those that no monitor causes */
    struct domm_xen *xen;
    struct domm_hv *hv;
    struct domm_store *store;
    struct nl_sock *netlink;
    int locks; /* domm_guest_locks_open */
    struct monitor *monitors;
    int64_t grace_ms; /* how long what nobody claims stays mapped */

    /* The loop. */
    sd_event *event;
    sd_event_source *reconcile_timer;
    sd_event_source *follow_timer;
    int rc;                 /* what has ended the loop, 0 if a signal did */
    struct domm_error *err; /* the same in words */
};

/* The inventory may have changed: reconciles once the present work is done. */
void service_reconcile_soon(struct service *service);

/* Opens the doors to Xen. service_close closes them and takes nothing back; also after a failure.
 */
int service_open(struct service *service, struct domm_error *err);
void service_close(struct service *service);

#endif
