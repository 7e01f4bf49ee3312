/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/interrupts.h"

#include <signal.h>
#include <time.h>

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
    interrupted = 0; /* the undoing that follows must not be interrupted */
    for (size_t i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &old[i], NULL);
}

int cmd_pause_ms(unsigned ms, struct domm_error *err)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
    return interrupted ? domm_fail(err, DOMM_ABORTED, "interrupted") : 0;
}

bool cmd_interrupted(void)
{
    return interrupted;
}

void cmd_signals_block(int more, sigset_t *signals_r, sigset_t *old_mask_r)
{
    sigemptyset(signals_r);
    sigaddset(signals_r, more);
    for (size_t i = 0; i < N_SIGNALS; i++) {
        struct sigaction now;
        sigaction(signals[i], NULL, &now);
        if (signals[i] != SIGHUP || now.sa_handler != SIG_IGN)
            sigaddset(signals_r, signals[i]);
    }
    sigprocmask(SIG_BLOCK, signals_r, old_mask_r);
}

void cmd_signals_unblock(const sigset_t *signals_read, const sigset_t *old_mask)
{
    const struct timespec at_once = {0};
    while (sigtimedwait(signals_read, NULL, &at_once) > 0)
        ;
    sigprocmask(SIG_SETMASK, old_mask, NULL);
}
