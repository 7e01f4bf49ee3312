/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A directory of journals, of which one journal, and the file of a hold override and of a saved
 * record, hold these bytes. */
#include "tests/fuzz/fuzz.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/cleanup.h"
#include "lib/base/paths.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/migrate/journal/unfinished.h"
#include "lib/pair/saved_record.h"

static const struct domm_uuid guest = {{1}};
static char directory[] = "/tmp/domm-fuzz-XXXXXX", saved[64], override[128], record[128],
            journal[128], state[160];

static void remove_all(void)
{
    unlink(override);
    unlink(record);
    unlink(journal);
    unlink(state);
    *strrchr(journal, '/') = '\0';
    rmdir(journal);
    rmdir(saved);
    rmdir(directory);
}

static void make_all(void)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&guest, uuid);
    MUST(mkdtemp(directory));
    domm_run_directory = domm_journals_directory = directory;
    snprintf(saved, sizeof(saved), "%s/saved", directory);
    snprintf(override, sizeof(override), "%s/decision-%s", directory, uuid);
    snprintf(record, sizeof(record), "%s/%s", saved, uuid);
    snprintf(journal, sizeof(journal), "%s/%s.source", directory, uuid);
    MUST(mkdir(saved, 0700) == 0 && mkdir(journal, 0700) == 0);
    snprintf(state, sizeof(state), "%s/" DOMM_JOURNAL_STATE, journal);
    strcat(journal, "/journal");
    atexit(remove_all);
}

/* "BOOT" stands for the name of this boot. */
static void put(const char *path, const uint8_t *data, size_t size)
{
    char boot[DOMM_UUID_TEXT];
    FILE *stream = fopen(path, "we");
    MUST(stream);
    domm_boot_id(boot);
    while (size) {
        const uint8_t *mark = memmem(data, size, "BOOT", 4);
        size_t before = mark ? (size_t)(mark - data) : size;
        fwrite(data, 1, before, stream);
        if (mark)
            fputs(boot, stream);
        data += before + (mark ? 4 : 0);
        size -= before + (mark ? 4 : 0);
    }
    fclose(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    struct domm_unfinished unfinished;
    cleanup_free char *json = NULL;
    cleanup_free unsigned char *bytes = NULL;
    enum domm_event_type decided;
    size_t length;
    if (!saved[0])
        make_all();
    put(journal, data, size);
    put(state, data, size);
    put(override, data, size);
    put(record, data, size);
    const struct domm_unfinished_query query = {.guest = &guest, .source = true};
    if (domm_unfinished_find(&query, &unfinished, &err) == 0) {
        MUST(memchr(unfinished.destination, '\0', sizeof(unfinished.destination)));
        domm_unfinished_mapping_state(&query, &bytes, &length, &err);
    }
    if (domm_hold_override_take(&guest, &decided))
        MUST(decided == DOMM_EVENT_FORCE || decided == DOMM_EVENT_RESTART);
    domm_saved_record_read(saved, &guest, &json, &err);
    return 0;
}
