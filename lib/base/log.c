/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"

static const struct {
    const char *name;
    const char *colour;
    int priority; /* for the journal */
} levels[DOMM_LOG_LEVELS] = {
    [DOMM_LOG_DEBUG] = {"debug", "\033[2m", LOG_DEBUG},
    [DOMM_LOG_VERBOSE] = {"verbose", "\033[2m", LOG_DEBUG},
    [DOMM_LOG_DETAIL] = {"detail", "\033[2m", LOG_DEBUG},
    [DOMM_LOG_PROGRESS] = {"progress", "", LOG_INFO},
    [DOMM_LOG_INFO] = {"info", "", LOG_INFO},
    [DOMM_LOG_NOTICE] = {"notice", "", LOG_NOTICE},
    [DOMM_LOG_WARN] = {"warning", "\033[33m", LOG_WARNING},
    [DOMM_LOG_ERROR] = {"error", "\033[31m", LOG_ERR},
    [DOMM_LOG_CRITICAL] = {"critical", "\033[31m", LOG_CRIT},
};

/* Lines for the journal begin with their priority (sd-daemon(3)). JOURNAL_STREAM tells whether
 * stderr is connected to the journal (systemd.exec(5)). */
static bool is_journal(FILE *stream)
{
    const char *journal = getenv("JOURNAL_STREAM");
    struct stat file;
    char text[48];
    if (!journal || fstat(fileno(stream), &file))
        return false;
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    return strcmp(journal, text) == 0;
}

void domm_log_init(struct domm_log *log, FILE *stream, const char *program)
{
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    *log = (struct domm_log){
        .stream = stream,
        .program = program,
        .minimum = DOMM_LOG_PROGRESS,
        .terminal = isatty(fileno(stream)) == 1,
        .journal = is_journal(stream),
    };
    log->colour = log->terminal && !(no_color && *no_color);
}

void domm_timestamp(const struct timespec *when, char text_r[DOMM_TIMESTAMP])
{
    struct tm utc;
    gmtime_r(&when->tv_sec, &utc);
    size_t used = strftime(text_r, DOMM_TIMESTAMP, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text_r + used, DOMM_TIMESTAMP - used, ".%03dZ", (int)(when->tv_nsec / 1000000));
}

static void erase_status(struct domm_log *log)
{
    if (log->status_lines > 1)
        fprintf(log->stream, "\r\033[%uA\033[J", log->status_lines - 1);
    else
        fputs("\r\033[K", log->stream);
    log->status_lines = 0;
}

static void close_progress(struct domm_log *log)
{
    if (log->status_lines)
        erase_status(log);
}

static void write_line(struct domm_log *log, enum domm_log_level level, const char *label,
                       const char *colour, char *text)
{
    close_progress(log);
    if (log->journal)
        fprintf(log->stream, "<%d>", levels[level].priority);
    if (log->timestamps) {
        struct timespec now;
        char stamp[DOMM_TIMESTAMP];
        clock_gettime(CLOCK_REALTIME, &now);
        domm_timestamp(&now, stamp);
        fprintf(log->stream, "%s ", stamp);
    }
    bool paint = log->colour && *colour;
    fprintf(log->stream, "%s: %s%s%s: %s\n", log->program, paint ? colour : "", label,
            paint ? "\033[0m" : "", domm_make_printable(text));
    fflush(log->stream);
}

void domm_vlog(struct domm_log *log, enum domm_log_level level, int errnum, const char *context,
               const char *fmt, va_list args)
{
    if (level < log->minimum)
        return;
    char message[2048];
    size_t used = 0;
    if (context)
        used = (size_t)snprintf(message, sizeof(message), "%.64s: ", context);
    vsnprintf(message + used, sizeof(message) - used, fmt, args);
    if (errnum >= 0) {
        char reason[128];
        used = strlen(message);
        snprintf(message + used, sizeof(message) - used, ": %s",
                 strerror_r(errnum, reason, sizeof(reason)));
    }
    write_line(log, level, levels[level].name, levels[level].colour, message);
}

void domm_log(struct domm_log *log, enum domm_log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    domm_vlog(log, level, -1, NULL, fmt, args);
    va_end(args);
}

bool domm_log_allows(struct domm_log *log, struct domm_log_limit *limit)
{
    domm_bucket_fill(&limit->bucket, domm_now_ms());
    if (!domm_bucket_may(&limit->bucket)) {
        limit->left_out++;
        return false;
    }
    domm_bucket_take(&limit->bucket, 1);
    if (limit->left_out)
        domm_log(log, DOMM_LOG_WARN, "%lu lines were left out here", limit->left_out);
    limit->left_out = 0;
    return true;
}

void domm_log_error(struct domm_log *log, const struct domm_error *err)
{
    domm_log(log, DOMM_LOG_ERROR, "%s", err->text);
    if (err->hint[0]) {
        char hint[sizeof(err->hint)];
        memcpy(hint, err->hint, sizeof(hint));
        write_line(log, DOMM_LOG_ERROR, "hint", "", hint);
    }
}

/* What wraps, or scrolls, could not be overwritten. */
static struct winsize terminal_size(const struct domm_log *log)
{
    struct winsize size;
    bool known = ioctl(fileno(log->stream), TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    return known ? size : (struct winsize){.ws_col = 80, .ws_row = 24};
}

static void draw_status(struct domm_log *log, const char *status)
{
    const struct winsize size = terminal_size(log);
    int room = size.ws_col - (int)strlen(log->program) - 3;
    erase_status(log);
    fprintf(log->stream, "%s: ", log->program);
    while (status && log->status_lines < 1u + size.ws_row / 2u) {
        char line[256];
        const char *end = strchr(status, '\n');
        int length = end ? (int)(end - status) : (int)strlen(status);
        snprintf(line, sizeof(line), "%.*s", length, status);
        fprintf(log->stream, "%s%.*s", log->status_lines ? "\n" : "", room > 0 ? room : 0,
                domm_make_printable(line));
        log->status_lines++;
        status = end ? end + 1 : NULL;
    }
}

void domm_log_status(struct domm_log *log, const char *status)
{
    if (!log->terminal || log->minimum > DOMM_LOG_PROGRESS)
        return;
    if (status)
        draw_status(log, status);
    else
        close_progress(log);
    fflush(log->stream);
}

void domm_log_progress(struct domm_log *log, const char *what, int percent)
{
    char text[256];
    snprintf(text, sizeof(text), "%.200s: %d%%", what, percent);
    domm_log_status(log, percent < 100 ? text : NULL);
}
