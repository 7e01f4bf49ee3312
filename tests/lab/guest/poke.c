/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * poke DOMID ADDRESS BYTE: writes a byte to a guest's memory, at a guest-physical address, and
 * prints what was there. Stands in for an attacker who can write where the kernel itself cannot.
 * Both numbers of memory are hexadecimal. Runs in dom0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xenforeignmemory.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    unsigned long address = strtoul(argv[2], NULL, 16);
    xen_pfn_t frame = address >> 12;
    int error = 0;
    xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
    unsigned char *page = memory ? xenforeignmemory_map(memory, (unsigned)atoi(argv[1]),
                                                        PROT_READ | PROT_WRITE, 1, &frame, &error)
                                 : NULL;
    if (!page || error) {
        perror("poke");
        return 1;
    }
    printf("%02x\n", page[address & 0xfff]);
    page[address & 0xfff] = (unsigned char)strtoul(argv[3], NULL, 16);
    return 0;
}
