/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * witness: runs in a domM, and sees every tick of its target's ticker (ticker.c), in memory and in
 * packets, from when it is started to SIGTERM; then says how many it has missed. It maps the
 * ticker's page once, through libdomm-guest, and never again by itself.
 *
 * Usage: witness OFFSET DEVICE
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

#include "lib/guest/domm-guest.h"

#define PORT 7777
#define COUNT_OFFSET 24
#define LOOK_MS 2
#define POLL_EVERY 50 /* looks */

/* Ticks that came one way. */
struct way {
    const char *name;
    uint64_t first, last, seen, missed;
    double at_ms, longest_ms; /* between two of them */
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

static void see(struct way *way, uint64_t tick)
{
    double now = now_ms();
    if (way->seen && tick <= way->last)
        return;
    if (!way->seen)
        way->first = tick;
    if (way->seen && tick > way->last + 1) {
        way->missed += tick - way->last - 1;
        fprintf(stderr, "%s: %llu to %llu missed, within %.0f ms\n", way->name,
                (unsigned long long)way->last + 1, (unsigned long long)tick - 1,
                now - way->at_ms);
    }
    if (way->seen && now - way->at_ms > way->longest_ms)
        way->longest_ms = now - way->at_ms;
    way->last = tick;
    way->at_ms = now;
    way->seen++;
}

static void tell(const struct way *way, const char *end)
{
    printf("\"%s\": {\"first\": %llu, \"last\": %llu, \"seen\": %llu, \"missed\": %llu, "
           "\"longest_ms\": %.1f}%s",
           way->name, (unsigned long long)way->first, (unsigned long long)way->last,
           (unsigned long long)way->seen, (unsigned long long)way->missed, way->longest_ms, end);
}

static struct domm_guest_memory *open_memory(struct domm_guest *guest, uint64_t gfn)
{
    struct domm_guest_target target;
    struct domm_guest_memory *memory = NULL;
    for (int i = 0; i < 100 && !memory; i++) {
        domm_guest_poll(guest, 200);
        if (domm_guest_targets(guest, &target, 1) > 0 && target.attached &&
            domm_guest_memory_open(guest, target.uuid, &memory))
            memory = NULL;
    }
    if (!memory)
        errx(1, "no target within 20 s");
    if (domm_guest_map(memory, gfn, 1) != 1)
        errx(1, "the page cannot be mapped");
    return memory;
}

static int open_packets(const char *device)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(device)};
    int room = 1 << 20;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
        err(1, "%s", device);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return fd;
}

/* The target's own, on their way out: UDP to the ticker's port. */
static void take_packet(struct way *way, const unsigned char *frame, size_t size)
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
    see(way, strtoull(text, NULL, 10));
}

int main(int argc, char **argv)
{
    struct way memory_way = {.name = "memory"}, packet_way = {.name = "packets"};
    struct domm_guest *guest;
    uint64_t failed = 0;
    if (argc != 3)
        errx(2, "usage: witness OFFSET DEVICE");
    uint64_t offset = strtoull(argv[1], NULL, 10);
    signal(SIGTERM, on_signal);
    if (domm_guest_open(&guest))
        errx(1, "this is no domM");
    struct domm_guest_memory *memory = open_memory(guest, offset / DOMM_GUEST_PAGE);
    int packets = open_packets(argv[2]);
    fprintf(stderr, "watching\n");
    for (unsigned long look = 0; !stopping; look++) {
        unsigned char frame[2048];
        ssize_t size;
        uint64_t count;
        if (domm_guest_read(memory, offset + COUNT_OFFSET, &count, sizeof(count)) == sizeof(count))
            see(&memory_way, count);
        else
            failed++;
        while ((size = recv(packets, frame, sizeof(frame), 0)) > 0)
            take_packet(&packet_way, frame, (size_t)size);
        if (look % POLL_EVERY == 0)
            domm_guest_poll(guest, 0);
        poll(NULL, 0, LOOK_MS);
    }
    printf("{");
    tell(&memory_way, ", ");
    tell(&packet_way, ", ");
    printf("\"failed_reads\": %llu}\n", (unsigned long long)failed);
    domm_guest_close(guest);
    return 0;
}
