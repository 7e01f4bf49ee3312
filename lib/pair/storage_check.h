/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks from dom0 whether the monitor will be able to mount a storage: before a pair is made, and
 * at the destination of a migration.
 *
 * dom0 is not the monitor. The server's answer to dom0 means:
 *
 *   - An error if the server or its name cannot be found, or if it does not export the directory.
 *   - A doubt if the server refuses dom0 or gives no reason: it may admit the monitor only.
 *   - Neither if dom0 could mount the directory.
 *
 * A dom0 without a route to the storage, or a server of NFS 4 that shows the export to the monitor
 * only, must not make the storage unusable: domm_storage.unchecked skips the check. Disks are
 * checked by the configuration (lib/pair/config.h) or by the monitor's devices (lib/pair/plan.h).
 */
#ifndef DOMM_PAIR_STORAGE_CHECK_H
#define DOMM_PAIR_STORAGE_CHECK_H

#include "lib/base/error.h"
#include "lib/pair/record.h"

/* Long enough for slow name servers and file servers. */
#define DOMM_STORAGE_PATIENCE_MS 10000

#define DOMM_STORAGE_DOUBT 512 /* bytes, with the terminator */

/*
 * Returns within timeout_ms. 0: as far as dom0 can tell, the monitor can mount it; doubt_r is then
 * empty, or "SOURCE: reason". DOMM_PREFLIGHT: it cannot; the text begins with the source.
 */
int domm_storage_check(const struct domm_storage *storage, int timeout_ms,
                       char doubt_r[DOMM_STORAGE_DOUBT], struct domm_error *err);

/* The parts of SERVER:/PATH, or [ADDRESS]:/PATH; for the tests. False if it is too long. */
bool domm_storage_split(const char *source, char server_r[DOMM_RECORD_MAX_SOURCE],
                        const char **path_r);

#endif
