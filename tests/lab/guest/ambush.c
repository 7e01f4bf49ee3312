/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ambush: runs in a target as an intruder who waits for the moment after a migration in which a
 * monitor might not yet look. It spins on the clocks; while a guest is suspended its monotonic
 * clock stands still and its clock since boot does not. At once it writes a word to a file that was
 * opened before, and says after how long.
 *
 * Usage: ambush FILE WORD
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Longer than anybody is kept from the CPU between reading the two clocks. */
#define JUMP_NS 1000000000LL

static long long ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: ambush FILE WORD");
    int file = open(argv[1], O_WRONLY);
    if (file < 0)
        err(1, "%s", argv[1]);
    mlockall(MCL_CURRENT);
    long long last = ns(CLOCK_BOOTTIME) - ns(CLOCK_MONOTONIC);
    for (;;) {
        long long now = ns(CLOCK_BOOTTIME) - ns(CLOCK_MONOTONIC);
        if (now - last > JUMP_NS) {
            if (write(file, argv[2], strlen(argv[2])) < 0)
                err(1, "%s", argv[1]);
            printf("struck after a suspend of %lld ms\n", (now - last) / 1000000);
            return 0;
        }
        last = now;
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
}
