/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs commands from a terminal or a script, one per line. A command that fails does not end the
 * shell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/dispatch.h"
#include "cmd/domm/expand_homes.h"
#include "cmd/domm/split_words.h"
#include "cmd/domm/terminal.h"
#include "lib/base/cleanup.h"

struct shell {
    const struct cmd_context *context;
    bool terminal;
    bool stop_at_failure;
    bool left; /* by exit or quit */
    unsigned line;
    unsigned failed;
    unsigned first_line; /* of the first failure */
    enum domm_code first_code;
    int reason; /* why there is no next line, if that is an error */
};

/* Returns a line without its newline, which the caller frees; null at the end of input. */
static char *read_line(struct shell *shell)
{
    if (shell->terminal)
        return cmd_terminal_read("domm> ");
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, stdin) < 0) {
        shell->reason = errno;
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Runs the words as main would run "domm" followed by them. */
static int run_words(struct shell *shell, const struct cmd_words *words, struct domm_log *log,
                     struct domm_error *err)
{
    char name[] = "domm";
    cleanup_free char **argv = calloc(words->count + 2, sizeof(*argv));
    if (!argv)
        return domm_no_memory(err);
    argv[0] = name;
    memcpy(argv + 1, words->items, words->count * sizeof(*argv));
    return cmd_dispatch(shell->context->table, &shell->context->globals, log, true,
                        (int)words->count + 1, argv, err);
}

static int run_line(struct shell *shell, const char *line, struct domm_log *log,
                    struct domm_error *err)
{
    struct cmd_words words;
    cleanup_free char *expanded = cmd_expand_homes(line);
    if (!expanded)
        return domm_no_memory(err);
    if (shell->terminal && line[strspn(line, " \t")])
        cmd_terminal_remember(line); /* also what cannot be run: it is to be corrected */
    int rc = cmd_split_words(expanded, &words, err);
    if (rc)
        return rc;
    if (words.count == 1 &&
        (strcmp(words.items[0], "exit") == 0 || strcmp(words.items[0], "quit") == 0))
        shell->left = true;
    else if (words.count)
        rc = run_words(shell, &words, log, err);
    cmd_words_free(&words);
    return rc;
}

static void shell_report(struct shell *shell, struct domm_log *log, struct domm_error *err)
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
            shell_report(shell, &log, &err);
    }
    if (shell->terminal && !shell->left)
        fputc('\n', stderr); /* after the end of input the cursor is still behind the prompt */
}

int cmd_shell(struct cmd_context *context, const struct cmd_arguments *arguments,
              struct domm_error *err)
{
    if (context->in_shell)
        return domm_fail(err, DOMM_USAGE, "the shell is running already");
    struct shell shell = {
        .context = context,
        .terminal = isatty(STDIN_FILENO) == 1,
    };
    for (size_t i = 0; i < arguments->n_options; i++)
        shell.stop_at_failure |= arguments->options[i].id == 'e';
    if (shell.terminal)
        cmd_terminal_start(context->table);
    run_lines(&shell);
    if (!shell.terminal && ferror(stdin))
        return domm_fail_errno(err, DOMM_FAILED, shell.reason, "reading standard input");
    if (!shell.failed || (shell.terminal && !shell.stop_at_failure))
        return 0; /* on a terminal, each failure was shown when it happened */
    return domm_fail(err, shell.first_code, "%u of %u lines failed, the first is line %u",
                     shell.failed, shell.line, shell.first_line);
}
