/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of a guest's virtual CPUs. */
#ifndef DOMM_XEN_REGISTERS_H
#define DOMM_XEN_REGISTERS_H

#include <sys/user.h>

#include "lib/xen/hv.h"

/* Reads the registers of a vCPU of a PVH or HVM guest, which Xen pauses for the moment.
 * DOMM_NOT_FOUND if the vCPU is offline. Source: hvm_save_cpu_ctxt (xen/arch/x86/hvm/hvm.c). */
int domm_hv_registers(struct domm_hv *hv, uint32_t domid, unsigned int vcpu,
                      struct user_regs_struct *registers_r, struct domm_error *err);

#endif
