/* SPDX-License-Identifier: Apache-2.0 */
#include "port/waiter.h"

#include "base/mem.h"

#include <stdlib.h>

void waiter_wake(struct waiter w)
{
    if (w.wake.call)
        w.wake.call(w.wake.cls, w.ref);
}

bool waiter_same(struct waiter a, struct waiter b)
{
    return a.wake.call == b.wake.call && a.wake.cls == b.wake.cls && a.ref.slot == b.ref.slot &&
           a.ref.generation == b.ref.generation;
}

void waiters_add(struct waiters *all, struct waiter w)
{
    all->list = mem_grow(all->list, all->n, &all->room, sizeof(*all->list));
    all->list[all->n++] = w;
}

void waiters_remove(struct waiters *all, struct waiter w)
{
    for (uint32_t i = all->n; i-- > 0;) {
        if (!waiter_same(all->list[i], w))
            continue;
        memmove(all->list + i, all->list + i + 1, (all->n - i - 1) * sizeof(*all->list));
        all->n--;
        return;
    }
}

/* The list is taken away first: a wake may run its waiter at once, which may add itself again, and
 * may remove others: those are woken all the same, which is harmless. */
void waiters_wake(struct waiters *all)
{
    struct waiters round = *all;
    *all = (struct waiters){0};
    for (uint32_t i = 0; i < round.n; i++)
        waiter_wake(round.list[i]);
    if (all->room) {
        free(round.list);
        return;
    }
    round.n = 0;
    *all = round;
}

void waiters_done(struct waiters *all)
{
    free(all->list);
    *all = (struct waiters){0};
}
