/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domm-kernel-check: a kernel compared with what it was in a time of trust. */
#ifndef DOMM_GUEST_CHECK_H
#define DOMM_GUEST_CHECK_H

#include <stdio.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/guest/kernel.h"

/* An exit code besides those of error.h. */
#define CHECK_CHANGED 20

enum area_kind { AREA_TEXT, AREA_RODATA, AREA_IDT, AREAS };

#define GATE_BYTES 16
#define GATES 256

/* Virtual addresses, both multiples of the page size. */
struct area {
    uint64_t start, end;
};

#define SHA256_BYTES 32

struct baseline_page {
    unsigned char sha256[SHA256_BYTES];
    uint64_t offset; /* in the file, compressed */
    uint32_t length;
};

/* --- check_file.c: the file -------------------------------------------------------------------
 *
 * All numbers are little-endian. The magic; each page's bytes as a zstd frame; the index, for each
 * page {SHA-256, u64 offset, u32 length}; the trailer {VMCOREINFO's page, u64 its address,
 * u32 whether the page tables are usable, u32 number of pages, for each area {u64 start, u64 end},
 * u64 offset of the index, SHA-256 of index and trailer up to here}. */
struct baseline {
    int fd;
    char vmcoreinfo[VMCOREINFO_BYTES];
    uint64_t vmcoreinfo_address;
    bool page_tables;
    struct area areas[AREAS];
    size_t n_pages; /* of all areas, one after the other */
    struct baseline_page *pages;
};

struct baseline_writer;

/* Writes to the stream, which is borrowed. */
int baseline_start(FILE *stream, struct baseline_writer **writer_r, struct domm_error *err);
/* The next page, in the order of areas and addresses. */
int baseline_add(struct baseline_writer *writer, const unsigned char page[DOMM_GUEST_PAGE],
                 struct domm_error *err);
/* With all but fd and pages. */
int baseline_finish(struct baseline_writer *writer, const struct baseline *baseline,
                    struct domm_error *err);
void baseline_abandon(struct baseline_writer *writer);

int baseline_open(const char *path, struct baseline *baseline_r, struct domm_error *err);
void baseline_close(struct baseline *baseline);
/* A page's bytes as they were, verified. */
int baseline_page(const struct baseline *baseline, size_t place,
                  unsigned char page_r[DOMM_GUEST_PAGE], struct domm_error *err);
/* The page of that virtual address, or -1. */
ssize_t baseline_place(const struct baseline *baseline, uint64_t address);

int page_hash(const void *bytes, size_t size, unsigned char sha256_r[SHA256_BYTES]);

/* --- check_sites.c: where the kernel patches itself ------------------------------------------- */

enum site_kind { SITE_JUMP, SITE_CALL };

#define SITE_BYTES 6 /* at most */

struct site {
    uint64_t address;
    uint64_t other; /* a jump's target; the key of a static call */
    enum site_kind kind;
    unsigned int size; /* set when it is looked up */
};

/* What a baseline's bytes say once there is something to explain; all of it from the baseline. */
struct knowledge {
    const struct baseline *baseline;
    struct kallsyms *symbols; /* null if there are none */
    struct site *sites;       /* by address */
    size_t n_sites;
    uint64_t syscall_table, syscall_table_end; /* both 0 if unknown */
    uint64_t return_thunk, return0;            /* both 0 if unknown */
};

int knowledge_load(const struct baseline *baseline, struct knowledge *knowledge_r,
                   struct domm_error *err);
void knowledge_free(struct knowledge *knowledge);

/* The site that covers the address, if there is one. */
bool knowledge_site(const struct knowledge *knowledge, uint64_t address, struct site *site_r);
/* Whether these bytes (as many as the site has) are a form that the kernel itself gives it. */
bool site_is_legal(const struct knowledge *knowledge, const struct site *site,
                   const struct domm_kernel *kernel, const unsigned char *code);

/* --- check_compare.c ----------------------------------------------------------------------------
 */

enum change_kind {
    CHANGE_KERNEL,   /* VMCOREINFO is not what it was: another kernel, or it has moved */
    CHANGE_UNMAPPED, /* a page that is not mapped any more */
    CHANGE_TEXT,
    CHANGE_RODATA,
    CHANGE_SYSCALL, /* an entry of the syscall table */
    CHANGE_GATE,    /* an entry of the IDT */
    CHANGES
};

#define CHANGE_BYTES 16

struct change {
    enum change_kind kind;
    uint64_t address;
    size_t size; /* in bytes; of these the first are in was and now */
    unsigned char was[CHANGE_BYTES], now[CHANGE_BYTES];
};

/* A hostile target may change all there is: no more than these are told one by one. */
#define MAX_CHANGES 256

struct changes {
    size_t count;
    struct change list[MAX_CHANGES]; /* by address within an area; areas in their order */
    uint64_t more;                   /* pages with differences beyond */
};

/* Compares all pages. `knowledge` is loaded with the first difference (knowledge->baseline is null
 * until then). Fails if the memory cannot be read. */
int compare(const struct baseline *baseline, const struct domm_physical *physical,
            struct knowledge *knowledge, struct changes *changes_r, struct domm_error *err);

/* --- check_report.c ------------------------------------------------------------------------------
 */

struct reporter {
    bool json, syslog;
    const struct knowledge *knowledge;
};

void report_change(const struct reporter *reporter, const char *event, const struct change *change);
/* What has no address. */
void report_state(const struct reporter *reporter, const char *event, const char *text);
void report_pass(const struct reporter *reporter, size_t pages, uint64_t milliseconds,
                 const struct changes *changes);
int report_flush(struct domm_error *err);

/* --- check_baseline.c ----------------------------------------------------------------------------
 */

/* Writes a baseline of the kernel in the memory. */
int take_baseline(const struct domm_physical *physical, FILE *stream, struct domm_error *err);

/* --- check_watch.c -------------------------------------------------------------------------------
 */

enum action { ACTION_NONE, ACTION_BASELINE, ACTION_CHECK };

struct options {
    enum action action;
    const char *output, *baseline, *memory;
    int interval; /* seconds; 0: once */
    bool json, syslog, verbose;
    struct domm_log *log;
};

/* Checks as the options say. Returns 0, an error, or -CHECK_CHANGED with no error. */
int run_check(const struct options *options, struct domm_error *err);

/* --- check_memory.c ------------------------------------------------------------------------------
 */

struct memory_source {
    struct domm_physical physical; /* points into the source */
    int fd;                        /* of a file; else -1 */
    struct domm_memory *memory;    /* of a domain; else null */
    struct domm_reader *reader;
    struct domm_guest *guest; /* of a target; else null */
    struct domm_guest_memory *target;
};

/* The memory called `name`: the path of a file, "xen:" and a domain of this host, or "target:" and
 * a target of this domM. The log is borrowed. */
int memory_source_open(const char *name, struct domm_log *log, struct memory_source *source_r,
                       struct domm_error *err);
void memory_source_close(struct memory_source *source);

/*
 * Around each of several passes over a memory. What is mapped of a target is kept between them,
 * since dommd tells what becomes of it, unless the pass failed. A file or a domain is opened anew
 * each time: the agent that offers it may have been started again, the domain be another, or about
 * to end. The source is closed before the first pass: {.fd = -1}.
 */
int memory_source_follow(const char *name, struct domm_log *log, struct memory_source *source,
                         struct domm_error *err);
void memory_source_leave(struct memory_source *source, bool ok);

#endif
