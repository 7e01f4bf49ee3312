/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vifs of a guest that is being restored, made while its memory is still being received.
 *
 * libxl makes devices after the end of the stream (domcreate_stream_done, libxl_create.c), when the
 * guest has stopped at the source, and a vif's hotplug script takes seconds on a slow host. A vif
 * that may be there earlier is therefore left out of the configuration that libxl restores
 * (restore.h), and added to the half-built domain by libxl_device_nic_add, which is public. That
 * function changes libxl's own copy of the configuration, the userdata "libxl-json", which libxl
 * writes when the restore is complete. libxl.h says that applications should not access it
 * directly. Here it is accessed twice, since libxl offers no other way:
 *   1. before, a stub is stored, without which libxl_device_nic_add refuses
 *      (libxl__device_add_async, libxl_device.c);
 *   2. afterwards the vifs are written into libxl's own, which does not have them. A later
 *      migration, save or reboot of the guest would lose them otherwise.
 * Nobody else uses the domain meanwhile: it is NAME--incoming and paused, and this process holds
 * the locks of the guest.
 */
#ifndef DOMM_XEN_RESTORE_VIFS_H
#define DOMM_XEN_RESTORE_VIFS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

/* Whether libxl has begun to make the domain of that name, as far as devices can be added. The UUID
 * is visible earlier, before libxl has made the domain's nodes (libxl__domain_make). */
bool domm_restore_has_begun(struct domm_xen *xen, const char *name, uint32_t *domid_r);

/* Adds the vifs of libxl's JSON that may come early to the domain, one by one. A failure names
 * the vif, and has the message of its script; libxl removes the added vifs with the domain. */
int domm_restore_add_vifs(struct domm_xen *xen, uint32_t domid, const char *json,
                          struct domm_error *err);

/* Whether a vif may have failed since libxl destroys the domain, as it does when a stream fails. */
bool domm_restore_is_undone(struct domm_xen *xen, uint32_t domid);

/* Once the domain is restored and its vifs are added: libxl's configuration of it has all vifs. */
int domm_restore_keep_vifs(struct domm_xen *xen, uint32_t domid, const char *json,
                           struct domm_error *err);

/* The part that works without Xen: the configuration that libxl has stored, with the vifs of
 * the source's. DOMM_FAILED if it is not libxl's but the stub. *merged_r is the caller's to free.
 */
int domm_restore_merge_vifs(const char *stored, const char *source, char **merged_r,
                            struct domm_error *err);

/*
 * Removes the remains of the vifs of a domain that libxl has destroyed: vifs that were added during
 * its destruction, and nodes that their scripts have written since. Does nothing if the domain
 * exists. No adder may be running.
 */
void domm_restore_clear_vifs(struct domm_xen *xen, uint32_t domid);

#endif
