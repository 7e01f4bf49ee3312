/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record: the targets of a monitor and what it monitors of each, kept as libxl userdata "domm"
 * with the monitor, so that it ends with the domain. It is the wanted state; the present state is
 * measured (lib/pair/status.h). A JSON object,
 *
 *     {"version": 1, "ready_timeout": 60, "migrate": ["max_downtime=500"], "targets": [
 *         {"uuid": "<uuid>",
 *          "mirror": [{"vif": 0, "to": 1, "vlan": 100, "protocol": "ipv4"}],
 *          "storage": [{"nfs": "filer:/srv/web", "max_age": 3, "unchecked": true,
 *                       "options": "port=2050,sec=krb5p,vers=4.2"},
 *                      {"block": "xvdb", "max_age": 3}]}]}
 *
 * in which all but "version", "targets" and "uuid" may be left out, and other members are allowed
 * and ignored. It is read as hostile input: size, depth, types and counts are bounded, and what
 * does not fit is refused as a whole.
 */
#ifndef DOMM_PAIR_RECORD_H
#define DOMM_PAIR_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/net/selection.h"
#include "lib/pair/nfs_options.h"
#include "lib/pair/settings.h"

#define DOMM_RECORD_USERDATA "domm"
#define DOMM_RECORD_MAX_TARGETS 32
#define DOMM_RECORD_MAX_ITEMS 8 /* mirrors, and storage, of one target */
#define DOMM_RECORD_MAX_BYTES 65536
#define DOMM_RECORD_MAX_SOURCE 256 /* bytes, with the terminator */
#define DOMM_STORAGE_MAX_AGE 3     /* seconds, where nothing else is said */
#define DOMM_READY_TIMEOUT 60      /* seconds, where nothing else is said */

/* Indices in the lists of vifs; domm.cfg(5). */
struct domm_mirror_pair {
    unsigned vif; /* the target's */
    unsigned to;  /* the monitor's */
    struct domm_selection selection;
};

enum domm_storage_kind { DOMM_STORAGE_NFS, DOMM_STORAGE_BLOCK };

struct domm_storage {
    enum domm_storage_kind kind;
    char source[DOMM_RECORD_MAX_SOURCE]; /* SERVER:/PATH, or the vdev of one of the monitor's disks
                                          */
    unsigned max_age;                    /* seconds */
    bool unchecked;                      /* dom0 does not check whether it exists */
    struct domm_nfs_options nfs;
};

struct domm_record_target {
    struct domm_uuid uuid;
    size_t n_mirrors, n_storage;
    struct domm_mirror_pair mirrors[DOMM_RECORD_MAX_ITEMS];
    struct domm_storage storage[DOMM_RECORD_MAX_ITEMS];
};

struct domm_record {
    unsigned ready_timeout; /* seconds */
    struct domm_settings migrate;
    size_t n_targets; /* may be 0: a monitor without targets */
    struct domm_record_target targets[DOMM_RECORD_MAX_TARGETS];
};

/* data need not end with a NUL. DOMM_REFUSED; *record_r is undefined then. */
int domm_record_parse(const char *data, size_t size, struct domm_record *record_r,
                      struct domm_error *err);

/* *json_r is the caller's to free. */
int domm_record_format(const struct domm_record *record, char **json_r, struct domm_error *err);

/* Finds the entry of that target, or null. */
const struct domm_record_target *domm_record_find(const struct domm_record *record,
                                                  const struct domm_uuid *uuid);

/* Whether the source can be an NFS export or a disk of the monitor; also used for the configuration
 * file. The address of an IPv6 server is in brackets: a bare one cannot be told from its path's
 * colon, and mount.nfs(8) refuses it. */
bool domm_storage_source_valid(enum domm_storage_kind kind, const char *source);
const char *domm_storage_kind_name(enum domm_storage_kind kind);

#endif
