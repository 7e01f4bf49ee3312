/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define PATH_BYTES 128

void domm_pages_format(const struct domm_pages *pages, char text_r[DOMM_PAGES_TEXT])
{
    snprintf(text_r, DOMM_PAGES_TEXT,
             "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, pages->owned,
             pages->seen, pages->hidden, pages->gone, pages->came, pages->replaced);
}

bool domm_pages_parse(const char *text, struct domm_pages *pages_r)
{
    uint64_t numbers[6];
    char again[DOMM_PAGES_TEXT], *end = (char *)(uintptr_t)text;
    *pages_r = (struct domm_pages){0};
    for (size_t i = 0; i < 6; i++)
        numbers[i] = strtoull(end, &end, 10);
    const struct domm_pages pages = {numbers[0], numbers[1], numbers[2],
                                     numbers[3], numbers[4], numbers[5]};
    domm_pages_format(&pages, again);
    if (strcmp(again, text) != 0)
        return false;
    *pages_r = pages;
    return true;
}

static void pages_path(uint32_t monitor, const struct domm_uuid *target, char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(target, uuid);
    snprintf(path_r, PATH_BYTES, "/local/domain/%u/" DOMM_NODE_PAGES "/%s", monitor, uuid);
}

int domm_pages_write(struct domm_store *store, uint32_t monitor, const struct domm_uuid *target,
                     const char *text, struct domm_error *err)
{
    char path[PATH_BYTES];
    pages_path(monitor, target, path);
    return domm_store_write(store, path, text, err);
}

bool domm_pages_read(struct domm_store *store, uint32_t monitor, const struct domm_uuid *target,
                     struct domm_pages *pages_r)
{
    char path[PATH_BYTES];
    cleanup_free char *text = NULL;
    struct domm_error ignored;
    *pages_r = (struct domm_pages){0};
    pages_path(monitor, target, path);
    return domm_store_read(store, path, &text, &ignored) == 0 && domm_pages_parse(text, pages_r);
}
