/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands from a terminal or a script, one a line. A command that fails leaves the shell alive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/dispatch.h"
#include "cmd/domm/terminal.h"
#include "cmd/domm/words.h"
#include "lib/base/cleanup.h"

struct shell {
    const struct cmd_globals *defaults;
    bool terminal;
    bool stop_at_failure;
    bool left; /* by exit or quit */
    unsigned line;
    unsigned failed;
    unsigned first_line; /* of the first failure */
    enum domm_code first_code;
};

/* A line without its newline, the caller's to free; null at the end of input. */
static char *read_line(const struct shell *shell)
{
    if (shell->terminal)
        return cmd_terminal_read("domm> ");
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, stdin) < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Runs the words as main would run them after "domm". */
static int run_words(struct shell *shell, const struct cmd_words *words, struct domm_log *log,
                     struct domm_error *err)
{
    char name[] = "domm";
    cleanup_free char **argv = calloc(words->count + 2, sizeof(*argv));
    if (!argv)
        return domm_no_memory(err);
    argv[0] = name;
    memcpy(argv + 1, words->items, words->count * sizeof(*argv));
    return cmd_dispatch(shell->defaults, log, true, (int)words->count + 1, argv, err);
}

static int run_line(struct shell *shell, const char *line, struct domm_log *log,
                    struct domm_error *err)
{
    struct cmd_words words;
    int rc = cmd_split_words(line, &words, err);
    if (rc)
        return rc;
    if (words.count == 1 &&
        (strcmp(words.items[0], "exit") == 0 || strcmp(words.items[0], "quit") == 0))
        shell->left = true;
    else if (words.count)
        rc = run_words(shell, &words, log, err);
    if (words.count && shell->terminal)
        cmd_terminal_remember(line);
    cmd_words_free(&words);
    return rc;
}

static void report(struct shell *shell, struct domm_log *log, struct domm_error *err)
{
    if (!shell->failed++) {
        shell->first_line = shell->line;
        shell->first_code = err->code;
    }
    if (!shell->terminal)
        domm_wrap(err, "line %u", shell->line);
    domm_log_error(log, err);
}

static void run_lines(struct shell *shell)
{
    while (!shell->left && !(shell->failed && shell->stop_at_failure)) {
        cleanup_free char *line = read_line(shell);
        if (!line)
            break;
        struct domm_log log;
        struct domm_error err;
        domm_log_init(&log, stderr, "domm");
        shell->line++;
        if (run_line(shell, line, &log, &err))
            report(shell, &log, &err);
    }
    if (shell->terminal && !shell->left)
        fputc('\n', stderr); /* the end of input leaves the cursor behind the prompt */
}

int cmd_shell(struct cmd_context *context, const struct cmd_arguments *arguments,
              struct domm_error *err)
{
    if (context->in_shell)
        return domm_fail(err, DOMM_USAGE, "this is the shell already");
    struct shell shell = {
        .defaults = &context->globals,
        .terminal = isatty(STDIN_FILENO) == 1,
    };
    for (size_t i = 0; i < arguments->n_options; i++)
        shell.stop_at_failure |= arguments->options[i].id == 'e';
    if (shell.terminal)
        cmd_terminal_start();
    run_lines(&shell);
    if (!shell.failed || (shell.terminal && !shell.stop_at_failure))
        return 0; /* on a terminal each failure was seen when it happened */
    return domm_fail(err, shell.first_code, "%u of the lines failed, the first was line %u",
                     shell.failed, shell.first_line);
}
