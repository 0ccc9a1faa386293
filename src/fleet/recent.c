/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/internal.h"

#include "base/mem.h"

#include <stdlib.h>

#define RECENT_EVENTS 4096

/* A ring: the event that was added as number `i` is at i % RECENT_EVENTS. Their ids may have gaps.
 */
struct recent {
    struct store_entry entries[RECENT_EVENTS];
    char *texts[RECENT_EVENTS]; /* node, kind and bytes of each, in one piece */
    uint64_t added;
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

void recent_add(struct recent *r, uint64_t id, const struct store_event *e)
{
    size_t i = r->added++ % RECENT_EVENTS;
    char *text = mem_alloc(e->node.n + e->kind.n + e->bytes.n + 1);
    free(r->texts[i]);
    r->texts[i] = text;
    r->entries[i] = (struct store_entry){.id = id, .event = {.at_ms = e->at_ms}};
    r->entries[i].event.node = put(&text, e->node);
    r->entries[i].event.kind = put(&text, e->kind);
    r->entries[i].event.bytes = put(&text, e->bytes);
}

void recent_fill(struct recent *r, const struct store_page *page)
{
    for (size_t i = r->added ? 0 : page->n; i > 0; i--)
        recent_add(r, page->entries[i - 1].id, &page->entries[i - 1].event);
}

const struct store_entry *recent_next(const struct recent *r, uint64_t after)
{
    uint64_t low = r->added > RECENT_EVENTS ? r->added - RECENT_EVENTS : 0, high = r->added;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (r->entries[middle % RECENT_EVENTS].id <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low == r->added ? NULL : &r->entries[low % RECENT_EVENTS];
}

uint64_t recent_newest(const struct recent *r)
{
    return r->added ? r->entries[(r->added - 1) % RECENT_EVENTS].id : 0;
}
