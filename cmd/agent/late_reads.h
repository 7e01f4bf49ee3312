/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads of the agent's files that are answered later: just after a migration, a page may not have
 * been mapped anew yet; and what is known of a target's kernel may still be searched for. */
#ifndef DOMM_AGENT_LATE_READS_H
#define DOMM_AGENT_LATE_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fuse_req;

struct late_read {
    struct fuse_req *request;
    uint64_t inode;
    size_t size;
    off_t offset;
};

#define LATE_READS 16

struct late_reads {
    int64_t until_ms; /* of domm_now_ms: reads may be put off before this time; 0: none may */
    struct late_read all[LATE_READS];
    size_t count;
};

/* False if it is too late for that, or there is no room. A signal to the reader ends its wait, with
 * EINTR. */
bool late_reads_add(struct late_reads *late, const struct late_read *read);

/* Takes all of them, each of which the caller must answer; returns how many. */
size_t late_reads_take(struct late_reads *late, struct late_read taken_r[LATE_READS]);

/* Answers all of them with EIO, and puts no more off. */
void late_reads_refuse(struct late_reads *late);

#endif
