/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/end.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/lock.h"
#include "lib/base/rest.h"
#include "lib/mapping/hold.h"
#include "lib/move/decision.h"
#include "lib/watch/netlink.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"
#include "lib/xen/restore.h"

/* dommd has a domM's page tables for much less than this. */
#define TABLES_PATIENCE 300 /* times 100 ms */

int domm_end_open(struct domm_end *end, struct domm_log *log, struct domm_error *err)
{
    end->log = log;
    end->movers_log = *log;
    end->movers_log.terminal = false;
    end->locks = end->signals = -1;
    end->peer.in = end->peer.out = -1;
    end->began_ns = domm_child_now_ns();
    domm_movers_begin(&end->movers);
    domm_report_begin(&end->report);
    clock_gettime(CLOCK_REALTIME, &end->report.began);
    int rc = domm_xen_open(log, &end->xen, err);
    rc = rc ? rc : domm_memory_open(log, &end->memory, err);
    rc = rc ? rc : domm_store_open(&end->store, err);
    rc = rc ? rc : domm_netlink_open(&end->netlink, err);
    return rc ? rc : domm_guest_locks_open(&end->locks, err);
}

void domm_end_close(struct domm_end *end)
{
    domm_worker_stop(end->worker);
    domm_movers_finish(&end->movers);
    domm_peer_end(&end->peer);
    for (unsigned int g = 0; g < DOMM_MOVERS; g++)
        domm_blob_free(&end->guests[g].config);
    domm_blob_free(&end->state_bytes);
    domm_journal_close(end->journal);
    if (end->signals >= 0)
        close(end->signals);
    if (end->locks >= 0)
        close(end->locks);
    domm_netlink_close(end->netlink);
    domm_store_close(end->store);
    domm_memory_close(end->memory);
    domm_xen_close(end->xen);
}

static struct json_object *guest_json(const struct domm_end_guest *guest)
{
    struct json_object *object = json_object_new_object();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&guest->facts.uuid, uuid);
    domm_json_text(object, "name", guest->facts.name);
    domm_json_text(object, "uuid", uuid);
    domm_json_number(object, "domid", guest->domid); /* 0: not here yet */
    return object;
}

int domm_end_note_guest(struct domm_end *end, unsigned int guest, struct domm_error *err)
{
    struct json_object *note = json_object_new_object(), *guests = json_object_new_array();
    json_object_array_add(guests, guest_json(&end->guests[guest]));
    json_object_object_add(note, "guests", guests);
    return domm_journal_note(end->journal, "restored", note, err);
}

int domm_end_begin_journal(struct domm_end *end, bool source, struct domm_error *err)
{
    int rc = domm_journal_begin(&end->offer.migration, source, &end->journal, err);
    if (rc)
        return rc;
    struct json_object *note = json_object_new_object(), *guests = json_object_new_array();
    char boot[DOMM_UUID_TEXT];
    for (unsigned int g = 0; g < domm_end_guests(end); g++)
        json_object_array_add(guests, guest_json(&end->guests[g]));
    if (source)
        domm_json_text(note, "destination", end->report.destination);
    domm_boot_id(boot);
    domm_json_text(note, "boot", boot);
    json_object_object_add(note, "guests", guests);
    return domm_journal_note(end->journal, "begin", note, err);
}

/* What does not fit follows from what is there. */
void domm_end_raise(struct domm_end *end, struct domm_event event)
{
    if (end->n_events < DOMM_END_EVENTS)
        end->events[end->n_events++] = event;
}

void domm_end_blame(struct domm_end *end, const struct domm_error *reason)
{
    if (end->error.code == DOMM_OK)
        end->error = *reason;
}

uint64_t domm_end_now(const struct domm_end *end)
{
    return domm_child_now_ns() - end->began_ns;
}

void domm_end_mark(struct domm_end *end, unsigned int guest, enum domm_mark mark, uint64_t when_ns)
{
    end->report.guests[guest].marks[mark] = when_ns - end->began_ns;
}

int domm_end_hello(struct domm_end *end, struct domm_wire_hello *hello_r, struct domm_error *err)
{
    struct domm_host host;
    int rc = domm_xen_host(end->xen, &host, err);
    if (rc)
        return rc;
    *hello_r = (struct domm_wire_hello){.lowest = DOMM_MOVE_PROTOCOL_LOWEST,
                                        .highest = DOMM_MOVE_PROTOCOL,
                                        .program = "domm " PACKAGE_VERSION};
    snprintf(hello_r->xen, sizeof(hello_r->xen), "%d.%d%.40s", host.major, host.minor, host.extra);
    return 0;
}

int domm_end_agree(struct domm_end *end, const struct domm_wire_hello *theirs,
                   struct domm_error *err)
{
    struct domm_wire_hello ours;
    uint16_t version;
    int rc = domm_end_hello(end, &ours, err);
    rc = rc ? rc : domm_wire_agree(&ours, theirs, &version, err);
    end->greeted = true;
    if (!rc)
        domm_log(end->log, DOMM_LOG_VERBOSE, "the other host runs %s on Xen %s; protocol %u",
                 theirs->program, theirs->xen, version);
    return rc;
}

static int judge(struct domm_end *end, const struct domm_inventory *inventory,
                 struct domm_error *err)
{
    const struct domm_observer observer = {
        .xen = end->xen, .store = end->store, .netlink = end->netlink};
    const struct domm_member *domm = domm_inventory_by_uuid(inventory, &end->guests[0].facts.uuid);
    struct domm_status status;
    const char *name;
    if (!domm || domm->record_state != DOMM_RECORD_VALID)
        return domm_fail(err, DOMM_NOT_FOUND, "domM has ended");
    int rc = domm_status_measure(&observer, inventory, &domm, 1, &status, err);
    if (rc)
        return rc;
    const struct domm_judgement *judgement = domm_status_gravest(&status, NULL, &name);
    if (!status.answered)
        rc = domm_fail(err, DOMM_PREFLIGHT, "the agent in %s gives no sign of life",
                       domm->domain.name);
    else if (judgement->verdict != DOMM_VERDICT_READY)
        rc = domm_fail(err, DOMM_PREFLIGHT, "%s is not monitored: %s", name, judgement->reason);
    domm_status_free(&status);
    return rc;
}

int domm_end_ready(struct domm_end *end, struct domm_error *err)
{
    struct domm_inventory inventory;
    int rc = domm_inventory_read_unscanned(end->xen, end->log, &end->guests[0].facts.uuid,
                                           &inventory, err);
    if (rc)
        return rc;
    rc = judge(end, &inventory, err);
    domm_inventory_free(&inventory);
    return rc;
}

static int add_layout(struct domm_end *end, bool fresh, struct domm_end_pair *pair, uint16_t i,
                      struct domm_error *err)
{
    uint32_t domid = pair->targets[i].domid;
    int rc = fresh ? domm_memory_layout_restored(end->memory, domid, &pair->layouts[i], err)
                   : domm_hold_for_layout(end->memory, domid, &pair->layouts[i], err);
    pair->targets[i].layout = &pair->layouts[i];
    return rc;
}

int domm_end_pair(struct domm_end *end, bool fresh, struct domm_end_pair **pair_r,
                  struct domm_error *err)
{
    struct domm_end_pair *pair = calloc(1, sizeof(*pair));
    int rc = 0;
    if (!pair)
        return domm_no_memory(err);
    pair->pair = (struct domm_state_pair){.domm = end->guests[0].domid,
                                          .n_targets = (uint16_t)end->offer.n_targets,
                                          .targets = pair->targets,
                                          .uuids = pair->uuids};
    for (uint16_t i = 0; !rc && i < pair->pair.n_targets; i++) {
        const struct domm_end_guest *guest = &end->guests[i + 1];
        pair->uuids[i] = guest->facts.uuid;
        pair->targets[i].domid = guest->domid;
        if (guest->facts.kind == DOMM_WIRE_PV)
            rc = add_layout(end, fresh, pair, i, err);
    }
    if (rc)
        domm_end_pair_free(end, pair);
    else
        *pair_r = pair;
    return rc;
}

void domm_end_pair_free(struct domm_end *end, struct domm_end_pair *pair)
{
    for (uint16_t i = 0; i < pair->pair.n_targets; i++)
        domm_memory_layout_free(end->memory, &pair->layouts[i]);
    free(pair);
}

int domm_end_write_state(struct domm_end *end, bool fresh, const struct domm_state *state,
                         struct domm_state_written *written_r, struct domm_error *err)
{
    struct domm_end_pair *pair;
    struct domm_layout layout;
    uint32_t domm = end->guests[0].domid;
    int rc = domm_end_pair(end, fresh, &pair, err);
    if (rc)
        return rc;
    rc = fresh ? domm_memory_layout_restored(end->memory, domm, &layout, err)
               : domm_memory_layout(end->memory, domm, &layout, err);
    if (!rc) {
        rc = domm_state_write(end->memory, &pair->pair, &layout, state, written_r, err);
        domm_memory_layout_free(end->memory, &layout);
    }
    domm_end_pair_free(end, pair);
    return rc;
}

int domm_end_take_tables(struct domm_end *end, struct domm_error *err)
{
    for (int i = 0; !domm_guest_lock(end->locks, DOMM_LOCK_TABLES, &end->guests[0].facts.uuid);
         i++) {
        if (i == TABLES_PATIENCE || domm_movers_cancelled(&end->movers))
            return domm_fail(err, DOMM_FAILED, "dommd does not let go of the page tables of %s",
                             end->guests[0].facts.name);
        domm_rest_ms(100);
    }
    return 0;
}

void domm_end_give_tables(struct domm_end *end)
{
    domm_guest_unlock(end->locks, DOMM_LOCK_TABLES, &end->guests[0].facts.uuid);
}

int domm_end_rename(struct domm_end *end, unsigned int guest, const char *ending, bool with,
                    struct domm_error *err)
{
    const char *proper = end->guests[guest].facts.name;
    char other[sizeof(end->guests[guest].facts.name) + 32];
    snprintf(other, sizeof(other), "%s%s", proper, ending);
    return domm_xen_rename(end->xen, end->guests[guest].domid, with ? proper : other,
                           with ? other : proper, err);
}

int domm_end_lock_guests(struct domm_end *end, struct domm_error *err)
{
    for (unsigned int g = 0; g < domm_end_guests(end); g++) {
        if (!domm_guest_lock(end->locks, DOMM_LOCK_MOVE, &end->guests[g].facts.uuid))
            return domm_fail(err, DOMM_PREFLIGHT, "%s is being migrated already",
                             end->guests[g].facts.name);
    }
    enum domm_event_type stale;
    domm_decision_take(&end->guests[0].facts.uuid, &stale); /* it was about an earlier migration */
    return 0;
}

void domm_end_unlock_guests(struct domm_end *end)
{
    for (unsigned int g = 0; g < domm_end_guests(end); g++)
        domm_guest_unlock(end->locks, DOMM_LOCK_MOVE, &end->guests[g].facts.uuid);
}

int domm_end_find(struct domm_end *end, unsigned int guest, uint32_t *domid_r,
                  enum domm_domain_state *state_r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    *domid_r = 0;
    int rc = domm_xen_domains(end->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (domains[i].state != DOMM_STATE_DYING &&
            domm_uuid_equal(&domains[i].uuid, &end->guests[guest].facts.uuid)) {
            *domid_r = domains[i].domid;
            *state_r = domains[i].state;
        }
    }
    domm_domains_free(domains, count);
    return 0;
}

/* dommd may have made one anew that has crashed meanwhile. */
int domm_end_renew_domm(struct domm_end *end, struct domm_error *err)
{
    struct domm_end_guest *domm = &end->guests[0];
    cleanup_free char *record = NULL;
    uint32_t there = 0;
    enum domm_domain_state state;
    int rc = domm_record_format(&end->record, &record, err);
    rc = rc ? rc : domm_end_find(end, 0, &there, &state, err);
    rc = rc ? rc
            : domm_xen_renew(end->xen, there, (const char *)domm->config.bytes, domm->facts.name,
                             &domm->domid, err);
    rc =
        rc ? rc : domm_xen_userdata_store(end->xen, domm->domid, DOMM_RECORD_USERDATA, record, err);
    domm_end_give_tables(end);
    if (rc)
        return rc;
    domm_xen_tend(end->xen, domm->domid);
    return domm_xen_unpause(end->xen, domm->domid, err);
}
