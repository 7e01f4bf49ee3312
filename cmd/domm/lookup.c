/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the row of the table for the command that was typed. */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/table.h"

#define LONGEST_NAME 32

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* The Levenshtein distance, computed row by row. */
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

/* Whether a part of the name, between hyphens, begins with the word, which is not very short. */
static bool has_part(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *part = name; length > 1 && part; part = strchr(part, '-')) {
        part += *part == '-';
        if (strncmp(part, word, length) == 0)
            return true;
    }
    return false;
}

/* A name with a part that begins so; otherwise the nearest at a distance of at most 2, and of at
 * most half of the letters of both; or null. */
static const char *near_match(const struct cmd_row *table, const char *name)
{
    const char *best = NULL;
    size_t best_distance = 3;
    for (const struct cmd_row *row = table; row->name; row++) {
        const char *const names[] = {row->name, row->alias};
        for (size_t i = 0; i < 2 && names[i] && !(row->flags & CMD_INTERNAL); i++) {
            size_t d = has_part(names[i], name) ? 0 : distance(names[i], name);
            if (d < best_distance && 2 * d <= strlen(names[i]) && 2 * d <= strlen(name)) {
                best = names[i];
                best_distance = d;
            }
        }
    }
    return best;
}

static int unknown(const struct cmd_row *table, const char *name, struct domm_error *err)
{
    const char *near = near_match(table, name);
    domm_fail(err, DOMM_USAGE, "unknown command '%.64s'", name);
    if (near)
        return domm_hint(err, "did you mean '%s'? see domm help", near);
    return domm_hint(err, "see domm help");
}

/* The name of the row that begins with the prefix, or null. */
static const char *begins(const struct cmd_row *row, const char *prefix)
{
    size_t length = strlen(prefix);
    if (!length || row->flags & CMD_INTERNAL)
        return NULL;
    if (strncmp(row->name, prefix, length) == 0)
        return row->name;
    return row->alias && strncmp(row->alias, prefix, length) == 0 ? row->alias : NULL;
}

static int ambiguous(const struct cmd_row *table, const char *prefix, struct domm_error *err)
{
    char names[256] = "";
    for (const struct cmd_row *row = table; row->name; row++) {
        const char *name = begins(row, prefix);
        if (!name)
            continue;
        size_t used = strlen(names);
        snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", name);
    }
    domm_fail(err, DOMM_USAGE, "'%s' is ambiguous: %s", prefix, names);
    return domm_hint(err, "type more letters");
}

int cmd_lookup(const struct cmd_row *table, const char *name, const struct cmd_row **row_r,
               struct domm_error *err)
{
    const struct cmd_row *found = NULL;
    int matches = 0;
    for (const struct cmd_row *row = table; row->name; row++) {
        if (strcmp(row->name, name) == 0 || (row->alias && strcmp(row->alias, name) == 0)) {
            *row_r = row;
            return 0;
        }
        if (begins(row, name)) {
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
