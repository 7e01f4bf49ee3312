/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process in domM and dommd in dom0 say to each other over a channel (lib/xen/channel.h).
 *
 * domM sends requests of 64 bytes, dommd answers each with one reply of 128 bytes, in order, and
 * sends events, which look like replies with id 0, in between. Integers are little-endian, all
 * bytes have a meaning or are zero. A domM never names a domain: it names a target by its place in
 * the list dommd gave it, which is that of its own record.
 *
 * Both directions are decoded as hostile input. An undecodable request ends the channel.
 */
#ifndef DOMM_MAPPING_PROTOCOL_H
#define DOMM_MAPPING_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/mapping/pte.h"

#define DOMM_PROTOCOL_VERSION 1
#define DOMM_REQUEST_BYTES 64
#define DOMM_REPLY_BYTES 128
#define DOMM_NONCE_LENGTH 16
#define DOMM_REGIONS_AT_ONCE 64  /* in one LOCATE */
#define DOMM_TARGET_NAME_BYTES 64 /* with the terminator */

/* Below this domM's home in xenstore; one directory per channel in it. */
#define DOMM_CHANNELS_NODE "domm/channel"

enum domm_request_type {
    DOMM_REQUEST_HELLO = 1,  /* first on each channel; reply: count of targets */
    DOMM_REQUEST_TARGET = 2, /* target; reply: uuid, name, frames, attached */
    DOMM_REQUEST_LOCATE = 3, /* va, count, nonce: these regions are mine; reply: count found */
    DOMM_REQUEST_MAP = 4,    /* va, slot, count, target, gfn; reply: count mapped, valid */
    DOMM_REQUEST_UNMAP = 5,  /* va, slot, count */
};

struct domm_request {
    enum domm_request_type type;
    uint64_t id; /* not 0; comes back in the reply */
    uint32_t target;
    uint32_t slot;
    uint32_t count;
    uint64_t va; /* of a region: a multiple of 2 MiB */
    uint64_t gfn;
    unsigned char nonce[DOMM_NONCE_LENGTH];
};

enum domm_reply_type {
    DOMM_REPLY = 0x80,         /* to a request */
    DOMM_EVENT_CHANGED = 0x81, /* targets came or went: ask again */
};

enum domm_reply_status {
    DOMM_STATUS_OK = 0,
    DOMM_STATUS_NO_TARGET = 1,  /* there is none in that place, or it does not run */
    DOMM_STATUS_NO_REGION = 2,  /* not found, not located before, or no longer there */
    DOMM_STATUS_LIMIT = 3,      /* more regions than one domM may have */
    DOMM_STATUS_FAILED = 4,     /* dom0 could not; it has logged why */
    DOMM_STATUS_ORDER = 5,      /* no HELLO yet, or a second one */
    DOMM_STATUSES
};

struct domm_reply {
    enum domm_reply_type type;
    uint64_t id; /* 0 in an event */
    enum domm_reply_status status;
    uint32_t count;
    uint64_t generation; /* grows with every change of the targets */
    uint64_t frames;     /* TARGET */
    struct domm_uuid uuid;
    bool attached; /* TARGET: it runs, and may be mapped */
    /* TARGET: its name; MAP: bit n of the 512 tells that slot n is mapped. */
    union {
        char name[DOMM_TARGET_NAME_BYTES];
        unsigned char valid[DOMM_PTES / 8];
    };
};

void domm_request_encode(const struct domm_request *request, unsigned char bytes_r[DOMM_REQUEST_BYTES]);

/* DOMM_REFUSED, and why, if the bytes are no request that makes sense: what passes has its
 * addresses canonical and aligned, and its slots within one region. */
int domm_request_decode(const unsigned char bytes[DOMM_REQUEST_BYTES],
                        struct domm_request *request_r, struct domm_error *err);

void domm_reply_encode(const struct domm_reply *reply, unsigned char bytes_r[DOMM_REPLY_BYTES]);
int domm_reply_decode(const unsigned char bytes[DOMM_REPLY_BYTES], struct domm_reply *reply_r,
                      struct domm_error *err);

#endif
