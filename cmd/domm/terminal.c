/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "cmd/domm/candidates.h"
#include "cmd/domm/words.h"
#include "lib/base/cleanup.h"

#define HISTORY_LINES 1000

/* readline's callbacks carry no pointer of ours. */
static char history_file[PATH_MAX];
static struct cmd_candidates candidates;

/* One candidate a call; readline takes them over and frees them. */
static char *next_candidate(const char *word, int state)
{
    static size_t next;
    (void)word;
    if (state == 0)
        next = 0;
    return next < candidates.count ? strdup(candidates.items[next++]) : NULL;
}

/* The words up to the cursor, of which the last one is being completed. */
static void find_candidates(const char *word, int start)
{
    struct domm_error ignored;
    struct cmd_words before;
    cmd_candidates_free(&candidates);
    cleanup_free char *line = strndup(rl_line_buffer, (size_t)start);
    cleanup_free char *last = strdup(word);
    if (!line || !last || cmd_split_words(line, &before, &ignored))
        return;
    char **all = calloc(before.count + 1, sizeof(*all));
    if (all) {
        memcpy(all, before.items, before.count * sizeof(*all));
        all[before.count] = last;
        cmd_candidates_find(cmd_table, before.count + 1, all, &candidates);
    }
    free(all);
    cmd_words_free(&before);
}

static char **complete(const char *word, int start, int end)
{
    (void)end;
    find_candidates(word, start);
    /* readline completes file names by itself, and only those are wanted from it. */
    rl_attempted_completion_over = candidates.kind != COMPLETE_FILE;
    return rl_completion_matches(word, next_candidate);
}

/* Makes the missing directories of a path for this user alone. */
static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* XDG Base Directory Specification: what should survive restarts, but is no configuration. */
static void find_history_file(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int length = 0;
    if (state && *state == '/')
        length = snprintf(history_file, sizeof(history_file), "%s/domm/history", state);
    else if (home && *home == '/')
        length = snprintf(history_file, sizeof(history_file), "%s/.local/state/domm/history", home);
    if (length >= (int)sizeof(history_file))
        history_file[0] = '\0';
}

static void open_history(void)
{
    find_history_file();
    if (!history_file[0])
        return;
    make_parents(history_file);
    /* append_history does not create the file; others must not read it. */
    int fd = open(history_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    history_truncate_file(history_file, HISTORY_LINES);
    read_history(history_file);
}

/* Leaves what was typed on the screen, forgets it, and prompts anew. */
static int drop_line(int count, int key)
{
    (void)count;
    (void)key;
    rl_crlf();
    rl_replace_line("", 0);
    rl_on_new_line();
    rl_redisplay();
    return 0;
}

/* While a line is edited Ctrl-C is a key like any other. As a signal it would come at a time of its
 * own, and it could not be told which keys were typed before it. */
static void prepare_terminal(int meta)
{
    struct termios mode;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &mode))
        return;
    mode.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

void cmd_terminal_start(void)
{
    rl_readline_name = "domm";
    rl_outstream = stderr; /* the prompt is no result */
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t\n\"'";
    rl_prep_term_function = prepare_terminal;
    rl_bind_key(CTRL('C'), drop_line);
    using_history();
    stifle_history(HISTORY_LINES);
    open_history();
}

char *cmd_terminal_read(const char *prompt)
{
    return readline(prompt);
}

void cmd_terminal_remember(const char *line)
{
    add_history(line);
    if (history_file[0])
        append_history(1, history_file);
}
