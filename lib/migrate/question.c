/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/question.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/process.h"
#include "lib/migrate/transport/data.h"

#define ANSWER_VERSION 1
#define DEPTH 4
#define GRACE_MS 3000     /* of ssh, once its output is closed */
#define PATIENCE_MS 90000 /* longer than the destination waits for its own process */
#define MOST_BYTES 16384  /* of what a login shell may print before the answer */

void domm_question_format(const struct domm_uuid *migration, enum domm_recovery_answer answer,
                          char *line_r, size_t size)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    snprintf(line_r, size, "{\"version\": %d, \"migration\": \"%s\", \"answer\": \"%s\"}\n",
             ANSWER_VERSION, uuid, domm_recovery_answer_word(answer));
}

static struct json_object *parse_answer_line(const char *line)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object = json_tokener_parse_ex(tokener, line, (int)strlen(line) + 1);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

enum domm_recovery_answer domm_question_parse(const char *line, const struct domm_uuid *migration)
{
    struct domm_uuid uuid;
    struct json_object *version, *named, *answer;
    cleanup_json struct json_object *object = line[0] == '{' ? parse_answer_line(line) : NULL;
    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, "version", &version) ||
        !json_object_is_type(version, json_type_int) ||
        json_object_get_int64(version) != ANSWER_VERSION ||
        !json_object_object_get_ex(object, "migration", &named) ||
        !json_object_is_type(named, json_type_string) ||
        !domm_uuid_parse(json_object_get_string(named), &uuid) ||
        !domm_uuid_equal(&uuid, migration) ||
        !json_object_object_get_ex(object, "answer", &answer) ||
        !json_object_is_type(answer, json_type_string))
        return DOMM_ANSWERS;
    return domm_recovery_answer_by_word(json_object_get_string(answer));
}

/* Runs `domm receive OPTION MIGRATION` there. */
static int question_spawn(char *const *ssh, const char *option, const struct domm_uuid *migration,
                          int *out_r, pid_t *pid_r, struct domm_error *err)
{
    static char program[] = "domm", receive[] = "receive";
    char *argv[DOMM_SSH_WORDS + 5], uuid[DOMM_UUID_TEXT], word[16];
    size_t n = 0;
    int in;
    domm_uuid_format(migration, uuid);
    snprintf(word, sizeof(word), "%s", option);
    for (; ssh[n]; n++) {
        if (n == DOMM_SSH_WORDS)
            return domm_fail(err, DOMM_USAGE, "the ssh command has more than %d words",
                             DOMM_SSH_WORDS);
        argv[n] = ssh[n];
    }
    argv[n++] = program;
    argv[n++] = receive;
    argv[n++] = word;
    argv[n++] = uuid;
    argv[n] = NULL;
    int rc = domm_stream_spawn(argv, &in, out_r, pid_r, err);
    if (!rc)
        close(in);
    return rc;
}

static int question_end(pid_t pid, int out)
{
    close(out);
    return domm_process_end(pid, GRACE_MS);
}

/* What was read last is a line that is not complete. */
static enum domm_recovery_answer find_answer(char *text, const struct domm_uuid *migration)
{
    enum domm_recovery_answer answer = DOMM_ANSWERS;
    char *end;
    for (; answer == DOMM_ANSWERS && (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        answer = domm_question_parse(text, migration);
        *end = '\n';
    }
    return answer;
}

static enum domm_recovery_answer read_answer(int out, const struct domm_uuid *migration)
{
    char text[MOST_BYTES + 1];
    size_t have = 0;
    int64_t end_ms = domm_now_ms() + PATIENCE_MS;
    enum domm_recovery_answer answer = DOMM_ANSWERS;
    while (answer == DOMM_ANSWERS && have < MOST_BYTES) {
        struct pollfd fd = {.fd = out, .events = POLLIN};
        int64_t left_ms = end_ms - domm_now_ms();
        int ready = left_ms > 0 ? poll(&fd, 1, (int)left_ms) : 0;
        ssize_t n = ready > 0 ? read(out, text + have, MOST_BYTES - have) : ready;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
        text[have] = '\0';
        if (memchr(text, '\0', have))
            break;
        answer = find_answer(text, migration);
    }
    return answer;
}

enum domm_recovery_answer domm_question_ask(char *const *ssh, const struct domm_uuid *migration,
                                            struct domm_error *why_r)
{
    pid_t pid;
    int out;
    if (question_spawn(ssh, "--settle", migration, &out, &pid, why_r))
        return DOMM_ANSWER_NONE;
    enum domm_recovery_answer answer = read_answer(out, migration);
    if (answer != DOMM_ANSWERS)
        kill(pid, SIGTERM); /* it has said all that it has to say */
    int status = question_end(pid, out);
    if (answer != DOMM_ANSWERS)
        return answer;
    domm_fail(why_r, DOMM_FAILED, "the other host does not answer: %s ended with status %d", ssh[0],
              WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return DOMM_ANSWER_NONE;
}

void domm_question_agree(char *const *ssh, const struct domm_uuid *migration)
{
    struct domm_error ignored;
    pid_t pid;
    int out;
    if (question_spawn(ssh, "--agreed", migration, &out, &pid, &ignored) == 0) {
        struct pollfd fd = {.fd = out, .events = POLLIN};
        poll(&fd, 1, PATIENCE_MS / 9);
        question_end(pid, out);
    }
}
