/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a guest's memory from dom0, by physical address. Frames are mapped for each read and not
 * kept, so that a reader does not hold the memory of a guest that ends; of a PV guest it holds the
 * table of its frames.
 */
#ifndef DOMM_XEN_READER_H
#define DOMM_XEN_READER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_hv;
struct domm_reader;

/* hv is borrowed. The layout of a PV guest, which is paused for it, is read now and not updated.
 * DOMM_NOT_FOUND if there is no such domain; DOMM_REFUSED if it is dom0, or pages are
 * missing for it (domm_hv_missing_pages). */
int domm_reader_open(struct domm_hv *hv, uint32_t domid, struct domm_reader **reader_r,
                     struct domm_error *err);
void domm_reader_close(struct domm_reader *reader); /* null is fine */

/* The size of the guest's memory in frames, holes included. */
uint64_t domm_reader_frames(const struct domm_reader *reader);

/* Reads all bytes or none; holes read as zeroes. A negative errno value: -EIO if the guest ends or
 * has ended, -EINVAL beyond its memory. */
int domm_reader_read(const struct domm_reader *reader, uint64_t address, void *buffer, size_t size);

/* The same, and adds to *there how many of the frames are no holes. */
int domm_reader_count(const struct domm_reader *reader, uint64_t address, void *buffer, size_t size,
                      uint64_t *there);

#endif
