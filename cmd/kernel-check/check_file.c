/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file format of baselines. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/cleanup.h"

#define MAGIC "DOMMKRN2"
#define MAGIC_BYTES 8
#define ENTRY_BYTES (SHA256_BYTES + 8 + 4)
#define SYMBOLS_BYTES (SHA256_BYTES + 8 + 4 + 4)
#define TRAILER_BYTES (VMCOREINFO_BYTES + 8 + 4 + 4 + AREAS * 16 + SYMBOLS_BYTES + 8 + SHA256_BYTES)
#define MAX_PAGES (1u << 16) /* 256 MiB of kernel */
#define MAX_SYMBOLS_BYTES (32u << 20)
#define LEVEL 3

struct baseline_writer {
    FILE *stream;
    uint64_t offset;
    unsigned char *index;
    size_t n_pages;
    struct baseline_symbols symbols;
};

int page_hash(const void *bytes, size_t size, unsigned char sha256_r[SHA256_BYTES])
{
    static EVP_MD *sha256; /* fetching the algorithm costs as much as hashing */
    if (!sha256)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return sha256 && EVP_Digest(bytes, size, sha256_r, NULL, sha256, NULL) ? 0 : -ENOMEM;
}

static void baseline_file_put(unsigned char **at, const void *bytes, size_t size)
{
    memcpy(*at, bytes, size);
    *at += size;
}

static void put32(unsigned char **at, uint32_t number)
{
    number = htole32(number);
    baseline_file_put(at, &number, sizeof(number));
}

static void put64(unsigned char **at, uint64_t number)
{
    number = htole64(number);
    baseline_file_put(at, &number, sizeof(number));
}

static void baseline_file_get(const unsigned char **at, void *bytes_r, size_t size)
{
    memcpy(bytes_r, *at, size);
    *at += size;
}

static uint32_t get32(const unsigned char **at)
{
    uint32_t number;
    baseline_file_get(at, &number, sizeof(number));
    return le32toh(number);
}

static uint64_t get64(const unsigned char **at)
{
    uint64_t number;
    baseline_file_get(at, &number, sizeof(number));
    return le64toh(number);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_out(struct baseline_writer *writer, const void *bytes, size_t size,
                     struct domm_error *err)
{
    if (fwrite(bytes, 1, size, writer->stream) != size)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing the baseline");
    writer->offset += size;
    return 0;
}

int baseline_start(FILE *stream, struct baseline_writer **writer_r, struct domm_error *err)
{
    struct baseline_writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return domm_no_memory(err);
    /* Has room for the trailer, since both are hashed together. */
    writer->index = malloc(MAX_PAGES * ENTRY_BYTES + TRAILER_BYTES);
    writer->stream = stream;
    int rc = writer->index ? write_out(writer, MAGIC, MAGIC_BYTES, err) : domm_no_memory(err);
    if (rc)
        baseline_abandon(writer);
    else
        *writer_r = writer;
    return rc;
}

void baseline_abandon(struct baseline_writer *writer)
{
    if (!writer)
        return;
    free(writer->index);
    free(writer);
}

int baseline_add(struct baseline_writer *writer, const unsigned char page[DOMM_VMI_PAGE],
                 struct domm_error *err)
{
    unsigned char packed[ZSTD_COMPRESSBOUND(DOMM_VMI_PAGE)], sha256[SHA256_BYTES];
    unsigned char *entry = writer->index + writer->n_pages * ENTRY_BYTES;
    if (writer->n_pages == MAX_PAGES)
        return domm_fail(err, DOMM_FAILED, "the kernel is larger than %u pages", MAX_PAGES);
    size_t size = ZSTD_compress(packed, sizeof(packed), page, DOMM_VMI_PAGE, LEVEL);
    if (ZSTD_isError(size) || page_hash(page, DOMM_VMI_PAGE, sha256))
        return domm_no_memory(err);
    baseline_file_put(&entry, sha256, sizeof(sha256));
    put64(&entry, writer->offset);
    put32(&entry, (uint32_t)size);
    writer->n_pages++;
    return write_out(writer, packed, size, err);
}

int baseline_add_symbols(struct baseline_writer *writer, const char *text, size_t size,
                         struct domm_error *err)
{
    struct baseline_symbols *symbols = &writer->symbols;
    size_t room = ZSTD_compressBound(size);
    cleanup_free unsigned char *packed = malloc(room);
    size_t length = packed ? ZSTD_compress(packed, room, text, size, LEVEL) : 0;
    if (!packed || ZSTD_isError(length) || page_hash(text, size, symbols->sha256))
        return domm_no_memory(err);
    symbols->offset = writer->offset;
    symbols->length = (uint32_t)length;
    symbols->size = (uint32_t)size;
    return write_out(writer, packed, length, err);
}

static void put_symbols(unsigned char **at, const struct baseline_symbols *symbols)
{
    baseline_file_put(at, symbols->sha256, SHA256_BYTES);
    put64(at, symbols->offset);
    put32(at, symbols->length);
    put32(at, symbols->size);
}

int baseline_finish(struct baseline_writer *writer, const struct baseline *baseline,
                    struct domm_error *err)
{
    unsigned char *at = writer->index + writer->n_pages * ENTRY_BYTES;
    baseline_file_put(&at, baseline->vmcoreinfo, VMCOREINFO_BYTES);
    put64(&at, baseline->vmcoreinfo_address);
    put32(&at, baseline->page_tables);
    put32(&at, (uint32_t)writer->n_pages);
    for (size_t i = 0; i < AREAS; i++) {
        put64(&at, baseline->areas[i].start);
        put64(&at, baseline->areas[i].end);
    }
    put_symbols(&at, &writer->symbols);
    put64(&at, writer->offset);
    if (page_hash(writer->index, (size_t)(at - writer->index), at))
        return domm_no_memory(err);
    at += SHA256_BYTES;
    int rc = write_out(writer, writer->index, (size_t)(at - writer->index), err);
    baseline_abandon(writer);
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_at(int fd, uint64_t offset, void *buffer, size_t size)
{
    struct domm_physical file;
    int rc = domm_physical_file(&fd, &file);
    if (rc)
        return rc;
    return file.read(file.context, offset, buffer, size);
}

static bool areas_are_sound(const struct baseline *baseline)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < AREAS; i++) {
        const struct area *area = &baseline->areas[i];
        if (area->start < KERNEL_MAP || area->start % DOMM_VMI_PAGE || area->end <= area->start ||
            area->end % DOMM_VMI_PAGE || area->end - KERNEL_MAP > KERNEL_MAP_SIZE)
            return false;
        pages += (area->end - area->start) / DOMM_VMI_PAGE;
    }
    return pages == baseline->n_pages;
}

static bool get_trailer(struct baseline *baseline, const unsigned char *at, uint64_t *index_r)
{
    baseline_file_get(&at, baseline->vmcoreinfo, VMCOREINFO_BYTES);
    baseline->vmcoreinfo_address = get64(&at);
    uint32_t page_tables = get32(&at);
    baseline->page_tables = page_tables == 1;
    baseline->n_pages = get32(&at);
    for (size_t i = 0; i < AREAS; i++) {
        baseline->areas[i].start = get64(&at);
        baseline->areas[i].end = get64(&at);
    }
    baseline_file_get(&at, baseline->symbols.sha256, SHA256_BYTES);
    baseline->symbols.offset = get64(&at);
    baseline->symbols.length = get32(&at);
    baseline->symbols.size = get32(&at);
    *index_r = get64(&at);
    return page_tables <= 1 && baseline->n_pages <= MAX_PAGES && areas_are_sound(baseline);
}

static bool get_index(struct baseline *baseline, const unsigned char *at, uint64_t index)
{
    for (size_t i = 0; i < baseline->n_pages; i++) {
        struct baseline_page *page = &baseline->pages[i];
        baseline_file_get(&at, page->sha256, SHA256_BYTES);
        page->offset = get64(&at);
        page->length = get32(&at);
        if (page->length > ZSTD_COMPRESSBOUND(DOMM_VMI_PAGE) || page->offset > index ||
            page->length > index - page->offset)
            return false;
    }
    return true;
}

static bool symbols_are_sound(const struct baseline_symbols *symbols, uint64_t index)
{
    return symbols->size <= MAX_SYMBOLS_BYTES && symbols->offset <= index &&
           symbols->length <= index - symbols->offset;
}

/* Returns false if it is not a baseline, or is damaged. */
static bool baseline_file_load(struct baseline *baseline, uint64_t size)
{
    unsigned char magic[MAGIC_BYTES], trailer[TRAILER_BYTES], sha256[SHA256_BYTES];
    uint64_t index;
    if (size < MAGIC_BYTES + TRAILER_BYTES || read_at(baseline->fd, 0, magic, sizeof(magic)) ||
        memcmp(magic, MAGIC, MAGIC_BYTES) != 0 ||
        read_at(baseline->fd, size - TRAILER_BYTES, trailer, sizeof(trailer)) ||
        !get_trailer(baseline, trailer, &index))
        return false;
    size_t rest = baseline->n_pages * ENTRY_BYTES + TRAILER_BYTES;
    if (rest > size || index != size - rest)
        return false;
    cleanup_free unsigned char *bytes = malloc(rest);
    baseline->pages = calloc(baseline->n_pages, sizeof(*baseline->pages));
    return bytes && baseline->pages && read_at(baseline->fd, index, bytes, rest) == 0 &&
           page_hash(bytes, rest - SHA256_BYTES, sha256) == 0 &&
           memcmp(sha256, bytes + rest - SHA256_BYTES, SHA256_BYTES) == 0 &&
           get_index(baseline, bytes, index) && symbols_are_sound(&baseline->symbols, index);
}

int baseline_open(const char *path, struct baseline *baseline_r, struct domm_error *err)
{
    struct stat stat;
    *baseline_r = (struct baseline){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (baseline_r->fd < 0)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "opening the baseline %s", path);
    if (fstat(baseline_r->fd, &stat) == 0 &&
        baseline_file_load(baseline_r, (uint64_t)stat.st_size)) {
        baseline_r->copies = malloc(baseline_r->n_pages * DOMM_VMI_PAGE);
        return 0;
    }
    baseline_close(baseline_r);
    return domm_fail(err, DOMM_REFUSED, "%s is not a baseline, or is damaged", path);
}

void baseline_close(struct baseline *baseline)
{
    if (baseline->fd >= 0)
        close(baseline->fd);
    free(baseline->pages);
    free(baseline->copies);
    *baseline = (struct baseline){.fd = -1};
}

int baseline_compare(struct baseline *baseline, size_t position,
                     const unsigned char page[DOMM_VMI_PAGE], bool *equal_r)
{
    struct baseline_page *entry = &baseline->pages[position];
    unsigned char *copy =
        baseline->copies ? baseline->copies + position * DOMM_VMI_PAGE : baseline->copies;
    unsigned char sha256[SHA256_BYTES];
    if (entry->copied) {
        *equal_r = memcmp(page, copy, DOMM_VMI_PAGE) == 0;
        return 0;
    }
    if (page_hash(page, DOMM_VMI_PAGE, sha256))
        return -ENOMEM;
    *equal_r = memcmp(sha256, entry->sha256, SHA256_BYTES) == 0;
    if (*equal_r && copy) {
        memcpy(copy, page, DOMM_VMI_PAGE);
        entry->copied = true;
    }
    return 0;
}

int baseline_page(const struct baseline *baseline, size_t position,
                  unsigned char page_r[DOMM_VMI_PAGE], struct domm_error *err)
{
    const struct baseline_page *page = &baseline->pages[position];
    unsigned char packed[ZSTD_COMPRESSBOUND(DOMM_VMI_PAGE)], sha256[SHA256_BYTES];
    if (page->copied) {
        memcpy(page_r, baseline->copies + position * DOMM_VMI_PAGE, DOMM_VMI_PAGE);
        return 0;
    }
    if (read_at(baseline->fd, page->offset, packed, page->length) ||
        ZSTD_decompress(page_r, DOMM_VMI_PAGE, packed, page->length) != DOMM_VMI_PAGE ||
        page_hash(page_r, DOMM_VMI_PAGE, sha256) || memcmp(sha256, page->sha256, SHA256_BYTES) != 0)
        return domm_fail(err, DOMM_REFUSED, "the baseline is damaged");
    return 0;
}

int baseline_symbols(const struct baseline *baseline, char **text_r, struct domm_error *err)
{
    const struct baseline_symbols *symbols = &baseline->symbols;
    unsigned char sha256[SHA256_BYTES];
    *text_r = NULL;
    if (!symbols->size)
        return 0;
    cleanup_free unsigned char *packed = malloc(symbols->length + 1);
    cleanup_free char *text = malloc(symbols->size);
    if (!packed || !text)
        return domm_no_memory(err);
    if (read_at(baseline->fd, symbols->offset, packed, symbols->length) ||
        ZSTD_decompress(text, symbols->size, packed, symbols->length) != symbols->size ||
        page_hash(text, symbols->size, sha256) ||
        memcmp(sha256, symbols->sha256, SHA256_BYTES) != 0)
        return domm_fail(err, DOMM_REFUSED, "the baseline is damaged");
    *text_r = text;
    text = NULL;
    return 0;
}

ssize_t baseline_position(const struct baseline *baseline, uint64_t address)
{
    size_t first = 0;
    for (size_t i = 0; i < AREAS; i++) {
        const struct area *area = &baseline->areas[i];
        if (address >= area->start && address < area->end)
            return (ssize_t)(first + (address - area->start) / DOMM_VMI_PAGE);
        first += (area->end - area->start) / DOMM_VMI_PAGE;
    }
    return -1;
}
