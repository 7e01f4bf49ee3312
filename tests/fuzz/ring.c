/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dom0's and the monitor's side of a ring whose other side writes anything anywhere. */
#include "tests/fuzz/fuzz.h"

#include "lib/xen/ring.h"

union page {
    struct domm_ring_page ring;
    unsigned char bytes[4096];
};

static void act(struct domm_ring *ring, unsigned int action)
{
    unsigned char message[DOMM_RING_REPLY] = {0};
    bool was_broken = ring->broken;
    switch (action) {
    case 0:
        MUST(!domm_ring_receive(ring, message) || !was_broken);
        break;
    case 1:
        MUST(!domm_ring_send(ring, message) || !was_broken);
        break;
    case 2:
        if (ring->dom0)
            domm_ring_sleep(ring);
        break;
    case 3:
        if (ring->dom0)
            domm_ring_wake(ring);
        else
            domm_ring_must_wake(ring);
        break;
    default:
        MUST(domm_ring_other(ring) <= DOMM_RING_AWAITED);
        break;
    }
    MUST(!was_broken || ring->broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    union page *page = calloc(1, sizeof(*page));
    struct domm_ring ours;
    MUST(page);
    domm_ring_offer(&ours, &page->ring);
    if (fuzz_below(&input, 1, 2))
        domm_ring_join(&ours, &page->ring);
    while (input.size) {
        unsigned int action = (unsigned int)fuzz_below(&input, 1, 8);
        if (action < 5) {
            act(&ours, action);
        } else {
            /* Mostly the counters, which are at the beginning. */
            size_t at = fuzz_below(&input, action == 7 ? 2 : 1, sizeof(*page) - 4);
            uint32_t value = (uint32_t)fuzz_number(&input, 4);
            memcpy(page->bytes + at % (action == 7 ? sizeof(*page) : 80), &value, sizeof(value));
        }
    }
    free(page);
    return 0;
}
