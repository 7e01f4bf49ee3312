/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/abort_request.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256

static void abort_request_path_of(const struct domm_uuid *migration, char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    snprintf(path_r, PATH_BYTES, "%s/abort-%s", domm_run_directory, uuid);
}

int domm_abort_request_write(const struct domm_uuid *migration, struct domm_error *err)
{
    char path[PATH_BYTES];
    abort_request_path_of(migration, path);
    return domm_file_replace_unsynced(path, "", 0, err);
}

bool domm_abort_request_take(const struct domm_uuid *migration)
{
    char path[PATH_BYTES];
    abort_request_path_of(migration, path);
    return unlink(path) == 0;
}
