/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the word an administrator typed to the row of the table. */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/table.h"

#define LONGEST_NAME 32

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t row[LONGEST_NAME + 1];
    if (a_len > LONGEST_NAME || b_len > LONGEST_NAME)
        return LONGEST_NAME;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

/* A name two slips away at most, and no more than half of its letters; or null. */
static const char *near_match(const struct cmd_row *table, const char *name)
{
    const char *best = NULL;
    size_t best_distance = 3;
    for (const struct cmd_row *row = table; row->name; row++) {
        size_t d = distance(row->name, name);
        if (!(row->flags & CMD_INTERNAL) && d < best_distance && 2 * d <= strlen(row->name)) {
            best = row->name;
            best_distance = d;
        }
    }
    return best;
}

static int unknown(const struct cmd_row *table, const char *name, struct domm_error *err)
{
    const char *near = near_match(table, name);
    domm_fail(err, DOMM_USAGE, "there is no command '%.64s'", name);
    if (near)
        return domm_hint(err, "did you mean '%s'? domm help lists the commands", near);
    return domm_hint(err, "domm help lists the commands");
}

static int ambiguous(const struct cmd_row *table, const char *prefix, struct domm_error *err)
{
    char names[256] = "";
    for (const struct cmd_row *row = table; row->name; row++) {
        if (row->flags & CMD_INTERNAL || strncmp(row->name, prefix, strlen(prefix)) != 0)
            continue;
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", row->name);
    }
    domm_fail(err, DOMM_USAGE, "'%s' is the beginning of several commands: %s", prefix, names);
    return domm_hint(err, "type more letters of the one you mean");
}

int cmd_lookup(const struct cmd_row *table, const char *name, const struct cmd_row **row_r,
               struct domm_error *err)
{
    const struct cmd_row *found = NULL;
    int matches = 0;
    for (const struct cmd_row *row = table; row->name; row++) {
        if (strcmp(row->name, name) == 0) {
            *row_r = row;
            return 0;
        }
        if (*name && !(row->flags & CMD_INTERNAL) && strncmp(row->name, name, strlen(name)) == 0) {
            found = row;
            matches++;
        }
    }
    if (matches > 1)
        return ambiguous(table, name, err);
    if (!found)
        return unknown(table, name, err);
    *row_r = found;
    return 0;
}
