/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/losses.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256
#define LINE_BYTES 160
#define MAX_LOSSES 4096 /* of vifs that are long gone; a boot empties the file */

static void losses_path(char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "%s/losses", domm_run_directory);
}

static bool loss_parse(const char *line, struct domm_loss *loss_r)
{
    char uuid[DOMM_UUID_TEXT];
    return sscanf(line, "%36s %u %d %d %" SCNu64 " %" SCNu64 " %" SCNu64, uuid, &loss_r->vif,
                  &loss_r->from, &loss_r->to, &loss_r->not_copied, &loss_r->not_delivered,
                  &loss_r->in_queue) == 7 &&
           domm_uuid_parse(uuid, &loss_r->target);
}

void domm_losses_read(struct domm_losses *losses_r)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    struct domm_loss loss;
    struct domm_error ignored;
    *losses_r = (struct domm_losses){0};
    losses_path(path);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file) && losses_r->count < MAX_LOSSES) {
        if (loss_parse(line, &loss))
            domm_losses_note(losses_r, &loss, &ignored);
    }
    fclose(file);
}

void domm_losses_free(struct domm_losses *losses)
{
    free(losses->list);
    *losses = (struct domm_losses){0};
}

static bool is_of_one_vif(const struct domm_loss *a, const struct domm_loss *b)
{
    return domm_uuid_equal(&a->target, &b->target) && a->vif == b->vif;
}

int domm_losses_note(struct domm_losses *losses, const struct domm_loss *now,
                     struct domm_error *err)
{
    for (size_t i = 0; i < losses->count; i++) {
        if (!is_of_one_vif(&losses->list[i], now))
            continue;
        losses->list[i] = *now;
        return 0;
    }
    struct domm_loss *list = realloc(losses->list, (losses->count + 1) * sizeof(*list));
    if (!list)
        return domm_no_memory(err);
    losses->list = list;
    list[losses->count++] = *now;
    return 0;
}

int domm_losses_write(const struct domm_losses *losses, struct domm_error *err)
{
    char path[PATH_BYTES], uuid[DOMM_UUID_TEXT];
    cleanup_free char *text = malloc(losses->count * LINE_BYTES + 1);
    size_t used = 0;
    if (!text)
        return domm_no_memory(err);
    for (size_t i = 0; i < losses->count; i++) {
        const struct domm_loss *loss = &losses->list[i];
        domm_uuid_format(&loss->target, uuid);
        used += (size_t)snprintf(
            text + used, LINE_BYTES, "%s %u %d %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", uuid,
            loss->vif, loss->from, loss->to, loss->not_copied, loss->not_delivered, loss->in_queue);
    }
    losses_path(path);
    int rc = domm_make_directory(domm_run_directory, 0755, err);
    if (rc)
        return rc;
    return domm_file_replace_unsynced(path, text, used, err);
}

static uint64_t grown(uint64_t before, uint64_t now)
{
    return now < before ? now : now - before;
}

uint64_t domm_losses_since(const struct domm_losses *losses, const struct domm_loss *now)
{
    for (size_t i = 0; i < losses->count; i++) {
        const struct domm_loss *before = &losses->list[i];
        if (is_of_one_vif(before, now) && before->from == now->from && before->to == now->to)
            return grown(before->not_copied, now->not_copied) +
                   grown(before->not_delivered, now->not_delivered) +
                   grown(before->in_queue, now->in_queue);
    }
    return 0;
}
