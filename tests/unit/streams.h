/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A destination for the tests of guests' streams: a thread that takes what arrives, as the loop of
 * `domm receive` does. Nothing in it asserts. */
#ifndef DOMM_TESTS_STREAMS_H
#define DOMM_TESTS_STREAMS_H

#include <pthread.h>
#include <semaphore.h>

#include "lib/migrate/transport/acceptor.h"

struct destination {
    struct domm_acceptor *acceptor;
    struct domm_message_streams streams;
    pthread_t thread;
    sem_t serves; /* posted once the thread has begun */
    int stop[2];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    int fds[DOMM_ACCEPTOR_GUESTS]; /* -1: has not come */
    unsigned int refusals;
    struct domm_error err; /* the last */
};

extern const struct domm_uuid migration;

void destination_open(struct destination *destination_r, enum domm_data data);
void destination_close(struct destination *destination);

/* The stream of a guest, which has to come within seconds. */
int destination_await(struct destination *destination, unsigned int guest);

/* The reasons of rejected connections: the first, second, … */
struct domm_error destination_refusal(struct destination *destination, unsigned int which);

/* This process' open descriptors. */
unsigned int count_fds(void);

/* Writes so many bytes to one end while it reads them from the other, and compares. */
void pass(int to, int from, size_t size);

/* Reads until the end or an error; 0 or errno. */
int read_to_end(int fd);

#endif
