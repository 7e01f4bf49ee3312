/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lexical rules are those of Xen's tools/libs/util/libxlu_cfg_l.l. Since the grammar
 * (libxlu_cfg_y.y) allows an identifier on the left of an assignment only, each identifier is a
 * key.
 */
#include "lib/xen/config_scan.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

struct cursor {
    const char *at, *end;
    unsigned line;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static void skip_word(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_word(*cursor->at))
        cursor->at++;
}

/* Skips a string from its opening quote; a string ends on its line, and a backslash escapes the
 * next character. */
static void skip_string(struct cursor *cursor)
{
    char quote = *cursor->at++;
    while (cursor->at < cursor->end && *cursor->at != quote && *cursor->at != '\n')
        cursor->at += *cursor->at == '\\' && cursor->at + 1 < cursor->end ? 2 : 1;
    if (cursor->at < cursor->end && *cursor->at == quote)
        cursor->at++;
}

static void skip_comment(struct cursor *cursor)
{
    while (cursor->at < cursor->end && *cursor->at != '\n')
        cursor->at++;
}

static bool followed_by_plus(const struct cursor *cursor)
{
    const char *next = cursor->at;
    while (next < cursor->end && (*next == ' ' || *next == '\t'))
        next++;
    return next < cursor->end && *next == '+';
}

static bool config_scan_add(struct domm_config_keys *keys, const char *name, bool is_argument,
                            const char *start, const struct cursor *cursor)
{
    struct domm_config_key *more = reallocarray(keys->keys, keys->count + 1, sizeof(*keys->keys));
    if (!more)
        return false;
    keys->keys = more;
    char *where = NULL;
    int rc = is_argument ? asprintf(&where, "argument %s", name)
                         : asprintf(&where, "%s:%u", name, cursor->line);
    if (rc < 0)
        return false;
    struct domm_config_key *key = &keys->keys[keys->count++];
    *key = (struct domm_config_key){
        .adds = followed_by_plus(cursor),
        .where = domm_make_printable(where),
        .is_argument = is_argument,
    };
    snprintf(key->name, sizeof(key->name), "%.*s", (int)(cursor->at - start), start);
    return true;
}

bool domm_config_scan(struct domm_config_keys *keys, const char *name, const char *text,
                      size_t size, bool is_argument)
{
    struct cursor cursor = {.at = text, .end = text + size, .line = 1};
    while (cursor.at < cursor.end) {
        const char *start = cursor.at;
        if (*start == '\'' || *start == '"') {
            skip_string(&cursor);
        } else if (*start == '#') {
            skip_comment(&cursor);
        } else if (is_word(*start)) {
            skip_word(&cursor);
            if (!isdigit((unsigned char)*start) &&
                !config_scan_add(keys, name, is_argument, start, &cursor))
                return false;
        } else {
            cursor.line += *cursor.at++ == '\n';
        }
    }
    return true;
}

void domm_config_keys_free(struct domm_config_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free((void *)(uintptr_t)keys->keys[i].where);
    free(keys->keys);
    *keys = (struct domm_config_keys){0};
}
