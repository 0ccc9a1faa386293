/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/internal.h"

#include <stdlib.h>

#define SLOTS_MIN 64

#define NO_SLOT UINT32_MAX

static void grow(struct http_server *s)
{
    uint32_t first = s->slots_n, n = first ? first * 2 : SLOTS_MIN;
    s->slots = realloc(s->slots, n * sizeof(*s->slots));
    if (!s->slots)
        abort();
    for (uint32_t i = first; i < n; i++)
        s->slots[i] = (struct http_slot){.next_free = i + 1 < n ? i + 1 : NO_SLOT};
    s->slots_n = n;
    s->free_slot = first;
}

void http_hold_begin(struct http_request *r)
{
    struct http_server *s = r->server;
    if (!s->slots_n || s->free_slot == NO_SLOT)
        grow(s);
    struct http_slot *slot = &s->slots[s->free_slot];
    r->ref = (struct wake_ref){s->free_slot, ++slot->generation};
    s->free_slot = slot->next_free;
    slot->request = r;
}

/* A slot that has had all its generations is not used again. */
void http_hold_end(struct http_request *r)
{
    struct http_server *s = r->server;
    struct http_slot *slot = &s->slots[r->ref.slot];
    slot->request = NULL;
    if (slot->generation == UINT32_MAX)
        return;
    slot->next_free = s->free_slot;
    s->free_slot = r->ref.slot;
}

void http_hold(struct http_request *r, enum http_phase phase)
{
    http_connection_enter(r->connection, phase);
    r->held = true;
    MHD_suspend_connection(r->m);
}

/* libmicrohttpd looks at what was resumed in its next turn, and does not say so by itself. */
void http_hold_release(struct http_request *r)
{
    r->woken = true;
    if (!r->held)
        return;
    r->held = false;
    http_connection_enter(r->connection, PHASE_ANSWERING);
    MHD_resume_connection(r->m);
    http_server_run_soon(r->server);
}

void http_server_wake(void *cls, struct wake_ref who)
{
    struct http_server *s = cls;
    struct http_slot *slot = who.slot < s->slots_n ? &s->slots[who.slot] : NULL;
    if (slot && slot->request && slot->generation == who.generation)
        http_hold_release(slot->request);
}
