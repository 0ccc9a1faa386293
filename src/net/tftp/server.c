/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --- Reports ------------------------------------------------------------------------------- */

/* Lines about failed transfers are limited: any host can cause them. */
#define LINES_MAX 200
#define LINES_PER_MS 10000
#define FILE_MAX_BYTES 200

static const char *const names[] = {
    [OUTCOME_DONE] = "done",           [OUTCOME_REFUSED] = "refused",
    [OUTCOME_PROBED] = "probed",       [OUTCOME_ABORTED] = "aborted",
    [OUTCOME_TIMED_OUT] = "timed-out", [OUTCOME_UNANSWERED] = "unanswered",
    [OUTCOME_FAILED] = "failed",
};

static uint64_t *counter_of(struct tftp_counters *c, enum tftp_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_DONE: return &c->done;
    case OUTCOME_REFUSED: return &c->refused;
    case OUTCOME_PROBED: return &c->probed;
    case OUTCOME_ABORTED: return &c->aborted;
    case OUTCOME_TIMED_OUT: return &c->timed_out;
    case OUTCOME_UNANSWERED: return &c->unanswered;
    default: return &c->failed;
    }
}

static bool may_write(struct tftp_server *s)
{
    struct tftp_budget *b = &s->budget;
    uint64_t now = uv_now(s->loop);
    if (b->since_ms && now - b->since_ms < LINES_PER_MS) {
        if (b->lines++ < LINES_MAX)
            return true;
        b->unlogged++;
        return false;
    }
    if (b->unlogged)
        log_warning("tftp-unlogged", LOG_NUMBER("transfers", b->unlogged),
                    LOG_TEXT("reason", STR("too many that did not end well in ten seconds")));
    *b = (struct tftp_budget){.since_ms = now, .lines = 1};
    return true;
}

static enum log_level level_of(enum tftp_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_DONE:
    case OUTCOME_PROBED: return LOG_INFO;
    case OUTCOME_UNANSWERED: return LOG_DEBUG;
    case OUTCOME_FAILED: return LOG_WARNING;
    default: return LOG_NOTICE;
    }
}

void tftp_server_report(const struct tftp_transfer *t, enum tftp_outcome outcome,
                        const char *reason)
{
    struct tftp_server *s = t->server;
    struct value_pair fields[10];
    size_t n = 0;
    char peer[ENDPOINT_TEXT_SIZE];
    enum log_level level = level_of(outcome);
    uint64_t bytes = tftp_transfer_bytes(t, outcome == OUTCOME_DONE);
    ++*counter_of(&s->counters, outcome);
    s->counters.bytes += bytes;
    if (!log_wants(level) || (outcome != OUTCOME_DONE && !may_write(s)))
        return;
    fields[n++] = (struct value_pair)LOG_TEXT("peer", str_from(endpoint_text(t->peer, peer)));
    fields[n++] =
        (struct value_pair)LOG_TEXT("file", str_head(t->exchange.in.path, FILE_MAX_BYTES));
    if (t->exchange.out.node.n && t->has_exchange)
        fields[n++] = (struct value_pair)LOG_TEXT("node", t->exchange.out.node);
    fields[n++] = (struct value_pair)LOG_NUMBER("bytes", bytes);
    fields[n++] = (struct value_pair)LOG_NUMBER("blocks", t->window.acked);
    fields[n++] = (struct value_pair)LOG_NUMBER("retransmits", t->window.resent);
    if (t->window.stray)
        fields[n++] = (struct value_pair)LOG_NUMBER("stray", t->window.stray);
    fields[n++] = (struct value_pair)LOG_NUMBER("ms", uv_now(s->loop) - t->begun_ms);
    fields[n++] = (struct value_pair)LOG_TEXT("outcome", str_from(names[outcome]));
    if (reason && *reason)
        fields[n++] = (struct value_pair)LOG_TEXT("reason", str_from(reason));
    log_event(level, "tftp", fields, n);
}

static void report_refused(struct tftp_server *s, struct endpoint peer, struct str file,
                           const char *reason)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (may_write(s))
        log_notice("tftp", LOG_TEXT("peer", str_from(endpoint_text(peer, text))),
                   LOG_TEXT("file", str_head(file, FILE_MAX_BYTES)),
                   LOG_TEXT("outcome", STR("refused")), LOG_TEXT("reason", str_from(reason)));
}

static void report_limit(struct tftp_server *s, struct endpoint peer, const char *reason)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (may_write(s))
        log_warning("tftp-limit", LOG_TEXT("peer", str_from(endpoint_text(peer, text))),
                    LOG_TEXT("reason", str_from(reason)));
}

/* --- Requests ------------------------------------------------------------------------------ */

/* A repeated RRQ is ignored while its transfer makes progress. After this long without an ACK it is
 * from a machine that was reset and uses the same port again. */
#define STALE_MS 2000

static void refuse(struct tftp_server *s, int fd, const struct datagram *d, struct str file,
                   uint16_t code, struct str text)
{
    struct buf b;
    buf_init(&b, 256);
    if (tftp_write(&b, &(struct tftp_packet){.opcode = TFTP_ERROR, .number = code, .rest = text}))
        datagram_reply(fd, d, buf_view(&b));
    buf_done(&b);
    s->counters.refused++;
    report_refused(s, socket_peer(&d->from), file, text.p);
}

uint32_t tftp_address_slot(struct address a)
{
    return (uint32_t)(hash64((struct str){(const char *)&a, sizeof(a)}) % PEER_SLOTS);
}

static uint32_t peer_slot(struct endpoint peer)
{
    return tftp_address_slot(peer.address) ^ (peer.port % PEER_SLOTS);
}

static struct tftp_transfer *find(struct tftp_server *s, struct endpoint peer, uint32_t slot)
{
    struct tftp_transfer *t;
    LIST_FOREACH(t, &s->peers[slot], by_peer)
    {
        if (t->peer.port == peer.port && address_same(t->peer.address, peer.address))
            return t;
    }
    return NULL;
}

static bool is_repeated(struct tftp_server *s, struct endpoint peer, uint32_t slot)
{
    struct tftp_transfer *t = find(s, peer, slot);
    if (!t)
        return false;
    if (t->state == TRANSFER_ASKING || tftp_source_loading(t->source) ||
        uv_now(s->loop) - t->window.heard_ms < STALE_MS)
        return true;
    tftp_transfer_end(t, t->unheard ? OUTCOME_UNANSWERED : OUTCOME_TIMED_OUT,
                      "the client asked again");
    return false;
}

/* Where the limit is reached, the oldest transfer whose client has never answered is ended: its
 * address may be forged. A request over the limit is dropped: the client repeats it, whereas an
 * error would end its boot. */
static bool make_room(struct tftp_server *s, struct endpoint peer)
{
    if (s->addresses[tftp_address_slot(peer.address)] >= s->limits.transfers_per_address) {
        report_limit(s, peer, "one address has all the transfers that it may have");
        return false;
    }
    if (s->transfers_n < s->limits.transfers)
        return true;
    struct tftp_transfer *oldest = TAILQ_FIRST(&s->unheard);
    if (!oldest) {
        report_limit(s, peer, "all transfers are taken");
        return false;
    }
    tftp_transfer_end(oldest, OUTCOME_UNANSWERED, "its place was needed");
    return true;
}

static void take_read(struct tftp_server *s, int fd, const struct datagram *d,
                      const struct tftp_packet *p)
{
    struct endpoint peer = socket_peer(&d->from);
    uint32_t slot = peer_slot(peer);
    s->counters.requests++;
    if (is_repeated(s, peer, slot))
        s->counters.repeated++;
    else if (p->mode == TFTP_MODE_OTHER)
        refuse(s, fd, d, p->file, TFTP_ILLEGAL, STR("the modes octet and netascii are served"));
    else if (!make_room(s, peer))
        s->counters.limited++;
    else
        tftp_transfer_begin(s, fd, d, p, slot);
}

/* Errors and packets of unknown transfers are never answered: two servers could answer each other
 * for ever. */
static void take_request(struct tftp_server *s, int listener_fd, const struct datagram *d)
{
    struct tftp_packet p;
    if (d->for_many || !socket_peer(&d->from).port || !tftp_parse(d->bytes, &p))
        s->counters.malformed++;
    else if (p.opcode == TFTP_RRQ)
        take_read(s, listener_fd, d, &p);
    else if (p.opcode == TFTP_WRQ)
        refuse(s, listener_fd, d, p.file, TFTP_ACCESS,
               STR("nothing can be written here: files are only read"));
    else
        s->counters.malformed++;
}

/* Requests taken in one go, before running transfers get their turn. */
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
        while (!TAILQ_EMPTY(lists[i]))
            tftp_transfer_fail(TAILQ_FIRST(lists[i]), "the server is being shut down");
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
            take_request(l->server, l->fd, &d);
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
