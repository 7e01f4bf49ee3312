/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptor that a stream is written to. */
#ifndef DOMM_STREAM_SINK_H
#define DOMM_STREAM_SINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/base/error.h"
#include "lib/stream/stream.h"

struct domm_sink {
    int fd;         /* borrowed */
    uint64_t bytes; /* bytes written */
};

/* Writes all parts, and modifies the array. SIGPIPE must be ignored. */
int domm_sink_writev(struct domm_sink *sink, struct iovec *parts, size_t count,
                     struct domm_error *err);
int domm_sink_write(struct domm_sink *sink, const void *bytes, size_t size, struct domm_error *err);

/* A PAGE_DATA record under construction. */
struct domm_page_batch {
    size_t n_entries, n_pages;
    uint64_t entries[DOMM_LIBXC_BATCH];
    const unsigned char *pages[DOMM_LIBXC_BATCH]; /* borrowed */
};

/* Writes the record, if it has an entry, and empties the batch. */
int domm_page_batch_write(struct domm_page_batch *batch, struct domm_sink *sink,
                          struct domm_error *err);

#endif
