/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each pair is migrated by a process of its own, which is this program again: what happens to one
 * cannot happen to another, and several can be under way. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/domm/action.h"
#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/output.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

#define MAX_AT_ONCE 16
#define NOT_BEGUN (-1)

struct leaving_pair {
    const struct domm_inventory_entry *monitor;
    size_t first; /* of the hosts, the one to try first */
    size_t tried; /* hosts so far */
    pid_t pid;    /* of the process that migrates it; 0: none */
    int status;   /* the exit status of the last one, or NOT_BEGUN */
    int64_t began_ms, took_ms;
};

struct evacuation {
    struct cmd_context *context;
    char *const *hosts;
    size_t n_hosts;
    unsigned long at_once;
    size_t n_pairs, n_under_way;
    struct leaving_pair *pairs;
    bool interrupted; /* what is under way is waited for, and nothing else begun */
    sigset_t signals, old_mask;
};

static const char *last_host(const struct evacuation *all, const struct leaving_pair *pair)
{
    return all->hosts[(pair->first + pair->tried - 1) % all->n_hosts];
}

/* Another host is tried only after a refusal, which has changed nothing. */
static bool is_to_begin(const struct evacuation *all, const struct leaving_pair *pair)
{
    return !all->interrupted && !pair->pid && pair->tried < all->n_hosts &&
           (pair->status == NOT_BEGUN || pair->status == DOMM_PREFLIGHT);
}

static int spawn_migrate(const struct evacuation *all, const char *pair, const char *host,
                         pid_t *pid_r)
{
    const struct cmd_globals *globals = &all->context->globals;
    const char *words[16] = {"domm"};
    size_t n = 1;
    for (int v = 0; v < globals->verbosity && v < 3; v++)
        words[n++] = "-v";
    if (globals->quiet)
        words[n++] = "-q";
    if (globals->timestamps)
        words[n++] = "-T";
    if (globals->dry_run)
        words[n++] = "-N";
    words[n++] = "migrate";
    words[n++] = "--";
    words[n++] = pair;
    words[n++] = host;
    union {
        const char *const *in;
        char *const *out;
    } argv = {.in = words};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t mask = all->signals; /* until it reads them, an interrupt waits */
    sigdelset(&mask, SIGCHLD);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &mask);
    int rc = posix_spawn(pid_r, "/proc/self/exe", &actions, &attributes, argv.out, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* The UUID, since a name may look like a domid. */
static void begin_leaving(struct evacuation *all, struct leaving_pair *pair)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&pair->monitor->domain.uuid, uuid);
    pair->tried++;
    pair->began_ms = domm_now_ms();
    int rc = spawn_migrate(all, uuid, last_host(all, pair), &pair->pid);
    if (rc) {
        domm_log(all->context->log, DOMM_LOG_ERROR, "starting the migration of %s: %s",
                 pair->monitor->domain.name, strerror(rc));
        pair->pid = 0;
        pair->status = DOMM_FAILED;
        return;
    }
    all->n_under_way++;
    domm_log(all->context->log, DOMM_LOG_INFO, "%s: migrating to %s", pair->monitor->domain.name,
             last_host(all, pair));
}

static void tell_of_end(const struct evacuation *all, const struct leaving_pair *pair)
{
    cleanup_free char *copy = strdup(pair->monitor->domain.name);
    const char *name = copy ? domm_make_printable(copy) : "";
    const char *host = last_host(all, pair);
    if (all->context->globals.json)
        return;
    if (pair->status == 0 && all->context->globals.dry_run)
        printf("%s: can migrate to %s\n", name, host);
    else if (pair->status == 0)
        printf("%s: moved to %s, %.1f s\n", name, host, (double)pair->took_ms / 1000.0);
    else if (pair->status == DOMM_OUTCOME_UNKNOWN)
        printf("%s: unfinished, see domm jobs\n", name);
    else
        printf("%s: not moved to %s, exit status %d\n", name, host, pair->status);
    fflush(stdout);
}

static void reap(struct evacuation *all)
{
    for (size_t i = 0; i < all->n_pairs; i++) {
        struct leaving_pair *pair = &all->pairs[i];
        int status;
        if (!pair->pid || waitpid(pair->pid, &status, WNOHANG) != pair->pid)
            continue;
        pair->pid = 0;
        all->n_under_way--;
        pair->took_ms = domm_now_ms() - pair->began_ms;
        /* Recovery settles what a killed process has left. */
        pair->status = WIFEXITED(status) ? WEXITSTATUS(status) : DOMM_OUTCOME_UNKNOWN;
        tell_of_end(all, pair);
    }
}

/* A terminal interrupts its whole foreground process group, so that only what another process sends
 * is passed on. */
static void on_interrupt(struct evacuation *all, const siginfo_t *info)
{
    all->interrupted = true;
    domm_log(all->context->log, DOMM_LOG_WARN,
             "interrupted: waiting until what is under way (%zu) is rolled back or has ended",
             all->n_under_way);
    for (size_t i = 0; info->si_code <= 0 && i < all->n_pairs; i++) {
        if (all->pairs[i].pid)
            kill(all->pairs[i].pid, SIGINT);
    }
}

static void evacuate_turn(struct evacuation *all)
{
    siginfo_t info;
    for (size_t i = 0; i < all->n_pairs && all->n_under_way < all->at_once; i++) {
        if (is_to_begin(all, &all->pairs[i]))
            begin_leaving(all, &all->pairs[i]);
    }
    if (!all->n_under_way)
        return;
    int number = sigwaitinfo(&all->signals, &info);
    if (number > 0 && number != SIGCHLD)
        on_interrupt(all, &info);
    reap(all);
}

static bool is_going_on(const struct evacuation *all)
{
    bool going_on = all->n_under_way > 0;
    for (size_t i = 0; i < all->n_pairs; i++)
        going_on |= is_to_begin(all, &all->pairs[i]);
    return going_on;
}

static struct json_object *leaving_json(const struct evacuation *all,
                                        const struct leaving_pair *pair)
{
    struct json_object *object = json_object_new_object();
    bool begun = pair->status != NOT_BEGUN;
    json_object_object_add(object, "monitor",
                           cmd_peer_json(&pair->monitor->domain.uuid, pair->monitor));
    json_object_object_add(object, "host",
                           begun ? json_object_new_string(last_host(all, pair)) : NULL);
    json_object_object_add(object, "exit_status", begun ? json_object_new_int(pair->status) : NULL);
    domm_json_number(object, "took_ms", (uint64_t)pair->took_ms);
    return object;
}

static void print_evacuation(const struct evacuation *all)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *pairs = json_object_new_array();
    for (size_t i = 0; i < all->n_pairs; i++)
        json_object_array_add(pairs, leaving_json(all, &all->pairs[i]));
    domm_json_bool(root, "dry_run", all->context->globals.dry_run);
    json_object_object_add(root, "pairs", pairs);
    cmd_print_json(root);
}

/* The first failure's code, but for one that needs recovery. */
static int evacuate_conclude(const struct evacuation *all, struct domm_error *err)
{
    size_t left = 0;
    int code = 0;
    for (size_t i = 0; i < all->n_pairs; i++) {
        int status = all->pairs[i].status == NOT_BEGUN ? DOMM_ABORTED : all->pairs[i].status;
        left += status != 0;
        if (status && (!code || status == DOMM_OUTCOME_UNKNOWN))
            code = status < DOMM_CODES ? status : DOMM_FAILED;
    }
    if (all->context->globals.json)
        print_evacuation(all);
    else if (!all->n_pairs)
        puts("no pair on this host");
    if (!left)
        return 0;
    domm_fail(err, (enum domm_code)code, "%zu of %zu monitors %s this host", left, all->n_pairs,
              all->context->globals.dry_run ? "cannot leave"
              : left == 1                   ? "has not left"
                                            : "have not left");
    if (code == DOMM_OUTCOME_UNKNOWN)
        return domm_hint(err, "domm jobs lists what is unfinished, domm recover settles it");
    if (code == DOMM_ABORTED)
        return domm_hint(err, "begin again to migrate the rest");
    return domm_hint(err, "each error above says why; begin again once it is mended");
}

static int evacuate(struct evacuation *all, struct domm_error *err)
{
    cmd_signals_block(SIGCHLD, &all->signals, &all->old_mask);
    while (is_going_on(all))
        evacuate_turn(all);
    cmd_signals_unblock(&all->signals, &all->old_mask);
    return evacuate_conclude(all, err);
}

/* Those whose record cannot be read as well: migrate says why they stay. */
static int collect_pairs(struct evacuation *all, const struct domm_inventory *inventory,
                         struct domm_error *err)
{
    all->pairs = calloc(inventory->count + 1, sizeof(*all->pairs));
    if (!all->pairs)
        return domm_no_memory(err);
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        if (entry->record_state == DOMM_RECORD_ABSENT)
            continue;
        if (entry->record_state == DOMM_RECORD_VALID && entry->record.n_targets == 0) {
            domm_log(all->context->log, DOMM_LOG_WARN, "%s has no target, and is left here",
                     entry->domain.name);
            continue;
        }
        all->pairs[all->n_pairs] = (struct leaving_pair){
            .monitor = entry, .first = all->n_pairs % all->n_hosts, .status = NOT_BEGUN};
        all->n_pairs++;
    }
    return 0;
}

static int take_at_once(const struct cmd_arguments *arguments, unsigned long *at_once_r,
                        struct domm_error *err)
{
    *at_once_r = 1;
    for (size_t i = 0; i < arguments->n_options; i++) {
        const struct cmd_parsed_option *option = &arguments->options[i];
        if (option->id == 'j' &&
            cmd_option_number("--jobs", option->value, MAX_AT_ONCE, at_once_r, err))
            return -(int)err->code;
    }
    return 0;
}

int cmd_evacuate_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    unsigned long at_once;
    for (size_t i = 0; i < arguments->n_operands; i++) {
        if (arguments->operands[i][0] == '-')
            return domm_fail(err, DOMM_USAGE, "'%s' is not a host name", arguments->operands[i]);
    }
    return take_at_once(arguments, &at_once, err);
}

int cmd_evacuate(struct cmd_context *context, const struct cmd_arguments *arguments,
                 struct domm_error *err)
{
    struct evacuation all = {
        .context = context, .hosts = arguments->operands, .n_hosts = arguments->n_operands};
    struct cmd_host host;
    int rc = take_at_once(arguments, &all.at_once, err);
    if (rc)
        return rc;
    rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = collect_pairs(&all, &host.inventory, err);
    if (!rc)
        rc = evacuate(&all, err);
    free(all.pairs);
    cmd_host_close(&host);
    return rc;
}
