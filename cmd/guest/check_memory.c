/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the memory is read from: a file; in dom0 a domain; in a domM a target. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/guest/check.h"
#include "cmd/guest/clock.h"
#include "lib/base/cleanup.h"
#include "lib/xen/memory.h"
#include "lib/xen/probe.h"
#include "lib/xen/reader.h"
#include "lib/xen/store.h"

#define DOMAIN_PREFIX "xen:"
#define TARGET_PREFIX "target:"

static int open_file(const char *path, struct memory_source *source, struct domm_error *err)
{
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "opening the memory %s", path);
    int rc = domm_physical_file(&source->fd, &source->physical);
    return rc ? domm_fail_errno(err, DOMM_FAILED, -rc, "the memory %s", path) : 0;
}

/* --- a domain --------------------------------------------------------------------------------- */

#define DOMAINS_NODE "/local/domain"

/* As xl has it: digits alone are a domid. */
static bool parse_domid(const char *text, uint32_t *domid_r)
{
    size_t digits = strspn(text, "0123456789");
    *domid_r = (uint32_t)strtoul(text, NULL, 10);
    return digits > 0 && digits <= 5 && !text[digits];
}

static bool has_name(struct domm_store *store, const char *domid, const char *name)
{
    char path[64];
    struct domm_error ignored;
    cleanup_free char *text = NULL;
    snprintf(path, sizeof(path), DOMAINS_NODE "/%.16s/name", domid);
    return domm_store_read(store, path, &text, &ignored) == 0 && strcmp(text, name) == 0;
}

static int find_domain(const char *name, uint32_t *domid_r, struct domm_error *err)
{
    struct domm_store *store;
    cleanup_free char **names = NULL;
    size_t count = 0;
    bool found = parse_domid(name, domid_r);
    if (found)
        return 0;
    int rc = domm_store_open(&store, err);
    if (rc)
        return rc;
    rc = domm_store_list(store, DOMAINS_NODE, &names, &count, err);
    for (size_t i = 0; !rc && !found && i < count; i++)
        found = parse_domid(names[i], domid_r) && has_name(store, names[i], name);
    domm_store_close(store);
    return rc || found ? rc : domm_fail(err, DOMM_NOT_FOUND, "no domain has the name '%s'", name);
}

static int read_domain(const void *context, uint64_t address, void *buffer, size_t size)
{
    return domm_reader_read(context, address, buffer, size);
}

static int open_domain(const char *name, struct domm_log *log, struct memory_source *source,
                       struct domm_error *err)
{
    uint32_t domid;
    int rc = domm_probe_dom0(err);
    rc = rc ? rc : find_domain(name, &domid, err);
    rc = rc ? rc : domm_memory_open(log, &source->memory, err);
    rc = rc ? rc : domm_reader_open(source->memory, domid, &source->reader, err);
    if (rc)
        return domm_wrap(err, "the memory of domain %s", name);
    source->physical = (struct domm_physical){
        .read = read_domain,
        .context = source->reader,
        .frames = domm_reader_frames(source->reader),
    };
    return 0;
}

/* --- a target --------------------------------------------------------------------------------- */

/* How long dommd may take to answer, when it is busy mapping for others. */
#define PATIENCE_MS 15000

static int find_target(struct domm_guest *guest, const char *name,
                       struct domm_guest_target *target_r, struct domm_error *err)
{
    struct domm_guest_target targets[DOMM_GUEST_MAX_TARGETS];
    int rc = -EAGAIN;
    for (int64_t end = now_ms() + PATIENCE_MS; (rc == 0 || rc == -EAGAIN) && now_ms() < end;)
        rc = domm_guest_poll(guest, (int)(end - now_ms()));
    int count = rc < 1 ? rc : domm_guest_targets(guest, targets, DOMM_GUEST_MAX_TARGETS);
    if (rc < 1 || count < 0)
        return domm_fail_errno(err, DOMM_FAILED, count < 0 ? -count : EAGAIN,
                               "asking dommd for this domM's targets");
    for (int i = 0; i < count && i < DOMM_GUEST_MAX_TARGETS; i++) {
        *target_r = targets[i];
        if (strcmp(targets[i].name, name) == 0)
            return 0;
    }
    return domm_fail(err, DOMM_NOT_FOUND, "this domM has no target '%s' that runs", name);
}

/* Frames are mapped when they are first read, and stay so. */
static int map_missing(struct domm_guest_memory *target, uint64_t gfn, uint64_t end)
{
    while (gfn < end && domm_guest_is_mapped(target, gfn))
        gfn++;
    ssize_t mapped = gfn < end ? domm_guest_map(target, gfn, end - gfn) : 0;
    return mapped < 0 ? (int)mapped : 0;
}

static int read_target(const void *context, uint64_t address, void *buffer, size_t size)
{
    struct domm_guest_memory *target = (struct domm_guest_memory *)(uintptr_t)context;
    uint64_t end = (address + size + DOMM_GUEST_PAGE - 1) / DOMM_GUEST_PAGE;
    int rc = map_missing(target, address / DOMM_GUEST_PAGE, end);
    if (rc)
        return rc;
    ssize_t got = domm_guest_read(target, address, buffer, size);
    return got < 0 ? (int)got : (size_t)got == size ? 0 : -EIO;
}

static int open_target(const char *name, struct memory_source *source, struct domm_error *err)
{
    struct domm_guest_target target;
    int rc = domm_guest_open(&source->guest);
    if (rc)
        return domm_fail_errno(err, DOMM_NOT_PERMITTED, -rc, "opening a channel to dommd");
    rc = find_target(source->guest, name, &target, err);
    if (rc)
        return rc;
    rc = domm_guest_memory_open(source->guest, target.uuid, &source->target);
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "the memory of target %s", name);
    source->physical = domm_physical_guest(source->target);
    source->physical.read = read_target;
    return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

int memory_source_open(const char *name, struct domm_log *log, struct memory_source *source_r,
                       struct domm_error *err)
{
    const char *domain = after(name, DOMAIN_PREFIX), *target = after(name, TARGET_PREFIX);
    *source_r = (struct memory_source){.fd = -1};
    int rc = domain   ? open_domain(domain, log, source_r, err)
             : target ? open_target(target, source_r, err)
                      : open_file(name, source_r, err);
    if (rc)
        memory_source_close(source_r);
    return rc;
}

int memory_source_follow(const char *name, struct domm_log *log, struct memory_source *source,
                         struct domm_error *err)
{
    if (!source->target)
        return memory_source_open(name, log, source, err);
    int rc = domm_guest_poll(source->guest, 0);
    if (rc >= 0 || rc == -EAGAIN) /* without dommd, what is mapped stays */
        return 0;
    memory_source_close(source);
    return domm_fail_errno(err, DOMM_FAILED, -rc, "the channel to dommd");
}

void memory_source_leave(struct memory_source *source, bool ok)
{
    if (!source->target || !ok)
        memory_source_close(source);
}

void memory_source_close(struct memory_source *source)
{
    domm_reader_close(source->reader);
    domm_memory_close(source->memory);
    domm_guest_close(source->guest);
    if (source->fd >= 0)
        close(source->fd);
    *source = (struct memory_source){.fd = -1};
}
