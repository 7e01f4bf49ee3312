/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control protocol between the two ends of a migration, as bytes in buffers.
 *
 * A frame is a header of 12 bytes,
 *
 *     magic "DOMC", u16 version of the framing, u16 type, u32 length of what follows
 *
 * and as many bytes of payload. Integers are big-endian; a text is a u16 length and its bytes. The
 * link keeps the order. GUEST and CONFIG messages of all guests and RECORD come before OFFER,
 * STREAMS before ACCEPT, STATE and STATE_END before GO, FIGURES before FINISHED, and ERROR before
 * the ABORT or GONE it explains.
 *
 * Everything that arrives is hostile until decoded: what passes is within the bounds given here,
 * each byte of it has a meaning, and its texts are printable. What does not pass ends the link.
 */
#ifndef DOMM_MOVE_WIRE_H
#define DOMM_MOVE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/move/machine.h"
#include "lib/move/message.h"
#include "lib/pair/record.h"

#define DOMM_WIRE_VERSION 1  /* of the framing and HELLO; these never change otherwise */
#define DOMM_MOVE_PROTOCOL 1 /* the highest version of all other messages this program speaks */
#define DOMM_MOVE_PROTOCOL_LOWEST 1
#define DOMM_WIRE_HEADER_BYTES 12
#define DOMM_WIRE_MAX_PAYLOAD 65536
#define DOMM_WIRE_MAX_FRAME (DOMM_WIRE_HEADER_BYTES + DOMM_WIRE_MAX_PAYLOAD)
#define DOMM_WIRE_MAX_CHUNK 65000
#define DOMM_WIRE_MAX_CONFIG (UINT32_C(1) << 20) /* bytes of one guest's configuration */
#define DOMM_WIRE_MAX_STATE (UINT32_C(1) << 28)  /* bytes of the mapping state */
#define DOMM_WIRE_DIGEST_BYTES 32                /* SHA-256 */
/* With the terminator. A domain's name leaves room for "--migratedaway". */
#define DOMM_WIRE_NAME_BYTES 64
#define DOMM_WIRE_PROGRAM_BYTES 64
#define DOMM_WIRE_ERROR_BYTES 1024

struct domm_wire_hello {
    uint16_t lowest, highest; /* versions of the protocol */
    char program[DOMM_WIRE_PROGRAM_BYTES], xen[DOMM_WIRE_PROGRAM_BYTES]; /* for people */
};

/* How guests' streams travel. */
enum domm_data {
    DOMM_DATA_SSH, /* each by a connection of ssh of its own */
    DOMM_DATA_TLS, /* TCP, under TLS with a key that the control link has carried */
    DOMM_DATA_TCP, /* TCP, readable by everybody on the way */
    DOMM_DATA_KINDS,
};

#define DOMM_DATA_KEY_BYTES 32

struct domm_wire_offer {
    struct domm_uuid migration; /* names it in both journals */
    uint32_t n_targets;
    enum domm_on_not_ready on_not_ready;
    uint32_t ready_timeout_ms;
    enum domm_data data;
    bool unsynchronised; /* for tests: the targets do not wait for domM */
};

struct domm_wire_streams {
    uint16_t port;                          /* 0 for ssh */
    unsigned char key[DOMM_DATA_KEY_BYTES]; /* who connects proves that it knows it */
};

enum domm_wire_kind { DOMM_WIRE_PV, DOMM_WIRE_PVH, DOMM_WIRE_HVM, DOMM_WIRE_KINDS };

#define DOMM_WIRE_FEATURES 32 /* words of CPU features, as Xen counts them */

struct domm_wire_guest {
    uint32_t guest;
    enum domm_wire_kind kind;
    bool paused; /* leave it so at the destination */
    struct domm_uuid uuid;
    uint64_t memory_kib;
    uint32_t vcpus, config_bytes;
    uint32_t n_features;
    uint32_t features[DOMM_WIRE_FEATURES]; /* of the CPU, that guests of its kind are given here */
    char name[DOMM_WIRE_NAME_BYTES];
};

/* A piece of a guest's configuration, or of the mapping state. */
struct domm_wire_chunk {
    uint32_t guest;  /* 0 for the mapping state */
    uint32_t offset; /* pieces come in order, without a gap */
    uint32_t size;
    const unsigned char *bytes; /* decoded: into the frame's buffer */
};

struct domm_wire_end {
    uint32_t size; /* of the mapping state; 0: nothing was mapped */
    unsigned char digest[DOMM_WIRE_DIGEST_BYTES];
};

/* What only the destination can measure. Times in ns since GO was received; 0: not so far. */
struct domm_wire_figures {
    uint32_t guest;
    uint64_t restored, resumed;
    uint64_t ready;                             /* domM; 0 if it was not */
    uint64_t ptes;                              /* domM: entries written back */
    uint64_t unmonitored_cpu, unmonitored_wall; /* target: ns */
};

enum domm_wire_outcome {
    DOMM_WIRE_MOVED,
    DOMM_WIRE_HELD,
    DOMM_WIRE_IMPAIRED,
    DOMM_WIRE_OUTCOMES,
};

struct domm_wire_finished {
    enum domm_wire_outcome outcome;
    bool unmonitored, restarted; /* as in struct domm_machine */
};

struct domm_wire_error {
    enum domm_code code;
    char text[DOMM_WIRE_ERROR_BYTES];
};

/* A message of a type without a member has no payload. */
struct domm_wire {
    enum domm_message type;
    union {
        struct domm_wire_hello hello;
        struct domm_wire_offer offer;
        struct domm_wire_guest guest;
        struct domm_wire_streams streams;
        struct domm_wire_chunk chunk; /* CONFIG, RECORD, STATE */
        struct domm_wire_end end;     /* STATE_END */
        struct domm_wire_figures figures;
        struct domm_wire_finished finished;
        struct domm_wire_error error;
        uint64_t heartbeat; /* counts them */
    };
};

/* *size_r is the frame's length, at most DOMM_WIRE_MAX_FRAME. Texts without a terminator and
 * values out of bounds are a mistake of this program: DOMM_FAILED. */
int domm_wire_encode(const struct domm_wire *message, unsigned char bytes_r[DOMM_WIRE_MAX_FRAME],
                     size_t *size_r, struct domm_error *err);

/* From a header, how long its frame is as a whole. DOMM_REFUSED if it is none. */
int domm_wire_frame_size(const unsigned char header[DOMM_WIRE_HEADER_BYTES], size_t *size_r,
                         struct domm_error *err);

/* Decodes one whole frame. Fails with DOMM_REFUSED, *message_r is then undefined. */
int domm_wire_decode(const unsigned char *bytes, size_t size, struct domm_wire *message_r,
                     struct domm_error *err);

/* The highest version both speak. DOMM_PREFLIGHT, with both programs' names, if there is none. */
int domm_wire_agree(const struct domm_wire_hello *ours, const struct domm_wire_hello *theirs,
                    uint16_t *version_r, struct domm_error *err);

/* Whether only the source, or only the destination, sends this. HELLO, HEARTBEAT and ERROR come
 * from both. */
bool domm_wire_may_send(bool source, enum domm_message type);

#endif
