/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/tuning.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256
#define NUMBER_BYTES 32

static void tuning_path_of(const struct domm_uuid *migration, enum domm_tuning tuning,
                           char path_r[PATH_BYTES])
{
    static const char *const names[] = {
        [DOMM_TUNING_BANDWIDTH] = "bandwidth", [DOMM_TUNING_MAX_DOWNTIME] = "max-downtime"};
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    snprintf(path_r, PATH_BYTES, "%s/set-%s-%s", domm_run_directory, names[tuning], uuid);
}

int domm_tuning_write(const struct domm_uuid *migration, enum domm_tuning tuning, uint64_t value,
                      struct domm_error *err)
{
    char path[PATH_BYTES], text[NUMBER_BYTES];
    tuning_path_of(migration, tuning, path);
    snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
    return domm_file_replace_unsynced(path, text, strlen(text), err);
}

bool domm_tuning_waits(const struct domm_uuid *migration, enum domm_tuning tuning)
{
    char path[PATH_BYTES];
    tuning_path_of(migration, tuning, path);
    return access(path, F_OK) == 0;
}

bool domm_tuning_take(const struct domm_uuid *migration, enum domm_tuning tuning, uint64_t *value_r)
{
    char path[PATH_BYTES], taken[PATH_BYTES + 8];
    tuning_path_of(migration, tuning, path);
    snprintf(taken, sizeof(taken), "%s.taken", path); /* the next request is another file */
    if (rename(path, taken))
        return false;
    FILE *file = fopen(taken, "re");
    bool is_number = file && fscanf(file, "%" SCNu64, value_r) == 1;
    if (file)
        fclose(file);
    unlink(taken);
    return is_number;
}
