/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration of a monitor, as read by `domm create` and described in domm.cfg(5). Keys that
 * xl.cfg(5) has as well have the same meaning.
 *
 * The whole configuration is checked before it is used. Refused are unknown or repeated keys,
 * values of the wrong type or out of range, contradictions, and names of files that do not exist.
 */
#ifndef DOMM_PAIR_CONFIG_H
#define DOMM_PAIR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/uuid.h"
#include "lib/pair/record.h"
#include "lib/xen/config_file.h"
#include "lib/xen/guest.h"

#define DOMM_CONFIG_MAX_DISKS 26
#define DOMM_CONFIG_MAX_VIFS 64
#define DOMM_CONFIG_MAX_MIRRORS 64
#define DOMM_CONFIG_MAX_STORAGE 64

#define DOMM_MONITOR_VIF_SCRIPT "vif-domm-monitor"

/* The value as in xl.cfg(5); a static string. */
const char *domm_on_event_name(enum domm_on_event event);

struct domm_config_disk {
    char *spec; /* the text as written, for libxlutil */
    struct domm_disk parsed;
    const char *script; /* DOMM_MONITOR_DISK_SCRIPT (lib/xen/host_requirements.h) if a storage uses
                           the disk and the text names no script */
};

/* Strings that are not given are null. */
struct domm_config_vif {
    char *mac, *bridge, *script, *ip, *vifname, *rate, *backend;
    unsigned mtu; /* 0: not given */
    bool monitor; /* a mirror leads to this vif: it is on no bridge, and its script is
                     DOMM_MONITOR_VIF_SCRIPT */
};

struct domm_config_mirror {
    char *target; /* one of the targets */
    struct domm_mirror_pair pair;
};

struct domm_config_storage {
    char *target;
    struct domm_storage storage;
};

struct domm_config {
    char *name;
    bool has_uuid; /* otherwise a UUID is generated */
    struct domm_uuid uuid;
    char *kernel, *ramdisk, *cmdline; /* ramdisk and cmdline may be null */
    char *root, *extra;               /* the parts of cmdline */
    unsigned memory_mib, vcpus, max_grant_frames; /* the last: 0 if not given */
    enum domm_on_event on_poweroff, on_reboot, on_crash;
    unsigned ready_timeout; /* seconds */
    struct domm_settings migrate;
    size_t n_targets;
    char *targets[DOMM_RECORD_MAX_TARGETS]; /* names or UUIDs */
    size_t n_disks, n_vifs, n_mirrors, n_storage;
    struct domm_config_disk disks[DOMM_CONFIG_MAX_DISKS];
    struct domm_config_vif vifs[DOMM_CONFIG_MAX_VIFS];
    struct domm_config_mirror mirrors[DOMM_CONFIG_MAX_MIRRORS];
    struct domm_config_storage storage[DOMM_CONFIG_MAX_STORAGE];
};

/* Makes a configuration from a file. DOMM_REFUSED: "WHERE: KEY: reason". *config_r is freed by
 * domm_config_free. */
int domm_config_make(const struct domm_config_file *file, struct domm_config **config_r,
                     struct domm_error *err);
void domm_config_free(struct domm_config *config); /* null is fine */

/* Parses one specification of `mirror` or `storage` without its target, as for domm attach.
 * DOMM_REFUSED. */
int domm_mirror_parse(const char *text, struct domm_mirror_pair *pair_r, struct domm_error *err);
int domm_storage_parse(const char *text, struct domm_storage *storage_r, struct domm_error *err);

/* The whole configuration with its defaults; the caller's to put. */
struct json_object *domm_config_json(const struct domm_config *config);

/* The name of key number i, or null after the last: for the test that reads domm.cfg(5). */
const char *domm_config_key_name(size_t i);

#endif
