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

static void send_to_journal(const struct cmd_fields *fields)
{
    struct iovec parts[CMD_FIELDS_MAX];
    for (int i = 0; i < fields->count; i++)
        parts[i] = (struct iovec){fields->items[i], strlen(fields->items[i])};
    (void)sd_journal_sendv(parts, fields->count);
}

void cmd_host_log(int priority, char *message, const struct cmd_fields *fields)
{
    struct cmd_fields all = {.count = 0};
    domm_make_printable(message);
    if (is_there_a_journal()) {
        cmd_fields_add(&all, "MESSAGE=%s", message);
        cmd_fields_add(&all, "PRIORITY=%d", priority);
        cmd_fields_add(&all, "SYSLOG_IDENTIFIER=domm");
        for (int i = 0; i < fields->count; i++)
            cmd_fields_add(&all, "%s", fields->items[i]);
        send_to_journal(&all);
        cmd_fields_free(&all);
        return;
    }
    openlog("domm", LOG_PID, LOG_DAEMON);
    syslog(priority, "%s", message);
    closelog();
}
