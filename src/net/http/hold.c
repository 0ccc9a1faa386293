/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/request.h"

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

void http_server_wake(void *cls, struct slot_ref who)
{
    struct http_server *s = cls;
    struct http_request *r = slots_find(&s->requests, who);
    if (r)
        http_hold_release(r);
}
