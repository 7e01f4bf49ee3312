/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control link: the process that runs `ssh HOST domm receive`. */
#include <unistd.h>

#include "lib/base/process.h"
#include "lib/migrate/source_internal.h"

#define GRACE_MS 3000

int domm_source_link_open(struct domm_source *source, struct domm_error *err)
{
    static char program[] = "domm", receive[] = "receive", dry_run[] = "-N";
    char *argv[DOMM_SSH_WORDS + 4];
    size_t n = 0;
    for (; source->options.ssh[n]; n++) {
        if (n == DOMM_SSH_WORDS)
            return domm_fail(err, DOMM_USAGE, "the ssh command has more than %d words",
                             DOMM_SSH_WORDS);
        argv[n] = source->options.ssh[n];
    }
    argv[n++] = program;
    argv[n++] = receive;
    if (source->options.preflight)
        argv[n++] = dry_run;
    argv[n] = NULL;
    int rc = domm_stream_spawn(argv, &source->out, &source->in, &source->ssh, err);
    if (rc)
        return rc;
    return domm_control_link_begin(&source->session.link, true, source->in, source->out, err);
}

/* ssh ends when its standard input is closed. */
void domm_source_link_close(struct domm_source *source)
{
    if (source->out >= 0)
        close(source->out);
    if (source->in >= 0)
        close(source->in);
    domm_process_end(source->ssh, GRACE_MS);
}
