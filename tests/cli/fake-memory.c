/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of any guest of the fake host: the file "memory" in its directory. It ends at its last
 * whole page. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/paths.h"
#include "lib/mapping/pause_guard.h"
#include "lib/xen/reader.h"
#include "lib/xen/registers.h"
#include "tests/cli/fake.h"

static int memory_fd = -1;

WRAP(int, domm_reader_open, struct domm_hv *hv, uint32_t domid, struct domm_reader **reader_r,
     struct domm_error *err)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/memory", domm_run_directory);
    memory_fd = open(path, O_RDONLY | O_CLOEXEC);
    *reader_r = NULL;
    return memory_fd < 0 ? domm_fail_errno(err, DOMM_FAILED, errno, "opening %s", path) : 0;
}

WRAP(void, domm_reader_close, struct domm_reader *reader)
{
    close(memory_fd);
}

WRAP(uint64_t, domm_reader_frames, const struct domm_reader *reader)
{
    struct stat stat;
    return fstat(memory_fd, &stat) ? 0 : (uint64_t)stat.st_size / DOMM_PAGE_SIZE;
}

WRAP(int, domm_reader_read, const struct domm_reader *reader, uint64_t address, void *buffer,
     size_t size)
{
    return pread(memory_fd, buffer, size, (off_t)address) == (ssize_t)size ? 0 : -EIO;
}

WRAP(int, domm_reader_count, const struct domm_reader *reader, uint64_t address, void *buffer,
     size_t size, uint64_t *there)
{
    *there += size / DOMM_PAGE_SIZE;
    return __wrap_domm_reader_read(reader, address, buffer, size);
}

/* Three are elsewhere. */
WRAP(int, domm_hv_pages, struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
     struct domm_error *err)
{
    *pages_r = __wrap_domm_reader_frames(NULL) + 3;
    return 0;
}

/* What happens while the guest is paused: the command FAKE_MEANWHILE. */
WRAP(int, domm_pause_guard_begin, struct domm_hv *hv, uint32_t monitor,
     struct domm_pause_guard *guard_r, struct domm_error *err)
{
    const char *meanwhile = getenv("FAKE_MEANWHILE");
    return meanwhile && system(meanwhile) ? domm_fail(err, DOMM_FAILED, "it cannot be paused") : 0;
}

WRAP(int, domm_pause_guard_end, struct domm_pause_guard *guard, int rc, struct domm_error *err)
{
    return rc;
}

WRAP(int, domm_hv_registers, struct domm_hv *hv, uint32_t domid, unsigned int vcpu,
     struct user_regs_struct *registers_r, struct domm_error *err)
{
    *registers_r = (struct user_regs_struct){.rip = UINT64_C(0xffffffff81000000)};
    return 0;
}
