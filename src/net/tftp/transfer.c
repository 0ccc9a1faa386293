/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TRANSFER_MS 3600000 /* however patient the two of them are */
/* Acknowledgements taken in one go, before others get their turn. */
#define RECEIVE_BATCH 8

/* --- The end ------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct tftp_transfer *t = handle->data;
    struct tftp_server *s = t->server;
    if (--t->handles == 0)
        free(t);
    tftp_server_release_handle(s);
}

void tftp_transfer_end_exchange(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    if (!t->asking)
        return;
    t->asking = false;
    slots_remove(&s->names, t->exchange.ref);
    s->port->end(s->port->cls, &t->exchange);
    buf_done(&t->exchange.body);
}

static void forget(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    LIST_REMOVE(t, by_peer);
    TAILQ_REMOVE(t->unheard ? &s->unheard : &s->running, t, entry);
    s->addresses[tftp_address_slot(t->peer.address)]--;
    s->transfers_n--;
}

void tftp_transfer_end(struct tftp_transfer *t, enum tftp_outcome outcome, const char *reason)
{
    if (t->ended)
        return;
    t->ended = true;
    tftp_report(t, outcome, reason);
    forget(t);
    tftp_transfer_end_exchange(t);
    tftp_pump_end(t);
    source_free(t->source);
    arena_done(&t->exchange.arena);
    if (t->fd >= 0) {
        uv_close((uv_handle_t *)&t->watch, on_closed);
        close(t->fd);
    }
    uv_close((uv_handle_t *)&t->timer, on_closed);
    tftp_server_check_drained(t->server);
}

/* Through the transfer's own socket, or where there is none yet through the listener's. */
void tftp_transfer_error(const struct tftp_transfer *t, uint16_t code, struct str text)
{
    struct buf b;
    buf_init(&b, 512);
    struct tftp_packet p = {
        .opcode = TFTP_ERROR, .number = code, .rest = str_head(text, TFTP_ERROR_TEXT_MAX_BYTES)};
    tftp_write(&b, &p);
    if (t->fd >= 0)
        send(t->fd, b.p, b.n, MSG_NOSIGNAL);
    else if (t->listener_fd >= 0)
        datagram_reply(t->listener_fd, &t->request, buf_view(&b));
    buf_done(&b);
}

void tftp_transfer_fail(struct tftp_transfer *t, const char *reason)
{
    tftp_transfer_error(t, TFTP_UNDEFINED, str_from(reason));
    tftp_transfer_end(t, OUTCOME_FAILED, reason);
}

void tftp_transfer_gone(struct tftp_transfer *t)
{
    if (t->unheard)
        tftp_transfer_end(t, OUTCOME_UNANSWERED, "nobody is at the client's port");
    else if (t->window.furthest == t->window.last)
        tftp_transfer_end(t, OUTCOME_ABORTED,
                          "the client left after the last block: perhaps it has it all");
    else
        tftp_transfer_end(t, OUTCOME_ABORTED, "the client left");
}

/* --- Time ---------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* The timer runs on where it comes too early: it is moved for what must come sooner alone. */
void tftp_transfer_arm(struct tftp_transfer *t)
{
    uint64_t now = uv_now(t->server->loop), due = t->window.deadline_ms;
    if (uv_is_active((uv_handle_t *)&t->timer) && t->armed_ms <= due + 50)
        return;
    t->armed_ms = due;
    uv_timer_start(&t->timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_late(struct tftp_transfer *t)
{
    switch (window_timeout(&t->window, uv_now(t->server->loop))) {
    case WINDOW_SEND:
        if (t->window.negotiating)
            tftp_pump_oack(t);
        tftp_pump(t);
        return;
    case WINDOW_LOST:
        tftp_transfer_end(t, t->unheard ? OUTCOME_UNANSWERED : OUTCOME_TIMED_OUT,
                          "the client fell silent");
        return;
    default: tftp_transfer_arm(t); return;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct tftp_transfer *t = timer->data;
    uint64_t now = uv_now(t->server->loop);
    if (t->asking && t->fd < 0)
        tftp_transfer_fail(t, "the server is too slow: try again");
    else if (now - t->begun_ms > TRANSFER_MS)
        tftp_transfer_fail(t, "this takes too long");
    else if (t->source && source_loading(t->source)) {
        window_wait(&t->window, now); /* the client waits for us */
        tftp_transfer_arm(t);
    } else
        on_late(t);
}

/* --- What the client says ------------------------------------------------------------------ */

static void move_to_running(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    if (!t->unheard)
        return;
    TAILQ_REMOVE(&s->unheard, t, entry);
    TAILQ_INSERT_TAIL(&s->running, t, entry);
    t->unheard = false;
}

/* EDK2 asks once for the size alone, and hangs up. */
static void on_error(struct tftp_transfer *t, const struct tftp_packet *p)
{
    bool probed = t->window.negotiating && (t->asked.has & TFTP_HAS_TSIZE);
    tftp_transfer_end(t, probed ? OUTCOME_PROBED : OUTCOME_ABORTED,
                      arena_str(&t->exchange.arena, p->rest).p);
}

/* False where nothing more can be taken for now. */
static bool on_ack(struct tftp_transfer *t, uint16_t number)
{
    switch (window_ack(&t->window, number, uv_now(t->server->loop))) {
    case WINDOW_IGNORE: return true;
    case WINDOW_DONE: tftp_transfer_end(t, OUTCOME_DONE, NULL); return false;
    default:
        move_to_running(t);
        tftp_pump(t);
        return false;
    }
}

static bool take_packet(struct tftp_transfer *t)
{
    char room[PACKET_MAX_BYTES];
    struct tftp_packet p;
    ssize_t n = recv(t->fd, room, sizeof(room), 0);
    if (n < 0 && errno == ECONNREFUSED) {
        tftp_transfer_gone(t);
        return false;
    }
    if (n < 0)
        return errno == EINTR;
    if (!tftp_parse((struct str){room, (size_t)n}, &p))
        return true;
    if (p.opcode == TFTP_ACK)
        return on_ack(t, p.number);
    if (p.opcode == TFTP_ERROR)
        on_error(t, &p);
    return p.opcode != TFTP_ERROR;
}

static void on_ready(uv_poll_t *watch, int status, int events)
{
    struct tftp_transfer *t = watch->data;
    if ((events & UV_WRITABLE) && t->stuck) {
        tftp_transfer_watch(t, false);
        tftp_pump(t);
    }
    if (status < 0 || events & UV_READABLE) {
        for (int i = 0; i < RECEIVE_BATCH && !t->ended && take_packet(t); i++)
            ;
    }
}

void tftp_transfer_watch(struct tftp_transfer *t, bool until_writable)
{
    t->stuck = until_writable;
    uv_poll_start(&t->watch, UV_READABLE | (until_writable ? UV_WRITABLE : 0), on_ready);
}
