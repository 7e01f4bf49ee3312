/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/kernel_finder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/confine.h"
#include "lib/base/process.h"
#include "lib/base/text.h"
#include "lib/vmi/kernel.h"

#define CHILD_DESCRIPTORS 16
#define CHILD_CPU_S 120 /* far more than all of a large memory takes */

/* Shared by both processes. What the target may write is no bool. */
struct result {
    unsigned char found, page_tables;
    struct found_kernel kernel;
};

struct kernel_finder {
    pid_t pid;
    int pidfd;
    struct result *result;
};

static void find_kernel(struct result *result)
{
    static const int fd = DOMM_CONFINED_FD;
    struct domm_physical physical;
    struct domm_kernel *kernel;
    if (domm_physical_file(&fd, &physical) || domm_kernel_open(&physical, &kernel))
        return;
    result->kernel.facts = *domm_kernel_facts(kernel);
    result->page_tables = result->kernel.facts.page_tables;
    memcpy(result->kernel.page, kernel_page(kernel), sizeof(result->kernel.page));
    result->found = true;
    domm_kernel_close(kernel);
}

/* Until it is confined it has nothing of the parent's either: the parent may end while this process
 * waits for it to open the file. */
static void find_confined(pid_t parent, const char *path, struct result *result)
{
    const struct rlimit cpu = {CHILD_CPU_S, CHILD_CPU_S};
    struct domm_error ignored;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent ||
        close_range(STDERR_FILENO + 1, ~0u, 0) || setrlimit(RLIMIT_CPU, &cpu))
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !domm_confine_with(fd, CHILD_DESCRIPTORS, false, &ignored))
        find_kernel(result);
}

/* Searches that begin later do not get what this one writes. */
static bool start_process(struct kernel_finder *finder, const char *path)
{
    pid_t parent = getpid();
    finder->pid = fork();
    if (finder->pid == 0) {
        find_confined(parent, path, finder->result);
        _exit(0);
    }
    if (finder->pid < 0 || madvise(finder->result, sizeof(*finder->result), MADV_DONTFORK))
        return false;
    finder->pidfd = pidfd_open(finder->pid, 0);
    return finder->pidfd >= 0;
}

struct kernel_finder *kernel_finder_start(const char *path)
{
    struct found_kernel ignored;
    struct kernel_finder *finder = calloc(1, sizeof(*finder));
    if (!finder)
        return NULL;
    *finder = (struct kernel_finder){.pid = -1, .pidfd = -1};
    finder->result = mmap(NULL, sizeof(*finder->result), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (finder->result != MAP_FAILED && start_process(finder, path))
        return finder;
    kernel_finder_finish(finder, &ignored);
    return NULL;
}

bool kernel_finder_is(const struct kernel_finder *finder, pid_t pid)
{
    return finder->pid == pid;
}

int kernel_finder_fd(const struct kernel_finder *finder)
{
    return finder->pidfd;
}

static bool take_result(const struct result *result, struct found_kernel *kernel_r)
{
    *kernel_r = result->kernel;
    kernel_r->facts.page_tables = result->page_tables != 0;
    kernel_r->facts.release[sizeof(kernel_r->facts.release) - 1] = '\0';
    domm_make_printable(kernel_r->facts.release);
    return result->found && (kernel_r->facts.levels == 4 || kernel_r->facts.levels == 5);
}

bool kernel_finder_finish(struct kernel_finder *finder, struct found_kernel *kernel_r)
{
    bool found = false;
    domm_process_kill(finder->pid);
    if (finder->result != MAP_FAILED) {
        found = take_result(finder->result, kernel_r);
        munmap(finder->result, sizeof(*finder->result));
    }
    if (finder->pidfd >= 0)
        close(finder->pidfd);
    free(finder);
    return found;
}
