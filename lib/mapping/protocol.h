/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages between a process in the monitor and dommd in dom0 over a channel
 * (lib/xen/channel.h).
 *
 * The monitor sends requests of 64 bytes. dommd answers each with one reply of 128 bytes, in order,
 * and sends events in between, which look like replies with id 0. Integers are little-endian; all
 * bytes have a meaning or are zero. A monitor never names a domain: it names a target by its index
 * in the list from dommd, which is the list of the monitor's own record.
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
#define DOMM_REGIONS_AT_ONCE 64   /* regions in one LOCATE */
#define DOMM_TARGET_NAME_BYTES 64 /* with the terminator */

/* Below the monitor's home in xenstore; one directory for each channel. */
#define DOMM_CHANNELS_NODE "domm/channel"

enum domm_request_type {
    DOMM_REQUEST_HELLO = 1,  /* first on each channel: count; reply: count of targets */
    DOMM_REQUEST_TARGET = 2, /* target; reply: uuid, name, frames, attached */
    DOMM_REQUEST_LOCATE = 3, /* va, count, nonce: claims these regions; reply: count found */
    DOMM_REQUEST_MAP = 4,    /* va, slot, count, target, gfn; reply: count mapped, valid */
    DOMM_REQUEST_UNMAP = 5,  /* va, slot, count */
    DOMM_REQUEST_BEYOND = 6, /* as MAP; gfn: index among the pages beyond the target's frames */
};

/* The count of a HELLO, from a process that takes the events REGION and PAGES. Others have 0, and
 * learn of a change when they read what is no longer there. */
#define DOMM_FOLLOWS 1

struct domm_request {
    enum domm_request_type type;
    uint64_t id; /* not 0; comes back in the reply */
    uint32_t target;
    uint32_t slot;
    uint32_t count;
    uint64_t va; /* address of a region: a multiple of 2 MiB */
    uint64_t gfn;
    unsigned char nonce[DOMM_NONCE_LENGTH];
};

enum domm_reply_type {
    DOMM_REPLY = 0x80,         /* to a request */
    DOMM_EVENT_CHANGED = 0x81, /* the list of targets has changed: ask again */
    /* The target has changed what a region maps: frames, its address; valid, as MAP says it. What
     * is not valid is not there any more; what is may be another page than before. */
    DOMM_EVENT_REGION = 0x82,
    /* The target's pages have become more or fewer: uuid; count, the pages that it owns by Xen's
     * count; frames, how many indices there are for BEYOND. */
    DOMM_EVENT_PAGES = 0x83,
};

enum domm_reply_status {
    DOMM_STATUS_OK = 0,
    DOMM_STATUS_NO_TARGET = 1, /* no target at that index, or it does not run */
    DOMM_STATUS_NO_REGION = 2, /* not found, not located before, or no longer there */
    DOMM_STATUS_LIMIT = 3,     /* more regions than one monitor may have */
    DOMM_STATUS_FAILED = 4,    /* dommd failed, and has logged the reason */
    DOMM_STATUS_ORDER = 5,     /* no HELLO yet, or a second one */
    DOMM_STATUSES
};

struct domm_reply {
    enum domm_reply_type type;
    uint64_t id; /* 0 in an event */
    enum domm_reply_status status;
    uint32_t count;
    uint64_t generation; /* grows with every change of the targets */
    uint64_t frames;     /* TARGET, REGION, PAGES */
    struct domm_uuid uuid;
    bool attached; /* TARGET: the target runs, and may be mapped */
    /* TARGET: its name; MAP, BEYOND, REGION: bit n of the 512 tells that slot n is mapped. */
    union {
        char name[DOMM_TARGET_NAME_BYTES];
        unsigned char valid[DOMM_PTES / 8];
    };
};

/* Encodes a request, whose values must be in range. */
void domm_request_encode(const struct domm_request *request,
                         unsigned char bytes_r[DOMM_REQUEST_BYTES]);

/* DOMM_REFUSED, with the reason, unless the bytes are a valid request: its addresses are then
 * canonical and aligned, and its slots lie within one region. */
int domm_request_decode(const unsigned char bytes[DOMM_REQUEST_BYTES],
                        struct domm_request *request_r, struct domm_error *err);

/* Encodes a reply or an event. */
void domm_reply_encode(const struct domm_reply *reply, unsigned char bytes_r[DOMM_REPLY_BYTES]);
/* DOMM_REFUSED, with the reason, unless the bytes are a valid reply or event. */
int domm_reply_decode(const unsigned char bytes[DOMM_REPLY_BYTES], struct domm_reply *reply_r,
                      struct domm_error *err);

#endif
