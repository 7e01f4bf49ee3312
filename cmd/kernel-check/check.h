/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domm-kernel-check: compares a kernel with a baseline that was taken while it was trusted. */
#ifndef DOMM_KERNEL_CHECK_CHECK_H
#define DOMM_KERNEL_CHECK_CHECK_H

#include <stdio.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/vmi/kernel.h"

/* Exit codes in addition to those of error.h. */
#define CHECK_CHANGED 20
#define CHECK_UNSETTLED 21

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
    bool copied;
};

/* --- check_file.c: the file -------------------------------------------------------------------
 *
 * All numbers are little-endian. The magic; each page's bytes as a zstd frame; the text of symbols
 * as one; the index, for each page {SHA-256, u64 offset, u32 length}; the trailer {VMCOREINFO's
 * page, u64 its address, u32 whether the page tables are usable, u32 number of pages, for each area
 * {u64 start, u64 end}, of the symbols {SHA-256, u64 offset, u32 length, u32 length of the text},
 * u64 offset of the index, SHA-256 of index and trailer up to here}. */
struct baseline_symbols {
    unsigned char sha256[SHA256_BYTES];
    uint64_t offset;
    uint32_t length; /* compressed */
    uint32_t size;   /* 0: none were given by hand */
};

struct baseline {
    int fd;
    char vmcoreinfo[VMCOREINFO_BYTES];
    uint64_t vmcoreinfo_address; /* 0: it was given by hand, and is not in the memory */
    bool page_tables;
    struct area areas[AREAS];
    struct baseline_symbols symbols;
    size_t n_pages; /* of all areas, one after the other */
    struct baseline_page *pages;
    unsigned char *copies; /* of pages, once they are known (page->copied); null: no memory */
};

struct baseline_writer;

/* Writes to the stream, which is borrowed. */
int baseline_start(FILE *stream, struct baseline_writer **writer_r, struct domm_error *err);
/* The next page, in the order of areas and addresses. */
int baseline_add(struct baseline_writer *writer, const unsigned char page[DOMM_VMI_PAGE],
                 struct domm_error *err);
/* The text of the symbols that were given by hand, after all pages. */
int baseline_add_symbols(struct baseline_writer *writer, const char *text, size_t size,
                         struct domm_error *err);
/* Takes all but fd, pages and symbols from the baseline. Frees the writer. */
int baseline_finish(struct baseline_writer *writer, const struct baseline *baseline,
                    struct domm_error *err);
void baseline_abandon(struct baseline_writer *writer);

int baseline_open(const char *path, struct baseline *baseline_r, struct domm_error *err);
void baseline_close(struct baseline *baseline);
/* Compares a page. Copies what is equal: the next comparison takes no digest, so that a look is
 * short for whatever moves in the meantime. 0, or -ENOMEM. */
int baseline_compare(struct baseline *baseline, size_t position,
                     const unsigned char page[DOMM_VMI_PAGE], bool *equal_r);
/* Reads the bytes of a page from the baseline, verified by their digest. */
int baseline_page(const struct baseline *baseline, size_t position,
                  unsigned char page_r[DOMM_VMI_PAGE], struct domm_error *err);
/* The text of the symbols that were given by hand, of baseline->symbols.size bytes; allocated. Null
 * if none were. */
int baseline_symbols(const struct baseline *baseline, char **text_r, struct domm_error *err);
/* The page of that virtual address, or -1. */
ssize_t baseline_position(const struct baseline *baseline, uint64_t address);

/* The SHA-256 of these bytes. 0, or -ENOMEM. */
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

/* Knowledge needed to explain a difference, read from the baseline only. */
struct knowledge {
    const struct baseline *baseline;
    struct kallsyms *symbols; /* null if there are none */
    struct site *sites;       /* by address */
    size_t n_sites;
    uint64_t syscall_table, syscall_table_end; /* both 0 if unknown */
    uint64_t return_thunk, return0;            /* both 0 if unknown */
};

/* Finds symbols and sites in the baseline. knowledge_free frees them, also after a failure. */
int knowledge_load(const struct baseline *baseline, struct knowledge *knowledge_r,
                   struct domm_error *err);
void knowledge_free(struct knowledge *knowledge);

/* The site that covers the address, if there is one. */
bool knowledge_site(const struct knowledge *knowledge, uint64_t address, struct site *site_r);
/* Whether the kernel itself may write these bytes (as many as the site has) there. */
bool site_is_legal(const struct knowledge *knowledge, const struct site *site,
                   const struct domm_kernel *kernel, const unsigned char *code);
/* Whether they may be there for a moment while the kernel patches the site: a breakpoint at its
 * beginning (text_poke_bp in Linux), or what was right for another value of a static call's key. */
bool site_is_half_way(const struct knowledge *knowledge, const struct site *site,
                      const unsigned char *code);

/* --- check_compare.c ----------------------------------------------------------------------------
 */

enum change_kind {
    CHANGE_KERNEL,   /* VMCOREINFO differs: another kernel, or it was loaded elsewhere */
    CHANGE_UNMAPPED, /* a page that is no longer mapped */
    CHANGE_TEXT,
    CHANGE_RODATA,
    CHANGE_SYSCALL, /* an entry of the syscall table */
    CHANGE_GATE,    /* an entry of the IDT */
    CHANGES
};

#define CHANGE_BYTES 16

struct change {
    enum change_kind kind;
    bool patching; /* may be a patch of the kernel's own in progress */
    uint64_t address;
    size_t size; /* in bytes; the first of them are in was and now */
    unsigned char was[CHANGE_BYTES], now[CHANGE_BYTES];
};

/* A hostile target may change everything, so only this many changes are reported individually. */
#define MAX_CHANGES 256

struct changes {
    size_t count;
    struct change list[MAX_CHANGES]; /* by address within an area; areas in their order */
    uint64_t more;                   /* further pages with differences */
};

/* Compares all pages: one look. `knowledge` is loaded with the first difference
 * (knowledge->baseline is null until then). Fails if the memory cannot be read. */
int compare(struct baseline *baseline, const struct domm_physical *physical,
            struct knowledge *knowledge, struct changes *changes_r, struct domm_error *err);

/* --- check_settle.c ------------------------------------------------------------------------------
 *
 * What several looks say together. A change that is there in each of them is settled; one that is
 * there in some is unsettled, and no less of an alarm: it moves, comes or goes. Only a patch of the
 * kernel's own in progress is neither. */
struct verdict {
    struct changes settled, unsettled;
    size_t fewest_patching; /* patches in progress in the look with the fewest */
};

/* The verdict of one look. */
void verdict_start(struct verdict *verdict_r, const struct changes *look);
/* Adds a further look. */
void verdict_add(struct verdict *verdict, const struct changes *look);
/* After the last look: drops patches that were in progress. */
void verdict_finish(struct verdict *verdict);

/* Whether there is a change of that kind at that address; whether it is the same in its bytes. */
bool changes_hold(const struct changes *changes, const struct change *wanted);
bool changes_hold_exactly(const struct changes *changes, const struct change *wanted);
/* Adds a change unless one of its kind is there at its address. */
void changes_add(struct changes *changes, const struct change *change);

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
                 const struct changes *changes, const struct changes *unsettled);
int report_flush(struct domm_error *err);

/* --- check_baseline.c ----------------------------------------------------------------------------
 */

/* Writes a baseline of the kernel in the memory. */
int take_baseline(const struct domm_physical *physical, const struct kernel_given *given,
                  FILE *stream, struct domm_error *err);

/* --- check_given.c -------------------------------------------------------------------------------
 */

/* What the options --system-map and --vmcoreinfo give; both may be null. */
struct given_files {
    char *vmcoreinfo, *symbols;
    struct kernel_given given; /* points to these */
};

/* Reads the files. given_files_free frees them, also after a failure. */
int given_files_read(const char *system_map, const char *vmcoreinfo, struct given_files *files_r,
                     struct domm_error *err);
void given_files_free(struct given_files *files);

/* --- check_watch.c -------------------------------------------------------------------------------
 */

enum action { ACTION_NONE, ACTION_BASELINE, ACTION_CHECK };

struct options {
    enum action action;
    const char *output, *baseline, *memory;
    const char *system_map, *vmcoreinfo; /* files; null: found in the memory */
    int interval;                        /* seconds; 0: once */
    bool json, syslog, verbose;
    struct domm_log *log;
};

/* Checks as the options say. Returns 0, an error, or -CHECK_CHANGED or -CHECK_UNSETTLED with no
 * error. */
int run_check(const struct options *options, struct domm_error *err);

/* --- check_memory.c ------------------------------------------------------------------------------
 */

struct memory_source {
    struct domm_physical physical; /* points into the source */
    int fd;                        /* of a file; else -1 */
    struct domm_hv *memory;        /* of a domain; else null */
    struct domm_reader *reader;
    struct domm_vmi *vmi; /* of a target; else null */
    struct domm_vmi_memory *target;
};

/* Opens the memory `name`: the path of a file, "xen:" with a domain of this host, or "target:" with
 * a target of this monitor. The log is borrowed. */
int memory_source_open(const char *name, struct domm_log *log, struct memory_source *source_r,
                       struct domm_error *err);
void memory_source_close(struct memory_source *source);

/*
 * Call these around each of several passes over a memory. Mappings of a target are kept between
 * passes, since dommd reports what happens to them, unless a pass has failed. A file or domain is
 * opened anew each time: the agent may have been restarted, or the domain replaced or about to end.
 * The source is closed before the first pass: {.fd = -1}.
 */
int memory_source_follow(const char *name, struct domm_log *log, struct memory_source *source,
                         struct domm_error *err);
void memory_source_leave(struct memory_source *source, bool ok);

#endif
