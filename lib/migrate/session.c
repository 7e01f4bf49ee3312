/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/session.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/clock.h"
#include "lib/base/sleep.h"
#include "lib/base/text.h"
#include "lib/mapping/pause_guard.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/net/changes.h"
#include "lib/net/netlink.h"
#include "lib/pair/locks.h"
#include "lib/xen/domain.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/userdata.h"

/* dommd locks a monitor's page tables for much less than this. */
#define TABLES_PATIENCE_MS 30000
#define TABLES_PAUSE_MS 100 /* at most, between two tries */

int domm_session_open(struct domm_session *session, struct domm_log *log, struct domm_error *err)
{
    session->log = log;
    session->transfers_log = *log;
    session->transfers_log.terminal = false;
    session->locks = session->signals = session->net_changes = -1;
    session->link.in = session->link.out = -1;
    session->began_ns = domm_now_ns();
    domm_transfers_begin(&session->transfers);
    domm_report_begin(&session->report);
    clock_gettime(CLOCK_REALTIME, &session->report.began);
    int rc = domm_xen_open(log, &session->xen, err);
    if (rc)
        return rc;
    rc = domm_hv_open(log, &session->hv, err);
    if (rc)
        return rc;
    rc = domm_store_open(&session->store, err);
    if (rc)
        return rc;
    rc = domm_netlink_open(&session->netlink, err);
    if (rc)
        return rc;
    rc = domm_net_changes_open(&session->net_changes, err);
    if (rc)
        return rc;
    return domm_guest_locks_open(&session->locks, err);
}

void domm_session_close(struct domm_session *session)
{
    domm_worker_stop(session->worker);
    domm_transfers_finish(&session->transfers);
    domm_control_link_end(&session->link);
    for (unsigned int g = 0; g < DOMM_MAX_GUESTS; g++)
        domm_chunks_free(&session->guests[g].config);
    domm_chunks_free(&session->state_bytes);
    domm_journal_close(session->journal);
    if (session->signals >= 0)
        close(session->signals);
    if (session->locks >= 0)
        close(session->locks);
    if (session->net_changes >= 0)
        close(session->net_changes);
    domm_netlink_close(session->netlink);
    domm_store_close(session->store);
    domm_hv_close(session->hv);
    domm_xen_close(session->xen);
}

static struct json_object *session_guest_json(const struct domm_session_guest *guest)
{
    struct json_object *object = json_object_new_object();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&guest->facts.uuid, uuid);
    domm_json_text(object, "name", guest->facts.name);
    domm_json_text(object, "uuid", uuid);
    domm_json_number(object, "domid", guest->domid); /* 0: not on this host yet */
    domm_json_bool(object, "paused", guest->facts.paused);
    return object;
}

int domm_session_note_guest(struct domm_session *session, unsigned int guest,
                            struct domm_error *err)
{
    struct json_object *note = json_object_new_object(), *guests = json_object_new_array();
    json_object_array_add(guests, session_guest_json(&session->guests[guest]));
    json_object_object_add(note, "guests", guests);
    return domm_journal_note(session->journal, "restored", note, err);
}

static struct json_object *words_json(char *const *words)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; words[i]; i++)
        json_object_array_add(array, json_object_new_string(words[i]));
    return array;
}

/* The boot says whether the domids mean something. */
static int note_begin(struct domm_session *session, bool source, struct domm_error *err)
{
    struct json_object *note = json_object_new_object(), *guests = json_object_new_array();
    char boot[DOMM_UUID_TEXT];
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        json_object_array_add(guests, session_guest_json(&session->guests[g]));
    if (source)
        domm_json_text(note, "destination", session->report.destination);
    if (session->ssh)
        json_object_object_add(note, "ssh", words_json(session->ssh));
    domm_boot_id(boot);
    domm_json_text(note, "boot", boot);
    json_object_object_add(note, "guests", guests);
    return domm_journal_note(session->journal, "begin", note, err);
}

/* From which recovery can make a fresh monitor, if the monitor is gone. */
static int keep_monitor(struct domm_session *session, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    const char *config = (const char *)session->guests[0].config.bytes;
    int rc = domm_record_format(&session->record, &record, err);
    if (rc)
        return rc;
    rc = domm_journal_keep(session->journal, DOMM_JOURNAL_RECORD, record, strlen(record), err);
    if (rc || !config)
        return rc;
    return domm_journal_keep(session->journal, DOMM_JOURNAL_MONITOR, config, strlen(config), err);
}

/* The lock comes first: recovery takes a journal without it for abandoned. */
int domm_session_begin_journal(struct domm_session *session, bool source, struct domm_error *err)
{
    if (!domm_guest_lock(session->locks, DOMM_LOCK_MIGRATION, &session->offer.migration))
        return domm_fail(err, DOMM_REFUSED, "a migration with this UUID is under way");
    int rc = domm_journal_begin(&session->offer.migration, source, &session->journal, err);
    if (rc)
        return rc;
    rc = note_begin(session, source, err);
    if (rc)
        return rc;
    return keep_monitor(session, err);
}

/* Events beyond the room are dropped: the loop derives them again from the state. */
void domm_session_raise(struct domm_session *session, struct domm_event event)
{
    if (session->n_events < DOMM_SESSION_EVENTS)
        session->events[session->n_events++] = event;
}

void domm_session_record_first_error(struct domm_session *session, const struct domm_error *reason)
{
    if (session->error.code == DOMM_OK)
        session->error = *reason;
}

uint64_t domm_session_now(const struct domm_session *session)
{
    return domm_now_ns() - session->began_ns;
}

void domm_session_mark(struct domm_session *session, unsigned int guest, enum domm_mark mark,
                       uint64_t when_ns)
{
    session->report.guests[guest].marks[mark] = when_ns - session->began_ns;
}

int domm_session_pass(struct domm_session *session, enum domm_session_phase phase,
                      struct domm_error *err)
{
    return session->gate ? session->gate->pass(session->gate->context, session, phase, err) : 0;
}

/* Dom0 sees the vendor of the CPU: Xen passes leaf 0 on (guest_cpuid, xen/arch/x86/cpuid.c). */
static void cpu_vendor(char vendor_r[DOMM_WIRE_CPU_BYTES])
{
    unsigned int leaf, words[3];
    memset(vendor_r, 0, DOMM_WIRE_CPU_BYTES);
    if (!__get_cpuid(0, &leaf, &words[0], &words[2], &words[1]))
        return;
    memcpy(vendor_r, words, sizeof(words));
    domm_make_printable(vendor_r);
}

int domm_session_make_hello(struct domm_session *session, struct domm_message_hello *hello_r,
                            struct domm_error *err)
{
    struct domm_host host;
    int rc = domm_xen_host(session->xen, &host, err);
    if (rc)
        return rc;
    *hello_r = (struct domm_message_hello){.lowest = DOMM_MIGRATION_PROTOCOL_LOWEST,
                                           .highest = DOMM_MIGRATION_PROTOCOL,
                                           .program = "domm " PACKAGE_VERSION};
    snprintf(hello_r->xen, sizeof(hello_r->xen), "%d.%d%.40s", host.major, host.minor, host.extra);
    domm_boot_id(hello_r->boot);
    cpu_vendor(hello_r->cpu);
    return 0;
}

int domm_session_compare_hosts(const struct domm_message_hello *ours,
                               const struct domm_message_hello *theirs, struct domm_error *err)
{
    if (ours->boot[0] && strcmp(ours->boot, theirs->boot) == 0)
        return domm_fail(err, DOMM_PREFLIGHT, "source and destination are the same host");
    if (ours->cpu[0] && theirs->cpu[0] && strcmp(ours->cpu, theirs->cpu) != 0)
        return domm_fail(err, DOMM_PREFLIGHT,
                         "the hosts' CPUs are of different vendors: %s here, %s there", ours->cpu,
                         theirs->cpu);
    return 0;
}

int domm_session_take_hello(struct domm_session *session, const struct domm_message_hello *theirs,
                            struct domm_error *err)
{
    struct domm_message_hello ours;
    uint16_t version;
    session->greeted = true;
    int rc = domm_session_make_hello(session, &ours, err);
    if (rc)
        return rc;
    rc = domm_message_agree(&ours, theirs, &version, err);
    if (rc)
        return rc;
    rc = domm_session_compare_hosts(&ours, theirs, err);
    if (rc)
        return rc;
    domm_log(session->log, DOMM_LOG_VERBOSE, "the other host runs %s on Xen %s; protocol %u",
             theirs->program, theirs->xen, version);
    return 0;
}

static int add_layout(struct domm_session *session, bool fresh, struct domm_session_pair *pair,
                      uint16_t i, struct domm_error *err)
{
    uint32_t domid = pair->targets[i].domid;
    int rc = fresh ? domm_hv_layout_restored(session->hv, domid, &pair->layouts[i], err)
                   : domm_pause_guard_layout(session->hv, domid, &pair->layouts[i], err);
    pair->targets[i].layout = &pair->layouts[i];
    return rc;
}

int domm_session_pair(struct domm_session *session, bool fresh, struct domm_session_pair **pair_r,
                      struct domm_error *err)
{
    struct domm_session_pair *pair = calloc(1, sizeof(*pair));
    int rc = 0;
    if (!pair)
        return domm_no_memory(err);
    pair->pair = (struct domm_mapping_pair){.monitor = session->guests[0].domid,
                                            .n_targets = (uint16_t)session->offer.n_targets,
                                            .targets = pair->targets,
                                            .uuids = pair->uuids};
    for (uint16_t i = 0; !rc && i < pair->pair.n_targets; i++) {
        const struct domm_session_guest *guest = &session->guests[i + 1];
        pair->uuids[i] = guest->facts.uuid;
        pair->targets[i].domid = guest->domid;
        if (guest->facts.kind == DOMM_GUEST_KIND_PV)
            rc = add_layout(session, fresh, pair, i, err);
    }
    if (rc)
        domm_session_pair_free(session, pair);
    else
        *pair_r = pair;
    return rc;
}

void domm_session_pair_free(struct domm_session *session, struct domm_session_pair *pair)
{
    for (uint16_t i = 0; i < pair->pair.n_targets; i++)
        domm_hv_layout_free(session->hv, &pair->layouts[i]);
    free(pair);
}

int domm_session_write_state(struct domm_session *session, bool fresh,
                             const struct domm_mapping_state *state,
                             struct domm_mapping_written *written_r, struct domm_error *err)
{
    struct domm_session_pair *pair;
    struct domm_layout layout;
    uint32_t monitor = session->guests[0].domid;
    int rc = domm_session_pair(session, fresh, &pair, err);
    if (rc)
        return rc;
    rc = fresh ? domm_hv_layout_restored(session->hv, monitor, &layout, err)
               : domm_hv_layout(session->hv, monitor, &layout, err);
    if (!rc) {
        rc = domm_mapping_state_write(session->hv, &pair->pair, &layout, state, written_r, err);
        domm_hv_layout_free(session->hv, &layout);
    }
    domm_session_pair_free(session, pair);
    return rc;
}

/* dommd has the tables for milliseconds, mostly; a file lock that is let go of tells nobody. */
int domm_session_lock_tables(struct domm_session *session, struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + TABLES_PATIENCE_MS;
    for (unsigned int pause_ms = 1;
         !domm_guest_lock(session->locks, DOMM_LOCK_TABLES, &session->guests[0].facts.uuid);
         pause_ms = 2 * pause_ms < TABLES_PAUSE_MS ? 2 * pause_ms : TABLES_PAUSE_MS) {
        if (domm_now_ms() >= end_ms || domm_transfers_cancelled(&session->transfers))
            return domm_fail(err, DOMM_FAILED, "dommd does not release the page tables of %s",
                             session->guests[0].facts.name);
        domm_sleep_ms(pause_ms);
    }
    return 0;
}

void domm_session_unlock_tables(struct domm_session *session)
{
    domm_guest_unlock(session->locks, DOMM_LOCK_TABLES, &session->guests[0].facts.uuid);
}

int domm_session_rename(struct domm_session *session, unsigned int guest, const char *ending,
                        bool with, struct domm_error *err)
{
    const char *proper = session->guests[guest].facts.name;
    char other[sizeof(session->guests[guest].facts.name) + 32];
    snprintf(other, sizeof(other), "%s%s", proper, ending);
    return domm_xen_rename(session->xen, session->guests[guest].domid, with ? proper : other,
                           with ? other : proper, err);
}

int domm_session_lock_guests(struct domm_session *session, struct domm_error *err)
{
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++) {
        if (!domm_guest_lock(session->locks, DOMM_LOCK_MOVE, &session->guests[g].facts.uuid))
            return domm_fail(err, DOMM_PREFLIGHT, "%s is already being migrated",
                             session->guests[g].facts.name);
    }
    enum domm_event_type stale;
    domm_hold_override_take(&session->guests[0].facts.uuid,
                            &stale); /* a decision for an earlier migration */
    return 0;
}

void domm_session_unlock_guests(struct domm_session *session)
{
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        domm_guest_unlock(session->locks, DOMM_LOCK_MOVE, &session->guests[g].facts.uuid);
}

int domm_session_find(struct domm_session *session, unsigned int guest, uint32_t *domid_r,
                      enum domm_domain_state *state_r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    *domid_r = 0;
    int rc = domm_xen_domains(session->xen, &domains, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (domains[i].state != DOMM_DOMAIN_DYING &&
            domm_uuid_equal(&domains[i].uuid, &session->guests[guest].facts.uuid)) {
            *domid_r = domains[i].domid;
            *state_r = domains[i].state;
        }
    }
    domm_domains_free(domains, count);
    return 0;
}

/* dommd may have made a new monitor that has crashed meanwhile. */
static int replace_monitor(struct domm_session *session, struct domm_error *err)
{
    struct domm_session_guest *monitor = &session->guests[0];
    cleanup_free char *record = NULL;
    uint32_t there = 0;
    enum domm_domain_state state;
    int rc = domm_record_format(&session->record, &record, err);
    if (rc)
        return rc;
    rc = domm_session_find(session, 0, &there, &state, err);
    if (rc)
        return rc;
    rc = domm_xen_renew(session->xen, there, (const char *)monitor->config.bytes,
                        monitor->facts.name, &monitor->domid, err);
    if (rc)
        return rc;
    rc = domm_xen_userdata_store(session->xen, monitor->domid, DOMM_RECORD_USERDATA, record, err);
    struct domm_error second;
    if (!rc && domm_session_note_guest(session, 0, &second)) /* it shall run all the same */
        domm_log(session->log, DOMM_LOG_ERROR, "%s", second.text);
    return rc;
}

int domm_session_renew_monitor(struct domm_session *session, struct domm_error *err)
{
    const struct domm_session_guest *monitor = &session->guests[0];
    int rc = replace_monitor(session, err);
    domm_session_unlock_tables(session);
    if (rc)
        return rc;
    domm_xen_manage(session->xen, monitor->domid);
    return domm_xen_unpause(session->xen, monitor->domid, err);
}
