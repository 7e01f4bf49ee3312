/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <time.h>

#include "cmd/domm/host.h"

#define LOOK_MS 1000

static volatile sig_atomic_t interrupted;
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))
static struct sigaction old[N_SIGNALS];

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cmd_interrupts_begin(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: it ends a wait */
    interrupted = 0;
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &action, &old[i]);
}

void cmd_interrupts_ignore(void)
{
    interrupted = 0;
    for (size_t i = 0; i < N_SIGNALS; i++)
        signal(signals[i], SIG_IGN);
}

void cmd_interrupts_end(void)
{
    interrupted = 0; /* what is undone because of it takes its time */
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &old[i], NULL);
}

int cmd_pause_ms(unsigned ms, struct domm_error *err)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
    return interrupted ? domm_fail(err, DOMM_ABORTED, "interrupted") : 0;
}

/* 0, -DOMM_FAILED with what is not ready yet, or another code where waiting is of no use. */
static int look(struct cmd_host *host, const struct domm_uuid *domm, const struct domm_uuid *target,
                struct domm_error *err)
{
    struct domm_observer observer = {
        .xen = host->context->xen, .store = host->store, .netlink = host->netlink};
    struct domm_status status;
    int rc = cmd_host_refresh(host, err);
    if (rc)
        return rc;
    const struct domm_member *member = domm_inventory_by_uuid(&host->inventory, domm);
    if (!member || member->domain.state == DOMM_STATE_CRASHED ||
        member->domain.state == DOMM_STATE_SHUTDOWN || member->domain.state == DOMM_STATE_DYING)
        return domm_fail(err, DOMM_NOT_FOUND, "domM has ended");
    rc = domm_status_measure(&observer, &host->inventory, &member, 1, &status, err);
    if (rc)
        return interrupted ? domm_fail(err, DOMM_ABORTED, "interrupted") : rc;
    const char *name;
    const struct domm_judgement *found = domm_status_gravest(&status, target, &name);
    if (!status.answered)
        rc = domm_fail(err, DOMM_FAILED, "the agent in domM gives no sign of life");
    else if (found->verdict != DOMM_VERDICT_READY)
        rc = domm_fail(err, DOMM_FAILED, "%s: %s", name, found->reason);
    domm_status_free(&status);
    return rc;
}

int cmd_wait_ready(struct cmd_host *host, const struct domm_uuid *domm,
                   const struct domm_uuid *target, unsigned seconds, struct domm_error *err)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int rc;
    unsigned passed = 0;
    while ((rc = look(host, domm, target, err)) == -DOMM_FAILED && passed < seconds) {
        domm_log_progress(host->context->log, "waiting until domM is ready",
                          (int)(passed * 100 / seconds));
        if (cmd_pause_ms(LOOK_MS, err))
            return -DOMM_ABORTED;
        clock_gettime(CLOCK_MONOTONIC, &now);
        passed = (unsigned)(now.tv_sec - start.tv_sec);
    }
    domm_log_progress(host->context->log, "waiting until domM is ready", 100);
    return rc == -DOMM_FAILED ? domm_wrap(err, "not ready after %u s", passed) : rc;
}
