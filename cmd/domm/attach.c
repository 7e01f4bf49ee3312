/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/action.h"
#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "cmd/domm/wait.h"
#include "lib/pair/config.h"
#include "lib/pair/expectation.h"
#include "lib/pair/plan.h"
#include "lib/xen/userdata.h"

#define DETACH_SECONDS 30

static int take_mirror(const char *text, struct domm_record_target *record_target,
                       struct domm_error *err)
{
    if (record_target->n_mirrors == DOMM_RECORD_MAX_ITEMS)
        return domm_fail(err, DOMM_REFUSED, "more than %d mirrors for one target",
                         DOMM_RECORD_MAX_ITEMS);
    struct domm_mirror_pair *mirror = &record_target->mirrors[record_target->n_mirrors++];
    int rc = domm_mirror_parse(text, mirror, err);
    for (size_t i = 0; !rc && i + 1 < record_target->n_mirrors; i++) {
        if (record_target->mirrors[i].vif == mirror->vif)
            rc = domm_fail(err, DOMM_REFUSED, "vif %u is mirrored twice", mirror->vif);
    }
    return rc;
}

static int take_storage(const char *text, struct domm_record_target *record_target,
                        struct domm_error *err)
{
    if (record_target->n_storage == DOMM_RECORD_MAX_ITEMS)
        return domm_fail(err, DOMM_REFUSED, "more than %d storages for one target",
                         DOMM_RECORD_MAX_ITEMS);
    return domm_storage_parse(text, &record_target->storage[record_target->n_storage++], err);
}

static int take_options(const struct cmd_arguments *arguments,
                        struct domm_record_target *record_target, struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < arguments->n_options; i++) {
        const struct cmd_parsed_option *option = &arguments->options[i];
        if (option->id == 'm')
            rc = take_mirror(option->value, record_target, err);
        else if (option->id == 's')
            rc = take_storage(option->value, record_target, err);
        if (rc)
            domm_wrap(err, "--%s %s", option->id == 'm' ? "mirror" : "storage", option->value);
    }
    return rc;
}

static int store_record(struct cmd_host *host, const struct domm_inventory_entry *monitor,
                        const struct domm_record *record, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    int rc = domm_record_format(record, &text, err);
    if (rc)
        return rc;
    return domm_xen_userdata_store(host->context->xen, monitor->domain.domid, DOMM_RECORD_USERDATA,
                                   text, err);
}

/* What an attach has begun, and what undoes it. */
struct joined {
    struct domm_uuid monitor, target;
    unsigned timeout;                  /* seconds */
    struct domm_expectations expected; /* before; freed by the caller of attach_join */
};

/* First of all this host expects the target to be monitored: from the moment that the record says
 * so it tells of it if it is not. */
static int attach_record(struct cmd_host *host, const struct domm_inventory_entry *monitor,
                         const struct domm_record *record, const struct domm_record *added,
                         struct domm_expectations *before_r, struct domm_error *err)
{
    struct domm_error second;
    int rc = domm_expectations_read(host->context->log, before_r, err);
    if (rc)
        return rc;
    rc = domm_expectations_note(&host->inventory, &monitor->domain.uuid, monitor->domain.name,
                                added, err);
    if (!rc)
        rc = store_record(host, monitor, record, err);
    if (rc && domm_expectations_restore(before_r, added, &second))
        domm_log(host->context->log, DOMM_LOG_ERROR, "%s", second.text);
    return rc;
}

static int attach_join(struct cmd_host *host, const struct cmd_arguments *arguments,
                       const struct domm_record_target *record_target, struct joined *joined_r,
                       struct json_object **action_r, struct domm_error *err)
{
    const struct domm_inventory_entry *monitor, *target;
    struct domm_record record;
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    rc = cmd_host_find_monitor(host, arguments->operands[0], &monitor, err);
    if (rc)
        return rc;
    rc = domm_inventory_find(&host->inventory, arguments->operands[1], &target, err);
    if (rc)
        return rc;
    rc = cmd_refuse_moving(monitor, err);
    if (rc)
        return rc;
    rc = cmd_refuse_moving(target, err);
    if (rc)
        return rc;
    rc = domm_plan_attach(host->context->xen, host->netlink, &host->inventory, monitor, target,
                          record_target, &record, err);
    if (rc)
        return rc;
    joined_r->monitor = monitor->domain.uuid;
    joined_r->target = target->domain.uuid;
    joined_r->timeout = record.ready_timeout;
    *action_r = cmd_action_json(host->context, "attach", monitor);
    cmd_action_add(*action_r, &joined_r->target, target);
    if (host->context->globals.dry_run)
        return 0;
    const struct domm_record added = {.n_targets = 1, .targets = {{.uuid = joined_r->target}}};
    return attach_record(host, monitor, &record, &added, &joined_r->expected, err);
}

/* Removes one target from the record, or all if null; dommd then removes its mappings. */
static int part(struct cmd_host *host, const struct domm_inventory_entry *monitor,
                const struct domm_uuid *target, struct domm_error *err)
{
    struct domm_record record = monitor->record;
    size_t kept = 0;
    for (size_t i = 0; i < record.n_targets; i++) {
        if (target && !domm_uuid_equal(&record.targets[i].uuid, target))
            record.targets[kept++] = record.targets[i];
    }
    record.n_targets = kept;
    return store_record(host, monitor, &record, err);
}

/* dommd removes a target's nodes after a scan has proved that its mappings are gone. */
static int wait_parted(struct cmd_host *host, uint32_t monitor, const struct domm_uuid *target,
                       struct domm_error *err)
{
    char path[128], uuid[DOMM_UUID_TEXT];
    domm_uuid_format(target, uuid);
    snprintf(path, sizeof(path), "/local/domain/%u/domm/targets/%s", monitor, uuid);
    for (int i = 0; i < DETACH_SECONDS * 10; i++) {
        cleanup_free char *value = NULL;
        struct domm_error reason;
        if (domm_store_read(host->store, path, &value, &reason) == -DOMM_NOT_FOUND)
            return 0;
        int rc = cmd_pause_ms(100, err);
        if (rc)
            return rc;
    }
    domm_fail(err, DOMM_OUTCOME_UNKNOWN, "dommd has not removed all mappings within %d s",
              DETACH_SECONDS);
    return domm_hint(err,
                     "see journalctl -u dommd for the reason, and dommd --scan for what is mapped");
}

/* Nothing is to be taken back if the monitor is gone. */
static int part_again(struct cmd_host *host, const struct joined *joined, struct domm_error *err)
{
    const struct domm_record added = {.n_targets = 1, .targets = {{.uuid = joined->target}}};
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    const struct domm_inventory_entry *monitor =
        domm_inventory_by_uuid(&host->inventory, &joined->monitor);
    bool recorded = monitor && monitor->record_state == DOMM_RECORD_VALID;
    if (recorded)
        rc = part(host, monitor, &joined->target, err);
    if (rc)
        return rc;
    if (recorded)
        rc = wait_parted(host, monitor->domain.domid, &joined->target, err);
    if (rc)
        return rc;
    return domm_expectations_restore(&joined->expected, &added, err);
}

static int undo_join(struct cmd_host *host, const struct joined *joined, struct domm_error *err)
{
    struct domm_error second = {0};
    enum domm_code code = err->code == DOMM_ABORTED ? DOMM_ABORTED : DOMM_ROLLED_BACK;
    int rc = part_again(host, joined, &second);
    if (rc)
        domm_log(host->context->log, DOMM_LOG_ERROR, "detaching the target again: %s", second.text);
    err->code = rc ? DOMM_OUTCOME_UNKNOWN : code;
    domm_hint(err, rc ? "the target may still be attached: domm detach removes it"
                      : "the target is detached again");
    return -(int)err->code;
}

static int join_and_wait(struct cmd_host *host, const struct cmd_arguments *arguments,
                         const struct domm_record_target *record_target,
                         struct json_object **action_r, struct domm_error *err)
{
    struct joined joined = {.timeout = 0};
    int rc = attach_join(host, arguments, record_target, &joined, action_r, err);
    if (!rc && !host->context->globals.dry_run) {
        rc = cmd_wait_ready(host, &joined.monitor, &joined.target, joined.timeout, err);
        cmd_interrupts_ignore();
        rc = rc ? undo_join(host, &joined, err) : 0;
    }
    domm_expectations_free(&joined.expected);
    return rc;
}

static int attach(struct cmd_host *host, const struct cmd_arguments *arguments,
                  const struct domm_record_target *record_target, struct domm_error *err)
{
    cleanup_json struct json_object *action = NULL;
    int rc = 0;
    for (size_t i = 0; !rc && i < record_target->n_storage; i++)
        rc = cmd_check_storage(host->context, "--storage", &record_target->storage[i], err);
    if (rc)
        return rc;
    cmd_interrupts_begin();
    rc = join_and_wait(host, arguments, record_target, &action, err);
    cmd_interrupts_end();
    if (rc)
        return rc;
    if (host->context->globals.json)
        cmd_print_json(action);
    else if (host->context->globals.dry_run)
        printf("would let %s monitor %s: memory, %zu mirrors, %zu file systems\n",
               arguments->operands[0], arguments->operands[1], record_target->n_mirrors,
               record_target->n_storage);
    else
        printf("%s monitors %s\n", arguments->operands[0], arguments->operands[1]);
    return 0;
}

int cmd_attach_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    struct domm_record_target record_target = {0};
    return take_options(arguments, &record_target, err);
}

int cmd_attach(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct domm_record_target record_target = {0};
    struct cmd_host host;
    int rc = take_options(arguments, &record_target, err);
    if (rc)
        return rc;
    rc = cmd_need_dommd(context, err);
    if (rc)
        return rc;
    rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = attach(&host, arguments, &record_target, err);
    cmd_host_close(&host);
    return rc;
}

/* The targets to detach: the one named, otherwise all. */
static int leave(struct cmd_host *host, const struct domm_inventory_entry *monitor,
                 const char *name, struct domm_record *leaving_r, struct domm_error *err)
{
    *leaving_r = monitor->record;
    if (monitor->record_state != DOMM_RECORD_VALID)
        return domm_inventory_refuse_unreadable(monitor, err);
    if (!name)
        return 0;
    const struct domm_inventory_entry *target = NULL;
    struct domm_uuid uuid;
    /* A target that no longer exists can be named by its UUID only. */
    if (!domm_uuid_parse(name, &uuid)) {
        int rc = domm_inventory_find(&host->inventory, name, &target, err);
        if (rc)
            return rc;
        uuid = target->domain.uuid;
    }
    const struct domm_record_target *record_target = domm_record_find(&monitor->record, &uuid);
    if (!record_target)
        return domm_fail(err, DOMM_REFUSED, "%s does not monitor %s", monitor->domain.name, name);
    leaving_r->n_targets = 1;
    leaving_r->targets[0] = *record_target;
    return 0;
}

static int detach_target(struct cmd_host *host, const struct cmd_arguments *arguments,
                         struct json_object **action_r, struct domm_error *err)
{
    const char *name = arguments->n_operands > 1 ? arguments->operands[1] : NULL;
    const struct domm_inventory_entry *monitor;
    struct domm_record leaving;
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    rc = cmd_host_find_monitor(host, arguments->operands[0], &monitor, err);
    if (rc)
        return rc;
    rc = leave(host, monitor, name, &leaving, err);
    if (rc)
        return rc;
    rc = cmd_refuse_moving(monitor, err);
    if (rc)
        return rc;
    *action_r = cmd_action_json(host->context, "detach", monitor);
    cmd_action_add_record(*action_r, &host->inventory, &leaving);
    if (host->context->globals.dry_run)
        return 0;
    rc = part(host, monitor, name ? &leaving.targets[0].uuid : NULL, err);
    for (size_t i = 0; !rc && i < leaving.n_targets; i++)
        rc = domm_expectation_remove(&leaving.targets[i].uuid, err);
    for (size_t i = 0; !rc && i < leaving.n_targets; i++)
        rc = wait_parted(host, monitor->domain.domid, &leaving.targets[i].uuid, err);
    return rc;
}

static void detach_report(const struct cmd_context *context, struct json_object *action)
{
    struct json_object *monitor = json_object_object_get(action, "monitor");
    if (context->globals.json)
        cmd_print_json(action);
    else
        printf("%s %s from %zu of its targets\n",
               context->globals.dry_run ? "would detach" : "detached",
               json_object_get_string(json_object_object_get(monitor, "name")),
               json_object_array_length(json_object_object_get(action, "targets")));
}

int cmd_detach(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    cleanup_json struct json_object *action = NULL;
    struct cmd_host host;
    int rc = cmd_need_dommd(context, err);
    if (rc)
        return rc;
    rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = detach_target(&host, arguments, &action, err);
    cmd_host_close(&host);
    if (!rc)
        detach_report(context, action);
    return rc;
}
