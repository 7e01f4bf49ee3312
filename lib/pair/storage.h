/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a storage is there, found out by dom0 of the host that domM is to run on, before anybody
 * relies on it: by who makes a pair, and by the destination of a migration.
 *
 * dom0 is not domM. What follows from what dom0 is told:
 *
 *   the server cannot be reached, or its name not be found       an error
 *   the server exports no such directory, or it does not exist   an error
 *   the server does not let dom0 mount it, or not tell            a doubt: it may be for domM alone
 *   it could be mounted                                          nothing
 *
 * A dom0 that has no way to the storage, or a server of NFS 4 alone that shows the export to domM
 * only, is no reason to do without storage: domm_storage.unchecked says not to look. A disk is
 * looked at with the configuration (lib/pair/config.h) or with domM's devices (lib/pair/plan.h).
 */
#ifndef DOMM_PAIR_STORAGE_H
#define DOMM_PAIR_STORAGE_H

#include "lib/base/error.h"
#include "lib/pair/record.h"

/* Long enough for a name server and a file server with trouble. */
#define DOMM_STORAGE_PATIENCE_MS 10000

#define DOMM_STORAGE_DOUBT 512 /* bytes, with the terminator */

/*
 * Ends within timeout_ms. 0: as far as can be told, domM can mount it; a doubt is a text, "SOURCE:
 * why", else empty. DOMM_PREFLIGHT: it could not; the text begins with the source.
 */
int domm_storage_check(const struct domm_storage *storage, int timeout_ms,
                       char doubt_r[DOMM_STORAGE_DOUBT], struct domm_error *err);

/* The parts of SERVER:/PATH, or [ADDRESS]:/PATH; for the tests. False if it is too long. */
bool domm_storage_split(const char *source, char server_r[DOMM_RECORD_MAX_SOURCE],
                        const char **path_r);

#endif
