/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "cmd/domm/candidates.h"
#include "cmd/domm/quoting.h"
#include "cmd/domm/split_words.h"
#include "lib/base/cleanup.h"

#define HISTORY_LINES 1000

/* Static, since readline passes no context to its callbacks. */
static char history_file[PATH_MAX];
static struct cmd_candidates candidates;
static const struct cmd_row *commands;
static bool names_home; /* the word being completed begins with ~ */

static int is_quoted(char *line, int index)
{
    struct cmd_quoting quoting;
    cmd_quoting_read(line, (size_t)index, &quoting);
    return quoting.quote || quoting.escaped;
}

/* A ~ is quoted unless it stands for a home directory. */
static char *quote_file(char *text, int matches, char *open)
{
    (void)matches;
    char *quoted = cmd_quote(text, *open);
    if (quoted && names_home)
        memmove(quoted, quoted + 1, strlen(quoted));
    return quoted;
}

static char *unquote_file(char *text, int open)
{
    cleanup_free char *word = NULL;
    char quote[] = {(char)open, '\0'};
    if (asprintf(&word, "%s%s", quote, text) < 0)
        word = NULL;
    return word ? cmd_unquote(word) : NULL;
}

/* Returns one candidate per call; readline frees it. */
static char *next_candidate(const char *word, int state)
{
    static size_t next;
    (void)word;
    if (state == 0)
        next = 0;
    return next < candidates.count ? strdup(candidates.items[next++].text) : NULL;
}

/* Words up to `end`, of which the last one may be empty, or in a quote that is still open. */
static int split_typed(const struct cmd_quoting *quoting, int end, struct cmd_words *words_r)
{
    struct domm_error ignored;
    cleanup_free char *line = NULL;
    const char *empty = quoting->word == (size_t)end ? "''" : "";
    if (asprintf(&line, "%.*s%.1s%s", end, rl_line_buffer, &quoting->quote, empty) < 0)
        line = NULL;
    return line ? cmd_split_words(line, words_r, &ignored) : -DOMM_FAILED;
}

/* What stands of the last word before that which readline replaces, which begins at `start`. */
static char *word_before(const struct cmd_quoting *quoting, int start)
{
    size_t end = (size_t)start - (quoting->quote != '\0');
    return strndup(rl_line_buffer + quoting->word, end > quoting->word ? end - quoting->word : 0);
}

static void find_candidates(int start, int end)
{
    struct cmd_quoting quoting;
    struct cmd_words words;
    cmd_candidates_free(&candidates);
    cmd_quoting_read(rl_line_buffer, (size_t)end, &quoting);
    names_home = rl_line_buffer[start] == '~' && !quoting.quote;
    if (quoting.comment || split_typed(&quoting, end, &words))
        return;
    cmd_candidates_find(commands, words.count, words.items, &candidates);
    if (words.count == 1) {
        cmd_candidates_add(&candidates, words.items[0], "exit");
        cmd_candidates_add(&candidates, words.items[0], "quit");
    }
    cmd_words_free(&words);
    cleanup_free char *before = word_before(&quoting, start);
    cmd_candidates_quote(&candidates, before ? before : "", quoting.quote);
}

static char **complete(const char *word, int start, int end)
{
    find_candidates(start, end);
    /* readline itself completes file names; it must do so for these only. */
    rl_attempted_completion_over = candidates.kind != COMPLETE_FILE;
    const char *only = candidates.count == 1 ? candidates.items[0].text : "";
    if (*only && only[strlen(only) - 1] == '=') {
        rl_completion_append_character = '\0'; /* a value follows */
        rl_completion_suppress_quote = 1;
    }
    return rl_completion_matches(word, next_candidate);
}

/* An option is completed behind its =, so that readline sees the name of a file there. */
static char *break_characters(void)
{
    static char blanks[] = CMD_SPACE, and_equals[] = CMD_SPACE "=";
    struct cmd_quoting quoting;
    cmd_quoting_read(rl_line_buffer, (size_t)rl_point, &quoting);
    return strncmp(rl_line_buffer + quoting.word, "--", 2) == 0 ? and_equals : blanks;
}

/* Creates the missing directories of a path, accessible by this user only. */
static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* XDG Base Directory Specification: the state directory is for data that survives restarts and is
 * not configuration. */
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

/* Discards the line, leaves it on the screen, and prompts again. */
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

/* While a line is edited, Ctrl-C is an ordinary key. A signal would be asynchronous, and the keys
 * typed before it could not be known. */
static void prepare_terminal(int meta)
{
    struct termios mode;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &mode))
        return;
    mode.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

/* The user may edit as in Emacs or as in vi, see readline(3). */
static void bind_interrupt(void)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        rl_bind_key_in_map(CTRL('C'), drop_line, maps[i]);
}

static void ignore_interrupt(int number)
{
    (void)number;
}

/* While a command runs Ctrl-C is a signal: it ends what waits (interrupts.h), and not the shell. */
static void survive_interrupts(void)
{
    const struct sigaction action = {.sa_handler = ignore_interrupt};
    sigaction(SIGINT, &action, NULL);
}

void cmd_terminal_start(const struct cmd_row *table)
{
    survive_interrupts();
    commands = table;
    rl_readline_name = "domm";
    rl_outstream = stderr; /* the prompt is not a result */
    rl_attempted_completion_function = complete;
    rl_completion_word_break_hook = break_characters;
    rl_completer_quote_characters = CMD_QUOTES;
    rl_char_is_quoted_p = is_quoted;
    rl_filename_quote_characters = CMD_SPECIAL;
    rl_filename_quoting_function = quote_file;
    rl_filename_dequoting_function = unquote_file;
    rl_prep_term_function = prepare_terminal;
    bind_interrupt();
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
