/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Requests taken in one go, before the transfers that go on get their turn. */
#define RECEIVE_BATCH 32

/* --- The end ------------------------------------------------------------------------------- */

static void release(struct tftp_server *s)
{
    slots_done(&s->names);
    free(s);
}

void tftp_server_release_handle(struct tftp_server *s)
{
    s->handles--;
    if (s->freeing && !s->handles)
        release(s);
}

static void on_drain(uv_timer_t *timer)
{
    struct tftp_server *s = timer->data;
    struct tftp_transfers *lists[] = {&s->unheard, &s->running};
    for (int i = 0; i < 2; i++) {
        while (!TAILQ_EMPTY(lists[i])) {
            struct tftp_transfer *t = TAILQ_FIRST(lists[i]);
            if (t->fd >= 0)
                tftp_transfer_error(t, TFTP_UNDEFINED, STR("the server is being shut down"));
            tftp_transfer_end(t, OUTCOME_FAILED, "the server is being shut down");
        }
    }
    if (s->on_drained) {
        void (*on_drained)(void *cls) = s->on_drained;
        s->on_drained = NULL;
        on_drained(s->drained_cls);
    }
}

void tftp_server_check_drained(struct tftp_server *s)
{
    if (s->draining && !s->freeing && !s->transfers_n)
        uv_timer_start(&s->drain, on_drain, 0, 0);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct tftp_listener *l = handle->data;
    tftp_server_release_handle(l->server);
    free(l);
}

static void close_listeners(struct tftp_server *s)
{
    struct tftp_transfer *t;
    TAILQ_FOREACH(t, &s->unheard, entry)
    t->listener_fd = -1;
    while (!LIST_EMPTY(&s->listeners)) {
        struct tftp_listener *l = LIST_FIRST(&s->listeners);
        LIST_REMOVE(l, entry);
        uv_close((uv_handle_t *)&l->watch, on_listener_closed);
        close(l->fd);
    }
}

void tftp_server_drain(struct tftp_server *s, uint32_t within_ms, void (*on_drained)(void *cls),
                       void *cls)
{
    s->on_drained = on_drained;
    s->drained_cls = cls;
    s->draining = true;
    close_listeners(s);
    uv_timer_start(&s->drain, on_drain, s->transfers_n ? within_ms : 0, 0);
}

static void on_own_closed(uv_handle_t *handle)
{
    tftp_server_release_handle(handle->data);
}

void tftp_server_free(struct tftp_server *s)
{
    if (!s || s->freeing)
        return;
    s->on_drained = NULL;
    close_listeners(s);
    on_drain(&s->drain);
    s->freeing = true;
    uv_close((uv_handle_t *)&s->drain, on_own_closed);
}

/* --- The beginning ------------------------------------------------------------------------- */

static void on_request(uv_poll_t *watch, int status, int events)
{
    struct tftp_listener *l = watch->data;
    char room[PACKET_MAX_BYTES];
    struct datagram d;
    int r = 0;
    (void)status;
    (void)events;
    for (int i = 0; i < RECEIVE_BATCH && r != -EAGAIN; i++) {
        r = datagram_receive(l->fd, room, sizeof(room), &d);
        if (r == 0)
            tftp_request_take(l->server, l->fd, &d);
    }
}

int tftp_server_listen(struct tftp_server *s, const struct listener *described, struct err *e)
{
    struct tftp_listener *l = MEM_NEW(struct tftp_listener);
    int r = uv_poll_init(s->loop, &l->watch, described->fd);
    if (r < 0) {
        free(l);
        return err_errno(e, r, "%s: cannot watch the socket", described->name);
    }
    l->server = s;
    l->fd = described->fd;
    l->watch.data = l;
    s->handles++;
    LIST_INSERT_HEAD(&s->listeners, l, entry);
    uv_poll_start(&l->watch, UV_READABLE, on_request);
    return 0;
}

void tftp_server_new(uv_loop_t *loop, const struct exchange_port *port,
                     const struct work_port *work, const struct tftp_limits *limits,
                     struct tftp_server **ret)
{
    struct tftp_server *s = MEM_NEW(struct tftp_server);
    s->loop = loop;
    s->port = port;
    s->limits = *limits;
    TAILQ_INIT(&s->unheard);
    TAILQ_INIT(&s->running);
    s->work = work;
    uv_timer_init(loop, &s->drain);
    s->drain.data = s;
    s->handles = 1;
    *ret = s;
}

uint32_t tftp_server_transfers(const struct tftp_server *s)
{
    return s->transfers_n;
}

const struct tftp_counters *tftp_server_counters(const struct tftp_server *s)
{
    return &s->counters;
}
