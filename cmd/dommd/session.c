/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"

#define COST_CONNECT 50
#define TOKENS_PER_BUSY_MS (2 * WATCHER_TOKENS_PER_SECOND / 1000) /* half the time at most */
#define BUSY_MS 20   /* how long the next request is polled for */
#define MAX_NAMES 32 /* of channels looked at; a domM that offers more waits */

void watcher_path(const struct watcher *watcher, const char *below, char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "/local/domain/%u/%s", watcher->domid, below);
}

static struct session *session_named(struct watcher *watcher, const char *name)
{
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (watcher->sessions[i].channel && strcmp(watcher->sessions[i].name, name) == 0)
            return &watcher->sessions[i];
    }
    return NULL;
}

static struct session *session_free(struct watcher *watcher)
{
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (!watcher->sessions[i].channel)
            return &watcher->sessions[i];
    }
    return NULL;
}

static void open_channel(struct service *service, struct watcher *watcher, const char *name)
{
    struct session *session = session_free(watcher);
    char below[64], path[PATH_BYTES];
    struct domm_error err;
    if (!session || strlen(name) >= sizeof(session->name) || !domm_bucket_may(&watcher->bucket))
        return;
    domm_bucket_take(&watcher->bucket, COST_CONNECT);
    snprintf(below, sizeof(below), DOMM_CHANNELS_NODE "/%s", name);
    watcher_path(watcher, below, path);
    struct domm_channel *channel;
    if (domm_channel_connect(service->store, watcher->domid, path, &channel, &err)) {
        /* What a process has left that ended; one that lives offers its channel anew. */
        domm_log(&service->log, DOMM_LOG_DEBUG, "%s (%u): %s", watcher->name, watcher->domid,
                 err.text);
        domm_store_remove(service->store, path, &err);
        return;
    }
    *session = (struct session){.channel = channel, .tell = true};
    snprintf(session->name, sizeof(session->name), "%s", name);
    watcher_log(service, watcher, DOMM_LOG_INFO, "channel %s is open", name);
}

static bool is_offered(struct service *service, struct watcher *watcher, const char *name)
{
    char below[96], path[PATH_BYTES];
    struct domm_error err;
    if (strlen(name) > 31)
        return false;
    snprintf(below, sizeof(below), DOMM_CHANNELS_NODE "/%s/ring-ref", name);
    watcher_path(watcher, below, path);
    cleanup_free char *reference = NULL;
    return domm_store_read(service->store, path, &reference, &err) == 0;
}

void watcher_look(struct service *service, struct watcher *watcher)
{
    char path[PATH_BYTES];
    cleanup_free char **names = NULL;
    size_t count;
    struct domm_error err;
    watcher->look = false;
    watcher_path(watcher, DOMM_CHANNELS_NODE, path);
    if (domm_store_list(service->store, path, &names, &count, &err))
        count = 0;
    domm_bucket_take(&watcher->bucket, 1 + (int64_t)(count < MAX_NAMES ? count : MAX_NAMES));
    for (size_t i = 0; i < count && i < MAX_NAMES; i++) {
        if (!session_named(watcher, names[i]) && is_offered(service, watcher, names[i]))
            open_channel(service, watcher, names[i]);
    }
}

void session_close(struct service *service, struct watcher *watcher, struct session *session)
{
    watcher_log(service, watcher, DOMM_LOG_INFO, "channel %s is closed", session->name);
    domm_channel_close(session->channel);
    regions_disown(watcher, session);
    *session = (struct session){0};
    watcher->look = true; /* one that did not fit may be waiting */
    watcher_unsettle(service, watcher);
}

/* Wakes those who wait for no reply. */
static void tell(struct service *service, struct watcher *watcher)
{
    char path[PATH_BYTES], text[24];
    struct domm_error err;
    watcher->told = false;
    watcher_path(watcher, DOMM_NODE_TOLD, path);
    snprintf(text, sizeof(text), "%" PRIu64, ++watcher->times_told);
    if (domm_store_write(service->store, path, text, &err))
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): %s", watcher->name, watcher->domid,
                 err.text);
}

static void send_event(struct watcher *watcher, struct session *session)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_reply event = {.type = DOMM_EVENT_CHANGED,
                               .generation = watcher->generation,
                               .count = (uint32_t)watcher->n_targets};
    domm_reply_encode(&event, bytes);
    /* Without room now it is sent later: the other side reads nothing then. */
    session->tell = !domm_channel_send(session->channel, bytes);
    watcher->told |= !session->tell;
}

static void serve(struct service *service, struct watcher *watcher, struct session *session,
                  const unsigned char *bytes)
{
    struct domm_request request;
    struct domm_reply reply;
    struct domm_error err;
    unsigned char answer[DOMM_REPLY_BYTES];
    if (domm_request_decode(bytes, &request, &err)) {
        watcher_log(service, watcher, DOMM_LOG_WARN, "a malformed request: %s", err.text);
        domm_bucket_take(&watcher->bucket, COST_CONNECT);
        session->ended = true;
        return;
    }
    int64_t start = now_ms();
    int64_t cost = request_serve(service, watcher, session, &request, &reply);
    /* The time is domM's to stretch, with page tables of its making. */
    int64_t taken = (now_ms() - start) * TOKENS_PER_BUSY_MS;
    domm_bucket_take(&watcher->bucket, cost > taken ? cost : taken);
    if (watcher->settle_ms) /* after a restart: it may not have claimed everything yet */
        watcher_unsettle(service, watcher);
    domm_reply_encode(&reply, answer);
    /* Who sends more than it reads answers for has nobody to listen. */
    if (!domm_channel_send(session->channel, answer))
        session->ended = true;
}

/* At most one request; true if one was served. */
static bool session_turn(struct service *service, struct watcher *watcher, struct session *session)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    domm_channel_awake(session->channel);
    if (session->tell)
        send_event(watcher, session);
    bool got = domm_channel_receive(session->channel, bytes);
    if (got)
        watcher->busy_ms = now_ms() + BUSY_MS;
    if (got)
        serve(service, watcher, session, bytes);
    else if (domm_channel_state(session->channel) == DOMM_CHANNEL_ENDED)
        session->ended = true;
    if (session->ended)
        session_close(service, watcher, session);
    return got;
}

bool watcher_may(const struct watcher *watcher)
{
    return domm_bucket_may(&watcher->bucket) && !watcher->suspended &&
           watcher->closed_ms <= now_ms();
}

bool watcher_turn(struct service *service, struct watcher *watcher)
{
    bool more = false;
    domm_bucket_fill(&watcher->bucket, now_ms());
    if (watcher->look && watcher_may(watcher))
        watcher_look(service, watcher);
    for (size_t i = 0; i < MAX_CHANNELS && watcher_may(watcher); i++) {
        if (watcher->sessions[i].channel)
            more |= session_turn(service, watcher, &watcher->sessions[i]);
    }
    if (watcher->told)
        tell(service, watcher);
    return more;
}
