/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dirty MIB RATE: writes to one page after another of so much memory, RATE MB (10^6 bytes of pages)
 * a second. What the guest had no time for is not made up for: the rate is never exceeded.
 */
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, STEP_NS = 10 * 1000 * 1000 };

int main(int argc, char **argv)
{
    const struct timespec pause = {.tv_nsec = STEP_NS};
    size_t size, at = 0;
    double per_second, due = 0;
    struct timespec last, now;
    volatile uint64_t *page;
    unsigned char *memory;

    if (argc != 3)
        errx(2, "usage: dirty MIB RATE");
    size = (size_t)atoi(argv[1]) << 20;
    per_second = atof(argv[2]) * 1e6 / PAGE;
    memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        err(1, "%s MiB", argv[1]);
    clock_gettime(CLOCK_MONOTONIC, &last);
    for (;;) {
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        due += per_second *
               ((double)(now.tv_sec - last.tv_sec) + (double)(now.tv_nsec - last.tv_nsec) / 1e9);
        last = now;
        if (due > per_second / 10)
            due = per_second / 10;
        for (; due >= 1; due--) {
            page = (volatile uint64_t *)(memory + at);
            ++*page;
            at = (at + PAGE) % size;
        }
    }
}
