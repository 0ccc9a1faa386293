/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"

/* A binary heap of members, the nearest deadline first; each knows its place in it. */

static void put(struct fleet *f, uint32_t at, struct member *m)
{
    f->heap[at] = m;
    m->heap_at = at;
}

static void rise(struct fleet *f, uint32_t at, struct member *m)
{
    while (at > 0) {
        uint32_t up = (at - 1) / 2;
        if (f->heap[up]->due_boot_ms <= m->due_boot_ms)
            break;
        put(f, at, f->heap[up]);
        at = up;
    }
    put(f, at, m);
}

static void sink(struct fleet *f, uint32_t at, struct member *m)
{
    for (;;) {
        uint32_t down = 2 * at + 1;
        if (down + 1 < f->heap_n && f->heap[down + 1]->due_boot_ms < f->heap[down]->due_boot_ms)
            down++;
        if (down >= f->heap_n || f->heap[down]->due_boot_ms >= m->due_boot_ms)
            break;
        put(f, at, f->heap[down]);
        at = down;
    }
    put(f, at, m);
}

static void add(struct fleet *f, struct member *m)
{
    f->heap = mem_grow(f->heap, f->heap_n, &f->heap_room, sizeof(struct member *));
    rise(f, f->heap_n++, m);
}

static void take_out(struct fleet *f, struct member *m)
{
    uint32_t at = m->heap_at;
    struct member *last = f->heap[--f->heap_n];
    m->heap_at = MAP_NONE;
    if (last == m)
        return;
    put(f, at, last);
    rise(f, at, last);
    sink(f, last->heap_at, last);
}

struct member *deadline_first(const struct fleet *f)
{
    return f->heap_n ? f->heap[0] : NULL;
}

void deadline_set(struct fleet *f, struct member *m, uint64_t due_boot_ms)
{
    if (m->heap_at != MAP_NONE)
        take_out(f, m);
    m->due_boot_ms = due_boot_ms;
    if (due_boot_ms != UINT64_MAX)
        add(f, m);
    alarm_set(f);
}

void alarm_set(struct fleet *f)
{
    uint64_t due = f->heap_n ? f->heap[0]->due_boot_ms : UINT64_MAX, audit = audit_due(f);
    if (f->alarm.set && !f->stopped)
        f->alarm.set(f->alarm.cls, audit < due ? audit : due);
}
