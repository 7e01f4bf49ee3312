/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/source.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/move/runner.h"
#include "lib/move/source-internal.h"
#include "lib/xen/guest.h"
#include "lib/xen/save.h"

static int find_pair(struct domm_source *source, const struct domm_inventory *inventory,
                     const struct domm_member **domm_r, struct domm_error *err)
{
    const struct domm_member *member;
    int rc = domm_inventory_find(inventory, source->options.pair, &member, err);
    if (rc)
        return rc;
    *domm_r = member;
    if (domm_inventory_role(inventory, member) == DOMM_ROLE_TARGET)
        *domm_r = domm_inventory_watcher(inventory, member, NULL);
    if ((*domm_r)->record_state == DOMM_RECORD_VALID)
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "%s is neither a domM nor the target of one",
              member->domain.name);
    return domm_hint(err, "xl migrate moves other guests; domm list shows the pairs");
}

_Static_assert(DOMM_WIRE_FEATURES == DOMM_CPU_WORDS, "they travel as they are");

static enum domm_wire_kind kind_of(enum domm_domain_type type)
{
    static const enum domm_wire_kind kinds[] = {[DOMM_TYPE_PV] = DOMM_WIRE_PV,
                                                [DOMM_TYPE_PVH] = DOMM_WIRE_PVH,
                                                [DOMM_TYPE_HVM] = DOMM_WIRE_HVM};
    return kinds[type];
}

static int take_config(struct domm_source *source, struct domm_end_guest *guest,
                       struct domm_error *err)
{
    char *json;
    int rc = domm_xen_configuration(source->end.xen, guest->domid, &json, err);
    if (rc)
        return rc;
    size_t size = strlen(json);
    guest->config = (struct domm_blob){(unsigned char *)json, size, size + 1};
    guest->facts.config_bytes = (uint32_t)size;
    if (size > DOMM_WIRE_MAX_CONFIG)
        return domm_fail(err, DOMM_PREFLIGHT, "the configuration of %s is longer than %u bytes",
                         guest->facts.name, DOMM_WIRE_MAX_CONFIG);
    return 0;
}

static int describe(struct domm_source *source, unsigned int number,
                    const struct domm_domain *domain, struct domm_error *err)
{
    struct domm_end_guest *guest = &source->end.guests[number];
    struct domm_report_guest *report = &source->end.report.guests[number];
    guest->domid = domain->domid;
    guest->facts = (struct domm_wire_guest){
        .guest = number,
        .kind = kind_of(domain->type),
        .paused = number && source->options.paused,
        .uuid = domain->uuid,
        .memory_kib = domain->memory_kib,
        .vcpus = domain->vcpus,
    };
    size_t length = domm_name_length(domain->name); /* also of what a crash has left renamed */
    if (length + strlen(DOMM_AWAY) >= sizeof(guest->facts.name))
        return domm_fail(err, DOMM_PREFLIGHT, "the name of %s is too long to be migrated",
                         domain->name);
    memcpy(guest->facts.name, domain->name, length);
    strcpy(report->name, guest->facts.name);
    report->uuid = domain->uuid;
    size_t words = 0;
    int rc = domm_memory_cpu_features(source->end.memory, guest->facts.kind == DOMM_WIRE_PV, false,
                                      guest->facts.features, &words, err);
    guest->facts.n_features = (uint32_t)words;
    return rc ? rc : take_config(source, guest, err);
}

static int describe_pair(struct domm_source *source, const struct domm_inventory *inventory,
                         struct domm_error *err)
{
    struct domm_end *end = &source->end;
    const struct domm_member *domm;
    int rc = find_pair(source, inventory, &domm, err);
    if (rc)
        return rc;
    end->record = domm->record;
    end->offer.n_targets = (uint32_t)end->record.n_targets;
    end->report.n_targets = end->offer.n_targets;
    rc = describe(source, 0, &domm->domain, err);
    for (unsigned int g = 1; !rc && g < domm_end_guests(end); g++) {
        const struct domm_member *target =
            domm_inventory_by_uuid(inventory, &end->record.targets[g - 1].uuid);
        rc = target ? describe(source, g, &target->domain, err)
                    : domm_fail(err, DOMM_PREFLIGHT, "a target of %s is not on this host",
                                domm->domain.name);
    }
    if (!rc && end->offer.n_targets == 0) {
        domm_fail(err, DOMM_PREFLIGHT, "%s has no target to move with", domm->domain.name);
        return domm_hint(err, "domm attach gives it one");
    }
    return rc;
}

static int make_offer(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    const struct domm_source_options *options = &source->options;
    end->offer.on_not_ready = options->on_not_ready;
    end->offer.ready_timeout_ms = end->record.ready_timeout * 1000;
    end->offer.data = options->data;
    end->offer.unsynchronised = options->unsynchronised;
    int rc = domm_xen_new_uuid(&end->offer.migration, err);
    end->report.migration = end->offer.migration;
    gethostname(end->report.source, sizeof(end->report.source) - 1);
    snprintf(end->report.destination, sizeof(end->report.destination), "%s", options->host);
    return rc;
}

int domm_source_open(struct domm_source *source_r, const struct domm_source_options *options,
                     struct domm_log *log, struct domm_error *err)
{
    struct domm_inventory inventory;
    memset(source_r, 0, sizeof(*source_r));
    source_r->options = *options;
    source_r->in = source_r->out = -1;
    for (unsigned int g = 0; g < DOMM_MOVERS; g++)
        source_r->streams[g].fd = -1;
    source_r->end.ops = &domm_source_ops;
    int rc = domm_end_open(&source_r->end, log, err);
    rc = rc ? rc : domm_inventory_read(source_r->end.xen, log, &inventory, err);
    if (rc)
        return rc;
    rc = describe_pair(source_r, &inventory, err);
    domm_inventory_free(&inventory);
    return rc ? rc : make_offer(source_r, err);
}

int domm_source_call(struct domm_source *source, struct domm_error *err)
{
    static char domm[] = "domm", receive[] = "receive";
    char *argv[DOMM_SSH_WORDS + 3];
    size_t n = 0;
    for (; source->options.ssh[n]; n++) {
        if (n == DOMM_SSH_WORDS)
            return domm_fail(err, DOMM_USAGE, "the ssh command has more than %d words",
                             DOMM_SSH_WORDS);
        argv[n] = source->options.ssh[n];
    }
    argv[n++] = domm;
    argv[n++] = receive;
    argv[n] = NULL;
    int rc = domm_stream_spawn(argv, &source->out, &source->in, &source->ssh, err);
    return rc ? rc : domm_peer_begin(&source->end.peer, true, source->in, source->out, err);
}

int domm_source_run(struct domm_source *source, const sigset_t *signals, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    const struct domm_move_setup setup = {
        .source = true,
        .n_targets = end->offer.n_targets,
        .force_busy = source->options.force_busy,
        .on_not_ready = source->options.on_not_ready,
    };
    int rc = 0;
    /* From before there is a journal: who has the locks may take one that is not over for left. */
    if (!source->options.preflight)
        rc = domm_end_lock_guests(end, err);
    if (!rc && !source->options.preflight)
        rc = domm_end_begin_journal(end, true, err);
    if (rc)
        return rc;
    end->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (end->signals < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    return domm_run_end(end, &setup, err);
}

/* Its end is what ssh waits for; it is not waited for in vain. */
static void end_call(struct domm_source *source)
{
    if (source->out >= 0)
        close(source->out);
    if (source->in >= 0)
        close(source->in);
    if (source->ssh <= 0)
        return;
    for (int i = 0; i < 30; i++) {
        if (waitpid(source->ssh, NULL, WNOHANG) != 0)
            return;
        usleep(100000);
    }
    kill(source->ssh, SIGKILL);
    waitpid(source->ssh, NULL, 0);
}

void domm_source_close(struct domm_source *source)
{
    for (unsigned int g = 0; g < DOMM_MOVERS; g++)
        domm_stream_close(&source->streams[g]);
    domm_state_free(&source->state);
    domm_end_close(&source->end);
    end_call(source);
}
