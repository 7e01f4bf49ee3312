/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of the migration streams that domm writes itself. libxl's stream, of version 2,
 * contains libxenguest's: docs/specs/libxl-migration-stream.pandoc, libxc-migration-stream.pandoc.
 */
#ifndef DOMM_STREAM_STREAM_H
#define DOMM_STREAM_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

/* libxl's header (big-endian: identifier, version 2, no options), and a record LIBXC_CONTEXT, which
 * libxenguest's stream follows. */
#define DOMM_LIBXL_BEGIN_BYTES 24
extern const unsigned char domm_libxl_begin[DOMM_LIBXL_BEGIN_BYTES];

/* A record END. */
#define DOMM_LIBXL_END_BYTES 8
extern const unsigned char domm_libxl_end[DOMM_LIBXL_END_BYTES];

/*
 * Waits until a pipe or socket holds the beginning of libxl's stream, up to LIBXC_CONTEXT, and
 * consumes nothing. Fails if the stream ends before that. DOMM_REFUSED if it begins differently.
 * Call it before libxl reads the stream: libxl 4.17 calls a null pointer if a stream fails before
 * LIBXC_CONTEXT (check_all_finished in libxl_stream_read.c aborts a save helper that was never
 * started).
 */
int domm_libxl_await(int fd, struct domm_error *err);

/* libxenguest's: an image header and a domain header, then records. */
#define DOMM_LIBXC_HEADER_BYTES (24 + 16)

enum domm_libxc_record {
    DOMM_LIBXC_PAGE_DATA = 0x01,
    DOMM_LIBXC_P2M_FRAMES = 0x03, /* of a PV guest; the last record before pages */
    DOMM_LIBXC_VERIFY = 0x0d,     /* the pages after it are compared, not stored */
};

#define DOMM_LIBXC_MAX_BODY (128u << 20)

struct domm_libxc_head {
    uint32_t type;
    uint32_t length; /* length of the body, which is padded to a multiple of 8 */
};

/* The body of PAGE_DATA: this struct, `count` entries, and the pages of those entries that have
 * one. */
struct domm_libxc_pages {
    uint32_t count; /* at most DOMM_LIBXC_BATCH */
    uint32_t reserved;
};

#define DOMM_LIBXC_BATCH 1024

/* An entry: the type of a page, and its gfn. */
#define DOMM_ENTRY_TYPE(entry) ((unsigned int)((entry) >> 60))
#define DOMM_ENTRY_GFN(entry) ((entry)&UINT64_C(0x000fffffffffffff))

#define DOMM_PAGE_TYPE_ORDINARY 0x0u
#define DOMM_PAGE_TYPE_BROKEN 0xdu /* entries of this type and above have no page */

#endif
