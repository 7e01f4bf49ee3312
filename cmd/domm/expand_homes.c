/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/expand_homes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/tilde.h>

#include "cmd/domm/quoting.h"
#include "cmd/domm/split_words.h"
#include "lib/base/cleanup.h"

/* The length of the ~ or ~USER that a word begins with there; 0 if none does. */
static size_t home_length(const char *line, size_t index)
{
    struct cmd_quoting quoting;
    if (line[index] != '~')
        return 0;
    cmd_quoting_read(line, index, &quoting);
    size_t length = 1 + strcspn(line + index + 1, "/" CMD_SPECIAL);
    return quoting.word == index && strchr("/" CMD_SPACE, line[index + length]) ? length : 0;
}

static bool put_home(FILE *to, const char *name, size_t length)
{
    cleanup_free char *plain = strndup(name, length);
    cleanup_free char *home = plain ? tilde_expand_word(plain) : NULL;
    cleanup_free char *quoted = home ? cmd_quote(home, '\0') : NULL;
    return quoted && fputs(quoted, to) >= 0;
}

static bool put_expanded(FILE *to, const char *line)
{
    for (size_t i = 0, length; line[i]; i += length) {
        length = home_length(line, i);
        if (length && !put_home(to, line + i, length))
            return false;
        if (!length)
            fputc(line[i++], to);
    }
    return true;
}

char *cmd_expand_homes(const char *line)
{
    char *expanded = NULL;
    size_t size;
    FILE *to = open_memstream(&expanded, &size);
    if (!to)
        return NULL;
    bool done = put_expanded(to, line);
    if (fclose(to) == 0 && done)
        return expanded;
    free(expanded);
    return NULL;
}
