/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For programs that run without Xen: no-xen.c opens none. The program itself makes an inventory up.
 * The linker puts these functions in place of the real ones (NO_XEN_LDFLAGS in Makefile.am). */
#ifndef DOMM_TESTS_UNIT_NO_XEN_H
#define DOMM_TESTS_UNIT_NO_XEN_H

#include "lib/pair/inventory.h"

int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err);
void __wrap_domm_xen_close(struct domm_xen *xen);
int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err);
void __wrap_domm_inventory_free(struct domm_inventory *inventory);

#endif
