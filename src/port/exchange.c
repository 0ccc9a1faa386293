/* SPDX-License-Identifier: Apache-2.0 */
#include "port/exchange.h"

#include "base/clock.h"

#include <assert.h>

#define EXCHANGE_MAGIC 0x45786368U /* "Exch" */

struct exchange_ending {
    exchange_end_fn *end;
    void *state;
    struct exchange_ending *before;
};

const char *const exchange_listener_names[LISTENER_COUNT] = {
    [LISTENER_BOOT] = "boot",     [LISTENER_NODE] = "node", [LISTENER_ADMIN] = "admin",
    [LISTENER_SOCKET] = "socket", [LISTENER_PAGE] = "page", [LISTENER_TFTP] = "tftp",
};

/* --- For core -------------------------------------------------------------------------------- */

enum exchange_verdict exchange_wait(struct exchange *x, exchange_next *next, void *state)
{
    assert(x->magic == EXCHANGE_MAGIC && x->phase == EXCHANGE_STEPPING);
    x->next = next;
    x->state = state;
    return EXCHANGE_WAIT;
}

enum exchange_verdict exchange_hold(struct exchange *x, exchange_next *next, void *state)
{
    x->held = true;
    return exchange_wait(x, next, state);
}

void exchange_at_end(struct exchange *x, exchange_end_fn *end, void *state)
{
    assert(x->magic == EXCHANGE_MAGIC && x->phase <= EXCHANGE_STEPPING);
    struct exchange_ending *ending = ARENA_NEW(&x->arena, struct exchange_ending);
    *ending = (struct exchange_ending){end, state, x->endings};
    x->endings = ending;
}

void exchange_divert(struct exchange *x, exchange_next *next, void *state)
{
    assert(x->magic == EXCHANGE_MAGIC);
    if (x->phase != EXCHANGE_BEGUN && x->phase != EXCHANGE_WAITING)
        return;
    x->next = next;
    x->state = state;
    waiter_wake(x->waiter);
}

/* --- Its own time ---------------------------------------------------------------------------- */

static void run_clock(struct exchange *x)
{
    x->since_ns = clock_boot_ns();
}

static void stop_clock(struct exchange *x)
{
    x->spent_ns += clock_boot_ns() - x->since_ns;
}

/* --- For listeners --------------------------------------------------------------------------- */

void exchange_begin(struct exchange *x, const struct exchange_port *port)
{
    assert(x->magic == 0 && x->phase == EXCHANGE_NEW);
    x->magic = EXCHANGE_MAGIC;
    x->phase = EXCHANGE_BEGUN;
    x->port = port;
    run_clock(x);
    port->begin(port->cls, x);
    assert(x->next || x->out.status);
    if (!x->out.status)
        return;
    x->phase = EXCHANGE_ANSWERED;
    stop_clock(x);
}

enum exchange_verdict exchange_step(struct exchange *x)
{
    enum exchange_verdict verdict;
    assert(x->magic == EXCHANGE_MAGIC);
    assert(x->phase == EXCHANGE_BEGUN || (x->phase == EXCHANGE_WAITING && x->woken));
    /* Where a body had to come, that was the peer's time. */
    if (x->held || (x->phase == EXCHANGE_BEGUN && x->body_max_bytes))
        run_clock(x);
    x->phase = EXCHANGE_STEPPING;
    do {
        exchange_next *next = x->next;
        x->next = NULL;
        x->woken = x->held = false;
        verdict = next(x, x->state);
        assert(verdict == EXCHANGE_WAIT ? x->next != NULL : x->out.status != 0);
    } while (verdict == EXCHANGE_WAIT && x->woken);
    if (verdict == EXCHANGE_DONE || x->held)
        stop_clock(x);
    x->phase = verdict == EXCHANGE_WAIT ? EXCHANGE_WAITING : EXCHANGE_ANSWERED;
    return verdict;
}

bool exchange_wake(struct exchange *x)
{
    assert(x->magic == EXCHANGE_MAGIC);
    x->woken = true;
    return x->phase == EXCHANGE_WAITING;
}

void exchange_refuse(struct exchange *x, int status, const char *reason)
{
    assert(x->magic == EXCHANGE_MAGIC);
    assert(x->phase == EXCHANGE_BEGUN || x->phase == EXCHANGE_WAITING ||
           x->phase == EXCHANGE_ANSWERED);
    x->phase = EXCHANGE_ANSWERED;
    x->out = (struct exchange_out){.status = status};
    if (x->port->refuse) {
        x->port->refuse(x->port->cls, x, status, reason);
        return;
    }
    x->out.type = "text/plain; charset=utf-8";
    x->out.body = arena_printf(&x->arena, "%s\n", reason);
    x->out.event = "refused";
    x->out.reason = reason;
}

void exchange_end(struct exchange *x)
{
    assert(x->magic == EXCHANGE_MAGIC);
    assert(x->phase != EXCHANGE_STEPPING && x->phase != EXCHANGE_ENDED);
    x->phase = EXCHANGE_ENDED;
    for (struct exchange_ending *ending = x->endings; ending; ending = ending->before)
        ending->end(x, ending->state);
    x->port->end(x->port->cls, x);
    x->magic = 0;
}
