/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hostile: a process in the monitor that sends dommd what it should not.
 *
 * Usage: hostile noise|ring|flood|greedy COUNT
 *   noise   COUNT requests of random bytes, half of them with a right beginning
 *   ring    COUNT rings with counters that cannot be
 *   flood   COUNT requests for a table that does not exist, without reading replies
 *   greedy  COUNT well-formed requests for what this process may not have, and reads the replies
 *
 * dommd ends a channel for each of the first three; then it offers another. Prints how many
 * requests it sent, how many were answered, how many of these gave it anything (there should be
 * none), and how many channels were ended.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <xengnttab.h>

#include "lib/mapping/protocol.h"
#include "lib/xen/channel.h"

#define WAIT_MS 60000
#define REGION ((size_t)DOMM_REGION_BYTES)

static struct {
    struct domm_store *store;
    xengntshr_handle *shared;
    struct domm_ring_page *page;
    struct domm_ring ring;
    char path[64];
} channel;

static struct {
    unsigned char *base;
    unsigned char nonce[DOMM_NONCE_LENGTH];
} region;

static int sent, answered, given, ended;
static uint64_t last_id;

static void check(int rc, const struct domm_error *error)
{
    if (rc)
        errx(1, "%s", error->text);
}

static void offer(void)
{
    static unsigned int number;
    struct domm_error error;
    uint32_t reference;
    char node[96], text[16];
    channel.page = xengntshr_share_page_notify(channel.shared, 0, &reference, 1,
                                               offsetof(struct domm_ring_page, monitor), -1U);
    if (!channel.page)
        err(1, "sharing a page");
    domm_ring_offer(&channel.ring, channel.page);
    snprintf(channel.path, sizeof(channel.path), DOMM_CHANNELS_NODE "/%d-%u", (int)getpid(),
             ++number);
    snprintf(node, sizeof(node), "%s/ring-ref", channel.path);
    snprintf(text, sizeof(text), "%u", reference);
    check(domm_store_write(channel.store, node, text, &error), &error);
}

static void withdraw(void)
{
    struct domm_error error;
    check(domm_store_remove(channel.store, channel.path, &error), &error);
    xengntshr_unshare(channel.shared, channel.page, 1);
}

static void kick(void)
{
    struct domm_error error;
    if (domm_ring_must_wake(&channel.ring))
        check(domm_store_write(channel.store, DOMM_NODE_KICK, "", &error), &error);
}

/* Until dommd has come, or another channel has taken the place of one that it has ended. */
static void be_connected(void)
{
    for (int waited = 0; domm_ring_other(&channel.ring) != DOMM_RING_HERE; waited += 5) {
        if (domm_ring_other(&channel.ring) == DOMM_RING_GONE) {
            ended++;
            withdraw();
            offer();
        }
        if (waited >= WAIT_MS)
            errx(1, "dommd does not come");
        poll(NULL, 0, 5);
    }
}

/* False if the channel was ended meanwhile. */
static bool transmit(const unsigned char *bytes)
{
    for (int waited = 0; !domm_ring_send(&channel.ring, bytes); waited += 5) {
        if (domm_ring_other(&channel.ring) != DOMM_RING_HERE)
            return false;
        if (waited >= WAIT_MS)
            errx(1, "dommd reads no more");
        kick();
        poll(NULL, 0, 5);
    }
    kick();
    return true;
}

static bool send_request(struct domm_request *request)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    request->id = ++last_id;
    domm_request_encode(request, bytes);
    return transmit(bytes);
}

/* Events come in between. */
static struct domm_reply ask(struct domm_request *request)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_reply reply;
    struct domm_error error;
    if (!send_request(request))
        errx(1, "dommd has ended the channel for a well-formed request");
    for (int waited = 0; waited < WAIT_MS;) {
        if (!domm_ring_receive(&channel.ring, bytes)) {
            poll(NULL, 0, 1);
            waited++;
            continue;
        }
        check(domm_reply_decode(bytes, &reply, &error), &error);
        if (reply.type == DOMM_REPLY && reply.id == request->id)
            return reply;
    }
    errx(1, "no reply");
}

static void greet(void)
{
    if (ask(&(struct domm_request){.type = DOMM_REQUEST_HELLO}).status != DOMM_STATUS_OK)
        errx(1, "dommd does not greet");
}

/* A region as libdomm-guest makes one (lib/vmi/target_memory.c), known to dommd. */
static void have_region(void)
{
    int privcmd = open("/dev/xen/privcmd", O_RDONLY);
    unsigned char *space =
        mmap(NULL, 2 * REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (privcmd < 0 || space == MAP_FAILED)
        err(1, "making a region");
    region.base = (unsigned char *)(((uintptr_t)space + REGION - 1) & ~(uintptr_t)(REGION - 1));
    if (mmap(region.base, 4096, PROT_READ | PROT_WRITE,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED ||
        mmap(region.base + 4096, REGION - 4096, PROT_READ, MAP_FIXED | MAP_SHARED, privcmd, 0) ==
            MAP_FAILED ||
        getrandom(region.nonce, sizeof(region.nonce), 0) != sizeof(region.nonce))
        err(1, "making a region");
    memcpy(region.base, region.nonce, sizeof(region.nonce));
    struct domm_request request = {
        .type = DOMM_REQUEST_LOCATE, .va = (uintptr_t)region.base, .count = 1};
    memcpy(request.nonce, region.nonce, sizeof(request.nonce));
    if (ask(&request).status != DOMM_STATUS_OK)
        errx(1, "dommd does not find the region");
}

/* What no answer may give anything for. Few slots each: dommd makes who asks for many wait. */
static struct domm_request greed(int number)
{
    const uint64_t own = (uintptr_t)region.base, elsewhere = own + 64 * REGION;
    const uint32_t beyond = (uint32_t)number + 1;
    switch (number % 16) {
    case 0: /* frames beyond all memory, where they could go */
        return (struct domm_request){
            .type = DOMM_REQUEST_MAP, .va = own, .slot = 1, .count = 511, .gfn = UINT64_C(1) << 39};
    case 1: /* regions that are others', or nobody's */
        return (struct domm_request){.type = DOMM_REQUEST_LOCATE, .va = elsewhere, .count = 2};
    case 2: /* its own by another's nonce */
        return (struct domm_request){.type = DOMM_REQUEST_LOCATE, .va = own, .count = 1};
    case 3: /* what is no target of this monitor */
        return (struct domm_request){
            .type = DOMM_REQUEST_MAP, .target = beyond, .va = own, .slot = 1, .count = 1};
    case 4:
        return (struct domm_request){.type = DOMM_REQUEST_TARGET, .target = beyond};
    case 5:
        return (struct domm_request){
            .type = DOMM_REQUEST_UNMAP, .va = elsewhere, .slot = 1, .count = 1};
    case 6:
        return (struct domm_request){.type = DOMM_REQUEST_HELLO};
    default: /* the target's memory, in a table that it has not shown */
        return (struct domm_request){.type = DOMM_REQUEST_MAP,
                                     .va = elsewhere,
                                     .slot = 1,
                                     .count = 1,
                                     .gfn = (uint64_t)number};
    }
}

static void be_greedy(int count)
{
    be_connected();
    greet();
    have_region();
    for (; sent < count; sent++) {
        struct domm_request request = greed(sent);
        struct domm_reply reply = ask(&request);
        answered++;
        given += reply.count > 0 || (reply.status == DOMM_STATUS_OK && sent % 16);
    }
}

static void make_noise(int count)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    while (sent < count) {
        be_connected();
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)rand();
        if (rand() % 2)
            domm_request_encode(&(struct domm_request){.type = (unsigned)rand() % 8,
                                                       .id = (uint64_t)rand(),
                                                       .va = (uint64_t)rand() << 24,
                                                       .slot = (uint32_t)rand() % 1024,
                                                       .count = (uint32_t)rand() % 1024,
                                                       .gfn = (uint64_t)rand()},
                                bytes);
        sent += transmit(bytes);
    }
}

static void break_rings(int count)
{
    for (; sent < count; sent++) {
        be_connected();
        __atomic_store_n(&channel.page->requests_in, (uint32_t)rand() | 0x100, __ATOMIC_RELEASE);
        __atomic_store_n(&channel.page->replies_out, (uint32_t)rand() | 0x100, __ATOMIC_RELEASE);
        channel.page->dom0_sleeps = 1;
        kick();
        while (domm_ring_other(&channel.ring) == DOMM_RING_HERE)
            poll(NULL, 0, 5);
    }
}

static void flood(int count)
{
    while (sent < count) {
        be_connected();
        sent += send_request(&(struct domm_request){
            .type = DOMM_REQUEST_MAP, .va = 64 * REGION, .slot = 1, .count = 511});
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int count);
    } ways[] = {
        {"noise", make_noise}, {"ring", break_rings}, {"flood", flood}, {"greedy", be_greedy}};
    struct domm_error error;
    check(domm_store_open(&channel.store, &error), &error);
    channel.shared = xengntshr_open(NULL, 0);
    if (!channel.shared)
        err(1, "/dev/xen/gntalloc");
    offer();
    for (size_t i = 0; argc == 3 && i < sizeof(ways) / sizeof(*ways); i++) {
        if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].run(atoi(argv[2]));
    }
    withdraw();
    printf("sent %d, %d answered, %d of them gave something, %d channels were ended\n", sent,
           answered, given, ended);
    return sent ? 0 : 2;
}
