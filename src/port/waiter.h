/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter: who is woken when something that was asked for has happened.
 *
 * A waiter is a plain value that is given along with each request that may take time: the wake of
 * the listener (or other owner), and the slot that it is to wake. A slot is a name and no pointer:
 * waking something that has ended meanwhile does nothing. A wake is a hint; what it wakes looks
 * for itself whether the thing has happened. All of it runs on the loop's thread, and a wake may
 * come from within the call that was given the waiter.
 */
#ifndef CLOUDSEED_PORT_WAITER_H
#define CLOUDSEED_PORT_WAITER_H

#include "base/slots.h"

#include <stdbool.h>

struct wake {
    void (*call)(void *cls, struct slot_ref ref);
    void *cls;
};

/* All zero: nobody waits. */
struct waiter {
    struct wake wake;
    struct slot_ref ref;
};

void waiter_wake(struct waiter w);
bool waiter_same(struct waiter a, struct waiter b);

/* All that wait for the same thing. All zero is an empty list. */
struct waiters {
    struct waiter *list;
    uint32_t n, room;
};

void waiters_add(struct waiters *all, struct waiter w);
/* For a waiter that ends before it was woken, so that the list does not grow with those that come
 * and go. A waiter that is not listed is fine. */
void waiters_remove(struct waiters *all, struct waiter w);
/* Wakes each of them once and empties the list; waiters that are added meanwhile wait for the next
 * call. */
void waiters_wake(struct waiters *all);
void waiters_done(struct waiters *all);

/* The loop's promise to call its owner's on_alarm function when the boot-time clock reaches
 * `due_boot_ms`. A later call replaces an earlier one; UINT64_MAX means never. */
struct alarm {
    void (*set)(void *cls, uint64_t due_boot_ms);
    void *cls;
};

#endif
