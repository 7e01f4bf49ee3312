/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/defaults.h"
#include "cmd/domm/host.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "cmd/domm/wait.h"
#include "lib/pair/config.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"
#include "lib/pair/plan.h"
#include "lib/pair/saved_record.h"
#include "lib/xen/domain.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/userdata.h"

static int create_read_config(const struct cmd_arguments *arguments, struct domm_config **config_r,
                              struct domm_error *err)
{
    struct domm_config_file *file;
    int rc =
        domm_config_file_read(arguments->operands[0], (const char *const *)arguments->operands + 1,
                              arguments->n_operands - 1, &file, err);
    if (rc)
        return rc;
    rc = domm_config_make(file, config_r, err);
    domm_config_file_free(file);
    if (rc)
        return rc;
    rc = cmd_settings_check(&(*config_r)->migrate, err);
    if (rc)
        domm_config_free(*config_r);
    return rc;
}

static int make_guest(struct cmd_host *host, const struct domm_config *config, uint32_t *domid_r,
                      struct domm_error *err)
{
    struct domm_guest_vif vifs[DOMM_CONFIG_MAX_VIFS];
    struct domm_guest_disk disks[DOMM_CONFIG_MAX_DISKS];
    for (size_t i = 0; i < config->n_vifs; i++) {
        const struct domm_config_vif *vif = &config->vifs[i];
        vifs[i] = (struct domm_guest_vif){vif->mac,     vif->bridge, vif->script,  vif->ip,
                                          vif->vifname, vif->rate,   vif->backend, vif->mtu};
    }
    for (size_t i = 0; i < config->n_disks; i++)
        disks[i] = (struct domm_guest_disk){config->disks[i].spec, config->disks[i].script};
    const struct domm_guest guest = {
        .name = config->name,
        .uuid = config->uuid,
        .kernel = config->kernel,
        .ramdisk = config->ramdisk,
        .cmdline = config->cmdline,
        .memory_mib = config->memory_mib,
        .vcpus = config->vcpus,
        .max_grant_frames = config->max_grant_frames,
        .on_poweroff = config->on_poweroff,
        .on_reboot = config->on_reboot,
        .on_crash = config->on_crash,
        .n_disks = config->n_disks,
        .n_vifs = config->n_vifs,
        .disks = disks,
        .vifs = vifs,
    };
    return domm_xen_create(host->context->xen, &guest, domid_r, err);
}

/* What a create has made, and what undoes it. */
struct made {
    uint32_t domid;
    struct domm_record record;
    struct domm_expectations expected; /* before */
};

/* What this host expected before counts again. Under the lock of the records. */
static void create_undo_expected(struct cmd_host *host, const struct made *made)
{
    struct domm_error err;
    if (domm_expectations_restore(&made->expected, &made->record, &err))
        domm_log(host->context->log, DOMM_LOG_ERROR, "%s", err.text);
}

/* Destroys the new monitor, and the mirrors that dommd may have made from its record. */
static int create_undo(struct cmd_host *host, const struct made *made, struct domm_error *err)
{
    struct domm_error second;
    enum domm_code code = err->code == DOMM_ABORTED ? DOMM_ABORTED : DOMM_ROLLED_BACK;
    int rc = domm_xen_destroy(host->context->xen, made->domid, &second);
    if (rc && rc != -DOMM_NOT_FOUND) {
        domm_log(host->context->log, DOMM_LOG_ERROR, "%s", second.text);
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "domain %u may be left: see xl list, and end it with xl destroy",
                         made->domid);
    }
    create_undo_expected(host, made);
    if (cmd_host_refresh(host, &second) == 0)
        domm_mirrors_reconcile(host->context->xen, host->netlink, &host->inventory,
                               host->context->log);
    err->code = code;
    domm_hint(err, "the monitor was destroyed again");
    return -(int)code;
}

static int create_undo_locked(struct cmd_host *host, const struct made *made,
                              struct domm_error *err)
{
    struct domm_error second;
    cleanup_fd int lock = -1;
    if (domm_lock_records(&lock, &second))
        domm_log(host->context->log, DOMM_LOG_ERROR, "%s", second.text);
    return create_undo(host, made, err);
}

/* From the moment that the record names the targets this host tells of them if they are not
 * monitored. */
static int create_record(struct cmd_host *host, const struct domm_config *config,
                         const struct made *made, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    int rc = domm_record_format(&made->record, &text, err);
    if (rc)
        return rc;
    rc = domm_expectations_note(&host->inventory, &config->uuid, config->name, &made->record, err);
    if (rc)
        return rc;
    rc = domm_xen_userdata_store(host->context->xen, made->domid, DOMM_RECORD_USERDATA, text, err);
    if (rc)
        return rc;
    return domm_saved_record_remove(DOMM_SAVED_RECORD_DIRECTORY, &config->uuid, err);
}

/* The lock of the records is held from reading the inventory until the record is written. */
static int create_make(struct cmd_host *host, const struct domm_config *config, struct made *made,
                       struct domm_error *err)
{
    struct domm_xen *xen = host->context->xen;
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    rc = domm_plan_create(xen, host->netlink, &host->inventory, config, &made->record, err);
    if (rc || host->context->globals.dry_run)
        return rc;
    rc = domm_expectations_read(host->context->log, &made->expected, err);
    if (rc)
        return rc;
    rc = make_guest(host, config, &made->domid, err);
    if (rc)
        return rc;
    if (create_record(host, config, made, err))
        return create_undo(host, made, err);
    domm_xen_manage(xen, made->domid);
    return 0;
}

static int make_and_start(struct cmd_host *host, const struct domm_config *config,
                          struct made *made, struct domm_error *err)
{
    int rc = create_make(host, config, made, err);
    if (rc || host->context->globals.dry_run)
        return rc;
    if (cmd_pause_ms(0, err) || /* only checks for an interrupt */
        domm_xen_unpause(host->context->xen, made->domid, err) ||
        cmd_wait_ready(host, &config->uuid, NULL, config->ready_timeout, err))
        return create_undo_locked(host, made, err);
    return 0;
}

static int create(struct cmd_host *host, const struct domm_config *config, struct domm_error *err)
{
    struct made made = {.domid = 0};
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_storage; i++)
        rc = cmd_check_storage(host->context, "storage", &config->storage[i].storage, err);
    if (rc)
        return rc;
    cmd_interrupts_begin();
    rc = make_and_start(host, config, &made, err);
    cmd_interrupts_end();
    domm_expectations_free(&made.expected);
    return rc;
}

static void print_plan(const struct domm_config *config)
{
    printf("would create the monitor %s: %u MiB, %u vCPUs, %zu vifs, %zu disks\n", config->name,
           config->memory_mib, config->vcpus, config->n_vifs, config->n_disks);
    for (size_t i = 0; i < config->n_targets; i++)
        printf("would let it map the memory of %s\n", config->targets[i]);
    for (size_t i = 0; i < config->n_mirrors; i++) {
        char selected[DOMM_SELECTION_TEXT];
        domm_selection_format(&config->mirrors[i].pair.selection, selected);
        printf("would mirror vif %u of %s to its vif %u%s\n", config->mirrors[i].pair.vif,
               config->mirrors[i].target, config->mirrors[i].pair.to, selected);
    }
    for (size_t i = 0; i < config->n_storage; i++)
        printf("would have it mount %s of %s, read-only\n", config->storage[i].storage.source,
               config->storage[i].target);
    printf("would wait up to %u s until it is ready\n", config->ready_timeout);
}

static void create_report(const struct cmd_context *context, const struct domm_config *config)
{
    cleanup_json struct json_object *json = NULL;
    if (context->globals.json) {
        json = domm_config_json(config);
        cmd_print_json(json);
    } else if (context->globals.dry_run) {
        print_plan(config);
    } else {
        printf("%s is ready\n", config->name);
    }
}

static int create_configured(struct cmd_context *context, struct domm_config *config,
                             struct domm_error *err)
{
    struct cmd_host host;
    int rc;
    if (!config->has_uuid && !context->globals.dry_run) {
        rc = domm_xen_new_uuid(&config->uuid, err);
        if (rc)
            return rc;
        config->has_uuid = true;
    }
    rc = cmd_need_dommd(context, err);
    if (rc)
        return rc;
    rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = create(&host, config, err);
    cmd_host_close(&host);
    return rc;
}

int cmd_create(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct domm_config *config;
    int rc = create_read_config(arguments, &config, err);
    if (rc)
        return rc;
    rc = create_configured(context, config, err);
    if (!rc)
        create_report(context, config);
    domm_config_free(config);
    return rc;
}
