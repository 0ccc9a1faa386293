/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/fetcher.h"

#include "base/mem.h"
#include "net/fetch/transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define NEVER UINT64_MAX

/* A socket that libcurl waits for. */
struct watch {
    uv_poll_t poll;
    struct fetcher *fetcher;
    curl_socket_t fd;
    int events;
    LIST_ENTRY(watch) entry;
};

struct fetcher {
    struct fetch_port port;
    struct fetcher_limits limits;
    uv_loop_t *loop;
    CURLM *multi;     /* NULL before the first request */
    uv_timer_t clock; /* libcurl's */
    uv_timer_t deadline;
    uint64_t armed_ms; /* when `deadline` comes */
    unsigned handles;  /* that are open */
    TAILQ_HEAD(, transfer) all, roused;
    LIST_HEAD(, watch) watches;
    uint32_t running, queued;
};

static void turn(struct fetcher *f);

/* --- libcurl on the loop ---------------------------------------------------------------------- */

static void on_handle_closed(struct fetcher *f)
{
    if (--f->handles == 0)
        free(f);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    on_handle_closed(w->fetcher);
    free(w);
}

/* The descriptor's number may be another socket's as soon as libcurl has closed it. */
static void watch_close(struct watch *w)
{
    LIST_REMOVE(w, entry);
    w->events = 0;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static void act(struct fetcher *f, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(f->multi, fd, what, &running);
    turn(f);
}

/* After an error libuv has stopped to watch the socket. There may still be bytes to read before
 * libcurl meets the error, and it may read them in several turns. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int what = (status < 0 || (events & UV_READABLE) ? CURL_CSELECT_IN : 0) |
               (status < 0 || (events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
    act(w->fetcher, w->fd, what);
    if (status < 0 && w->events)
        uv_poll_start(&w->poll, w->events, on_poll);
}

static struct watch *watch_new(struct fetcher *f, curl_socket_t fd)
{
    struct watch *w = MEM_NEW(struct watch);
    if (uv_poll_init(f->loop, &w->poll, fd) < 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->fetcher = f;
    w->fd = fd;
    f->handles++;
    LIST_INSERT_HEAD(&f->watches, w, entry);
    curl_multi_assign(f->multi, fd, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *cls, void *known)
{
    struct fetcher *f = cls;
    struct watch *w = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            watch_close(w);
        return 0;
    }
    w = w ? w : watch_new(f, fd);
    if (!w)
        return -1; /* all transfers fail */
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, w->events, on_poll);
}

static void on_clock(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long timeout_ms, void *cls)
{
    struct fetcher *f = cls;
    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&f->clock);
    else
        uv_timer_start(&f->clock, on_clock, (uint64_t)timeout_ms, 0);
    return 0;
}

/* --- Turns, deadlines, wakes ------------------------------------------------------------------ */

uint64_t fetcher_now_ms(const struct fetcher *f)
{
    return uv_now(f->loop);
}

void fetcher_rouse(struct fetcher *f, struct transfer *t)
{
    if (!t->is_roused)
        TAILQ_INSERT_TAIL(&f->roused, t, roused);
    t->is_roused = true;
}

static void settle(struct fetcher *f, struct transfer *t)
{
    if (t->is_roused)
        TAILQ_REMOVE(&f->roused, t, roused);
    t->is_roused = false;
}

/* Takes it from libcurl, or from the queue. */
static void withdraw(struct fetcher *f, struct transfer *t)
{
    if (t->stage == TRANSFER_DONE)
        return;
    if (t->stage == TRANSFER_QUEUED) {
        f->queued--;
        return;
    }
    curl_multi_remove_handle(f->multi, t->easy);
    f->running--;
}

static void collect(struct fetcher *f)
{
    const CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(f->multi, &left))) {
        CURLcode code = msg->data.result;
        struct transfer *t = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        withdraw(f, t);
        transfer_finish(t, code);
    }
}

static bool has_room(const struct fetcher *f, const struct transfer *waiting)
{
    const struct transfer *t;
    uint32_t n = 0;
    if (f->running >= f->limits.transfers)
        return false;
    TAILQ_FOREACH(t, &f->all, all)
    n += t->stage != TRANSFER_QUEUED && t->stage != TRANSFER_DONE &&
         strcmp(t->server, waiting->server) == 0;
    return n < f->limits.transfers_per_server;
}

static void begin(struct fetcher *f, struct transfer *t)
{
    t->stage = TRANSFER_CONNECTING;
    f->queued--;
    f->running++;
    if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK)
        abort();
}

static void begin_queued(struct fetcher *f)
{
    struct transfer *t;
    if (f->queued == 0)
        return;
    TAILQ_FOREACH(t, &f->all, all)
    if (t->stage == TRANSFER_QUEUED && has_room(f, t))
        begin(f, t);
}

static void on_deadline(uv_timer_t *timer);

/* Deadlines move with each piece of an answer: where they moved away, the timer comes too early and
 * is set again. */
static void arm(struct fetcher *f)
{
    const struct transfer *t;
    uint64_t due = NEVER, now = uv_now(f->loop);
    TAILQ_FOREACH(t, &f->all, all)
    due = transfer_due_ms(t) < due ? transfer_due_ms(t) : due;
    if (due >= f->armed_ms)
        return;
    f->armed_ms = due;
    uv_timer_start(&f->deadline, on_deadline, due > now ? due - now : 0, 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct fetcher *f = timer->data;
    struct transfer *t;
    f->armed_ms = NEVER;
    TAILQ_FOREACH(t, &f->all, all)
    {
        if (transfer_due_ms(t) > uv_now(f->loop))
            continue;
        withdraw(f, t);
        transfer_finish_late(t);
    }
    turn(f);
}

/* What is woken may start and end fetches, also its own and others that are roused. */
static void turn(struct fetcher *f)
{
    struct transfer *t;
    collect(f);
    begin_queued(f);
    arm(f);
    while ((t = TAILQ_FIRST(&f->roused))) {
        settle(f, t);
        waiter_wake(t->waiter);
    }
}

/* --- The port --------------------------------------------------------------------------------- */

static struct transfer *transfer_of(struct fetch *f)
{
    return (struct transfer *)f;
}

static void set_up(struct fetcher *f)
{
    easy_setup();
    f->multi = mem_need(curl_multi_init());
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)f->limits.transfers);
}

static int start(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e)
{
    struct fetcher *f = cls;
    struct transfer *t;
    if (!f->multi)
        set_up(f);
    if (f->queued >= f->limits.queue)
        return err_set(e, -EBUSY, "%u requests to other servers are waiting already", f->queued);
    int r = transfer_new(q, uv_now(f->loop), &t, e);
    if (r < 0)
        return r;
    t->fetcher = f;
    t->fetch.port = &f->port;
    TAILQ_INSERT_TAIL(&f->all, t, all);
    f->queued++;
    begin_queued(f);
    arm(f);
    *ret = &t->fetch;
    return 0;
}

/* libcurl may hand over at once what it held back: that is a wake of the next turn. */
static struct str take(struct fetch *fetch)
{
    struct transfer *t = transfer_of(fetch);
    struct str bytes = transfer_take(t);
    if (t->is_roused)
        uv_timer_start(&t->fetcher->clock, on_clock, 0, 0);
    return bytes;
}

static struct str header(struct fetch *fetch, const char *name)
{
    return transfer_header(transfer_of(fetch), name);
}

static void end(struct fetch *fetch)
{
    struct transfer *t = transfer_of(fetch);
    struct fetcher *f = t->fetcher;
    settle(f, t);
    withdraw(f, t);
    TAILQ_REMOVE(&f->all, t, all);
    transfer_free(t);
    begin_queued(f);
    arm(f);
}

/* --- Its life --------------------------------------------------------------------------------- */

struct fetcher *fetcher_new(uv_loop_t *loop, const struct fetcher_limits *limits)
{
    struct fetcher *f = MEM_NEW(struct fetcher);
    f->port = (struct fetch_port){start, take, header, end, f};
    f->limits = *limits;
    f->loop = loop;
    f->armed_ms = NEVER;
    TAILQ_INIT(&f->all);
    TAILQ_INIT(&f->roused);
    LIST_INIT(&f->watches);
    uv_timer_init(loop, &f->clock);
    uv_timer_init(loop, &f->deadline);
    f->clock.data = f->deadline.data = f;
    f->handles = 2;
    return f;
}

const struct fetch_port *fetcher_port(const struct fetcher *f)
{
    return &f->port;
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

void fetcher_free(struct fetcher *f)
{
    struct watch *w;
    if (!f)
        return;
    assert(TAILQ_EMPTY(&f->all));
    if (f->multi) {
        curl_multi_cleanup(f->multi);
        easy_teardown();
    }
    while ((w = LIST_FIRST(&f->watches)))
        watch_close(w);
    uv_close((uv_handle_t *)&f->clock, on_timer_closed);
    uv_close((uv_handle_t *)&f->deadline, on_timer_closed);
}
