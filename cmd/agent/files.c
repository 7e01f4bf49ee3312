/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files MOUNT_POINT/TARGET/mem and info.json, by FUSE. The agent's only thread answers their
 * requests between its other work, so no locks are needed.
 */
#define FUSE_USE_VERSION 31

#include "cmd/agent/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/json.h"

/* Inodes: the root, and four for each view. Content changes without a write, so the kernel must
 * cache neither attributes nor data. */
enum file { FILE_DIRECTORY, FILE_MEM, FILE_INFO, FILE_BEYOND, FILES };

#define FIRST_INODE 4
#define GROUP "domm-monitor" /* may read the files; made by the package */
#define MAX_READ (1u << 20)
#define MAX_RANGES 1024 /* in info.json */

static const char *const file_names[] = {
    [FILE_MEM] = "mem", [FILE_INFO] = "info.json", [FILE_BEYOND] = "beyond"};

static fuse_ino_t inode_of(size_t view, enum file file)
{
    return FIRST_INODE + view * FILES + file;
}

static struct view *view_of(fuse_req_t request, fuse_ino_t inode)
{
    struct memory *memory = fuse_req_userdata(request);
    size_t number = inode < FIRST_INODE ? SIZE_MAX : (size_t)(inode - FIRST_INODE) / FILES;
    if (number >= DOMM_VMI_MAX_TARGETS || !memory->views[number].used)
        return NULL;
    return &memory->views[number];
}

static enum file file_of(fuse_ino_t inode)
{
    return (enum file)((inode - FIRST_INODE) % FILES);
}

static bool fill_stat(fuse_req_t request, fuse_ino_t inode, struct stat *stat_r)
{
    const struct view *view = view_of(request, inode);
    const struct memory *memory = fuse_req_userdata(request);
    mode_t group = memory->group ? 0050 : 0;
    *stat_r = (struct stat){.st_ino = inode,
                            .st_mode = S_IFREG | 0400 | (group & 0040),
                            .st_nlink = 1,
                            .st_gid = memory->group};
    clock_gettime(CLOCK_REALTIME, &stat_r->st_mtim);
    if (inode == FUSE_ROOT_ID || (view && file_of(inode) == FILE_DIRECTORY)) {
        stat_r->st_mode = S_IFDIR | 0500 | group;
        stat_r->st_nlink = 2;
        return true;
    }
    if (view && file_of(inode) == FILE_MEM)
        stat_r->st_size = (off_t)(domm_vmi_memory_frames(view->memory) * DOMM_VMI_PAGE);
    if (view && file_of(inode) == FILE_BEYOND)
        stat_r->st_size = (off_t)(domm_vmi_beyond(view->memory) * DOMM_VMI_PAGE);
    return view != NULL;
}

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    struct stat stat;
    (void)info;
    if (fill_stat(request, inode, &stat))
        fuse_reply_attr(request, &stat, 0);
    else
        fuse_reply_err(request, ENOENT);
}

static fuse_ino_t files_find(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    const struct memory *memory = fuse_req_userdata(request);
    for (size_t i = 0; parent == FUSE_ROOT_ID && i < DOMM_VMI_MAX_TARGETS; i++) {
        if (memory->views[i].used && strcmp(memory->views[i].name, name) == 0)
            return inode_of(i, FILE_DIRECTORY);
    }
    if (!view_of(request, parent) || file_of(parent) != FILE_DIRECTORY)
        return 0;
    for (enum file file = FILE_MEM; file < FILES; file++) {
        if (strcmp(file_names[file], name) == 0)
            return parent + file;
    }
    return 0;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {.ino = files_find(request, parent, name)};
    if (entry.ino && fill_stat(request, entry.ino, &entry.attr))
        fuse_reply_entry(request, &entry);
    else
        fuse_reply_err(request, ENOENT);
}

struct listing {
    char bytes[8192];
    size_t used;
};

static void add_entry(fuse_req_t request, struct listing *listing, const char *name,
                      fuse_ino_t inode)
{
    struct stat stat;
    fill_stat(request, inode, &stat);
    size_t room = sizeof(listing->bytes) - listing->used;
    size_t size = fuse_add_direntry(request, NULL, 0, name, NULL, 0);
    if (size <= room) {
        fuse_add_direntry(request, listing->bytes + listing->used, room, name, &stat,
                          (off_t)(listing->used + size));
        listing->used += size;
    }
}

static void on_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    const struct memory *memory = fuse_req_userdata(request);
    struct listing listing = {.used = 0};
    (void)info;
    add_entry(request, &listing, ".", inode);
    add_entry(request, &listing, "..", FUSE_ROOT_ID);
    for (size_t i = 0; inode == FUSE_ROOT_ID && i < DOMM_VMI_MAX_TARGETS; i++) {
        if (memory->views[i].used)
            add_entry(request, &listing, memory->views[i].name, inode_of(i, FILE_DIRECTORY));
    }
    for (enum file file = FILE_MEM; inode != FUSE_ROOT_ID && file < FILES; file++)
        add_entry(request, &listing, file_names[file], inode + file);
    size_t from = (size_t)offset < listing.used ? (size_t)offset : listing.used;
    size_t rest = listing.used - from;
    fuse_reply_buf(request, listing.bytes + from, rest < size ? rest : size);
}

static void on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    if (!view_of(request, inode)) {
        fuse_reply_err(request, ENOENT);
    } else if ((info->flags & O_ACCMODE) != O_RDONLY) {
        fuse_reply_err(request, EROFS);
    } else {
        info->direct_io = 1; /* each read must reach the live memory */
        info->noflush = 1;   /* who closes a file, or is killed, does not wait for us */
        fuse_reply_open(request, info);
    }
}

/* The search for a kernel does not wait: it is ended by this thread, which would wait for it. */
static bool put_off(fuse_req_t request, const struct view *view, const struct late_read *read)
{
    struct memory *memory = fuse_req_userdata(request);
    if (!view->attached ||
        (view->finder && kernel_finder_is(view->finder, fuse_req_ctx(request)->pid)))
        return false;
    return late_reads_add(&memory->late, read);
}

typedef ssize_t read_from(const struct domm_vmi_memory *memory, uint64_t address, void *buffer,
                          size_t size);

static void read_memory(fuse_req_t request, fuse_ino_t inode, const struct view *view, size_t size,
                        off_t offset)
{
    bool beyond = file_of(inode) == FILE_BEYOND; /* is found anew: there is nothing to wait for */
    read_from *from = beyond ? domm_vmi_read_beyond : domm_vmi_read;
    size = size < MAX_READ ? size : MAX_READ;
    cleanup_free char *buffer = malloc(size ? size : 1);
    if (!buffer) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    ssize_t got = view->attached ? from(view->memory, (uint64_t)offset, buffer, size) : -EIO;
    if (got == -EIO && !beyond &&
        put_off(request, view, &(struct late_read){request, inode, size, offset}))
        return;
    if (got < 0)
        fuse_reply_err(request, (int)-got);
    else
        fuse_reply_buf(request, buffer, (size_t)got);
}

static void add_address(struct json_object *object, const char *key, uint64_t address)
{
    /* As a string: many JSON readers keep only 53 bits of a number. */
    char text[24];
    snprintf(text, sizeof(text), "0x%" PRIx64, address);
    domm_json_text(object, key, text);
}

static void add_kernel(struct json_object *info, const struct view *view)
{
    const struct domm_kernel_facts *facts = view_kernel(view);
    struct json_object *kernel = json_object_new_object();
    json_object_object_add(info, "kernel", kernel);
    domm_json_bool(kernel, "found", facts);
    if (!facts)
        return;
    domm_json_text(kernel, "release", facts->release);
    add_address(kernel, "kaslr_offset", facts->kaslr_offset);
    json_object_object_add(kernel, "phys_base", json_object_new_int64(facts->phys_base));
    add_address(kernel, "page_table_root", facts->page_table_root);
    domm_json_number(kernel, "page_table_levels", facts->levels);
    domm_json_bool(kernel, "page_tables_usable", facts->page_tables);
    add_address(kernel, "stext", facts->stext);
    add_address(kernel, "vmcoreinfo", facts->vmcoreinfo);
}

/* Adds the mapped ranges: [first frame, number of frames]. */
static void add_ranges(struct json_object *info, const struct view *view)
{
    struct json_object *ranges = json_object_new_array();
    uint64_t gfn = 0, end = view->attached ? view->filled : 0;
    json_object_object_add(info, "ranges", ranges);
    while (gfn < end && json_object_array_length(ranges) < MAX_RANGES) {
        uint64_t first = gfn;
        while (gfn < end && domm_vmi_is_mapped(view->memory, gfn))
            gfn++;
        if (gfn > first) {
            struct json_object *range = json_object_new_array_ext(2);
            json_object_array_add(range, json_object_new_uint64(first));
            json_object_array_add(range, json_object_new_uint64(gfn - first));
            json_object_array_add(ranges, range);
        }
        gfn++;
    }
}

/* What the target owns by Xen's count, and what of it is not seen in these files. */
static void add_pages(struct json_object *info, const struct view *view, uint64_t seen)
{
    uint64_t owned = view->attached ? domm_vmi_owned(view->memory) : 0;
    struct json_object *pages = json_object_new_object();
    json_object_object_add(info, "pages", pages);
    json_object_object_add(pages, "owned", owned ? json_object_new_uint64(owned) : NULL);
    domm_json_number(pages, "seen", seen);
    json_object_object_add(pages, "hidden",
                           owned ? json_object_new_uint64(owned > seen ? owned - seen : 0) : NULL);
    domm_json_number(pages, "beyond", domm_vmi_beyond(view->memory));
}

static void answer_info(fuse_req_t request, const struct view *view, size_t size, off_t offset)
{
    cleanup_json struct json_object *info = json_object_new_object();
    char uuid[33];
    uint64_t seen = view_mapped(view);
    for (size_t i = 0; i < sizeof(view->target.uuid); i++)
        snprintf(uuid + 2 * i, 3, "%02x", view->target.uuid[i]);
    domm_json_text(info, "name", view->target.name);
    domm_json_text(info, "uuid", uuid);
    domm_json_bool(info, "attached", view->attached);
    domm_json_number(info, "page_size", DOMM_VMI_PAGE);
    domm_json_number(info, "frames", domm_vmi_memory_frames(view->memory));
    domm_json_number(info, "frames_mapped", seen);
    domm_json_bool(info, "complete",
                   view->attached && view->filled == domm_vmi_memory_frames(view->memory));
    add_pages(info, view, seen);
    add_ranges(info, view);
    add_kernel(info, view);
    cleanup_free char *text = domm_json_format(info, JSON_C_TO_STRING_PRETTY);
    size_t length = text ? strlen(text) : 0;
    size_t from = (size_t)offset < length ? (size_t)offset : length;
    fuse_reply_buf(request, text + from, length - from < size ? length - from : size);
}

static void answer_waiting(struct view *view)
{
    struct late_read waiting[LATE_READS];
    size_t count = late_reads_take(&view->waiting, waiting);
    for (size_t i = 0; i < count; i++)
        answer_info(waiting[i].request, view, waiting[i].size, waiting[i].offset);
}

/* With the kernel. More readers than can wait get an answer without it. */
static void read_info(fuse_req_t request, fuse_ino_t inode, struct view *view, size_t size,
                      off_t offset)
{
    view->answer = answer_waiting;
    if (!view_searches(fuse_req_userdata(request), view) ||
        !late_reads_add(&view->waiting, &(struct late_read){request, inode, size, offset}))
        answer_info(request, view, size, offset);
}

static void on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                    struct fuse_file_info *info)
{
    struct view *view = view_of(request, inode);
    (void)info;
    if (!view)
        fuse_reply_err(request, ENOENT);
    else if (file_of(inode) == FILE_INFO)
        read_info(request, inode, view, size, offset);
    else
        read_memory(request, inode, view, size, offset);
}

void files_answer_late(struct memory *memory)
{
    struct late_read late[LATE_READS];
    size_t count = late_reads_take(&memory->late, late);
    for (size_t i = 0; i < count; i++)
        on_read(late[i].request, late[i].inode, late[i].size, late[i].offset, NULL);
}

void files_close(struct memory *memory)
{
    if (!memory->files)
        return;
    late_reads_refuse(&memory->late);
    for (size_t i = 0; i < DOMM_VMI_MAX_TARGETS; i++)
        view_end_search(&memory->views[i]);
    memory->requests = sd_event_source_disable_unref(memory->requests);
    fuse_session_unmount(memory->files);
    fuse_session_destroy(memory->files);
    memory->files = NULL;
}

/* Answers one request of the kernel. When the files were unmounted, memory.c mounts them again. */
static int on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct memory *memory = userdata;
    struct fuse_buf buffer = {.mem = NULL};
    (void)source;
    (void)fd;
    (void)events;
    int got = fuse_session_receive_buf(memory->files, &buffer);
    if (got > 0)
        fuse_session_process_buf(memory->files, &buffer);
    free(buffer.mem);
    if (fuse_session_exited(memory->files))
        files_close(memory);
    return 0;
}

/* 0, root's, if there is no such group: then the files are for root alone. */
static gid_t find_group(void)
{
    const struct group *group = getgrnam(GROUP);
    return group ? group->gr_gid : 0;
}

/* allow_other lets users other than root come to the files at all, default_permissions has the
 * kernel check their mode. */
int files_open(struct memory *memory)
{
    static const struct fuse_lowlevel_ops operations = {
        .lookup = on_lookup,
        .getattr = on_getattr,
        .readdir = on_readdir,
        .open = on_open,
        .read = on_read,
    };
    char *arguments[] = {(char[]){"domm-agent"},
                         (char[]){"-oro,nosuid,nodev,noexec,fsname=domm,allow_other,"
                                  "default_permissions"}};
    memory->group = find_group();
    struct fuse_args args = FUSE_ARGS_INIT(2, arguments);
    if (mkdir(MOUNT_POINT, 0755) && errno != EEXIST)
        return -errno;
    memory->files = fuse_session_new(&args, &operations, sizeof(operations), memory);
    fuse_opt_free_args(&args);
    if (!memory->files)
        return -EINVAL;
    if (fuse_session_mount(memory->files, MOUNT_POINT)) {
        fuse_session_destroy(memory->files);
        memory->files = NULL;
        return -ENODEV;
    }
    int fd = fuse_session_fd(memory->files);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    int rc = sd_event_add_io(memory->event, &memory->requests, fd, EPOLLIN, on_request, memory);
    if (rc < 0) {
        files_close(memory);
        return rc;
    }
    domm_log(memory->log, DOMM_LOG_INFO, "offering targets' memory below " MOUNT_POINT);
    return 0;
}
