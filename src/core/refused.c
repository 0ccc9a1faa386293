/* SPDX-License-Identifier: Apache-2.0 */
#include "core/refused.h"

#include "base/mem.h"

#include <stdlib.h>

#define UID_MAX_BYTES 64

struct refused_entry {
    char uid[UID_MAX_BYTES];
    uint32_t uid_n;
    struct refused_fetches fetches;
};

/* No map: a machine that is refused asks again and again, and is found near the front. */
struct refused {
    struct refused_entry list[REFUSED_MAX]; /* the last one first */
    uint32_t n;
};

struct refused *refused_new(void)
{
    struct refused *r = MEM_NEW(struct refused);
    return r;
}

void refused_free(struct refused *r)
{
    free(r);
}

/* r->n if it is not there. */
static uint32_t find(const struct refused *r, struct str uid)
{
    uint32_t i = 0;
    while (i < r->n && !str_eq((struct str){r->list[i].uid, r->list[i].uid_n}, uid))
        i++;
    return i;
}

void refused_note(struct refused *r, struct str uid, const char *reason, int64_t wall_ms)
{
    uint32_t at = find(r, uid);
    struct refused_entry e = {.uid_n = (uint32_t)uid.n};
    if (uid.n > UID_MAX_BYTES)
        return;
    memcpy(e.uid, uid.p, uid.n);
    if (at < r->n && r->list[at].fetches.reason == reason)
        e.fetches = r->list[at].fetches;
    else
        e.fetches = (struct refused_fetches){.first_wall_ms = wall_ms, .reason = reason};
    if (at == r->n && r->n < REFUSED_MAX)
        r->n++;
    if (at == REFUSED_MAX)
        at--;
    e.fetches.times++;
    e.fetches.last_wall_ms = wall_ms;
    memmove(r->list + 1, r->list, at * sizeof(*r->list));
    r->list[0] = e;
}

void refused_forget(struct refused *r, struct str uid)
{
    uint32_t at = find(r, uid);
    if (at == r->n)
        return;
    r->n--;
    memmove(r->list + at, r->list + at + 1, (r->n - at) * sizeof(*r->list));
}

bool refused_find(const struct refused *r, struct str uid, struct refused_fetches *ret)
{
    uint32_t at = find(r, uid);
    if (at == r->n)
        return false;
    *ret = r->list[at].fetches;
    return true;
}
