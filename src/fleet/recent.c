/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"

#include <stdlib.h>

#define RECENT_EVENTS 4096

/* A ring: event `id` is at id % RECENT_EVENTS. */
struct recent {
    struct store_entry entries[RECENT_EVENTS];
    char *texts[RECENT_EVENTS]; /* node, kind and bytes of each, in one piece */
    uint64_t oldest, newest;    /* 0: none */
};

struct recent *recent_new(void)
{
    struct recent *r = MEM_NEW(struct recent);
    return r;
}

void recent_free(struct recent *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RECENT_EVENTS; i++)
        free(r->texts[i]);
    free(r);
}

static struct str put(char **at, struct str s)
{
    struct str copy = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* Ids have gaps only where another process wrote events: then those before the gap are of no use.
 */
void recent_add(struct recent *r, uint64_t id, const struct store_event *e)
{
    size_t i = id % RECENT_EVENTS;
    char *text = mem_alloc(e->node.n + e->kind.n + e->bytes.n + 1);
    free(r->texts[i]);
    r->texts[i] = text;
    r->entries[i] = (struct store_entry){.id = id, .event = {.at_ms = e->at_ms}};
    r->entries[i].event.node = put(&text, e->node);
    r->entries[i].event.kind = put(&text, e->kind);
    r->entries[i].event.bytes = put(&text, e->bytes);
    if (!r->newest || id != r->newest + 1)
        r->oldest = id;
    else if (id - r->oldest >= RECENT_EVENTS)
        r->oldest = id - RECENT_EVENTS + 1;
    r->newest = id;
}

void recent_fill(struct recent *r, const struct store_page *page)
{
    for (size_t i = r->newest ? 0 : page->n; i > 0; i--)
        recent_add(r, page->entries[i - 1].id, &page->entries[i - 1].event);
}

const struct store_entry *recent_next(const struct recent *r, uint64_t after, bool *ret_lost)
{
    *ret_lost = r->newest && after + 1 < r->oldest;
    if (!r->newest || after >= r->newest || *ret_lost)
        return NULL;
    return &r->entries[(after + 1) % RECENT_EVENTS];
}

uint64_t recent_newest(const struct recent *r)
{
    return r->newest;
}

uint64_t recent_oldest(const struct recent *r)
{
    return r->oldest;
}
