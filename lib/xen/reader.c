/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/reader.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mapping/pause_guard.h"
#include "lib/xen/hv_internal.h"

/* Frames mapped at once. */
#define CHUNK_FRAMES 256u

struct domm_reader {
    struct domm_hv *hv;
    uint32_t domid;
    uint64_t frames;
    bool translated;
    struct domm_layout layout; /* layout of a PV guest */
};

static int open_pv(struct domm_reader *reader, struct domm_error *err)
{
    int rc = domm_pause_guard_layout(reader->hv, reader->domid, &reader->layout, err);
    reader->frames = reader->layout.count;
    return rc;
}

static int open_translated(struct domm_reader *reader, struct domm_error *err)
{
    uint64_t missing;
    int rc = domm_hv_missing_pages(reader->hv, reader->domid, &missing, err);
    if (rc)
        return rc;
    if (missing)
        return domm_fail(err, DOMM_REFUSED,
                         "the memory of domain %u is populated on demand, and Xen lacks %llu pages "
                         "for it: to read it would end it",
                         reader->domid, (unsigned long long)missing);
    return domm_hv_frames(reader->hv, reader->domid, domm_hv_static_max(reader->domid),
                          &reader->frames, err);
}

int domm_reader_open(struct domm_hv *hv, uint32_t domid, struct domm_reader **reader_r,
                     struct domm_error *err)
{
    xc_domaininfo_t info;
    if (domid == 0)
        return domm_fail(err, DOMM_REFUSED, "dom0's own memory cannot be read");
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    struct domm_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return domm_no_memory(err);
    reader->hv = hv;
    reader->domid = domid;
    reader->translated = info.flags & XEN_DOMINF_hvm_guest;
    int rc = reader->translated ? open_translated(reader, err) : open_pv(reader, err);
    if (rc) {
        domm_reader_close(reader);
        return rc;
    }
    *reader_r = reader;
    return 0;
}

void domm_reader_close(struct domm_reader *reader)
{
    if (!reader)
        return;
    domm_hv_layout_free(reader->hv, &reader->layout);
    free(reader);
}

uint64_t domm_reader_frames(const struct domm_reader *reader)
{
    return reader->frames;
}

/* The frames in the numbers that Xen maps by. */
static void reader_translate(const struct domm_reader *reader, uint64_t gfn, size_t count,
                             uint64_t *frames_r)
{
    for (size_t i = 0; i < count; i++)
        frames_r[i] = reader->translated ? gfn + i : reader->layout.mfns[gfn + i];
}

/* `size` bytes from `offset` in the first frame on, which take `count` frames. */
static int read_chunk(const struct domm_reader *reader, uint64_t gfn, size_t count, size_t offset,
                      void *buffer, size_t size, uint64_t *there)
{
    uint64_t frames[CHUNK_FRAMES];
    int errors[CHUNK_FRAMES];
    bool holes = false;
    reader_translate(reader, gfn, count, frames);
    unsigned char *pages = domm_hv_map(reader->hv, reader->domid, frames, count, errors);
    int reason = errno;
    if (!pages)
        return domm_hv_alive(reader->hv, reader->domid) ? -reason : -EIO;
    for (size_t done = 0; done < size;) {
        size_t at = offset + done, rest = DOMM_PAGE_SIZE - at % DOMM_PAGE_SIZE;
        size_t part = size - done < rest ? size - done : rest;
        bool hole = errors[at / DOMM_PAGE_SIZE] != 0;
        if (hole)
            memset((char *)buffer + done, 0, part);
        else
            memcpy((char *)buffer + done, pages + at, part);
        holes |= hole;
        *there += !hole;
        done += part;
    }
    domm_hv_unmap(reader->hv, pages, count);
    /* An unmappable frame is a hole only while the guest has its memory. */
    return holes && !domm_hv_alive(reader->hv, reader->domid) ? -EIO : 0;
}

int domm_reader_read(const struct domm_reader *reader, uint64_t address, void *buffer, size_t size)
{
    uint64_t there = 0;
    return domm_reader_count(reader, address, buffer, size, &there);
}

int domm_reader_count(const struct domm_reader *reader, uint64_t address, void *buffer, size_t size,
                      uint64_t *there)
{
    uint64_t end = reader->frames * DOMM_PAGE_SIZE;
    if (address > end || size > end - address)
        return -EINVAL;
    for (size_t done = 0; done < size;) {
        uint64_t at = address + done;
        size_t offset = (size_t)(at % DOMM_PAGE_SIZE);
        size_t most = CHUNK_FRAMES * (size_t)DOMM_PAGE_SIZE - offset;
        size_t part = size - done < most ? size - done : most;
        size_t count = (offset + part + DOMM_PAGE_SIZE - 1) / DOMM_PAGE_SIZE;
        int rc = read_chunk(reader, at / DOMM_PAGE_SIZE, count, offset, (char *)buffer + done, part,
                            there);
        if (rc)
            return rc;
        done += part;
    }
    return 0;
}
