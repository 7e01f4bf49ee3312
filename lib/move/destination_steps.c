/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/lock.h"
#include "lib/base/rest.h"
#include "lib/move/destination-internal.h"
#include "lib/move/recover.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/nodes.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"
#include "lib/xen/needs.h"

#define GRACE_MS 10000
#define REST_MS 100
#define PATIENCE 300 /* times that: dommd acts at once, if it is well */

static int admit(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    int rc = domm_destination_check(end, err);
    return rc ? rc
              : domm_door_open(end->offer.data, &end->offer.migration, &destination->door,
                               &destination->places, err);
}

static int restore(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    struct domm_news news;
    uint32_t domid;
    enum domm_domain_state state;
    int rc = domm_movers_await(&end->movers, g, DOMM_NEWS_RESTORED, &news, err);
    rc = rc ? rc : domm_end_find(end, g, &domid, &state, err);
    if (rc)
        return rc;
    if (domid != news.domid || state != DOMM_STATE_PAUSED)
        return domm_fail(err, DOMM_REFUSED, "it was not restored as what it was offered as");
    end->guests[g].domid = domid;
    return domm_end_note_guest(end, g, err);
}

/* The record tells dommd what this domM may map; until domM runs, its page tables are not dommd's
 * to look after, since its processes can claim nothing yet. */
static int entrust(struct domm_end *end, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    int rc = domm_end_take_tables(end, err);
    rc = rc ? rc : domm_record_format(&end->record, &record, err);
    return rc ? rc
              : domm_xen_userdata_store(end->xen, end->guests[0].domid, DOMM_RECORD_USERDATA,
                                        record, err);
}

static int check_targets(const struct domm_end *end, const struct domm_state *state,
                         struct domm_error *err)
{
    bool same = state->n_targets == end->offer.n_targets;
    for (uint16_t i = 0; same && i < state->n_targets; i++)
        same = domm_uuid_equal(&state->targets[i], &end->guests[i + 1].facts.uuid);
    return same ? 0 : domm_fail(err, DOMM_REFUSED, "the mapping state is of other targets");
}

static int reattach(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    struct domm_state_written written;
    struct domm_state *state = &destination->state;
    int rc = domm_state_decode(end->state_bytes.bytes, end->state_bytes.size, state, err);
    rc = rc ? rc : check_targets(end, state, err);
    rc = rc ? rc
            : domm_journal_keep(end->journal, DOMM_JOURNAL_STATE, end->state_bytes.bytes,
                                end->state_bytes.size, err);
    rc = rc ? rc : entrust(end, err);
    rc = rc ? rc : domm_end_write_state(end, true, state, &written, err);
    if (!rc)
        destination->ptes = written.entries;
    return rc;
}

/* So that the targets' frames are free as soon as the targets are destroyed. */
static int take_back(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    struct domm_layout layout;
    uint32_t domm = end->guests[0].domid;
    if (!domm || !destination->state.n_runs)
        return 0;
    int rc = domm_memory_layout_restored(end->memory, domm, &layout, err);
    if (rc)
        return rc;
    rc = domm_state_clear(end->memory, domm, &layout, &destination->state, err);
    domm_memory_layout_free(end->memory, &layout);
    return rc;
}

static bool go_on(struct domm_end *end, int tries)
{
    return tries < PATIENCE && !domm_movers_cancelled(&end->movers);
}

static int check_mirror(struct domm_end *end, unsigned int g, const struct domm_mirror_pair *mirror,
                        struct domm_error *err)
{
    struct domm_mirror_ends ends;
    struct domm_mirror_state state = {0};
    int rc = domm_mirror_ends(end->xen, end->netlink, end->guests[g].domid, end->guests[0].domid,
                              mirror, &ends, err);
    if (!rc && ends.target_ifindex && ends.monitor_ifindex)
        rc = domm_mirror_measure(end->netlink, ends.target_ifindex, ends.monitor_ifindex, &state,
                                 err);
    if (rc || (state.sent.ours && state.received.ours && state.guard.ours && state.monitor.up))
        return rc;
    return domm_fail(err, DOMM_FAILED, "vif %u of %s could not be mirrored to vif %u of %s",
                     mirror->vif, end->guests[g].facts.name, mirror->to, end->guests[0].facts.name);
}

static int check_mirrors(struct domm_end *end, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 1; !rc && g < domm_end_guests(end); g++) {
        const struct domm_record_target *target = &end->record.targets[g - 1];
        for (size_t i = 0; !rc && i < target->n_mirrors; i++)
            rc = check_mirror(end, g, &target->mirrors[i], err);
    }
    return rc;
}

static int need_dommd(struct domm_error *err)
{
    return domm_service_runs() ? 0 : domm_fail(err, DOMM_FAILED, "dommd has ended");
}

/* dommd makes them, as the record says; two that did it at once would be in each other's way. */
static int mirror(struct domm_end *end, struct domm_error *err)
{
    int rc = check_mirrors(end, err);
    for (int i = 0; rc == -DOMM_FAILED && go_on(end, i); i++) {
        if (need_dommd(err))
            return -DOMM_FAILED;
        domm_rest_ms(REST_MS);
        rc = check_mirrors(end, err);
    }
    return rc;
}

/* Without the record, dommd takes them away; with the guests they go anyway. */
static int unmirror(struct domm_end *end, struct domm_error *err)
{
    uint32_t domm = end->guests[0].domid;
    return domm ? domm_xen_userdata_store(end->xen, domm, DOMM_RECORD_USERDATA, NULL, err) : 0;
}

/* dommd has told domM of all its targets: the agent finds them as soon as it runs. */
static int await_nodes(struct domm_end *end, struct domm_error *err)
{
    for (unsigned int g = 1; g < domm_end_guests(end); g++) {
        char path[128], uuid[DOMM_UUID_TEXT];
        int rc = -1;
        domm_uuid_format(&end->guests[g].facts.uuid, uuid);
        snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_TARGETS "/%s/name",
                 end->guests[0].domid, uuid);
        for (int i = 0; rc && go_on(end, i); i++) {
            cleanup_free char *name = NULL;
            struct domm_error ignored;
            rc = domm_store_read(end->store, path, &name, &ignored);
            if (rc)
                domm_rest_ms(REST_MS);
        }
        if (rc)
            return domm_fail(err, DOMM_FAILED, "dommd has not told %s of its target %s",
                             end->guests[0].facts.name, end->guests[g].facts.name);
    }
    return 0;
}

static int verify(struct domm_end *end, struct domm_error *err)
{
    int rc = need_dommd(err);
    return rc ? rc : await_nodes(end, err);
}

static int unpause(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    end->guests[g].may_run = true;
    int rc = domm_xen_unpause(end->xen, end->guests[g].domid, err);
    domm_end_mark(end, g, DOMM_MARK_RESUMED, domm_child_now_ns());
    return rc;
}

static int start_domm(struct domm_end *end, struct domm_error *err)
{
    int rc = 0;
    for (unsigned int g = 1; !rc && end->offer.unsynchronised && g < domm_end_guests(end); g++)
        rc = unpause(end, g, err);
    domm_end_give_tables(end);
    domm_xen_tend(end->xen, end->guests[0].domid);
    return rc ? rc : unpause(end, 0, err);
}

/* What a target has run so far, it has run before domM was ready. */
static int release(struct domm_destination *destination, unsigned int g, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    struct domm_end_guest *guest = &end->guests[g];
    if (!destination->ready_ns && !end->machine.unmonitored)
        destination->ready_ns = domm_child_now_ns();
    int rc = domm_xen_cpu_time(end->xen, guest->domid, &guest->cpu_ns, err);
    return rc || guest->may_run || guest->facts.paused ? rc : unpause(end, g, err);
}

static int tend_targets(struct domm_end *end)
{
    for (unsigned int g = 1; g < domm_end_guests(end); g++)
        domm_xen_tend(end->xen, end->guests[g].domid);
    return 0;
}

int domm_destination_step(struct domm_end *end, enum domm_step step, unsigned int g,
                          struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(end);
    switch (step) {
    case DOMM_STEP_ADMIT:
        return admit(destination, err);
    case DOMM_STEP_RECEIVE: /* its receiver starts when its stream comes */
        return 0;
    case DOMM_STEP_RESTORE:
        return restore(end, g, err);
    case DOMM_STEP_REATTACH:
        return reattach(destination, err);
    case DOMM_STEP_MIRROR:
        return mirror(end, err);
    case DOMM_STEP_VERIFY:
        return verify(end, err);
    case DOMM_STEP_RENAME_IN:
        return domm_end_rename(end, g, DOMM_INCOMING, false, err);
    case DOMM_STEP_ADOPT:
        return domm_journal_note(end->journal, "adopted", json_object_new_object(), err);
    case DOMM_STEP_START_DOMM:
        return start_domm(end, err);
    case DOMM_STEP_RENEW:
        return domm_end_renew_domm(end, err);
    case DOMM_STEP_RELEASE:
        return release(destination, g, err);
    case DOMM_STEP_SETTLE:
        return tend_targets(end);
    default:
        return domm_fail(err, DOMM_FAILED, "it is no step of the destination");
    }
}

/* A receiver that ends in order, since its stream has ended, destroys what it has begun; one that
 * had to be killed does not. */
static int destroy(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    int stream = domm_destination_of(end)->streams[g];
    uint32_t domid;
    enum domm_domain_state state;
    if (stream >= 0)
        shutdown(stream, SHUT_RDWR);
    domm_movers_end(&end->movers, g, GRACE_MS);
    int rc = domm_end_find(end, g, &domid, &state, err);
    if (!rc && domid)
        rc = domm_xen_destroy(end->xen, domid, err);
    if (g == 0)
        domm_end_give_tables(end);
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_destination_undo(struct domm_end *end, enum domm_step step, unsigned int g,
                          struct domm_error *err)
{
    struct domm_error ignored;
    switch (step) {
    case DOMM_STEP_RECEIVE:
        return destroy(end, g, err);
    case DOMM_STEP_REATTACH:
        return take_back(domm_destination_of(end), err);
    case DOMM_STEP_MIRROR:
        return unmirror(end, err);
    case DOMM_STEP_RENAME_IN: /* it may never have got that far */
        domm_end_rename(end, g, DOMM_INCOMING, true, &ignored);
        return 0;
    case DOMM_STEP_ADOPT:
        return domm_journal_note(end->journal, "not adopted", json_object_new_object(), err);
    default:
        return domm_fail(err, DOMM_FAILED, "it is no step of the destination");
    }
}
