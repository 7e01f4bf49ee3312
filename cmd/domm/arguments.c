/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 48

/* The options of a command in the form getopt_long wants. */
struct grammar {
    size_t count;
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 3];
};

static bool has_option(const struct grammar *grammar, const struct cmd_option *option)
{
    for (size_t i = 0; i < grammar->count; i++) {
        if (grammar->longs[i].val == option->id ||
            strcmp(grammar->longs[i].name, option->name) == 0)
            return true;
    }
    return false;
}

static void add_options(struct grammar *grammar, const struct cmd_option *options)
{
    for (; options && options->id && grammar->count < MAX_OPTIONS; options++) {
        if (has_option(grammar, options))
            continue;
        grammar->longs[grammar->count++] = (struct option){
            .name = options->name,
            .has_arg = options->argument ? required_argument : no_argument,
            .val = options->id,
        };
        if (options->id < 256) {
            size_t used = strlen(grammar->shorts);
            grammar->shorts[used] = (char)options->id;
            if (options->argument)
                grammar->shorts[used + 1] = ':';
        }
    }
}

static const char *name_of(const struct grammar *grammar, int id)
{
    for (size_t i = 0; i < grammar->count; i++) {
        if (grammar->longs[i].val == id)
            return grammar->longs[i].name;
    }
    return NULL;
}

/* getopt_long leaves in optopt the short letter, or the id of a long option used wrongly, or 0. */
static int refuse(const struct grammar *grammar, int answer, const char *word,
                  struct domm_error *err)
{
    const char *known = name_of(grammar, optopt);
    int length = (int)strcspn(word, "=");
    if (answer == ':' && known)
        return domm_fail(err, DOMM_USAGE, "option --%s needs an argument", known);
    if (known)
        return domm_fail(err, DOMM_USAGE, "option --%s takes no argument", known);
    if (optopt)
        return domm_fail(err, DOMM_USAGE, "there is no option -%c", optopt);
    return domm_fail(err, DOMM_USAGE, "there is no option %.*s, or several begin so", length, word);
}

int cmd_parse(int argc, char **argv, const struct cmd_option *own, const struct cmd_option *global,
              bool stop_at_operand, struct cmd_arguments *arguments_r, struct domm_error *err)
{
    struct grammar grammar = {.shorts = {stop_at_operand ? '+' : ':', stop_at_operand ? ':' : 0}};
    int answer;

    add_options(&grammar, own);
    add_options(&grammar, global);
    /* No option takes less than a character, so that this is enough for clusters such as -vvv. */
    size_t room = 1;
    for (int i = 1; i < argc; i++)
        room += strlen(argv[i]);
    *arguments_r = (struct cmd_arguments){.options = calloc(room, sizeof(*arguments_r->options))};
    if (!arguments_r->options)
        return domm_no_memory(err);

    optind = 0; /* glibc: forget what an earlier call left, as the shell's next line needs */
    opterr = 0;
    /* getopt's state is global; the programs have one thread. */
    while ((answer = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL)) != -1) {
        if (answer == '?' || answer == ':') {
            cmd_arguments_free(arguments_r);
            return refuse(&grammar, answer, argv[optind - 1], err);
        }
        arguments_r->options[arguments_r->n_options++] =
            (struct cmd_parsed_option){.id = answer, .value = optarg};
    }
    arguments_r->n_operands = (size_t)(argc - optind);
    arguments_r->operands = argv + optind;
    return 0;
}

void cmd_arguments_free(struct cmd_arguments *arguments)
{
    free(arguments->options);
    arguments->options = NULL;
}
