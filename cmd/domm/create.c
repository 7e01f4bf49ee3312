/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/output.h"
#include "lib/base/lock.h"
#include "lib/pair/config.h"
#include "lib/pair/kept.h"
#include "lib/pair/plan.h"
#include "lib/xen/ending.h"

static int read_config(const struct cmd_arguments *arguments, struct domm_config **config_r,
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
    return rc;
}

static int make_guest(struct cmd_host *host, const struct domm_config *config, uint32_t *domid_r,
                      struct domm_error *err)
{
    struct domm_guest_vif vifs[DOMM_CONFIG_MAX_VIFS];
    struct domm_guest_disk disks[DOMM_CONFIG_MAX_DISKS];
    for (size_t i = 0; i < config->n_vifs; i++) {
        const struct domm_config_vif *vif = &config->vifs[i];
        vifs[i] =
            (struct domm_guest_vif){vif->mac, vif->bridge, vif->script, vif->ip, vif->vifname};
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

/* What was made for nothing goes again, mirrors first found in its record included. */
static int undo(struct cmd_host *host, uint32_t domid, struct domm_error *err)
{
    struct domm_error second;
    enum domm_code code = err->code == DOMM_ABORTED ? DOMM_ABORTED : DOMM_ROLLED_BACK;
    int rc = domm_xen_destroy(host->context->xen, domid, &second);
    if (rc && rc != -DOMM_NOT_FOUND) {
        domm_log(host->context->log, DOMM_LOG_ERROR, "%s", second.text);
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "xl list shows what is left of domain %u", domid);
    }
    if (cmd_host_refresh(host, &second) == 0)
        domm_mirrors_reconcile(host->context->xen, host->netlink, &host->inventory,
                               host->context->log);
    err->code = code;
    domm_hint(err, "nothing of it is left");
    return -(int)code;
}

/* Under the lock of the records: from looking at who watches whom to the record. */
static int make(struct cmd_host *host, const struct domm_config *config, uint32_t *domid_r,
                struct domm_error *err)
{
    struct domm_record record;
    struct domm_xen *xen = host->context->xen;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    rc = rc ? rc : cmd_host_refresh(host, err);
    rc = rc ? rc : domm_plan_create(xen, host->netlink, &host->inventory, config, &record, err);
    if (rc || host->context->globals.dry_run)
        return rc;
    cleanup_free char *text = NULL;
    rc = domm_record_format(&record, &text, err);
    rc = rc ? rc : make_guest(host, config, domid_r, err);
    if (rc)
        return rc;
    rc = domm_xen_userdata_store(xen, *domid_r, DOMM_RECORD_USERDATA, text, err);
    rc = rc ? rc : domm_kept_remove(DOMM_KEPT_DIRECTORY, &config->uuid, err);
    if (rc)
        return undo(host, *domid_r, err);
    domm_xen_tend(xen, *domid_r);
    return 0;
}

static int create(struct cmd_host *host, const struct domm_config *config, struct domm_error *err)
{
    uint32_t domid;
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_storage; i++)
        rc = cmd_check_storage(host->context, "storage", &config->storage[i].storage, err);
    cmd_interrupts_begin();
    rc = rc ? rc : make(host, config, &domid, err);
    if (!rc && !host->context->globals.dry_run) {
        rc = cmd_pause_ms(0, err); /* for nothing but an interrupt that came meanwhile */
        rc = rc ? rc : domm_xen_unpause(host->context->xen, domid, err);
        rc = rc ? rc : cmd_wait_ready(host, &config->uuid, NULL, config->ready_timeout, err);
        rc = rc ? undo(host, domid, err) : 0;
    }
    cmd_interrupts_end();
    return rc;
}

static void say_plan(const struct domm_config *config)
{
    printf("would make the domM %s: %u MiB, %u vCPUs, %zu vifs, %zu disks\n", config->name,
           config->memory_mib, config->vcpus, config->n_vifs, config->n_disks);
    for (size_t i = 0; i < config->n_targets; i++)
        printf("would let it map the memory of %s\n", config->targets[i]);
    for (size_t i = 0; i < config->n_mirrors; i++)
        printf("would mirror vif %u of %s to its vif %u\n", config->mirrors[i].pair.vif,
               config->mirrors[i].target, config->mirrors[i].pair.to);
    for (size_t i = 0; i < config->n_storage; i++)
        printf("would have it mount %s of %s, read-only\n", config->storage[i].storage.source,
               config->storage[i].target);
    printf("would wait up to %u s until it is ready\n", config->ready_timeout);
}

static void report(const struct cmd_context *context, const struct domm_config *config)
{
    cleanup_json struct json_object *json = NULL;
    if (context->globals.json) {
        json = domm_config_json(config);
        cmd_print_json(json);
    } else if (context->globals.dry_run) {
        say_plan(config);
    } else {
        printf("%s is ready\n", config->name);
    }
}

int cmd_create(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct domm_config *config;
    struct cmd_host host;
    int rc = read_config(arguments, &config, err);
    if (rc)
        return rc;
    if (!config->has_uuid && !context->globals.dry_run) {
        rc = domm_xen_new_uuid(&config->uuid, err);
        config->has_uuid = rc == 0;
    }
    rc = rc ? rc : cmd_need_dommd(context, err);
    if (!rc && !(rc = cmd_host_open(context, &host, err))) {
        rc = create(&host, config, err);
        cmd_host_close(&host);
    }
    if (!rc)
        report(context, config);
    domm_config_free(config);
    return rc;
}
