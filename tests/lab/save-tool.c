/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls lib/save and lib/mapping/state.h on the hosts of the lab, one half at a time:
 *
 *     save-tool config DOMID                                     its configuration, to stdout
 *     save-tool save DOMID tracked|compared GATE [verify]        its stream, to stdout
 *     save-tool save DOMID … state FILE TARGET…                  and its mapping state, to FILE
 *     save-tool restore NAME CONFIG                              from stdin; prints the domid
 *     save-tool reattach DOMID FILE TARGET…                      writes the mapping state
 *     save-tool start DOMID NAME                                 renames and unpauses it
 *     save-tool resume DOMID [FILE TARGET…]                      what a save has left: its mapping
 *                                                                state, then the guest goes on
 *     save-tool take DOMID FILE TARGET…                          of a guest that is suspended
 *
 * A save stops the guest when the file GATE is there, or, if GATE is a number, so many seconds
 * after it has settled. If GATE is "abort" it gives up then, and if GATE is "late-abort" after the
 * guest has stopped; the guest goes on in both cases. If GATE is "hold" it waits for its end with
 * the guest stopped. A guest that was saved stays suspended.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/state.h"
#include "lib/save/receiver.h"
#include "lib/save/saver.h"
#include "lib/xen/domain.h"
#include "lib/xen/guest.h"
#include "lib/xen/restore.h"
#include "lib/xen/save.h"

#define FILE_MAX (64u << 20)
#define GRACE_MS 90000

struct tool {
    struct domm_log log;
    struct domm_xen *xen;
    struct domm_memory *memory;
};

/* Targets as they are now, with layouts of those that are PV. */
struct targets {
    uint16_t count;
    struct domm_uuid uuids[DOMM_STATE_TARGETS];
    struct domm_mapping_target targets[DOMM_STATE_TARGETS];
    struct domm_layout layouts[DOMM_STATE_TARGETS];
};

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static int find(struct tool *tool, uint32_t domid, struct domm_uuid *uuid_r,
                enum domm_domain_type *type_r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(tool->xen, &domains, &count, err);
    if (rc)
        return rc;
    rc = domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    for (size_t i = 0; i < count; i++) {
        if (domains[i].domid == domid) {
            *uuid_r = domains[i].uuid;
            *type_r = domains[i].type;
            rc = 0;
        }
    }
    domm_domains_free(domains, count);
    return rc;
}

/* `fresh`: they were restored and have not run. */
static int find_targets(struct tool *tool, int argc, char **argv, bool fresh,
                        struct targets *targets, struct domm_error *err)
{
    int rc = 0;
    targets->count = (uint16_t)argc;
    for (int i = 0; !rc && i < argc; i++) {
        enum domm_domain_type type;
        uint32_t domid = number(argv[i]);
        targets->targets[i].domid = domid;
        rc = find(tool, domid, &targets->uuids[i], &type, err);
        if (rc || type != DOMM_TYPE_PV)
            continue;
        targets->targets[i].layout = &targets->layouts[i];
        rc = fresh ? domm_memory_layout_restored(tool->memory, domid, &targets->layouts[i], err)
                   : domm_memory_layout(tool->memory, domid, &targets->layouts[i], err);
    }
    return rc;
}

static int write_file(const char *path, const unsigned char *bytes, size_t size,
                      struct domm_error *err)
{
    FILE *file = fopen(path, "we");
    if (!file || fwrite(bytes, 1, size, file) != size || fflush(file) || fsync(fileno(file)))
        return domm_fail(err, DOMM_FAILED, "writing %s", path);
    fclose(file);
    return 0;
}

static int read_file(const char *path, unsigned char **bytes_r, size_t *size_r,
                     struct domm_error *err)
{
    FILE *file = fopen(path, "re");
    *bytes_r = calloc(1, FILE_MAX + 1);
    if (!file || !*bytes_r)
        return domm_fail(err, DOMM_FAILED, "reading %s", path);
    *size_r = fread(*bytes_r, 1, FILE_MAX, file);
    fclose(file);
    return 0;
}

static int take(struct tool *tool, uint32_t domm, const char *path, struct targets *targets,
                struct domm_state *state, struct domm_error *err)
{
    const struct domm_state_pair pair = {domm, targets->count, targets->targets, targets->uuids};
    cleanup_free unsigned char *bytes = NULL;
    size_t size = 0;
    uint64_t start = domm_child_now_ns();
    int rc = domm_state_take(tool->memory, &pair, state, err);
    uint64_t taken = domm_child_now_ns();
    rc = rc ? rc : domm_state_encode(state, &bytes, &size, err);
    rc = rc ? rc : write_file(path, bytes, size, err);
    if (!rc)
        fprintf(stderr,
                "state: %zu entries in %zu runs, %zu bytes; taken in %.1f ms, kept in %.1f\n",
                state->entries, state->n_runs, size, ms(taken - start),
                ms(domm_child_now_ns() - taken));
    return rc;
}

static int clear(struct tool *tool, uint32_t domm, const struct domm_state *state,
                 struct domm_error *err)
{
    struct domm_layout layout;
    uint64_t start = domm_child_now_ns();
    int rc = domm_memory_layout(tool->memory, domm, &layout, err);
    if (rc)
        return rc;
    rc = domm_state_clear(tool->memory, domm, &layout, state, err);
    domm_memory_layout_free(tool->memory, &layout);
    fprintf(stderr, "state: cleared in %.1f ms\n", ms(domm_child_now_ns() - start));
    return rc;
}

static int put_back(struct tool *tool, uint32_t domm, const struct targets *targets,
                    const struct domm_state *state, bool fresh, struct domm_error *err)
{
    const struct domm_state_pair pair = {domm, targets->count, targets->targets, targets->uuids};
    struct domm_layout layout;
    struct domm_state_written written;
    uint64_t start = domm_child_now_ns();
    int rc = fresh ? domm_memory_layout_restored(tool->memory, domm, &layout, err)
                   : domm_memory_layout(tool->memory, domm, &layout, err);
    if (rc)
        return rc;
    rc = domm_state_write(tool->memory, &pair, &layout, state, &written, err);
    domm_memory_layout_free(tool->memory, &layout);
    fprintf(stderr, "state: %zu entries written, %zu late, in %.1f ms\n", written.entries,
            written.late, ms(domm_child_now_ns() - start));
    return rc;
}

struct job {
    uint32_t domid;
    const char *gate;
    const char *state_path;
    struct targets targets;
    struct domm_state state;
    bool suspended, cleared, sent;
    uint64_t settled_ns, suspended_ns;
};

static bool gate_is_open(const struct job *job)
{
    struct stat ignored;
    if (job->gate[0] == '/')
        return stat(job->gate, &ignored) == 0;
    return job->settled_ns &&
           domm_child_now_ns() - job->settled_ns >= number(job->gate) * UINT64_C(1000000000);
}

static int on_suspended(struct tool *tool, struct job *job, const struct domm_child *child,
                        struct domm_error *err)
{
    job->suspended = true;
    if (strcmp(job->gate, "late-abort") == 0)
        sleep(1);
    if (job->state_path) {
        int rc = take(tool, job->domid, job->state_path, &job->targets, &job->state, err);
        rc = rc ? rc : clear(tool, job->domid, &job->state, err);
        if (rc)
            return rc;
        job->cleared = true;
    }
    if (strcmp(job->gate, "hold") == 0) {
        fprintf(stderr, "held\n");
        pause();
    }
    if (strcmp(job->gate, "late-abort") == 0)
        return domm_fail(err, DOMM_ABORTED, "aborted after the stop, as asked");
    return domm_child_tell(child, DOMM_COMMAND_FINISH, err);
}

static int on_news(struct tool *tool, struct job *job, const struct domm_child *child,
                   const struct domm_news *news, struct domm_error *err)
{
    switch (news->kind) {
    case DOMM_NEWS_ROUND:
        fprintf(stderr, "round %u: %.1f ms, %" PRIu64 " pages dirty%s, %.1f MB in all\n",
                news->rounds, ms(news->took_ns), news->dirty_pages,
                news->converged ? ", converged"
                : news->settled ? ", settled"
                                : "",
                (double)news->bytes / 1e6);
        if (news->settled && !job->settled_ns)
            job->settled_ns = domm_child_now_ns();
        return 0;
    case DOMM_NEWS_SUSPENDED:
        job->suspended_ns = news->when_ns;
        fprintf(stderr, "suspended in %.1f ms, %.1f MB sent\n", ms(news->took_ns),
                (double)news->bytes / 1e6);
        return on_suspended(tool, job, child, err);
    case DOMM_NEWS_SENT:
        job->sent = true;
        fprintf(stderr,
                "sent: %.1f MB in all, final copy %.1f ms, stopped for %.1f ms, %" PRIu64
                " pages abandoned\n",
                (double)news->bytes / 1e6, ms(news->took_ns), ms(news->when_ns - job->suspended_ns),
                news->abandoned);
        return 0;
    case DOMM_NEWS_FAILED:
        return domm_fail(err, news->code, "saver: %s", news->text);
    case DOMM_NEWS_ENDED:
        return job->sent ? 0 : domm_fail(err, DOMM_FAILED, "the saver has died");
    default:
        return 0;
    }
}

static int follow(struct tool *tool, struct job *job, const struct domm_child *child,
                  struct domm_error *err)
{
    struct domm_news news = {.kind = DOMM_NEWS_NONE};
    bool stopped = false;
    int rc = 0;
    while (!rc && news.kind != DOMM_NEWS_ENDED) {
        rc = domm_child_hear(child, 100, &news, err);
        rc = rc ? rc : on_news(tool, job, child, &news, err);
        if (rc || stopped || !gate_is_open(job))
            continue;
        stopped = true;
        if (strcmp(job->gate, "abort") == 0)
            rc = domm_fail(err, DOMM_ABORTED, "aborted before the stop, as asked");
        else
            rc = domm_child_tell(child, DOMM_COMMAND_STOP, err);
    }
    return rc;
}

/* As before: the mappings first, then the guest. */
static int undo(struct tool *tool, struct job *job, struct domm_error *err)
{
    int rc = 0;
    if (job->cleared)
        rc = put_back(tool, job->domid, &job->targets, &job->state, false, err);
    rc = rc ? rc : domm_xen_resume(tool->xen, job->domid, err);
    fprintf(stderr, "undone: %s\n", rc ? err->text : "the guest goes on");
    return rc;
}

static int cmd_save(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    struct job job = {.domid = number(argv[0]), .gate = argv[2]};
    struct domm_saver saver = {.log = &tool->log, .domid = job.domid, .enough_pages = 256};
    struct domm_child child;
    struct domm_uuid uuid;
    enum domm_domain_type type;
    int rc = find(tool, job.domid, &uuid, &type, err);
    saver.way = strcmp(argv[1], "tracked") == 0 ? DOMM_SAVER_TRACKED : DOMM_SAVER_COMPARED;
    saver.pause = type == DOMM_TYPE_PV;
    int i = 3;
    if (i < argc && strcmp(argv[i], "verify") == 0) {
        saver.verify = true;
        i++;
    }
    if (!rc && i + 2 < argc && strcmp(argv[i], "state") == 0) {
        job.state_path = argv[i + 1];
        rc = find_targets(tool, argc - i - 2, argv + i + 2, false, &job.targets, err);
    }
    if (!rc)
        rc = domm_saver_start(tool->xen, &saver, STDOUT_FILENO, &child, err);
    if (rc)
        return rc;
    close(STDOUT_FILENO);
    rc = follow(tool, &job, &child, err);
    domm_child_end(&child, GRACE_MS);
    if (rc) {
        struct domm_error second;
        undo(tool, &job, &second);
    }
    domm_state_free(&job.state);
    return rc;
}

static int cmd_config(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    cleanup_free char *json = NULL;
    (void)argc;
    int rc = domm_xen_configuration(tool->xen, number(argv[0]), &json, err);
    if (!rc)
        puts(json);
    return rc;
}

static int cmd_restore(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    cleanup_free unsigned char *json = NULL;
    size_t size;
    struct domm_child child;
    struct domm_news news = {.kind = DOMM_NEWS_NONE};
    (void)argc;
    int rc = read_file(argv[1], &json, &size, err);
    if (rc)
        return rc;
    const struct domm_receiver receiver = {&tool->log, (const char *)json, argv[0]};
    rc = domm_receiver_start(tool->xen, &receiver, STDIN_FILENO, &child, err);
    if (rc)
        return rc;
    rc = domm_child_hear(&child, -1, &news, err);
    if (!rc && news.kind == DOMM_NEWS_RESTORED)
        printf("%u\n", news.domid);
    else if (!rc)
        rc = domm_fail(err, DOMM_FAILED, "receiver: %s",
                       news.kind == DOMM_NEWS_FAILED ? news.text : "it has died");
    if (!rc)
        fprintf(stderr, "restored as domain %u in %.1f ms\n", news.domid, ms(news.took_ns));
    domm_child_end(&child, GRACE_MS);
    return rc;
}

/* FILE TARGET…, which must be those of the state. */
static int read_state(struct tool *tool, int argc, char **argv, bool fresh, struct targets *targets,
                      struct domm_state *state, struct domm_error *err)
{
    cleanup_free unsigned char *bytes = NULL;
    size_t size;
    int rc = read_file(argv[0], &bytes, &size, err);
    rc = rc ? rc : domm_state_decode(bytes, size, state, err);
    rc = rc ? rc : find_targets(tool, argc - 1, argv + 1, fresh, targets, err);
    for (uint16_t i = 0; !rc && i < targets->count; i++) {
        if (!domm_uuid_equal(&targets->uuids[i], &state->targets[i]))
            rc = domm_fail(err, DOMM_REFUSED, "domain %u is not the target of the state",
                           targets->targets[i].domid);
    }
    return rc;
}

static int cmd_reattach(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    struct targets targets = {0};
    struct domm_state state = {0};
    int rc = read_state(tool, argc - 1, argv + 1, true, &targets, &state, err);
    rc = rc ? rc : put_back(tool, number(argv[0]), &targets, &state, true, err);
    domm_state_free(&state);
    return rc;
}

/* Whoever has the state only from its file cannot know how much of it was taken out: all of it is
 * now. */
static int cmd_resume(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    struct targets targets = {0};
    struct domm_state state = {0};
    uint32_t domid = number(argv[0]);
    int rc = 0;
    if (argc > 1)
        rc = read_state(tool, argc - 1, argv + 1, false, &targets, &state, err);
    if (!rc && argc > 1)
        rc = clear(tool, domid, &state, err);
    if (!rc && argc > 1)
        rc = put_back(tool, domid, &targets, &state, false, err);
    uint64_t start = domm_child_now_ns();
    rc = rc ? rc : domm_xen_resume(tool->xen, domid, err);
    if (!rc)
        fprintf(stderr, "resumed in %.1f ms\n", ms(domm_child_now_ns() - start));
    domm_state_free(&state);
    return rc;
}

static int cmd_start(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    char incoming[256];
    (void)argc;
    snprintf(incoming, sizeof(incoming), "%s" DOMM_INCOMING, argv[1]);
    int rc = domm_xen_rename(tool->xen, number(argv[0]), incoming, argv[1], err);
    return rc ? rc : domm_xen_unpause(tool->xen, number(argv[0]), err);
}

static int cmd_take(struct tool *tool, int argc, char **argv, struct domm_error *err)
{
    struct targets targets = {0};
    struct domm_state state = {0};
    int rc = find_targets(tool, argc - 2, argv + 2, false, &targets, err);
    rc = rc ? rc : take(tool, number(argv[0]), argv[1], &targets, &state, err);
    domm_state_free(&state);
    return rc;
}

static const struct command {
    const char *name;
    int arguments; /* at least */
    int (*run)(struct tool *tool, int argc, char **argv, struct domm_error *err);
} commands[] = {
    {"config", 1, cmd_config},     {"save", 3, cmd_save},   {"restore", 2, cmd_restore},
    {"reattach", 3, cmd_reattach}, {"start", 2, cmd_start}, {"resume", 1, cmd_resume},
    {"take", 3, cmd_take},
};

static int run(int argc, char **argv, struct domm_error *err)
{
    struct tool tool = {0};
    const struct command *command = NULL;
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].arguments)
            command = &commands[i];
    }
    if (!command)
        return domm_fail(err, DOMM_USAGE, "wrong arguments");
    domm_log_init(&tool.log, stderr, "save-tool");
    int rc = domm_xen_open(&tool.log, &tool.xen, err);
    rc = rc ? rc : domm_memory_open(&tool.log, &tool.memory, err);
    rc = rc ? rc : command->run(&tool, argc - 2, argv + 2, err);
    domm_memory_close(tool.memory);
    domm_xen_close(tool.xen);
    return rc;
}

int main(int argc, char **argv)
{
    struct domm_error err = {0};
    int rc = run(argc, argv, &err);
    if (rc)
        fprintf(stderr, "save-tool: %s\n", err.text);
    return -rc;
}
