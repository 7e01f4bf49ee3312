/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "lib/base/lock.h"
#include "lib/pair/config.h"
#include "lib/pair/plan.h"

#define DETACH_SECONDS 30

static int take_mirror(const char *text, struct domm_record_target *entry, struct domm_error *err)
{
    if (entry->n_mirrors == DOMM_RECORD_MAX_ITEMS)
        return domm_fail(err, DOMM_REFUSED, "more than %d", DOMM_RECORD_MAX_ITEMS);
    struct domm_mirror_pair *mirror = &entry->mirrors[entry->n_mirrors++];
    int rc = domm_mirror_parse(text, mirror, err);
    for (size_t i = 0; !rc && i + 1 < entry->n_mirrors; i++) {
        if (entry->mirrors[i].vif == mirror->vif)
            rc = domm_fail(err, DOMM_REFUSED, "vif %u is mirrored twice", mirror->vif);
    }
    return rc;
}

static int take_storage(const char *text, struct domm_record_target *entry, struct domm_error *err)
{
    if (entry->n_storage == DOMM_RECORD_MAX_ITEMS)
        return domm_fail(err, DOMM_REFUSED, "more than %d", DOMM_RECORD_MAX_ITEMS);
    return domm_storage_parse(text, &entry->storage[entry->n_storage++], err);
}

static int take_options(const struct cmd_arguments *arguments, struct domm_record_target *entry,
                        struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < arguments->n_options; i++) {
        const struct cmd_parsed_option *option = &arguments->options[i];
        if (option->id == 'm')
            rc = take_mirror(option->value, entry, err);
        else if (option->id == 's')
            rc = take_storage(option->value, entry, err);
        if (rc)
            domm_wrap(err, "--%s %s", option->id == 'm' ? "mirror" : "storage", option->value);
    }
    return rc;
}

static int store_record(struct cmd_host *host, const struct domm_member *domm,
                        const struct domm_record *record, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    int rc = domm_record_format(record, &text, err);
    return rc ? rc
              : domm_xen_userdata_store(host->context->xen, domm->domain.domid,
                                        DOMM_RECORD_USERDATA, text, err);
}

static int join(struct cmd_host *host, const struct cmd_arguments *arguments,
                const struct domm_record_target *entry, struct domm_uuid *domm_r,
                struct domm_uuid *target_r, unsigned *timeout_r, struct domm_error *err)
{
    const struct domm_member *domm, *target;
    struct domm_record record;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    rc = rc ? rc : cmd_host_refresh(host, err);
    rc = rc ? rc : cmd_host_find_domm(host, arguments->operands[0], &domm, err);
    rc = rc ? rc : domm_inventory_find(&host->inventory, arguments->operands[1], &target, err);
    rc = rc ? rc : cmd_refuse_moving(domm, err);
    rc = rc ? rc : cmd_refuse_moving(target, err);
    rc = rc ? rc
            : domm_plan_attach(host->context->xen, host->netlink, &host->inventory, domm, target,
                               entry, &record, err);
    if (rc)
        return rc;
    *domm_r = domm->domain.uuid;
    *target_r = target->domain.uuid;
    *timeout_r = record.ready_timeout;
    return host->context->globals.dry_run ? 0 : store_record(host, domm, &record, err);
}

/* Takes one target, or all if null, out of the record; dommd then lets go of it. */
static int part(struct cmd_host *host, const struct domm_member *domm,
                const struct domm_uuid *target, struct domm_error *err)
{
    struct domm_record record = domm->record;
    size_t kept = 0;
    for (size_t i = 0; i < record.n_targets; i++) {
        if (target && !domm_uuid_equal(&record.targets[i].uuid, target))
            record.targets[kept++] = record.targets[i];
    }
    record.n_targets = kept;
    return store_record(host, domm, &record, err);
}

/* dommd removes a target's nodes once its mappings are gone, proved by a scan. */
static int wait_parted(struct cmd_host *host, uint32_t domm, const struct domm_uuid *target,
                       struct domm_error *err)
{
    char path[128], uuid[DOMM_UUID_TEXT];
    domm_uuid_format(target, uuid);
    snprintf(path, sizeof(path), "/local/domain/%u/domm/targets/%s", domm, uuid);
    for (int i = 0; i < DETACH_SECONDS * 10; i++) {
        cleanup_free char *value = NULL;
        struct domm_error reason;
        if (domm_store_read(host->store, path, &value, &reason) == -DOMM_NOT_FOUND)
            return 0;
        int rc = cmd_pause_ms(100, err);
        if (rc)
            return rc;
    }
    domm_fail(err, DOMM_OUTCOME_UNKNOWN, "dommd has not taken everything back within %d s",
              DETACH_SECONDS);
    return domm_hint(err, "journalctl -u dommd says why; dommd --scan shows what is mapped");
}

static int undo_join(struct cmd_host *host, const struct domm_uuid *domm_uuid,
                     const struct domm_uuid *target, struct domm_error *err)
{
    struct domm_error second = {0};
    cleanup_fd int lock = -1;
    enum domm_code code = err->code == DOMM_ABORTED ? DOMM_ABORTED : DOMM_ROLLED_BACK;
    int rc = domm_lock_records(&lock, &second);
    rc = rc ? rc : cmd_host_refresh(host, &second);
    const struct domm_member *domm =
        rc ? NULL : domm_inventory_by_uuid(&host->inventory, domm_uuid);
    if (domm && domm->record_state == DOMM_RECORD_VALID) {
        rc = part(host, domm, target, &second);
        rc = rc ? rc : wait_parted(host, domm->domain.domid, target, &second);
    }
    if (rc)
        domm_log(host->context->log, DOMM_LOG_ERROR, "parting them again: %s", second.text);
    err->code = rc ? DOMM_OUTCOME_UNKNOWN : code;
    domm_hint(err, rc ? "domm detach parts them" : "they are parted again");
    return -(int)err->code;
}

int cmd_attach(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct domm_record_target entry = {0};
    struct domm_uuid domm, target;
    struct cmd_host host;
    unsigned timeout;
    int rc = take_options(arguments, &entry, err);
    rc = rc ? rc : cmd_need_dommd(context, err);
    rc = rc ? rc : cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < entry.n_storage; i++)
        rc = cmd_check_storage(context, "--storage", &entry.storage[i], err);
    cmd_interrupts_begin();
    rc = rc ? rc : join(&host, arguments, &entry, &domm, &target, &timeout, err);
    const bool joined = !rc && !context->globals.dry_run;
    rc = joined ? cmd_wait_ready(&host, &domm, &target, timeout, err) : rc;
    cmd_interrupts_ignore();
    if (joined && rc)
        rc = undo_join(&host, &domm, &target, err);
    cmd_interrupts_end();
    if (joined && !rc)
        printf("%s watches %s\n", arguments->operands[0], arguments->operands[1]);
    else if (!rc)
        printf("would attach %s to %s: memory, %zu mirrors, %zu file systems\n",
               arguments->operands[0], arguments->operands[1], entry.n_mirrors, entry.n_storage);
    cmd_host_close(&host);
    return rc;
}

/* The targets that a detach is about: the one named, else all. */
static int leave(struct cmd_host *host, const struct domm_member *domm, const char *name,
                 struct domm_record *leaving_r, struct domm_error *err)
{
    *leaving_r = domm->record;
    if (domm->record_state != DOMM_RECORD_VALID)
        return cmd_refuse_unreadable(domm, err);
    if (!name)
        return 0;
    const struct domm_member *target = NULL;
    struct domm_uuid uuid;
    /* A target that has gone for good is known by its UUID only. */
    if (!domm_uuid_parse(name, &uuid)) {
        int rc = domm_inventory_find(&host->inventory, name, &target, err);
        if (rc)
            return rc;
        uuid = target->domain.uuid;
    }
    const struct domm_record_target *entry = domm_record_find(&domm->record, &uuid);
    if (!entry)
        return domm_fail(err, DOMM_REFUSED, "%s does not watch %s", domm->domain.name, name);
    leaving_r->n_targets = 1;
    leaving_r->targets[0] = *entry;
    return 0;
}

static int detach(struct cmd_host *host, const struct cmd_arguments *arguments,
                  struct domm_error *err)
{
    const char *name = arguments->n_operands > 1 ? arguments->operands[1] : NULL;
    const struct domm_member *domm;
    struct domm_record leaving;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    rc = rc ? rc : cmd_host_refresh(host, err);
    rc = rc ? rc : cmd_host_find_domm(host, arguments->operands[0], &domm, err);
    rc = rc ? rc : leave(host, domm, name, &leaving, err);
    rc = rc ? rc : cmd_refuse_moving(domm, err);
    if (rc)
        return rc;
    if (host->context->globals.dry_run) {
        printf("would part %s from %zu of its targets\n", domm->domain.name, leaving.n_targets);
        return 0;
    }
    rc = part(host, domm, name ? &leaving.targets[0].uuid : NULL, err);
    for (size_t i = 0; !rc && i < leaving.n_targets; i++)
        rc = wait_parted(host, domm->domain.domid, &leaving.targets[i].uuid, err);
    if (!rc)
        printf("%s is parted from %zu of its targets\n", domm->domain.name, leaving.n_targets);
    return rc;
}

int cmd_detach(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct cmd_host host;
    int rc = cmd_need_dommd(context, err);
    rc = rc ? rc : cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = detach(&host, arguments, err);
    cmd_host_close(&host);
    return rc;
}
