/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An entry need not tell its place in the source. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "cmd/domm/host_log.h"

#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "lib/base/text.h"

/* Where sd_journal_sendv would send to; without it the entry would be lost in silence. */
static bool is_there_a_journal(void)
{
    return access("/run/systemd/journal/socket", W_OK) == 0;
}

static int add_parts(struct iovec *parts, int count, const struct cmd_fields *fields)
{
    for (int i = 0; i < fields->count; i++)
        parts[count++] = (struct iovec){fields->items[i], strlen(fields->items[i])};
    return count;
}

static void send_to_journal(int priority, const char *message_id, const char *message,
                            const struct cmd_fields *fields)
{
    struct iovec parts[2 * CMD_FIELDS_MAX];
    struct cmd_fields own = {.count = 0};
    cmd_fields_add(&own, "MESSAGE=%s", message);
    cmd_fields_add(&own, "PRIORITY=%d", priority);
    cmd_fields_add(&own, "SYSLOG_IDENTIFIER=domm");
    if (message_id)
        cmd_fields_add(&own, "MESSAGE_ID=%s", message_id);
    (void)sd_journal_sendv(parts, add_parts(parts, add_parts(parts, 0, &own), fields));
    cmd_fields_free(&own);
}

void cmd_host_log(int priority, const char *message_id, char *message,
                  const struct cmd_fields *fields)
{
    domm_make_printable(message);
    if (is_there_a_journal()) {
        send_to_journal(priority, message_id, message, fields);
        return;
    }
    openlog("domm", LOG_PID, LOG_DAEMON);
    syslog(priority, "%s", message);
    closelog();
}
