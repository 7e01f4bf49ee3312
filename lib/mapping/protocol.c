/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/protocol.h"

#include <endian.h>
#include <string.h>

#define MAGIC 0x4d4d4f44u /* "DOMM" */

/* Requests and replies begin with the same 24 bytes. No member is padded. */
struct wire_request {
    uint32_t magic;
    uint16_t version, type;
    uint64_t id;
    uint32_t target, slot, count, zero;
    uint64_t va, gfn;
    unsigned char nonce[DOMM_NONCE_LENGTH];
};

struct wire_reply {
    uint32_t magic;
    uint16_t version, type;
    uint64_t id;
    uint32_t status, count;
    uint64_t generation, frames;
    unsigned char uuid[16];
    uint32_t attached, zero;
    unsigned char rest[64];
};

_Static_assert(sizeof(struct wire_request) == DOMM_REQUEST_BYTES, "a request's size");
_Static_assert(sizeof(struct wire_reply) == DOMM_REPLY_BYTES, "a reply's size");

void domm_request_encode(const struct domm_request *request,
                         unsigned char bytes_r[DOMM_REQUEST_BYTES])
{
    struct wire_request wire = {
        .magic = htole32(MAGIC),
        .version = htole16(DOMM_PROTOCOL_VERSION),
        .type = htole16((uint16_t)request->type),
        .id = htole64(request->id),
        .target = htole32(request->target),
        .slot = htole32(request->slot),
        .count = htole32(request->count),
        .va = htole64(request->va),
        .gfn = htole64(request->gfn),
    };
    memcpy(wire.nonce, request->nonce, sizeof(wire.nonce));
    memcpy(bytes_r, &wire, sizeof(wire));
}

static int protocol_refuse(struct domm_error *err, const char *why)
{
    return domm_fail(err, DOMM_REFUSED, "%s", why);
}

static int check_frame(uint32_t magic, uint16_t version, uint32_t zero, struct domm_error *err)
{
    if (magic != htole32(MAGIC))
        return protocol_refuse(err, "not a message of domm");
    if (version != htole16(DOMM_PROTOCOL_VERSION))
        return domm_fail(err, DOMM_REFUSED, "unknown protocol version %u", le16toh(version));
    return zero ? protocol_refuse(err, "a byte that must be zero is not") : 0;
}

/* Checks `count` regions from va. */
static int check_regions(const struct domm_request *request, struct domm_error *err)
{
    if (request->va % DOMM_REGION_BYTES)
        return protocol_refuse(err, "the address is not a multiple of 2 MiB");
    uint64_t regions = request->type == DOMM_REQUEST_LOCATE ? request->count : 1;
    if (regions < 1 || regions > DOMM_REGIONS_AT_ONCE)
        return protocol_refuse(err, "the number of regions is out of bounds");
    if (!domm_va_is_user(request->va, regions * DOMM_REGION_BYTES))
        return protocol_refuse(err, "the address is not a process's");
    return 0;
}

/* Checks that the slots lie in one region, and that their gfns fit into entries. */
static int check_slots(const struct domm_request *request, struct domm_error *err)
{
    if (request->slot < 1 || request->slot > DOMM_REGION_SLOTS)
        return protocol_refuse(err, "the slot is out of bounds");
    if (request->count < 1 || request->count > DOMM_PTES - request->slot)
        return protocol_refuse(err, "the number of slots is out of bounds");
    if (request->gfn > (DOMM_PTE_FRAME_BITS >> 12) - request->count)
        return protocol_refuse(err, "the frame is out of bounds");
    return 0;
}

static int check_request(const struct domm_request *request, struct domm_error *err)
{
    if (request->id == 0)
        return protocol_refuse(err, "the id is 0");
    int rc;
    switch (request->type) {
    case DOMM_REQUEST_HELLO:
    case DOMM_REQUEST_TARGET:
        return 0;
    case DOMM_REQUEST_LOCATE:
        return check_regions(request, err);
    case DOMM_REQUEST_MAP:
    case DOMM_REQUEST_UNMAP:
    case DOMM_REQUEST_BEYOND:
        rc = check_regions(request, err);
        if (rc)
            return rc;
        return check_slots(request, err);
    }
    return domm_fail(err, DOMM_REFUSED, "unknown request type %u", (unsigned int)request->type);
}

int domm_request_decode(const unsigned char bytes[DOMM_REQUEST_BYTES],
                        struct domm_request *request_r, struct domm_error *err)
{
    struct wire_request wire;
    memcpy(&wire, bytes, sizeof(wire));
    int rc = check_frame(wire.magic, wire.version, wire.zero, err);
    if (rc)
        return rc;
    *request_r = (struct domm_request){
        .type = (enum domm_request_type)le16toh(wire.type),
        .id = le64toh(wire.id),
        .target = le32toh(wire.target),
        .slot = le32toh(wire.slot),
        .count = le32toh(wire.count),
        .va = le64toh(wire.va),
        .gfn = le64toh(wire.gfn),
    };
    memcpy(request_r->nonce, wire.nonce, sizeof(wire.nonce));
    return check_request(request_r, err);
}

void domm_reply_encode(const struct domm_reply *reply, unsigned char bytes_r[DOMM_REPLY_BYTES])
{
    struct wire_reply wire = {
        .magic = htole32(MAGIC),
        .version = htole16(DOMM_PROTOCOL_VERSION),
        .type = htole16((uint16_t)reply->type),
        .id = htole64(reply->id),
        .status = htole32((uint32_t)reply->status),
        .count = htole32(reply->count),
        .generation = htole64(reply->generation),
        .frames = htole64(reply->frames),
        .attached = htole32(reply->attached),
    };
    memcpy(wire.uuid, reply->uuid.bytes, sizeof(wire.uuid));
    memcpy(wire.rest, reply->valid, sizeof(wire.rest));
    memcpy(bytes_r, &wire, sizeof(wire));
}

int domm_reply_decode(const unsigned char bytes[DOMM_REPLY_BYTES], struct domm_reply *reply_r,
                      struct domm_error *err)
{
    struct wire_reply wire;
    memcpy(&wire, bytes, sizeof(wire));
    int rc = check_frame(wire.magic, wire.version, wire.zero, err);
    if (rc)
        return rc;
    uint16_t type = le16toh(wire.type);
    uint32_t status = le32toh(wire.status);
    if (type < DOMM_REPLY || type > DOMM_EVENT_PAGES)
        return domm_fail(err, DOMM_REFUSED, "unknown reply type %u", type);
    if ((type == DOMM_REPLY) != (wire.id != 0) || status >= DOMM_STATUSES ||
        le32toh(wire.attached) > 1)
        return protocol_refuse(err, "malformed reply");
    *reply_r = (struct domm_reply){
        .type = (enum domm_reply_type)type,
        .id = le64toh(wire.id),
        .status = (enum domm_reply_status)status,
        .count = le32toh(wire.count),
        .generation = le64toh(wire.generation),
        .frames = le64toh(wire.frames),
        .attached = le32toh(wire.attached),
    };
    memcpy(reply_r->uuid.bytes, wire.uuid, sizeof(wire.uuid));
    memcpy(reply_r->valid, wire.rest, sizeof(wire.rest));
    return 0;
}
