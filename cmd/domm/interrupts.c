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
