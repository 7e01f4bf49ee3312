/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/registers.h"

#include <errno.h>

#include "lib/xen/hv_internal.h"

#include <xen/hvm/save.h>

int domm_hv_registers(struct domm_hv *hv, uint32_t domid, unsigned int vcpu,
                      struct user_regs_struct *registers_r, struct domm_error *err)
{
    struct hvm_hw_cpu cpu;
    if (xc_domain_hvm_getcontext_partial(hv->control, domid, HVM_SAVE_CODE(CPU), (uint16_t)vcpu,
                                         &cpu, sizeof(cpu)))
        return domm_fail_errno(err,
                               errno == ENOENT || errno == ENODATA ? DOMM_NOT_FOUND : DOMM_FAILED,
                               errno, "reading the registers of vCPU %u of domain %u", vcpu, domid);
    *registers_r = (struct user_regs_struct){
        .r15 = cpu.r15,
        .r14 = cpu.r14,
        .r13 = cpu.r13,
        .r12 = cpu.r12,
        .rbp = cpu.rbp,
        .rbx = cpu.rbx,
        .r11 = cpu.r11,
        .r10 = cpu.r10,
        .r9 = cpu.r9,
        .r8 = cpu.r8,
        .rax = cpu.rax,
        .rcx = cpu.rcx,
        .rdx = cpu.rdx,
        .rsi = cpu.rsi,
        .rdi = cpu.rdi,
        .orig_rax = UINT64_MAX, /* no system call */
        .rip = cpu.rip,
        .cs = cpu.cs_sel,
        .eflags = cpu.rflags,
        .rsp = cpu.rsp,
        .ss = cpu.ss_sel,
        .fs_base = cpu.fs_base,
        .gs_base = cpu.gs_base,
        .ds = cpu.ds_sel,
        .es = cpu.es_sel,
        .fs = cpu.fs_sel,
        .gs = cpu.gs_sel,
    };
    return 0;
}
