/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads memory that dom0 may revoke at any moment. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "lib/vmi/vmi_internal.h"

/* The range that this thread is reading, and the jump target if it is revoked. */
static __thread struct {
    const unsigned char *begin, *end;
    sigjmp_buf out;
} volatile_read;

static struct sigaction previous;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pass_on(int number, siginfo_t *info, void *context)
{
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else {
        /* Restores the default action: the access is repeated on return, and then ends the
         * process. */
        sigaction(number, &previous, NULL);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const unsigned char *at = info->si_addr;
    if (volatile_read.begin && at >= volatile_read.begin && at < volatile_read.end) {
        volatile_read.begin = NULL;
        siglongjmp(volatile_read.out, 1);
    }
    pass_on(number, info, context);
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

static int vmi_read_copy(void *buffer, const unsigned char *from, size_t size)
{
    if (sigsetjmp(volatile_read.out, 1))
        return -EIO;
    volatile_read.end = from + size;
    volatile_read.begin = from;
    __asm__ volatile("" ::: "memory");
    memcpy(buffer, from, size);
    __asm__ volatile("" ::: "memory");
    volatile_read.begin = NULL;
    return 0;
}

static bool asked(const struct domm_vmi_memory *memory, uint64_t gfn)
{
    return bit_get(memory->regions[region_of(gfn)].asked, slot_of(gfn));
}

/* Also of a frame that stands for a page beyond. */
static bool read_is_mapped(const struct domm_vmi_memory *memory, uint64_t gfn)
{
    return memory->attached && bit_get(memory->regions[region_of(gfn)].valid, slot_of(gfn));
}

bool domm_vmi_is_mapped(const struct domm_vmi_memory *memory, uint64_t gfn)
{
    return gfn < memory->frames && read_is_mapped(memory, gfn);
}

bool domm_vmi_beyond_is_mapped(const struct domm_vmi_memory *memory, uint64_t index)
{
    return index < memory->beyond_asked &&
           read_is_mapped(memory, target_memory_beyond(memory) + index);
}

const void *domm_vmi_page(const struct domm_vmi_memory *memory, uint64_t gfn)
{
    return domm_vmi_is_mapped(memory, gfn) ? page_of(memory, gfn) : NULL;
}

/* Reads within one page. */
static int vmi_read_part(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                         size_t size)
{
    uint64_t gfn = address / DOMM_VMI_PAGE;
    if (read_is_mapped(memory, gfn))
        return vmi_read_copy(buffer, page_of(memory, gfn) + address % DOMM_VMI_PAGE, size);
    if (!memory->attached || !asked(memory, gfn))
        return -EIO;
    memset(buffer, 0, size);
    return 0;
}

/* Reads from the byte on as far as `end`. */
static ssize_t read_until(const struct domm_vmi_memory *memory, uint64_t address, uint64_t end,
                          void *buffer, size_t size)
{
    size_t done = 0;
    pthread_once(&once, install);
    if (address >= end)
        return 0;
    if (size > end - address)
        size = (size_t)(end - address);
    while (done < size) {
        size_t rest = DOMM_VMI_PAGE - (size_t)((address + done) % DOMM_VMI_PAGE);
        size_t part = size - done < rest ? size - done : rest;
        int rc = vmi_read_part(memory, address + done, (char *)buffer + done, part);
        if (rc)
            return rc;
        done += part;
    }
    return (ssize_t)done;
}

ssize_t domm_vmi_read(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                      size_t size)
{
    return read_until(memory, address, memory->frames * DOMM_VMI_PAGE, buffer, size);
}

ssize_t domm_vmi_read_beyond(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                             size_t size)
{
    uint64_t bytes = memory->beyond_asked * DOMM_VMI_PAGE;
    uint64_t first = target_memory_beyond(memory) * DOMM_VMI_PAGE;
    if (address >= bytes)
        return 0;
    return read_until(memory, first + address, first + bytes, buffer, size);
}

static int vmi_read_all(const void *context, uint64_t address, void *buffer, size_t size)
{
    ssize_t got = domm_vmi_read(context, address, buffer, size);
    if (got < 0)
        return (int)got;
    return (size_t)got == size ? 0 : -EIO;
}

struct domm_physical domm_physical_target(const struct domm_vmi_memory *memory)
{
    return (struct domm_physical){
        .read = vmi_read_all,
        .context = memory,
        .frames = memory->frames,
    };
}
