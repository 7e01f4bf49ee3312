/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/config_items.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/pair/config_spec.h"
#include "lib/xen/host_requirements.h"
#include "lib/xen/vif.h"

#define MIN_MTU 68 /* RFC 791 */
#define MAX_MTU 65535

static int room(size_t count, size_t most, struct domm_error *err)
{
    return count < most ? 0 : domm_fail(err, DOMM_REFUSED, "more than %zu items", most);
}

int domm_config_check_file(const char *path, struct domm_error *err)
{
    struct stat status;
    if (stat(path, &status))
        return domm_fail_errno(err, DOMM_REFUSED, errno, "%s", path);
    if (S_ISDIR(status.st_mode))
        return domm_fail(err, DOMM_REFUSED, "%s is a directory", path);
    return 0;
}

int domm_config_take_target(struct domm_config *config, const char *text, struct domm_error *err)
{
    int rc = room(config->n_targets, DOMM_RECORD_MAX_TARGETS, err);
    if (rc)
        return rc;
    if (!*text)
        return domm_fail(err, DOMM_REFUSED, "empty");
    if (strcmp(text, config->name) == 0)
        return domm_fail(err, DOMM_REFUSED, "the monitor cannot be its own target");
    for (size_t i = 0; i < config->n_targets; i++) {
        if (strcmp(config->targets[i], text) == 0)
            return domm_fail(err, DOMM_REFUSED, "\"%s\" is listed twice", text);
    }
    config->targets[config->n_targets] = strdup(text);
    return config->targets[config->n_targets++] ? 0 : domm_no_memory(err);
}

int domm_config_take_disk(struct domm_config *config, const char *text, struct domm_error *err)
{
    int rc = room(config->n_disks, DOMM_CONFIG_MAX_DISKS, err);
    if (rc)
        return rc;
    struct domm_config_disk *disk = &config->disks[config->n_disks++];
    rc = domm_disk_parse(text, &disk->parsed, err);
    if (rc)
        return rc;
    if (!*disk->parsed.vdev)
        return domm_fail(err, DOMM_REFUSED, "no vdev");
    for (size_t i = 0; i + 1 < config->n_disks; i++) {
        if (strcmp(config->disks[i].parsed.vdev, disk->parsed.vdev) == 0)
            return domm_fail(err, DOMM_REFUSED, "the vdev %s is used twice", disk->parsed.vdev);
    }
    if (disk->parsed.path[0] == '/' && (rc = domm_config_check_file(disk->parsed.path, err)))
        return rc;
    disk->spec = strdup(text);
    return disk->spec ? 0 : domm_no_memory(err);
}

static bool is_unicast_mac(const char *text)
{
    for (size_t i = 0; i < 17; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[17] == '\0' && !strchr("13579bdfBDF", text[1]);
}

static int config_items_check_vif(const struct domm_config *config,
                                  const struct domm_config_vif *vif, struct domm_error *err)
{
    if (vif->mac && !is_unicast_mac(vif->mac))
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not a unicast MAC address", vif->mac);
    int rc = vif->rate ? domm_vif_rate_check(vif->rate, err) : 0;
    if (rc)
        return rc;
    if (vif->vifname && !domm_vif_name_valid(vif->vifname))
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not a valid device name", vif->vifname);
    for (const struct domm_config_vif *other = config->vifs; other < vif; other++) {
        if (vif->mac && other->mac && strcasecmp(vif->mac, other->mac) == 0)
            return domm_fail(err, DOMM_REFUSED, "the MAC address %s is used twice", vif->mac);
        if (vif->vifname && other->vifname && strcmp(vif->vifname, other->vifname) == 0)
            return domm_fail(err, DOMM_REFUSED, "the vifname %s is used twice", vif->vifname);
    }
    return 0;
}

int domm_config_take_vif(struct domm_config *config, const char *text, struct domm_error *err)
{
    enum { MAC, BRIDGE, SCRIPT, IP, VIFNAME, RATE, BACKEND, MTU, N_KEYS };
    static const char *const keys[] = {"mac",  "bridge",  "script", "ip", "vifname",
                                       "rate", "backend", "mtu",    NULL};
    char *values[N_KEYS];
    int rc = room(config->n_vifs, DOMM_CONFIG_MAX_VIFS, err);
    if (rc)
        return rc;
    rc = domm_spec_parse(text, keys, values, err);
    if (rc)
        return rc;
    struct domm_config_vif *vif = &config->vifs[config->n_vifs++];
    *vif = (struct domm_config_vif){
        .mac = values[MAC],
        .bridge = values[BRIDGE],
        .script = values[SCRIPT],
        .ip = values[IP],
        .vifname = values[VIFNAME],
        .rate = values[RATE],
        .backend = values[BACKEND],
    };
    if (values[MTU])
        rc = domm_number_parse(values[MTU], MIN_MTU, MAX_MTU, &vif->mtu, err);
    free(values[MTU]);
    return rc ? rc : config_items_check_vif(config, vif, err);
}

/* Finds the target by name, and copies its name; a single target need not be named. */
static int config_items_find_target(const struct domm_config *config, const char *text,
                                    char **target_r, struct domm_error *err)
{
    const char *found = NULL;
    if (!config->n_targets)
        return domm_fail(err, DOMM_REFUSED, "there is no target");
    if (!text && config->n_targets > 1)
        return domm_fail(err, DOMM_REFUSED, "target= is missing: there are %zu targets",
                         config->n_targets);
    for (size_t i = 0; i < config->n_targets && !found; i++) {
        if (!text || strcmp(config->targets[i], text) == 0)
            found = config->targets[i];
    }
    if (!found)
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not among the targets", text);
    *target_r = strdup(found);
    return *target_r ? 0 : domm_no_memory(err);
}

static int config_items_make_monitor(struct domm_config *config, unsigned to,
                                     struct domm_error *err)
{
    struct domm_config_vif *vif = &config->vifs[to];
    if (to >= config->n_vifs)
        return domm_fail(err, DOMM_REFUSED, "to=%u: the monitor has only %zu vifs", to,
                         config->n_vifs);
    if (vif->backend)
        return domm_fail(err, DOMM_REFUSED,
                         "to=%u: that vif has a backend, and packets are mirrored in dom0 only",
                         to);
    if (vif->bridge || vif->ip)
        return domm_fail(err, DOMM_REFUSED,
                         "to=%u: that vif has a bridge or an address, so the monitor could send",
                         to);
    if (vif->script && strcmp(vif->script, DOMM_MONITOR_VIF_SCRIPT) != 0)
        return domm_fail(err, DOMM_REFUSED, "to=%u: that vif has the script %s, not %s", to,
                         vif->script, DOMM_MONITOR_VIF_SCRIPT);
    vif->monitor = true;
    if (!vif->script)
        vif->script = strdup(DOMM_MONITOR_VIF_SCRIPT);
    return vif->script ? 0 : domm_no_memory(err);
}

/* The keys of a mirror; in a configuration "target" follows. */
enum { VIF, TO, VLAN, PROTOCOL, MIRROR_KEYS };
#define MIRROR_KEY_NAMES "vif", "to", "vlan", "protocol"

static int selection_values(char *const *values, struct domm_selection *selection_r,
                            struct domm_error *err)
{
    int rc = values[VLAN]
                 ? domm_number_parse(values[VLAN], 1, DOMM_VLAN_MAX, &selection_r->vlan, err)
                 : 0;
    if (rc || !values[PROTOCOL])
        return rc;
    return domm_selection_protocol_parse(values[PROTOCOL], &selection_r->protocol, err);
}

static int mirror_values(char *const *values, struct domm_mirror_pair *pair_r,
                         struct domm_error *err)
{
    if (!values[VIF] || !values[TO])
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is missing", values[VIF] ? "to" : "vif");
    int rc = domm_number_parse(values[VIF], 0, DOMM_VIF_MAX - 1, &pair_r->vif, err);
    if (rc)
        return rc;
    rc = domm_number_parse(values[TO], 0, DOMM_CONFIG_MAX_VIFS - 1, &pair_r->to, err);
    if (rc)
        return rc;
    return selection_values(values, &pair_r->selection, err);
}

static int fill_mirror(struct domm_config *config, struct domm_config_mirror *mirror,
                       char *const *values, struct domm_error *err)
{
    int rc = config_items_find_target(config, values[MIRROR_KEYS], &mirror->target, err);
    if (rc)
        return rc;
    rc = mirror_values(values, &mirror->pair, err);
    if (rc)
        return rc;
    for (const struct domm_config_mirror *other = config->mirrors; other < mirror; other++) {
        if (other->pair.vif == mirror->pair.vif && strcmp(other->target, mirror->target) == 0)
            return domm_fail(err, DOMM_REFUSED, "vif %u of %s is mirrored twice", mirror->pair.vif,
                             mirror->target);
    }
    return config_items_make_monitor(config, mirror->pair.to, err);
}

static void free_values(char **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(values[i]);
}

int domm_config_take_mirror(struct domm_config *config, const char *text, struct domm_error *err)
{
    static const char *const keys[] = {MIRROR_KEY_NAMES, "target", NULL};
    char *values[MIRROR_KEYS + 1];
    int rc = room(config->n_mirrors, DOMM_CONFIG_MAX_MIRRORS, err);
    if (rc)
        return rc;
    rc = domm_spec_parse(text, keys, values, err);
    if (rc)
        return rc;
    struct domm_config_mirror *mirror = &config->mirrors[config->n_mirrors++];
    rc = fill_mirror(config, mirror, values, err);
    free_values(values, MIRROR_KEYS + 1);
    return rc;
}

/* The target writes to the disk that the monitor reads: the monitor must not be able to write to
 * it, and Xen's own script would give the disk to one of them only. */
static int make_monitor_disk(struct domm_config *config, const char *vdev, struct domm_error *err)
{
    for (size_t i = 0; i < config->n_disks; i++) {
        struct domm_config_disk *disk = &config->disks[i];
        if (strcmp(disk->parsed.vdev, vdev) != 0)
            continue;
        if (disk->parsed.writable)
            return domm_fail(err, DOMM_REFUSED, "block=%s: that disk is not read-only", vdev);
        if (disk->parsed.plain && disk->parsed.path[0] == '/')
            disk->script = DOMM_MONITOR_DISK_SCRIPT;
        return 0;
    }
    return domm_fail(err, DOMM_REFUSED, "block=%s: the monitor has no such disk", vdev);
}

/* The keys of a storage; in a configuration "target" follows. */
enum { NFS, BLOCK, MAX_AGE, CHECK, PORT, SEC, VERS, STORAGE_KEYS };
#define STORAGE_KEY_NAMES "nfs", "block", "max_age", "check", "port", "sec", "vers"

static int nfs_values(char *const *values, struct domm_nfs_options *options_r,
                      struct domm_error *err)
{
    static const char *const keys[STORAGE_KEYS] = {STORAGE_KEY_NAMES};
    int rc = 0;
    for (size_t key = PORT; !rc && key <= VERS; key++) {
        if (values[key] && !values[NFS])
            rc = domm_fail(err, DOMM_REFUSED, "%s is valid for nfs only", keys[key]);
        else if (values[key])
            rc = domm_nfs_options_set(options_r, keys[key], values[key], err);
    }
    return rc;
}

static int storage_values(char *const *values, struct domm_storage *storage_r,
                          struct domm_error *err)
{
    const char *nfs = values[NFS], *block = values[BLOCK];
    const char *source = nfs ? nfs : block;
    unsigned check = 1;
    *storage_r = (struct domm_storage){.max_age = DOMM_STORAGE_MAX_AGE};
    if (!nfs == !block)
        return domm_fail(err, DOMM_REFUSED, "either nfs or block is required");
    storage_r->kind = nfs ? DOMM_STORAGE_NFS : DOMM_STORAGE_BLOCK;
    if (!domm_storage_source_valid(storage_r->kind, source))
        return domm_fail(err, DOMM_REFUSED, "%s=%s is not %s", nfs ? "nfs" : "block", source,
                         nfs ? "SERVER:/PATH, nor [IPV6-ADDRESS]:/PATH" : "a vdev");
    snprintf(storage_r->source, sizeof(storage_r->source), "%s", source);
    if (block && values[CHECK])
        return domm_fail(err, DOMM_REFUSED, "check is valid for nfs only");
    int rc = values[CHECK] ? domm_number_parse(values[CHECK], 0, 1, &check, err) : 0;
    storage_r->unchecked = !check;
    if (rc)
        return rc;
    rc = nfs_values(values, &storage_r->nfs, err);
    if (rc)
        return rc;
    if (values[MAX_AGE])
        return domm_number_parse(values[MAX_AGE], 0, 3600, &storage_r->max_age, err);
    return 0;
}

static int fill_storage(struct domm_config *config, struct domm_config_storage *storage,
                        char *const *values, struct domm_error *err)
{
    int rc = config_items_find_target(config, values[STORAGE_KEYS], &storage->target, err);
    if (rc)
        return rc;
    rc = storage_values(values, &storage->storage, err);
    if (!rc && values[BLOCK])
        rc = make_monitor_disk(config, values[BLOCK], err);
    if (rc)
        return rc;
    for (const struct domm_config_storage *other = config->storage; other < storage; other++) {
        if (strcmp(other->target, storage->target) == 0 &&
            strcmp(other->storage.source, storage->storage.source) == 0)
            return domm_fail(err, DOMM_REFUSED, "%s of %s is listed twice", storage->storage.source,
                             storage->target);
    }
    return 0;
}

int domm_config_take_storage(struct domm_config *config, const char *text, struct domm_error *err)
{
    static const char *const keys[] = {STORAGE_KEY_NAMES, "target", NULL};
    char *values[STORAGE_KEYS + 1];
    int rc = room(config->n_storage, DOMM_CONFIG_MAX_STORAGE, err);
    if (rc)
        return rc;
    rc = domm_spec_parse(text, keys, values, err);
    if (rc)
        return rc;
    struct domm_config_storage *storage = &config->storage[config->n_storage++];
    rc = fill_storage(config, storage, values, err);
    free_values(values, STORAGE_KEYS + 1);
    return rc;
}

int domm_mirror_parse(const char *text, struct domm_mirror_pair *pair_r, struct domm_error *err)
{
    static const char *const keys[] = {MIRROR_KEY_NAMES, NULL};
    char *values[MIRROR_KEYS];
    int rc = domm_spec_parse(text, keys, values, err);
    if (rc)
        return rc;
    *pair_r = (struct domm_mirror_pair){0};
    rc = mirror_values(values, pair_r, err);
    free_values(values, MIRROR_KEYS);
    return rc;
}

int domm_storage_parse(const char *text, struct domm_storage *storage_r, struct domm_error *err)
{
    static const char *const keys[] = {STORAGE_KEY_NAMES, NULL};
    char *values[STORAGE_KEYS];
    int rc = domm_spec_parse(text, keys, values, err);
    if (rc)
        return rc;
    rc = storage_values(values, storage_r, err);
    free_values(values, STORAGE_KEYS);
    return rc;
}

int domm_config_take_setting(struct domm_config *config, const char *text, struct domm_error *err)
{
    return domm_settings_add(&config->migrate, text, err);
}
