/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/no-xen.h"

int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err)
{
    (void)log;
    (void)err;
    *xen_r = NULL;
    return 0;
}

void __wrap_domm_xen_close(struct domm_xen *xen)
{
    (void)xen;
}
