/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticker: the workload of the lab's targets.
 *
 * Ten times a second it counts one tick, and shows it where a monitor
 * looks: in memory (a page that begins with a signature, and holds the last
 * ticks), on the network (a UDP packet holding the count) and on the disk (a
 * line in a file). So a monitor that missed a moment of the target can be told
 * by the missing tick. Ticks that are late, since the guest got no CPU time,
 * come all at once: therefore several are kept in memory.
 *
 * Usage: ticker ADDRESS PORT FILE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 100 * 1000 * 1000 };

enum { KEPT = 256 };

/* One page; the signature is what a search of the target's memory finds. Tick n is kept in
 * last[n % KEPT] before it is counted. */
struct tick_page {
    char signature[24];
    _Atomic uint64_t ticks;
    _Atomic uint64_t last[KEPT];
};

static struct tick_page *make_page(void)
{
    struct tick_page *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED || mlock(page, 4096))
        err(1, "a locked page");
    /* In two parts, so that the program's own text does not hold the signature. */
    strcpy(page->signature, "DOMM-LAB-");
    strcat(page->signature, "TICK-PAGE");
    return page;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct timespec next;
    struct tick_page *page;
    int sock, file;

    if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        errx(2, "usage: ticker ADDRESS PORT FILE");
    to.sin_port = htons((uint16_t)atoi(argv[2]));
    file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
    if (file < 0)
        err(1, "%s", argv[3]);
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0)
        err(1, "socket");
    page = make_page();

    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;) {
        char line[32];
        uint64_t tick = page->ticks + 1;
        int n = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)tick);

        page->last[tick % KEPT] = tick;
        page->ticks = tick;

        /* A packet may be lost on its way; what matters is that it left the vif. */
        (void)sendto(sock, line, (size_t)n, 0, (struct sockaddr *)&to, sizeof(to));
        if (write(file, line, (size_t)n) != n)
            err(1, "%s", argv[3]);
        next.tv_nsec += TICK_NS;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}
