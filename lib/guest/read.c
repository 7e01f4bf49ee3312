/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading what dom0 may take back at any moment. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "lib/guest/internal.h"

/* The range that this thread reads just now, and where to go when it is not there. */
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
        /* The access is tried again on return, and then ends the process as it should. */
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

static int copy(void *buffer, const unsigned char *from, size_t size)
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

static bool asked(const struct domm_guest_memory *memory, uint64_t gfn)
{
    return bit_get(memory->regions[region_of(gfn)].asked, slot_of(gfn));
}

bool domm_guest_is_mapped(const struct domm_guest_memory *memory, uint64_t gfn)
{
    return gfn < memory->frames && memory->attached &&
           bit_get(memory->regions[region_of(gfn)].valid, slot_of(gfn));
}

const void *domm_guest_page(const struct domm_guest_memory *memory, uint64_t gfn)
{
    return domm_guest_is_mapped(memory, gfn) ? page_of(memory, gfn) : NULL;
}

/* Within one page. */
static int read_part(const struct domm_guest_memory *memory, uint64_t address, void *buffer,
                     size_t size)
{
    uint64_t gfn = address / DOMM_GUEST_PAGE;
    if (domm_guest_is_mapped(memory, gfn))
        return copy(buffer, page_of(memory, gfn) + address % DOMM_GUEST_PAGE, size);
    if (!memory->attached || !asked(memory, gfn))
        return -EIO;
    memset(buffer, 0, size);
    return 0;
}

ssize_t domm_guest_read(const struct domm_guest_memory *memory, uint64_t address, void *buffer,
                        size_t size)
{
    uint64_t end = memory->frames * DOMM_GUEST_PAGE;
    size_t done = 0;
    pthread_once(&once, install);
    if (address >= end)
        return 0;
    if (size > end - address)
        size = (size_t)(end - address);
    while (done < size) {
        size_t rest = DOMM_GUEST_PAGE - (size_t)((address + done) % DOMM_GUEST_PAGE);
        size_t part = size - done < rest ? size - done : rest;
        int rc = read_part(memory, address + done, (char *)buffer + done, part);
        if (rc)
            return rc;
        done += part;
    }
    return (ssize_t)done;
}

static int read_all(const void *context, uint64_t address, void *buffer, size_t size)
{
    ssize_t got = domm_guest_read(context, address, buffer, size);
    if (got < 0)
        return (int)got;
    return (size_t)got == size ? 0 : -EIO;
}

struct domm_physical domm_physical_guest(const struct domm_guest_memory *memory)
{
    return (struct domm_physical){
        .read = read_all,
        .context = memory,
        .frames = memory->frames,
    };
}
