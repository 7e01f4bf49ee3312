/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/monitor.h"
#include "cmd/dommd/news.h"
#include "cmd/dommd/regions.h"
#include "cmd/dommd/requests.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define COST_CONNECT 50
#define TOKENS_PER_BUSY_MS (2 * MONITOR_TOKENS_PER_SECOND / 1000) /* half the time at most */
#define BUSY_MS 20   /* how long the next request is polled for */
#define MAX_NAMES 32 /* of channels looked at; a monitor that offers more waits */

static struct client *client_named(struct monitor *monitor, const char *name)
{
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (monitor->clients[i].channel && strcmp(monitor->clients[i].name, name) == 0)
            return &monitor->clients[i];
    }
    return NULL;
}

static struct client *client_free(struct monitor *monitor)
{
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (!monitor->clients[i].channel)
            return &monitor->clients[i];
    }
    return NULL;
}

static void open_channel(struct service *service, struct monitor *monitor, const char *name)
{
    struct client *client = client_free(monitor);
    char below[64], path[PATH_BYTES];
    struct domm_error err;
    if (!client || strlen(name) >= sizeof(client->name) || !domm_bucket_may(&monitor->bucket))
        return;
    domm_bucket_take(&monitor->bucket, COST_CONNECT);
    snprintf(below, sizeof(below), DOMM_CHANNELS_NODE "/%s", name);
    monitor_path(monitor, below, path);
    struct domm_channel *channel;
    if (domm_channel_connect(service->store, monitor->domid, path, &channel, &err)) {
        /* What a process has left that ended; one that lives offers its channel anew. */
        domm_log(&service->log, DOMM_LOG_DEBUG, "%s (%u): %s", monitor->name, monitor->domid,
                 err.text);
        domm_store_remove(service->store, path, &err);
        return;
    }
    *client = (struct client){.channel = channel, .notify_pending = true};
    snprintf(client->name, sizeof(client->name), "%s", name);
    monitor_log(service, monitor, DOMM_LOG_INFO, "channel %s is open", name);
}

static bool is_offered(struct service *service, struct monitor *monitor, const char *name)
{
    char below[96], path[PATH_BYTES];
    struct domm_error err;
    if (strlen(name) > 31)
        return false;
    snprintf(below, sizeof(below), DOMM_CHANNELS_NODE "/%s/ring-ref", name);
    monitor_path(monitor, below, path);
    cleanup_free char *reference = NULL;
    return domm_store_read(service->store, path, &reference, &err) == 0;
}

static void open_channels(struct service *service, struct monitor *monitor)
{
    char path[PATH_BYTES];
    cleanup_free char **names = NULL;
    size_t count;
    struct domm_error err;
    monitor->new_channels = false;
    monitor_path(monitor, DOMM_CHANNELS_NODE, path);
    if (domm_store_list(service->store, path, &names, &count, &err))
        count = 0;
    domm_bucket_take(&monitor->bucket, 1 + (int64_t)(count < MAX_NAMES ? count : MAX_NAMES));
    for (size_t i = 0; i < count && i < MAX_NAMES; i++) {
        if (!client_named(monitor, names[i]) && is_offered(service, monitor, names[i]))
            open_channel(service, monitor, names[i]);
    }
}

void client_close(struct service *service, struct monitor *monitor, struct client *client)
{
    monitor_log(service, monitor, DOMM_LOG_INFO, "channel %s is closed", client->name);
    domm_channel_close(client->channel);
    regions_disown(monitor, client);
    *client = (struct client){0};
    monitor->new_channels = true; /* one that did not fit may be waiting */
    monitor_defer_reclaim(monitor);
}

/* Wakes those who wait for no reply. */
static void notify_clients(struct service *service, struct monitor *monitor)
{
    char path[PATH_BYTES], text[24];
    struct domm_error err;
    monitor->notify_pending = false;
    monitor_path(monitor, DOMM_NODE_TOLD, path);
    snprintf(text, sizeof(text), "%" PRIu64, ++monitor->times_notified);
    if (domm_store_write(service->store, path, text, &err))
        monitor_log(service, monitor, DOMM_LOG_WARN, "%s", err.text);
}

static void send_event(struct monitor *monitor, struct client *client)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_reply event = {.type = DOMM_EVENT_CHANGED,
                               .generation = monitor->generation,
                               .count = (uint32_t)monitor->n_targets};
    domm_reply_encode(&event, bytes);
    /* Without room now it is sent later: the other side reads nothing then. */
    client->notify_pending = !domm_channel_send(client->channel, bytes);
    monitor->notify_pending |= !client->notify_pending;
}

static void client_serve(struct service *service, struct monitor *monitor, struct client *client,
                         const unsigned char *bytes)
{
    struct domm_request request;
    struct domm_reply reply;
    struct domm_error err;
    unsigned char answer[DOMM_REPLY_BYTES];
    if (domm_request_decode(bytes, &request, &err)) {
        monitor_log(service, monitor, DOMM_LOG_WARN, "a malformed request: %s", err.text);
        domm_bucket_take(&monitor->bucket, COST_CONNECT);
        client->ended = true;
        return;
    }
    int64_t start = domm_now_ms(), cost = request_cost(&request);
    domm_bucket_take(&monitor->bucket, cost);
    request_serve(service, monitor, client, &request, &reply);
    /* The time is the monitor's to stretch, with page tables of its making. */
    int64_t taken = (domm_now_ms() - start) * TOKENS_PER_BUSY_MS;
    domm_bucket_take(&monitor->bucket, taken > cost ? taken - cost : 0);
    if (event_timer_is_set(
            monitor->reclaim_timer)) /* after a restart: it may not have claimed everything yet */
        monitor_defer_reclaim(monitor);
    domm_reply_encode(&reply, answer);
    /* Who sends more than it reads answers for has nobody to listen. */
    if (!domm_channel_send(client->channel, answer))
        client->ended = true;
}

/* At most one request; true if one was served. */
static bool client_turn(struct service *service, struct monitor *monitor, struct client *client)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    domm_channel_awake(client->channel);
    if (client->notify_pending)
        send_event(monitor, client);
    monitor->notify_pending |= news_send(monitor, client);
    bool got = domm_channel_receive(client->channel, bytes);
    if (got)
        monitor->busy_ms = domm_now_ms() + BUSY_MS;
    if (got)
        client_serve(service, monitor, client, bytes);
    else if (domm_channel_state(client->channel) == DOMM_CHANNEL_ENDED)
        client->ended = true;
    if (client->ended)
        client_close(service, monitor, client);
    return got;
}

bool monitor_may_be_served(const struct monitor *monitor)
{
    return monitor->state == MONITOR_SERVED && domm_bucket_may(&monitor->bucket);
}

bool monitor_sleep(struct monitor *monitor)
{
    bool quiet = true;
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (monitor->clients[i].channel)
            quiet &= !domm_channel_sleep(monitor->clients[i].channel);
    }
    return quiet;
}

bool monitor_serve(struct service *service, struct monitor *monitor)
{
    bool more = false;
    domm_bucket_fill(&monitor->bucket, domm_now_ms());
    if (monitor->new_channels && monitor_may_be_served(monitor))
        open_channels(service, monitor);
    for (size_t i = 0; i < MAX_CHANNELS && monitor_may_be_served(monitor); i++) {
        if (monitor->clients[i].channel)
            more |= client_turn(service, monitor, &monitor->clients[i]);
    }
    if (monitor->notify_pending)
        notify_clients(service, monitor);
    return more;
}
