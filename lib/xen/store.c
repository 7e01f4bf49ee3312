/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

struct domm_store {
    struct xs_handle *xs;
};

static int fail_at(struct domm_error *err, int errnum, const char *attempt, const char *path)
{
    enum domm_code code = DOMM_FAILED;
    if (errnum == ENOENT)
        code = DOMM_NOT_FOUND;
    else if (errnum == EACCES || errnum == EPERM)
        code = DOMM_NOT_PERMITTED;
    return domm_fail_errno(err, code, errnum, "%s the xenstore node %s", attempt, path);
}

int domm_store_open(struct domm_store **store_r, struct domm_error *err)
{
    struct domm_store *store = calloc(1, sizeof(*store));
    if (!store)
        return domm_no_memory(err);
    store->xs = xs_open(0);
    if (!store->xs) {
        int reason = errno;
        free(store);
        domm_fail_errno(err, DOMM_NOT_PERMITTED, reason, "opening xenstore");
        if (reason == EACCES || reason == EPERM)
            return domm_hint(err, "run this as root");
        return domm_hint(err, "run this inside a Xen guest, with its kernel's xenfs or xenbus "
                              "device (/dev/xen/xenbus)");
    }
    *store_r = store;
    return 0;
}

void domm_store_close(struct domm_store *store)
{
    if (!store)
        return;
    xs_close(store->xs);
    free(store);
}

int domm_store_read(struct domm_store *store, const char *path, char **value_r,
                    struct domm_error *err)
{
    *value_r = xs_read(store->xs, XBT_NULL, path, NULL);
    return *value_r ? 0 : fail_at(err, errno, "reading", path);
}

int domm_store_write(struct domm_store *store, const char *path, const char *value,
                     struct domm_error *err)
{
    if (xs_write(store->xs, XBT_NULL, path, value, (unsigned int)strlen(value)))
        return 0;
    return fail_at(err, errno, "writing", path);
}

/* False with EAGAIN if another program has changed the node meanwhile. */
static bool rewrite(struct xs_handle *xs, const char *path, const char *value)
{
    xs_transaction_t transaction = xs_transaction_start(xs);
    if (transaction == XBT_NULL)
        return false;
    char *old = xs_read(xs, transaction, path, NULL);
    bool written = old && xs_write(xs, transaction, path, value, (unsigned int)strlen(value));
    int reason = errno;
    free(old);
    bool ended = xs_transaction_end(xs, transaction, !written);
    if (!written)
        errno = reason;
    return written && ended;
}

int domm_store_rewrite(struct domm_store *store, const char *path, const char *value,
                       struct domm_error *err)
{
    while (!rewrite(store->xs, path, value)) {
        if (errno != EAGAIN)
            return fail_at(err, errno, "writing", path);
    }
    return 0;
}

uint64_t domm_store_static_max(struct domm_store *store, uint32_t domid)
{
    char path[64], *end, *text = NULL;
    struct domm_error ignored;
    snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domid);
    if (domm_store_read(store, path, &text, &ignored))
        return 0;
    errno = 0;
    unsigned long long kib = strtoull(text, &end, 10);
    bool valid = text[0] >= '0' && text[0] <= '9' && !*end && !errno;
    free(text);
    return valid ? kib / 4 : 0;
}

int domm_store_remove(struct domm_store *store, const char *path, struct domm_error *err)
{
    if (xs_rm(store->xs, XBT_NULL, path) || errno == ENOENT)
        return 0;
    return fail_at(err, errno, "removing", path);
}

int domm_store_watch(struct domm_store *store, const char *path, struct domm_error *err)
{
    if (xs_watch(store->xs, path, path))
        return 0;
    return fail_at(err, errno, "watching", path);
}

int domm_store_fd(struct domm_store *store)
{
    return xs_fileno(store->xs);
}

static char *store_take_event(struct domm_store *store, enum xs_watch_type field)
{
    char **event = xs_check_watch(store->xs);
    if (!event)
        return NULL;
    char *text = strdup(event[field]);
    free(event);
    return text;
}

char *domm_store_changed(struct domm_store *store)
{
    return store_take_event(store, XS_WATCH_PATH);
}

int domm_store_unwatch(struct domm_store *store, const char *path, struct domm_error *err)
{
    if (xs_unwatch(store->xs, path, path))
        return 0;
    return fail_at(err, errno, "no longer watching", path);
}

char *domm_store_event(struct domm_store *store)
{
    return store_take_event(store, XS_WATCH_TOKEN);
}

void domm_store_drop_events(struct domm_store *store)
{
    char *event;
    while ((event = domm_store_event(store)))
        free(event);
}

int domm_store_list(struct domm_store *store, const char *path, char ***names_r, size_t *count_r,
                    struct domm_error *err)
{
    unsigned int count = 0;
    *names_r = xs_directory(store->xs, XBT_NULL, path, &count);
    *count_r = count;
    return *names_r ? 0 : fail_at(err, errno, "listing", path);
}

static int store_make(struct domm_store *store, const char *path,
                      struct xs_permissions *permissions, unsigned int count,
                      struct domm_error *err)
{
    if (!xs_mkdir(store->xs, XBT_NULL, path))
        return fail_at(err, errno, "making", path);
    if (!xs_set_permissions(store->xs, XBT_NULL, path, permissions, count))
        return fail_at(err, errno, "sharing", path);
    return 0;
}

int domm_store_give(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err)
{
    struct xs_permissions permissions = {.id = domid, .perms = XS_PERM_NONE};
    return store_make(store, path, &permissions, 1, err);
}

int domm_store_show(struct domm_store *store, const char *path, uint32_t domid,
                    struct domm_error *err)
{
    struct xs_permissions permissions[] = {
        {.id = 0, .perms = XS_PERM_NONE},
        {.id = domid, .perms = XS_PERM_READ},
    };
    return store_make(store, path, permissions, 2, err);
}
