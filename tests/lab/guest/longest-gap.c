/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * longest-gap FILE: looks at the guest's clock every 20 ms, and keeps in FILE the longest time
 * between two looks, in ns. SIGUSR1 makes it forget the gaps so far.
 *
 * The clock is CLOCK_BOOTTIME: a Linux guest of Xen adds to it the time for which it was suspended,
 * by the wall clocks of both hosts. CLOCK_MONOTONIC stands still meanwhile.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_NS = 20 * 1000 * 1000 };

static volatile sig_atomic_t forget;

static void on_signal(int number)
{
    (void)number;
    forget = 1;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Always as long, so that a shorter number leaves nothing of a longer one. */
static void keep(int file, int64_t longest)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%20lld\n", (long long)longest);

    if (pwrite(file, text, (size_t)length, 0) != length)
        err(1, "pwrite");
}

int main(int argc, char **argv)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    int64_t last, longest = 0;
    int file;

    if (argc != 2)
        errx(2, "usage: longest-gap FILE");
    file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0)
        err(1, "%s", argv[1]);
    /* A page that comes from the file server would be part of the gap. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE))
        err(1, "mlockall");
    signal(SIGUSR1, on_signal);
    for (last = now_ns();;) {
        int64_t now;

        nanosleep(&pause, NULL);
        now = now_ns();
        if (forget || now - last > longest) {
            longest = forget ? 0 : now - last;
            forget = 0;
            keep(file, longest);
        }
        last = now;
    }
}
