/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/magic.h>
#include <net/if.h>
#include <string.h>
#include <sys/vfs.h>

#include "cmd/domm/check.h"
#include "cmd/domm/defaults.h"
#include "lib/pair/config.h"
#include "lib/pair/storage_check.h"

static int read_config(const char *path, struct domm_config **config_r, struct domm_error *err)
{
    struct domm_config_file *file;
    int rc = domm_config_file_read(path, NULL, 0, &file, err);
    if (rc)
        return rc;
    rc = domm_config_make(file, config_r, err);
    domm_config_file_free(file);
    return rc;
}

/* Whether the file is on a file server: otherwise the other host may not have it. */
static bool is_shared(const char *path)
{
    struct statfs status;
    return statfs(path, &status) == 0 &&
           (status.f_type == NFS_SUPER_MAGIC || status.f_type == CEPH_SUPER_MAGIC);
}

static void check_disks(struct cmd_findings *findings, const struct domm_config *config)
{
    for (size_t i = 0; i < config->n_disks; i++) {
        const struct domm_disk *disk = &config->disks[i].parsed;
        if (disk->path[0] != '/' || strncmp(disk->path, "/dev/", 5) == 0 || is_shared(disk->path))
            cmd_find(findings, LEVEL_OK, "disk", NULL, "%s: %s", disk->vdev, disk->path);
        else
            cmd_find(findings, LEVEL_WARN, "disk",
                     "for a migration, put it where both hosts see it by the same path",
                     "%s: %s is on a file system of this host", disk->vdev, disk->path);
    }
}

static void check_vifs(struct cmd_findings *findings, const struct domm_config *config)
{
    for (size_t i = 0; i < config->n_vifs; i++) {
        const struct domm_config_vif *vif = &config->vifs[i];
        if (vif->monitor)
            cmd_find(findings, LEVEL_OK, "vif", NULL, "%zu: receives mirrored packets", i);
        else if (!vif->bridge || vif->backend || if_nametoindex(vif->bridge))
            cmd_find(findings, LEVEL_OK, "vif", NULL, "%zu: %s", i,
                     vif->bridge ? vif->bridge : "as the script has it");
        else
            cmd_find(findings, LEVEL_WARN, "vif", "make the bridge, at both hosts",
                     "%zu: this host has no bridge %s", i, vif->bridge);
    }
}

static void check_config_targets(struct cmd_findings *findings, const struct domm_config *config)
{
    if (!config->n_targets)
        cmd_find(findings, LEVEL_WARN, "target", "name one, or attach one later with domm attach",
                 "it monitors nobody");
    for (size_t t = 0; t < config->n_targets; t++) {
        size_t mirrors = 0, stores = 0;
        for (size_t i = 0; i < config->n_mirrors; i++)
            mirrors += strcmp(config->mirrors[i].target, config->targets[t]) == 0;
        for (size_t i = 0; i < config->n_storage; i++)
            stores += strcmp(config->storage[i].target, config->targets[t]) == 0;
        cmd_find(findings, LEVEL_OK, "target", NULL, "%s: memory, %zu mirrors, %zu file systems",
                 config->targets[t], mirrors, stores);
    }
}

static void check_config_settings(struct cmd_findings *findings, const struct domm_config *config)
{
    struct domm_error err;
    int rc = cmd_settings_check(&config->migrate, &err);
    if (config->migrate.count)
        cmd_find_outcome(findings, "migrate", rc, &err, "the pair's own settings");
}

static void check_config_storage(struct cmd_findings *findings, const struct domm_config *config)
{
    for (size_t i = 0; i < config->n_storage; i++) {
        const struct domm_storage *storage = &config->storage[i].storage;
        char doubt[DOMM_STORAGE_DOUBT];
        struct domm_error err;
        int rc = domm_storage_check(storage, DOMM_STORAGE_PATIENCE_MS, doubt, &err);
        if (!rc && doubt[0])
            cmd_find(findings, LEVEL_WARN, "storage", "see that the server admits the monitor",
                     "%s", doubt);
        else
            cmd_find_outcome(findings, "storage", rc, &err, storage->source);
    }
}

void cmd_check_config(struct cmd_findings *findings, const char *path)
{
    struct domm_config *config = NULL;
    struct domm_error err;
    int rc = read_config(path, &config, &err);
    if (cmd_find_outcome(findings, "config", rc, &err, path))
        return;
    cmd_find(findings, LEVEL_OK, "monitor", NULL, "%s: %u MiB, %u vCPUs", config->name,
             config->memory_mib, config->vcpus);
    check_config_targets(findings, config);
    check_disks(findings, config);
    check_vifs(findings, config);
    check_config_storage(findings, config);
    check_config_settings(findings, config);
    domm_config_free(config);
}
