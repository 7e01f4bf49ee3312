/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * witness: runs in a monitor, and sees every tick of its target's ticker (ticker.c), in memory and
 * in packets, from when it is started to SIGTERM; then says how many it has missed in memory. It
 * maps the ticker's page once, through libdomm-guest, and never again by itself. The ticks of
 * packets it writes to a file, one a line: only who stands outside knows which have left the
 * target.
 *
 * Usage: witness OFFSET DEVICE FILE
 * OFFSET of the page in the memory of the first target, DEVICE that the packets come by.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/vmi/domm-guest.h"

#define PORT 7777
#define LOOK_MS 10
#define POLL_EVERY 10 /* looks */

struct tick_page { /* ticker.c */
    char signature[24];
    uint64_t ticks;
    uint64_t last[256];
};

struct memory_way {
    uint64_t first, last, seen, missed;
    double at_ms, longest_ms; /* between two looks that found a new tick */
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Those that have come since the last look, each by its own trace. */
static void see(struct memory_way *way, const struct tick_page *page)
{
    double now = now_ms();
    if (way->last == page->ticks)
        return;
    if (!way->last)
        way->first = page->ticks;
    for (uint64_t tick = way->last + 1; way->last && tick <= page->ticks; tick++) {
        if (page->last[tick % 256] == tick)
            way->seen++;
        else
            way->missed++;
    }
    if (way->last && now - way->at_ms > way->longest_ms)
        way->longest_ms = now - way->at_ms;
    way->last = page->ticks;
    way->at_ms = now;
}

static struct domm_vmi_memory *open_memory(struct domm_vmi *vmi, uint64_t gfn)
{
    struct domm_vmi_target target;
    struct domm_vmi_memory *memory = NULL;
    for (int i = 0; i < 100 && !memory; i++) {
        domm_vmi_poll(vmi, 200);
        if (domm_vmi_targets(vmi, &target, 1) > 0 && target.attached &&
            domm_vmi_memory_open(vmi, target.uuid, &memory))
            memory = NULL;
    }
    if (!memory)
        errx(1, "no target within 20 s");
    if (domm_vmi_map(memory, gfn, 1) != 1)
        errx(1, "the page cannot be mapped");
    return memory;
}

static int open_packets(const char *device)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(device)};
    /* After ten seconds of standstill the ticker sends a hundred packets at once. Each of them
     * counts as a whole page and more (truesize in drivers/net/xen-netfront.c), and a socket has
     * room for 80. */
    int room = 16 << 20;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
        err(1, "%s", device);
    return fd;
}

/* The target's own, on their way out: UDP to the ticker's port. */
static void take_packet(FILE *file, const unsigned char *frame, size_t size)
{
    struct ip ip;
    struct udphdr udp;
    char text[32] = "";
    if (size < ETHER_HDR_LEN + sizeof(ip) + sizeof(udp) || frame[12] != 8 || frame[13] != 0)
        return;
    memcpy(&ip, frame + ETHER_HDR_LEN, sizeof(ip));
    size_t at = ETHER_HDR_LEN + ip.ip_hl * 4u;
    if (ip.ip_p != IPPROTO_UDP || size < at + sizeof(udp))
        return;
    memcpy(&udp, frame + at, sizeof(udp));
    at += sizeof(udp);
    if (ntohs(udp.uh_dport) != PORT)
        return;
    memcpy(text, frame + at, size - at < sizeof(text) - 1 ? size - at : sizeof(text) - 1);
    fprintf(file, "%llu\n", strtoull(text, NULL, 10));
}

/* Packets that came to this process's socket, and for which it had no room. */
static unsigned int unread(int packets)
{
    struct tpacket_stats statistics = {0};
    socklen_t size = sizeof(statistics);
    getsockopt(packets, SOL_PACKET, PACKET_STATISTICS, &statistics, &size);
    return statistics.tp_drops;
}

int main(int argc, char **argv)
{
    struct memory_way way = {0};
    struct tick_page page;
    struct domm_vmi *vmi;
    uint64_t failed = 0;
    if (argc != 4)
        errx(2, "usage: witness OFFSET DEVICE FILE");
    uint64_t offset = strtoull(argv[1], NULL, 10);
    FILE *file = fopen(argv[3], "w");
    if (!file)
        err(1, "%s", argv[3]);
    signal(SIGTERM, on_signal);
    if (domm_vmi_open(&vmi))
        errx(1, "this is no monitor");
    struct domm_vmi_memory *memory = open_memory(vmi, offset / DOMM_VMI_PAGE);
    int packets = open_packets(argv[2]);
    fprintf(stderr, "watching\n");
    for (unsigned long look = 0; !stopping; look++) {
        unsigned char frame[2048];
        ssize_t size;
        if (domm_vmi_read(memory, offset, &page, sizeof(page)) == sizeof(page))
            see(&way, &page);
        else
            failed++;
        while ((size = recv(packets, frame, sizeof(frame), 0)) > 0)
            take_packet(file, frame, (size_t)size);
        if (look % POLL_EVERY == 0)
            domm_vmi_poll(vmi, 0);
        poll(NULL, 0, LOOK_MS);
    }
    printf("{\"first\": %llu, \"last\": %llu, \"seen\": %llu, \"missed\": %llu, "
           "\"longest_ms\": %.0f, \"failed_reads\": %llu, \"unread_packets\": %u}\n",
           (unsigned long long)way.first, (unsigned long long)way.last,
           (unsigned long long)way.seen, (unsigned long long)way.missed, way.longest_ms,
           (unsigned long long)failed, unread(packets));
    domm_vmi_close(vmi);
    return fclose(file) ? 1 : 0;
}
