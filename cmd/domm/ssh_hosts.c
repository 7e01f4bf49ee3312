/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/ssh_hosts.h"

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/split_words.h"
#include "lib/base/cleanup.h"

#define MAX_DEPTH 16 /* of files that include others: ssh's own limit */

struct reading {
    void (*found)(void *context, const char *host);
    void *context;
    const char *directory; /* that names of included files begin in */
    unsigned depth;
};

static void read_ssh_configs(struct reading *reading, const char *pattern);

static void take_host(const struct reading *reading, const char *name)
{
    if (*name && *name != '!' && !strpbrk(name, "*?"))
        reading->found(reading->context, name);
}

static void take_include(struct reading *reading, const char *name)
{
    char pattern[PATH_MAX];
    const char *directory = strchr("/~", *name) ? "" : reading->directory;
    if (reading->depth == MAX_DEPTH ||
        snprintf(pattern, sizeof(pattern), "%s%s", directory, name) >= (int)sizeof(pattern))
        return;
    reading->depth++;
    read_ssh_configs(reading, pattern);
    reading->depth--;
}

/* A keyword, in letters of either case, then blanks or one =, and words that may be quoted. */
static void read_ssh_line(struct reading *reading, const char *line)
{
    const char *keyword = line + strspn(line, " \t");
    size_t length = strcspn(keyword, " \t=");
    const char *rest = keyword + length + strspn(keyword + length, " \t");
    bool host = length == 4 && strncasecmp(keyword, "Host", length) == 0;
    bool include = length == 7 && strncasecmp(keyword, "Include", length) == 0;
    struct cmd_words words;
    struct domm_error ignored;
    if ((!host && !include) || cmd_split_words(rest + (*rest == '='), &words, &ignored))
        return;
    for (size_t i = 0; i < words.count; i++) {
        if (host)
            take_host(reading, words.items[i]);
        else
            take_include(reading, words.items[i]);
    }
    cmd_words_free(&words);
}

static void read_ssh_config(struct reading *reading, const char *path)
{
    cleanup_free char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (getline(&line, &room, file) >= 0)
        read_ssh_line(reading, line);
    fclose(file);
}

static void read_ssh_configs(struct reading *reading, const char *pattern)
{
    glob_t paths;
    if (glob(pattern, GLOB_TILDE, NULL, &paths))
        return;
    for (size_t i = 0; i < paths.gl_pathc; i++)
        read_ssh_config(reading, paths.gl_pathv[i]);
    globfree(&paths);
}

void cmd_ssh_hosts_each(void (*found)(void *context, const char *host), void *context)
{
    static const struct {
        const char *file, *directory;
    } configurations[] = {
        {"~/.ssh/config", "~/.ssh/"},
        {"/etc/ssh/ssh_config", "/etc/ssh/"},
    };
    for (size_t i = 0; i < sizeof(configurations) / sizeof(configurations[0]); i++) {
        struct reading reading = {found, context, configurations[i].directory, 0};
        read_ssh_configs(&reading, configurations[i].file);
    }
}
