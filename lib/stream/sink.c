/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/sink.h"

#include <errno.h>
#include <limits.h>

#include "lib/xen/hv.h"

static size_t sink_advance(struct iovec *parts, size_t count, size_t written)
{
    size_t done = 0;
    while (done < count && written >= parts[done].iov_len)
        written -= parts[done++].iov_len;
    if (done < count) {
        parts[done].iov_base = (char *)parts[done].iov_base + written;
        parts[done].iov_len -= written;
    }
    return done;
}

int domm_sink_writev(struct domm_sink *sink, struct iovec *parts, size_t count,
                     struct domm_error *err)
{
    while (count) {
        ssize_t written = writev(sink->fd, parts, count < IOV_MAX ? (int)count : IOV_MAX);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return domm_fail_errno(err, DOMM_FAILED, errno, "writing to the destination");
        sink->bytes += (uint64_t)written;
        size_t done = sink_advance(parts, count, (size_t)written);
        parts += done;
        count -= done;
    }
    return 0;
}

int domm_sink_write(struct domm_sink *sink, const void *bytes, size_t size, struct domm_error *err)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    return domm_sink_writev(sink, &part, 1, err);
}

int domm_page_batch_write(struct domm_page_batch *batch, struct domm_sink *sink,
                          struct domm_error *err)
{
    struct iovec parts[3 + DOMM_LIBXC_BATCH];
    struct domm_libxc_pages pages = {.count = (uint32_t)batch->n_entries};
    size_t entry_bytes = batch->n_entries * sizeof(batch->entries[0]);
    struct domm_libxc_head head = {
        .type = DOMM_LIBXC_PAGE_DATA,
        .length = (uint32_t)(sizeof(pages) + entry_bytes + batch->n_pages * DOMM_PAGE_SIZE),
    };
    if (!batch->n_entries)
        return 0;
    parts[0] = (struct iovec){.iov_base = &head, .iov_len = sizeof(head)};
    parts[1] = (struct iovec){.iov_base = &pages, .iov_len = sizeof(pages)};
    parts[2] = (struct iovec){.iov_base = batch->entries, .iov_len = entry_bytes};
    for (size_t i = 0; i < batch->n_pages; i++)
        parts[3 + i] = (struct iovec){.iov_base = (void *)(uintptr_t)batch->pages[i],
                                      .iov_len = DOMM_PAGE_SIZE};
    int rc = domm_sink_writev(sink, parts, 3 + batch->n_pages, err);
    batch->n_entries = batch->n_pages = 0;
    return rc;
}
