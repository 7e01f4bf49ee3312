/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where guests' streams arrive (data.h), from within. */
#ifndef DOMM_MOVE_DOOR_H
#define DOMM_MOVE_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/move/data.h"
#include "lib/move/greeting.h"
#include "lib/pair/record.h"

#define DOMM_DOOR_GUESTS (1 + DOMM_RECORD_MAX_TARGETS)
#define DOMM_DOOR_ARRIVALS 16 /* who has not said who it is yet; others wait outside */
#define DOMM_DOOR_PATIENCE_MS 5000

/* Somebody who has come. */
struct domm_arrival {
    int fd; /* readable when it has something to say; -1: nobody */
    int64_t deadline_ms;
    char from[64];      /* for people */
    unsigned int guest; /* once it has said it */
    int brought;        /* ssh: the stream, or -1 */
    pid_t relay;        /* tls, or 0 */
    size_t have;        /* bytes of the answer */
    struct domm_challenge challenge;
    struct domm_answer answer;
};

/* What a stream that was taken depends on. */
struct domm_taken {
    bool taken;
    int fd;      /* ssh: whoever delivered waits until it is closed; or -1 */
    pid_t relay; /* or 0 */
};

struct domm_door {
    const struct domm_door_kind *kind;
    int listener, epoll;
    bool is_open; /* the listener is waited for */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    unsigned char key[DOMM_DATA_KEY_BYTES];
    unsigned int turn; /* who is attended to next */
    struct domm_arrival arrivals[DOMM_DOOR_ARRIVALS];
    struct domm_taken guests[DOMM_DOOR_GUESTS];
};

/* How it works for each enum domm_data. None of it waits. */
struct domm_door_kind {
    int (*listen)(struct domm_door *door, const struct domm_uuid *migration,
                  struct domm_wire_streams *streams_r, struct domm_error *err);
    /* Begins with a connection, which stays the caller's if it fails. */
    int (*begin)(struct domm_door *door, int connection, struct domm_arrival *arrival,
                 struct domm_error *err);
    /* Whether it has said and proved who it is. Fails if it has not, and never will. */
    int (*hear)(struct domm_door *door, struct domm_arrival *arrival, bool *known_r,
                struct domm_error *err);
    /* Its stream. What is left in the arrival is needed as long as that. */
    int (*admit)(struct domm_arrival *arrival, int *stream_r, struct domm_error *err);
};

extern const struct domm_door_kind domm_door_ssh, domm_door_tcp, domm_door_tls;

/* For those by TCP. */
int domm_door_listen_tcp(struct domm_door *door, const struct domm_uuid *migration,
                         struct domm_wire_streams *streams_r, struct domm_error *err);

/* More bytes of something of this size; true when it is whole. */
int domm_door_collect(struct domm_arrival *arrival, void *into, size_t size, bool *whole_r,
                      struct domm_error *err);

#endif
