/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration of a domM, as `domm create` reads it; domm.cfg(5) describes it. Keys that
 * xl.cfg(5) has too mean the same.
 *
 * It is checked as a whole before anything is done with it: what is unknown, twice, of the wrong
 * type or out of range, contradicts something else, or names a file that is not there, is refused.
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

const char *domm_on_event_name(enum domm_on_event event);

struct domm_config_disk {
    char *spec; /* as it was written, for libxlutil */
    struct domm_disk parsed;
    const char *script; /* DOMM_MONITOR_DISK_SCRIPT (lib/xen/needs.h) if a storage leads here and
                           nothing else is said */
};

/* Strings are null if not given. */
struct domm_config_vif {
    char *mac, *bridge, *script, *ip, *vifname;
    bool monitor; /* a mirror leads here: on no bridge, script is DOMM_MONITOR_VIF_SCRIPT */
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
    bool has_uuid; /* else one is made up */
    struct domm_uuid uuid;
    char *kernel, *ramdisk, *cmdline; /* ramdisk and cmdline may be null */
    char *root, *extra;               /* of which cmdline was made */
    unsigned memory_mib, vcpus;
    enum domm_on_event on_poweroff, on_reboot, on_crash;
    unsigned ready_timeout; /* seconds */
    size_t n_targets;
    char *targets[DOMM_RECORD_MAX_TARGETS]; /* names or UUIDs */
    size_t n_disks, n_vifs, n_mirrors, n_storage;
    struct domm_config_disk disks[DOMM_CONFIG_MAX_DISKS];
    struct domm_config_vif vifs[DOMM_CONFIG_MAX_VIFS];
    struct domm_config_mirror mirrors[DOMM_CONFIG_MAX_MIRRORS];
    struct domm_config_storage storage[DOMM_CONFIG_MAX_STORAGE];
};

/* Makes the configuration of what a file says. DOMM_REFUSED: "WHERE: KEY: what is wrong".
 * *config_r is freed by domm_config_free. */
int domm_config_make(const struct domm_config_file *file, struct domm_config **config_r,
                     struct domm_error *err);
void domm_config_free(struct domm_config *config); /* null is fine */

/* One specification of `mirror` or `storage` without its target, as domm attach takes them.
 * DOMM_REFUSED. */
int domm_mirror_parse(const char *text, struct domm_mirror_pair *pair_r, struct domm_error *err);
int domm_storage_parse(const char *text, struct domm_storage *storage_r, struct domm_error *err);

/* The whole configuration with its defaults; the caller's to put. */
struct json_object *domm_config_json(const struct domm_config *config);

/* The name of key number i, or null past the last: for the test that reads domm.cfg(5). */
const char *domm_config_key_name(size_t i);

#endif
