/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 48

/* The options of a command in the form that getopt_long needs. */
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

static const char *arguments_name_of(const struct grammar *grammar, int id)
{
    for (size_t i = 0; i < grammar->count; i++) {
        if (grammar->longs[i].val == id)
            return grammar->longs[i].name;
    }
    return NULL;
}

/* The long options that the word abbreviates, if there are several. */
static int refuse_long(const struct grammar *grammar, const char *word, struct domm_error *err)
{
    size_t length = strcspn(word, "=");
    char names[256] = "";
    for (size_t i = 0; i < grammar->count; i++) {
        size_t used = strlen(names);
        if (length > 2 && strncmp(grammar->longs[i].name, word + 2, length - 2) == 0)
            snprintf(names + used, sizeof(names) - used, "%s--%s", used ? ", " : "",
                     grammar->longs[i].name);
    }
    if (!names[0])
        return domm_fail(err, DOMM_USAGE, "unknown option %.*s", (int)length, word);
    return domm_fail(err, DOMM_USAGE, "%.*s is ambiguous: %s", (int)length, word, names);
}

/* After an error, optopt holds the letter of a short option, the id of a long option that was used
 * wrongly, or 0 if the long option is unknown or ambiguous. */
static int arguments_refuse(const struct grammar *grammar, int answer, const char *word,
                            struct domm_error *err)
{
    const char *known = arguments_name_of(grammar, optopt);
    if (answer == ':' && known)
        return domm_fail(err, DOMM_USAGE, "option --%s needs an argument", known);
    if (known)
        return domm_fail(err, DOMM_USAGE, "option --%s takes no argument", known);
    if (optopt)
        return domm_fail(err, DOMM_USAGE, "unknown option -%c", optopt);
    return refuse_long(grammar, word, err);
}

static const struct cmd_option *option_of(const struct cmd_option *options, int id)
{
    while (options && options->id && options->id != id)
        options++;
    return options && options->id ? options : NULL;
}

int cmd_option_choose(const struct cmd_option *option, struct cmd_parsed_option *parsed,
                      struct domm_error *err)
{
    const char *const *values = option ? option->values : NULL;
    if (!values || !parsed->value)
        return 0;
    while (values[parsed->choice] && strcmp(values[parsed->choice], parsed->value) != 0)
        parsed->choice++;
    if (values[parsed->choice])
        return 0;
    domm_fail(err, DOMM_USAGE, "--%s: '%.64s' is not one of %s", option->name, parsed->value,
              values[0]);
    for (size_t i = 1; values[i]; i++)
        snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text), ", %s",
                 values[i]);
    return -DOMM_USAGE;
}

int cmd_option_number(const char *option, const char *text, unsigned long most,
                      unsigned long *number_r, struct domm_error *err)
{
    char *end;
    errno = 0;
    *number_r = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || *number_r < 1 || *number_r > most)
        return domm_fail(err, DOMM_USAGE, "%s: '%s' is not a number from 1 to %lu", option, text,
                         most);
    return 0;
}

int cmd_parse(int argc, char **argv, const struct cmd_option *own, const struct cmd_option *global,
              bool stop_at_operand, struct cmd_arguments *arguments_r, struct domm_error *err)
{
    struct grammar grammar = {.shorts = {stop_at_operand ? '+' : ':', stop_at_operand ? ':' : 0}};
    int answer;

    add_options(&grammar, own);
    add_options(&grammar, global);
    /* Each option takes at least one character, so this also suffices for clusters such as -vvv. */
    size_t room = 1;
    for (int i = 1; i < argc; i++)
        room += strlen(argv[i]);
    *arguments_r = (struct cmd_arguments){.options = calloc(room, sizeof(*arguments_r->options))};
    if (!arguments_r->options)
        return domm_no_memory(err);

    optind = 0; /* resets glibc's getopt between lines of the shell */
    opterr = 0;
    /* getopt's state is global; the programs have one thread. */
    while ((answer = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL)) != -1) {
        if (answer == '?' || answer == ':') {
            cmd_arguments_free(arguments_r);
            return arguments_refuse(&grammar, answer, argv[optind - 1], err);
        }
        struct cmd_parsed_option *parsed = &arguments_r->options[arguments_r->n_options++];
        *parsed = (struct cmd_parsed_option){.id = answer, .value = optarg};
        if (cmd_option_choose(option_of(own, answer), parsed, err)) {
            cmd_arguments_free(arguments_r);
            return -DOMM_USAGE;
        }
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
