/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS_N (sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[SIGNALS_N];
static volatile sig_atomic_t came;

static void note(int number)
{
    came = number;
}

/* Without SA_RESTART: whoever waits is to wake up and ask. */
void interrupt_hold(void)
{
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    came = 0;
    for (size_t i = 0; i < SIGNALS_N; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

bool interrupt_came(void)
{
    return came != 0;
}

void interrupt_release(void)
{
    for (size_t i = 0; i < SIGNALS_N; i++)
        sigaction(signals[i], &before[i], NULL);
    if (came)
        raise(came);
}
