/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sources of memory: a file; in dom0 a domain; in a monitor a target. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/xen/hv.h"
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

/* As in xl, digits only are a domid. */
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
    if (domm_probe_dom0(err) || find_domain(name, &domid, err) ||
        domm_hv_open(log, &source->memory, err) ||
        domm_reader_open(source->memory, domid, &source->reader, err))
        return domm_wrap(err, "the memory of domain %s", name);
    source->physical = (struct domm_physical){
        .read = read_domain,
        .context = source->reader,
        .frames = domm_reader_frames(source->reader),
    };
    return 0;
}

/* --- a target --------------------------------------------------------------------------------- */

/* How long to wait for dommd, which may be busy mapping for others. */
#define PATIENCE_MS 15000

static int memory_source_find_target(struct domm_vmi *vmi, const char *name,
                                     struct domm_vmi_target *target_r, struct domm_error *err)
{
    struct domm_vmi_target targets[DOMM_VMI_MAX_TARGETS];
    int rc = -EAGAIN;
    for (int64_t end = domm_now_ms() + PATIENCE_MS;
         (rc == 0 || rc == -EAGAIN) && domm_now_ms() < end;)
        rc = domm_vmi_poll(vmi, (int)(end - domm_now_ms()));
    int count = rc < 1 ? rc : domm_vmi_targets(vmi, targets, DOMM_VMI_MAX_TARGETS);
    if (rc < 1 || count < 0)
        return domm_fail_errno(err, DOMM_FAILED, count < 0 ? -count : EAGAIN,
                               "asking dommd for this monitor's targets");
    for (int i = 0; i < count && i < DOMM_VMI_MAX_TARGETS; i++) {
        *target_r = targets[i];
        if (strcmp(targets[i].name, name) == 0)
            return 0;
    }
    return domm_fail(err, DOMM_NOT_FOUND, "this monitor has no target '%s' that runs", name);
}

/* Frames are mapped at the first read, and stay mapped. */
static int map_missing(struct domm_vmi_memory *target, uint64_t gfn, uint64_t end)
{
    while (gfn < end && domm_vmi_is_mapped(target, gfn))
        gfn++;
    ssize_t mapped = gfn < end ? domm_vmi_map(target, gfn, end - gfn) : 0;
    return mapped < 0 ? (int)mapped : 0;
}

static int read_target(const void *context, uint64_t address, void *buffer, size_t size)
{
    struct domm_vmi_memory *target = (struct domm_vmi_memory *)(uintptr_t)context;
    uint64_t end = (address + size + DOMM_VMI_PAGE - 1) / DOMM_VMI_PAGE;
    int rc = map_missing(target, address / DOMM_VMI_PAGE, end);
    if (rc)
        return rc;
    ssize_t got = domm_vmi_read(target, address, buffer, size);
    return got < 0 ? (int)got : (size_t)got == size ? 0 : -EIO;
}

static int open_target(const char *name, struct memory_source *source, struct domm_error *err)
{
    struct domm_vmi_target target;
    int rc = domm_vmi_open(&source->vmi);
    if (rc)
        return domm_fail_errno(err, DOMM_NOT_PERMITTED, -rc, "opening a channel to dommd");
    rc = memory_source_find_target(source->vmi, name, &target, err);
    if (rc)
        return rc;
    rc = domm_vmi_memory_open(source->vmi, target.uuid, &source->target);
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "the memory of target %s", name);
    source->physical = domm_physical_target(source->target);
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
    int rc = domm_vmi_poll(source->vmi, 0);
    if (rc >= 0 || rc == -EAGAIN) /* mappings stay without dommd */
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
    domm_hv_close(source->memory);
    domm_vmi_close(source->vmi);
    if (source->fd >= 0)
        close(source->fd);
    *source = (struct memory_source){.fd = -1};
}
