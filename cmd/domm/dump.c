/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/mapping/pause_guard.h"
#include "lib/vmi/core_header.h"
#include "lib/vmi/kernel.h"
#include "lib/xen/reader.h"
#include "lib/xen/registers.h"

#define CHUNK_PAGES ((size_t)256)
#define MOST_CPUS 512u /* registers of more are left out */

/* One dump. The memory is written to a file beside the wanted one, which takes its place once it is
 * whole. */
struct guest_dump {
    struct cmd_context *context;
    const struct domm_inventory_entry *entry;
    const struct domm_domain *guest; /* of the entry */
    const char *path;
    bool live;
    struct domm_hv *hv;
    struct domm_reader *reader;
    struct domm_physical physical;
    struct domm_kernel *kernel; /* null: none is found */
    uint64_t direct_map;
    char part[PATH_MAX];
    int fd;
    sigset_t signals;
    uint64_t there; /* pages of the memory that the guest has */
    uint64_t pages; /* … and that are not zero */
    uint64_t owned; /* pages that the guest has, wherever */
    uint64_t paused_ns;
};

static bool dump_is_interrupted(const struct guest_dump *dump)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t pending;
    bool found = false;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        found |= sigismember(&pending, signals[i]) && sigismember(&dump->signals, signals[i]);
    return found;
}

static int dump_write(struct guest_dump *dump, const unsigned char *bytes, size_t size, off_t at,
                      struct domm_error *err)
{
    int reason = lseek(dump->fd, at, SEEK_SET) < 0 ? errno : domm_write_all(dump->fd, bytes, size);
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing %s", dump->part) : 0;
}

static bool is_zero(const unsigned char *page)
{
    static const unsigned char zeroes[DOMM_PAGE_SIZE];
    return memcmp(page, zeroes, DOMM_PAGE_SIZE) == 0;
}

/* Pages of zeroes become holes of the file. */
static int dump_pages(struct guest_dump *dump, const unsigned char *chunk, size_t count, off_t at,
                      struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0, run; !rc && i < count; i += run ? run : 1) {
        for (run = 0; i + run < count && !is_zero(chunk + (i + run) * DOMM_PAGE_SIZE); run++)
            ;
        rc = dump_write(dump, chunk + i * DOMM_PAGE_SIZE, run * DOMM_PAGE_SIZE,
                        at + (off_t)(i * DOMM_PAGE_SIZE), err);
        dump->pages += run;
    }
    return rc;
}

static int dump_chunk(struct guest_dump *dump, unsigned char *chunk, uint64_t gfn, off_t begin,
                      struct domm_error *err)
{
    uint64_t rest = dump->physical.frames - gfn;
    size_t count = rest < CHUNK_PAGES ? (size_t)rest : CHUNK_PAGES;
    int rc = domm_reader_count(dump->reader, gfn * DOMM_PAGE_SIZE, chunk, count * DOMM_PAGE_SIZE,
                               &dump->there);
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "reading the memory of %s",
                               dump->guest->name);
    return dump_pages(dump, chunk, count, begin + (off_t)(gfn * DOMM_PAGE_SIZE), err);
}

static int dump_memory(struct guest_dump *dump, off_t begin, struct domm_error *err)
{
    uint64_t frames = dump->physical.frames;
    cleanup_free unsigned char *chunk = malloc(CHUNK_PAGES * DOMM_PAGE_SIZE);
    if (!chunk)
        return domm_no_memory(err);
    for (uint64_t gfn = 0; gfn < frames; gfn += CHUNK_PAGES) {
        if (dump_is_interrupted(dump))
            return domm_fail(err, DOMM_ABORTED, "interrupted");
        int rc = dump_chunk(dump, chunk, gfn, begin, err);
        if (rc)
            return rc;
        domm_log_progress(dump->context->log, "memory", (int)(gfn * 99 / frames));
    }
    domm_log_progress(dump->context->log, "memory", 100);
    return 0;
}

/* Those of vCPUs that are online. */
static int read_registers(struct guest_dump *dump, struct user_regs_struct *registers_r,
                          size_t *count_r, struct domm_error *err)
{
    *count_r = 0;
    for (unsigned int vcpu = 0; vcpu <= dump->guest->last_vcpu && vcpu < MOST_CPUS; vcpu++) {
        int rc = domm_hv_registers(dump->hv, dump->guest->domid, vcpu, &registers_r[*count_r], err);
        if (rc && rc != -DOMM_NOT_FOUND)
            return rc;
        *count_r += rc == 0;
    }
    return 0;
}

static int dump_core(struct guest_dump *dump, struct domm_error *err)
{
    cleanup_free struct user_regs_struct *registers = calloc(MOST_CPUS, sizeof(*registers));
    struct core_facts facts = {
        .frames = dump->physical.frames,
        .direct_map = dump->direct_map,
        .kernel = dump->kernel,
        .registers = registers,
    };
    size_t size;
    if (!registers)
        return domm_no_memory(err);
    int rc = read_registers(dump, registers, &facts.n_registers, err);
    if (rc)
        return rc;
    cleanup_free unsigned char *header = core_header_make(&facts, &size);
    if (!header)
        return domm_no_memory(err);
    rc = dump_write(dump, header, size, 0, err);
    if (rc)
        return rc;
    rc = dump_memory(dump, (off_t)size, err);
    if (rc)
        return rc;
    if (ftruncate(dump->fd, (off_t)(size + facts.frames * DOMM_PAGE_SIZE)))
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", dump->part);
    return domm_hv_pages(dump->hv, dump->guest->domid, &dump->owned, err);
}

/* From here on a migration refuses the guest, since it is paused; none may have begun before. */
static int dump_while_paused(struct guest_dump *dump, struct domm_error *err)
{
    int rc = cmd_refuse_moving(dump->entry, err);
    return rc ? rc : dump_core(dump, err);
}

/* Of one moment: the guest is paused. If this process is killed, dommd has it run again. */
static int dump_paused(struct guest_dump *dump, struct domm_error *err)
{
    struct domm_pause_guard guard;
    int rc = domm_pause_guard_begin(dump->hv, dump->guest->domid, &guard, err);
    if (rc)
        return rc;
    uint64_t began = domm_now_ns();
    rc = domm_pause_guard_end(&guard, dump_while_paused(dump, err), err);
    dump->paused_ns = domm_now_ns() - began;
    return rc;
}

static int read_memory_of(const void *context, uint64_t address, void *buffer, size_t size)
{
    return domm_reader_read(context, address, buffer, size);
}

/* While the guest runs. */
static int find_kernel(struct guest_dump *dump, struct domm_error *err)
{
    int rc = domm_kernel_open(&dump->physical, &dump->kernel);
    if (rc == 0) {
        dump->direct_map = core_direct_map(dump->kernel);
        return 0;
    }
    dump->kernel = NULL;
    if (rc != -ENOENT && rc != -ETIMEDOUT)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "searching %s for its kernel",
                               dump->guest->name);
    domm_log(dump->context->log, DOMM_LOG_WARN,
             "%s in %s: the core has its memory, and no VMCOREINFO",
             rc == -ENOENT ? "no Linux kernel is found"
                           : "too much looks like a Linux kernel to find the right one",
             dump->guest->name);
    return 0;
}

/* A device would be replaced by a file. */
static int refuse_special(const char *path, struct domm_error *err)
{
    struct stat stat;
    if (lstat(path, &stat) || S_ISREG(stat.st_mode))
        return 0;
    return domm_fail(err, DOMM_REFUSED, "%s exists and is not a regular file", path);
}

static int dump_make_part(struct guest_dump *dump, struct domm_error *err)
{
    int length = snprintf(dump->part, sizeof(dump->part), "%s.XXXXXX", dump->path);
    if (length < 0 || (size_t)length >= sizeof(dump->part))
        return domm_fail(err, DOMM_REFUSED, "the name of the file is too long: %s", dump->path);
    dump->fd = mkostemp(dump->part, O_CLOEXEC);
    if (dump->fd < 0)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "creating %s", dump->part);
    return 0;
}

static int dump_to_file(struct guest_dump *dump, struct domm_error *err)
{
    int rc = dump_make_part(dump, err);
    if (rc)
        return rc;
    rc = dump->live ? dump_core(dump, err) : dump_paused(dump, err);
    if (!rc && fsync(dump->fd))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", dump->part);
    if (!rc && rename(dump->part, dump->path))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "replacing %s", dump->path);
    if (rc)
        unlink(dump->part);
    close(dump->fd);
    return rc;
}

static int dump_open(struct guest_dump *dump, struct domm_error *err)
{
    int rc = domm_hv_open(dump->context->log, &dump->hv, err);
    if (rc)
        return rc;
    rc = domm_reader_open(dump->hv, dump->guest->domid, &dump->reader, err);
    if (rc)
        return rc;
    dump->physical = (struct domm_physical){.read = read_memory_of,
                                            .context = dump->reader,
                                            .frames = domm_reader_frames(dump->reader)};
    return 0;
}

static void dump_close(struct guest_dump *dump)
{
    domm_kernel_close(dump->kernel);
    domm_reader_close(dump->reader);
    domm_hv_close(dump->hv);
}

/* Pages of the guest beyond the end of its memory. */
static uint64_t left_out(const struct guest_dump *dump)
{
    return dump->owned > dump->there ? dump->owned - dump->there : 0;
}

static void dump_report(const struct guest_dump *dump)
{
    char uuid[DOMM_UUID_TEXT];
    const char *release = dump->kernel ? domm_kernel_facts(dump->kernel)->release : NULL;
    if (!dump->context->globals.json) {
        printf("%s: %llu of %llu pages of %s (%s), ", dump->path, (unsigned long long)dump->pages,
               (unsigned long long)dump->physical.frames, dump->guest->name,
               release ? release : "no Linux kernel found");
        if (dump->live)
            fputs("while it ran", stdout);
        else
            printf("which was paused for %.1f s", (double)dump->paused_ns / 1e9);
        printf("; %llu pages elsewhere are left out\n", (unsigned long long)left_out(dump));
        return;
    }
    cleanup_json struct json_object *root = json_object_new_object();
    domm_uuid_format(&dump->guest->uuid, uuid);
    domm_json_text(root, "file", dump->path);
    domm_json_text(root, "uuid", uuid);
    domm_json_text(root, "name", dump->guest->name);
    domm_json_number(root, "domid", dump->guest->domid);
    domm_json_number(root, "frames", dump->physical.frames);
    domm_json_number(root, "pages", dump->pages);
    domm_json_number(root, "left_out", left_out(dump));
    json_object_object_add(root, "release", release ? json_object_new_string(release) : NULL);
    domm_json_bool(root, "live", dump->live);
    domm_json_number(root, "paused_ns", dump->paused_ns);
    cmd_print_json(root);
}

static int dump_guest(struct guest_dump *dump, struct domm_error *err)
{
    sigset_t old_mask;
    int rc = dump_open(dump, err);
    if (rc)
        return rc;
    rc = find_kernel(dump, err);
    if (rc)
        return rc;
    cmd_signals_block(SIGQUIT, &dump->signals, &old_mask);
    rc = dump_to_file(dump, err);
    domm_log_status(dump->context->log, NULL);
    cmd_signals_unblock(&dump->signals, &old_mask);
    if (!rc)
        dump_report(dump);
    return rc;
}

static int dump_refuse_pv(const struct domm_domain *guest, struct domm_error *err)
{
    if (guest->type != DOMM_DOMAIN_PV)
        return 0;
    domm_fail(err, DOMM_REFUSED, "%s is a PV guest, whose page tables hold frames of the host",
              guest->name);
    return domm_hint(err, "xl dump-core writes a PV guest in the form that crash(8) reads");
}

static int dump_entry(struct cmd_context *context, const struct domm_inventory_entry *entry,
                      const struct cmd_arguments *arguments, struct domm_error *err)
{
    struct guest_dump dump = {.context = context,
                              .entry = entry,
                              .guest = &entry->domain,
                              .path = arguments->operands[1]};
    for (size_t i = 0; i < arguments->n_options; i++)
        dump.live |= arguments->options[i].id == 'l';
    int rc = dump_refuse_pv(&entry->domain, err);
    if (rc)
        return rc;
    rc = refuse_special(dump.path, err);
    if (rc)
        return rc;
    rc = cmd_refuse_moving(entry, err);
    if (rc)
        return rc;
    rc = dump.live ? 0 : cmd_need_dommd(context, err);
    if (rc)
        return rc;
    rc = dump_guest(&dump, err);
    dump_close(&dump);
    return rc;
}

int cmd_dump(struct cmd_context *context, const struct cmd_arguments *arguments,
             struct domm_error *err)
{
    struct domm_inventory inventory;
    const struct domm_inventory_entry *entry;
    int rc = domm_inventory_read(context->xen, context->log, &inventory, err);
    if (rc)
        return rc;
    rc = domm_inventory_find(&inventory, arguments->operands[0], &entry, err);
    if (!rc)
        rc = dump_entry(context, entry, arguments, err);
    domm_inventory_free(&inventory);
    return rc;
}
