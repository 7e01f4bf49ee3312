/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of a monitor and replies of dommd. All bytes have a meaning or are zero, so what was
 * decoded is encoded alike. */
#include "tests/fuzz/fuzz.h"

#include "lib/mapping/protocol.h"

static void request(const unsigned char *bytes)
{
    struct domm_request request;
    struct domm_error err;
    unsigned char again[DOMM_REQUEST_BYTES];
    if (domm_request_decode(bytes, &request, &err))
        return;
    bool slots = request.type >= DOMM_REQUEST_MAP;
    MUST(request.id != 0 && request.type <= DOMM_REQUEST_BEYOND);
    MUST(!slots ||
         (request.slot && request.slot < DOMM_PTES && request.count <= DOMM_PTES - request.slot));
    domm_request_encode(&request, again);
    MUST(memcmp(again, bytes, sizeof(again)) == 0);
}

static void reply(const unsigned char *bytes)
{
    struct domm_reply reply;
    struct domm_error err;
    unsigned char again[DOMM_REPLY_BYTES];
    if (domm_reply_decode(bytes, &reply, &err))
        return;
    domm_reply_encode(&reply, again);
    MUST(memcmp(again, bytes, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char bytes[DOMM_REPLY_BYTES] = {0};
    struct fuzz_input input = {data, size};
    bool is_request = fuzz_below(&input, 1, 2);
    if (input.size)
        memcpy(bytes, input.data, input.size < sizeof(bytes) ? input.size : sizeof(bytes));
    if (is_request)
        request(bytes);
    else
        reply(bytes);
    return 0;
}
