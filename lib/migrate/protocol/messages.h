/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control protocol between the two ends of a migration, as bytes in buffers; domm-protocol(7)
 * describes frames, messages and their order.
 *
 * Everything that arrives is hostile until decoded: a decoded message is within the bounds given
 * here, each of its bytes has a meaning, and its texts are printable. Any other message ends the
 * link.
 */
#ifndef DOMM_MIGRATE_PROTOCOL_MESSAGES_H
#define DOMM_MIGRATE_PROTOCOL_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/migrate/fsm/machine.h"
#include "lib/migrate/fsm/message.h"
#include "lib/pair/record.h"

#define DOMM_WIRE_VERSION 1       /* version of the framing and HELLO, which never changes */
#define DOMM_MIGRATION_PROTOCOL 2 /* the highest supported version; 2: streams are coded */
#define DOMM_MIGRATION_PROTOCOL_LOWEST 2
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
#define DOMM_WIRE_CPU_BYTES 16
#define DOMM_WIRE_ERROR_BYTES 1024

struct domm_message_hello {
    uint16_t lowest, highest; /* versions of the protocol */
    char program[DOMM_WIRE_PROGRAM_BYTES], xen[DOMM_WIRE_PROGRAM_BYTES]; /* for the log */
    char
        boot[DOMM_UUID_TEXT]; /* the ID of the host's boot, which no other host has; may be empty */
    char cpu[DOMM_WIRE_CPU_BYTES]; /* the CPUs' vendor, as the CPUID instruction gives it; or empty
                                    */
};

/* How guests' streams travel. */
enum domm_data {
    DOMM_DATA_SSH, /* each by a connection of ssh of its own */
    DOMM_DATA_TLS, /* TCP, under TLS with a key sent over the control link */
    DOMM_DATA_TCP, /* TCP in clear text */
    DOMM_DATA_KINDS,
};

#define DOMM_DATA_KEY_BYTES 32

struct domm_message_offer {
    struct domm_uuid migration; /* names the migration in both journals */
    uint32_t n_targets;
    enum domm_on_not_ready on_not_ready;
    uint32_t ready_timeout_ms;
    enum domm_data data;
    bool unsynchronised; /* for tests: targets and monitor are not synchronised */
};

struct domm_message_streams {
    uint16_t port;                          /* 0 for ssh */
    unsigned char key[DOMM_DATA_KEY_BYTES]; /* proved by the source for each stream */
};

enum domm_guest_kind {
    DOMM_GUEST_KIND_PV,
    DOMM_GUEST_KIND_PVH,
    DOMM_GUEST_KIND_HVM,
    DOMM_GUEST_KINDS
};

#define DOMM_WIRE_FEATURES 32 /* words of CPU features, as Xen counts them */

struct domm_message_guest {
    uint32_t guest;
    enum domm_guest_kind kind;
    bool paused; /* leave it paused at the destination */
    struct domm_uuid uuid;
    uint64_t memory_kib;
    uint32_t vcpus, config_bytes;
    uint32_t n_features;
    uint32_t
        features[DOMM_WIRE_FEATURES]; /* CPU features that guests of its kind have on the source */
    char name[DOMM_WIRE_NAME_BYTES];
};

/* A piece of a guest's configuration, or of the mapping state. */
struct domm_message_chunk {
    uint32_t guest;  /* 0 for the mapping state */
    uint32_t offset; /* pieces come in order, without a gap */
    uint32_t size;
    const unsigned char *bytes; /* decoded: into the frame's buffer */
};

struct domm_message_state_end {
    uint32_t size; /* of the mapping state; 0: nothing was mapped */
    unsigned char digest[DOMM_WIRE_DIGEST_BYTES];
};

/* Measurements of the destination. Times in ns since PREPARE was received; 0: never. */
struct domm_message_figures {
    uint32_t guest;
    uint64_t restored, resumed;
    uint64_t ready;                             /* the monitor; 0: it was not ready */
    uint64_t ptes;                              /* the monitor: entries written back */
    uint64_t unmonitored_cpu, unmonitored_wall; /* target: ns */
};

enum domm_migration_outcome {
    DOMM_MIGRATION_MOVED,
    DOMM_MIGRATION_HELD,
    DOMM_MIGRATION_IMPAIRED,
    DOMM_MIGRATION_OUTCOMES,
};

struct domm_message_finished {
    enum domm_migration_outcome outcome;
    bool unmonitored, restarted; /* as in struct domm_machine */
};

struct domm_message_error {
    enum domm_code code;
    char text[DOMM_WIRE_ERROR_BYTES];
};

/* A message of a type without a member has no payload. */
struct domm_message {
    enum domm_message_type type;
    union {
        struct domm_message_hello hello;
        struct domm_message_offer offer;
        struct domm_message_guest guest;
        struct domm_message_streams streams;
        struct domm_message_chunk chunk;         /* CONFIG, RECORD, STATE */
        struct domm_message_state_end state_end; /* STATE_END */
        struct domm_message_figures figures;
        struct domm_message_finished finished;
        struct domm_message_error error;
        uint64_t heartbeat; /* number of the heartbeat */
    };
};

/* *size_r is the frame's length, at most DOMM_WIRE_MAX_FRAME. DOMM_FAILED if a text has no
 * terminator or a value is out of bounds: a bug of this program. */
int domm_message_encode(const struct domm_message *message,
                        unsigned char bytes_r[DOMM_WIRE_MAX_FRAME], size_t *size_r,
                        struct domm_error *err);

/* Reads the length of a whole frame from its header. DOMM_REFUSED if it is no header. */
int domm_message_frame_size(const unsigned char header[DOMM_WIRE_HEADER_BYTES], size_t *size_r,
                            struct domm_error *err);

/* Decodes one whole frame. Fails with DOMM_REFUSED, *message_r is then undefined. */
int domm_message_decode(const unsigned char *bytes, size_t size, struct domm_message *message_r,
                        struct domm_error *err);

/* Finds the highest version that both ends support. DOMM_PREFLIGHT, with both programs' names, if
 * there is none. */
int domm_message_agree(const struct domm_message_hello *ours,
                       const struct domm_message_hello *theirs, uint16_t *version_r,
                       struct domm_error *err);

/* Whether this end may send the message. HELLO, HEARTBEAT and ERROR come from both. */
bool domm_message_may_send(bool source, enum domm_message_type type);

#endif
