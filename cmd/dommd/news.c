/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/news.h"

#include "cmd/dommd/followed.h"
#include "cmd/dommd/regions.h"
#include "lib/base/bits.h"

void news_owe_pages(struct monitor *monitor)
{
    for (size_t i = 0; i < MAX_CHANNELS; i++)
        monitor->clients[i].owed_pages = monitor->clients[i].follows;
}

static bool news_tell(struct client *client, const struct domm_reply *event)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    domm_reply_encode(event, bytes);
    return domm_channel_send(client->channel, bytes);
}

static bool tell_region(struct client *client, const struct mapped_region *region)
{
    struct domm_reply event = {.type = DOMM_EVENT_REGION, .frames = region->at.va};
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        bool valid = region->mfns[slot] != DOMM_NO_FRAME;
        domm_bit_put(event.valid, slot, valid);
        event.count += valid;
    }
    return news_tell(client, &event);
}

/* Xen has 32 bits for the number of a domain's pages, too. */
static bool tell_pages(struct client *client, const struct served_target *target)
{
    const struct followed *followed = target->followed;
    const struct domm_reply event = {.type = DOMM_EVENT_PAGES,
                                     .uuid = target->uuid,
                                     .count = (uint32_t)followed->owned,
                                     .frames = followed->n_beyond};
    return news_tell(client, &event);
}

static bool tell_all_pages(struct monitor *monitor, struct client *client)
{
    for (size_t i = 0; i < monitor->n_targets; i++) {
        if (monitor->targets[i].followed && !tell_pages(client, &monitor->targets[i]))
            return false;
    }
    return true;
}

/* A process that does not take the news notices it when it reads: a page that is gone cannot be
 * read. */
static bool tell_regions(struct monitor *monitor, struct client *client)
{
    bool sent = false;
    for (size_t i = 0; i < monitor->n_regions; i++) {
        struct mapped_region *region = monitor->regions[i];
        if (region->owner != client || !region->changed)
            continue;
        if (client->follows && !tell_region(client, region))
            return sent;
        region->changed = false;
        sent |= client->follows;
    }
    return sent;
}

bool news_send(struct monitor *monitor, struct client *client)
{
    bool sent = tell_regions(monitor, client);
    if (!client->owed_pages)
        return sent;
    client->owed_pages = !tell_all_pages(monitor, client);
    return true;
}
