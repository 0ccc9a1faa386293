/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_BYTES 1024
#define ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define ERROR_TEXT_MAX_BYTES 180
#define ANSWER_MS 20000     /* unless the limits say otherwise; core's own waits are shorter */
#define TRANSFER_MS 3600000 /* even where client and server make progress */
/* Acknowledgements taken in one go, before other transfers get their turn. */
#define RECEIVE_BATCH 8
/* What is read of a file at a time, once its client has answered. */
#define READ_BYTES 65536

/* Netascii: what is sent is not what is read, and where a block begins is known only after all
 * blocks before it. The block that is on its way is kept, and where the next one begins. */
struct tftp_text {
    struct tftp_netascii state; /* behind the block */
    uint64_t read;              /* likewise, in the source */
    uint64_t block;             /* that is kept; 0: none yet */
    size_t n;
    char bytes[];
};

/* Parts of datagrams to send: a header and a block's bytes each. */
struct batch {
    struct iovec parts[2 * DATAGRAM_BATCH_MAX];
    char headers[DATAGRAM_BATCH_MAX][TFTP_HEADER_BYTES];
    int n;
};

/* --- The end ------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct tftp_transfer *t = handle->data;
    struct tftp_server *s = t->server;
    tftp_transfer_check(t, TRANSFER_ENDED);
    if (--t->handles == 0) {
        t->magic = 0;
        free(t);
    }
    tftp_server_release_handle(s);
}

static void end_exchange(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    if (!t->has_exchange)
        return;
    t->has_exchange = false;
    slots_remove(&s->names, t->exchange.waiter.ref);
    exchange_end(&t->exchange);
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
    assert(t->magic == TRANSFER_MAGIC && t->state != TRANSFER_ENDED);
    tftp_server_report(t, outcome, reason);
    t->state = TRANSFER_ENDED;
    forget(t);
    end_exchange(t);
    free(t->text);
    tftp_source_free(t->source);
    arena_done(&t->exchange.arena);
    if (t->fd >= 0) {
        uv_close((uv_handle_t *)&t->watch, on_closed);
        close(t->fd);
    }
    uv_close((uv_handle_t *)&t->timer, on_closed);
    tftp_server_check_drained(t->server);
}

/* From the transfer's own socket, or from the listener's while there is none. */
static void send_error(const struct tftp_transfer *t, uint16_t code, struct str text)
{
    struct buf b;
    buf_init(&b, 512);
    struct tftp_packet p = {
        .opcode = TFTP_ERROR, .number = code, .rest = str_head(text, ERROR_TEXT_MAX_BYTES)};
    tftp_write(&b, &p);
    if (t->fd >= 0)
        send(t->fd, b.p, b.n, MSG_NOSIGNAL);
    else if (t->listener_fd >= 0)
        datagram_reply(t->listener_fd, &t->request, buf_view(&b));
    buf_done(&b);
}

void tftp_transfer_fail(struct tftp_transfer *t, const char *reason)
{
    if (!t->unheard || t->window.tries == 0)
        send_error(t, TFTP_UNDEFINED, str_from(reason));
    tftp_transfer_end(t, OUTCOME_FAILED, reason);
}

/* The kernel says that the client's port is closed. */
static void end_unreachable(struct tftp_transfer *t)
{
    if (t->unheard)
        tftp_transfer_end(t, OUTCOME_UNANSWERED, "nobody is at the client's port");
    else if (t->window.furthest == t->window.last)
        tftp_transfer_end(t, OUTCOME_ABORTED,
                          "the client left after the last block: perhaps it has it all");
    else
        tftp_transfer_end(t, OUTCOME_ABORTED, "the client left");
}

uint64_t tftp_transfer_bytes(const struct tftp_transfer *t, bool done)
{
    if (t->fd < 0)
        return 0;
    if (done && !t->text)
        return tftp_source_length(t->source);
    if (done)
        return (t->window.last - 1) * t->granted.blksize + t->text->n;
    return t->window.acked * t->granted.blksize;
}

/* --- What is waited for -------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);
static void on_ready(uv_poll_t *watch, int status, int events);

/* A timer that fires too early costs less than moving it with each block: it is moved only where
 * the deadline has become much earlier. */
static void arm(struct tftp_transfer *t)
{
    uint64_t now = uv_now(t->server->loop), due = t->window.deadline_ms;
    if (uv_is_active((uv_handle_t *)&t->timer) && t->armed_ms <= due + 50)
        return;
    t->armed_ms = due;
    uv_timer_start(&t->timer, on_timer, due > now ? due - now : 0, 0);
}

/* Packets from the client, and where the socket was full, room in it. */
static void watch(struct tftp_transfer *t, bool until_writable)
{
    t->stuck = until_writable;
    uv_poll_start(&t->watch, UV_READABLE | (until_writable ? UV_WRITABLE : 0), on_ready);
}

/* --- Bytes --------------------------------------------------------------------------------- */

static void on_loaded(void *cls, int result);

static uint64_t offset_of(const struct tftp_transfer *t, uint64_t block)
{
    return (block - 1) * t->granted.blksize;
}

/* Whole windows, so that none is cut in two by the end of what was read. */
static size_t read_bytes(const struct tftp_transfer *t)
{
    size_t block = t->granted.blksize, window = block * t->granted.windowsize;
    if (t->unheard)
        return block;
    if (window <= READ_BYTES)
        return READ_BYTES / window * window;
    return block < READ_BYTES ? READ_BYTES / block * block : block;
}

/* 0 where the bytes are at hand, 1 where they are on their way; else the transfer has ended. */
static int load(struct tftp_transfer *t, uint64_t at, size_t n)
{
    int r = tftp_source_load(t->source, at, n, on_loaded, t);
    if (r == -EAGAIN) {
        arm(t);
        return 1;
    }
    if (r < 0)
        on_loaded(t, r);
    return r;
}

/* Encodes the block behind the one that is kept. Returns as load does. */
static int encode(struct tftp_transfer *t, uint64_t block)
{
    struct tftp_text *x = t->text;
    struct tftp_netascii state = x->state;
    struct str from;
    size_t room = t->granted.blksize;
    if (!tftp_source_at(t->source, x->read, room, &from)) {
        int r = load(t, x->read, read_bytes(t));
        if (r != 0)
            return r;
        tftp_source_at(t->source, x->read, room, &from);
    }
    size_t before = from.n;
    x->n = tftp_netascii(&state, &from, x->bytes, room);
    x->read += before - from.n;
    x->state = state;
    x->block = block;
    if (x->n < room)
        t->window.last = block;
    return 0;
}

/* The block's bytes, if they are at hand. */
static bool find(const struct tftp_transfer *t, uint64_t block, struct str *ret)
{
    if (!t->text)
        return tftp_source_at(t->source, offset_of(t, block), t->granted.blksize, ret);
    *ret = (struct str){t->text->bytes, t->text->n};
    return t->text->block == block;
}

/* --- Sending ------------------------------------------------------------------------------- */

static void send_oack(struct tftp_transfer *t)
{
    struct buf b;
    buf_init(&b, 512);
    if (tftp_write(&b, &(struct tftp_packet){.opcode = TFTP_OACK, .options = t->granted}))
        send(t->fd, b.p, b.n, MSG_NOSIGNAL);
    buf_done(&b);
    arm(t);
}

/* As many blocks from `block` on as are at hand and fit. */
static void gather(const struct tftp_transfer *t, uint64_t block, struct batch *b)
{
    const struct tftp_window *w = &t->window;
    uint64_t end = w->acked + w->size < w->last ? w->acked + w->size : w->last;
    size_t bytes = 0;
    struct str data;
    b->n = 0;
    while (block <= end && b->n < DATAGRAM_BATCH_MAX && find(t, block, &data)) {
        bytes += TFTP_HEADER_BYTES + data.n;
        if (b->n && bytes > DATAGRAM_BATCH_BYTES)
            return;
        tftp_data_header(b->headers[b->n], (uint16_t)block++);
        b->parts[2 * b->n] = (struct iovec){b->headers[b->n], TFTP_HEADER_BYTES};
        b->parts[2 * b->n + 1] = (struct iovec){(void *)(uintptr_t)data.p, data.n};
        b->n++;
    }
}

/* A datagram that cannot be sent for another reason is lost, like any other: the time-out sends it
 * again. */
static int send_batch(struct tftp_transfer *t, const struct batch *b)
{
    int r =
        datagram_send(t->fd, b->parts, b->n, TFTP_HEADER_BYTES + t->granted.blksize, &t->offload);
    if (r == -EAGAIN || r == -ECONNREFUSED)
        return r;
    return r < 0 ? b->n : r;
}

static void count_sent(struct tftp_transfer *t, int n)
{
    struct tftp_counters *c = &t->server->counters;
    uint64_t resent = t->window.resent;
    tftp_window_sent(&t->window, t->window.sent + (uint64_t)n, uv_now(t->server->loop));
    c->blocks += (uint64_t)n;
    c->resent += t->window.resent - resent;
}

/* Sends what may be sent; the transfer may have ended afterwards. */
static void pump(struct tftp_transfer *t)
{
    struct batch batch;
    uint64_t block;
    tftp_transfer_check(t, TRANSFER_SENDING);
    while (t->state == TRANSFER_SENDING && !t->stuck &&
           (block = tftp_window_next(&t->window)) != 0) {
        gather(t, block, &batch);
        if (batch.n == 0) {
            int loaded = t->text ? encode(t, block) : load(t, offset_of(t, block), read_bytes(t));
            if (loaded != 0)
                return;
            continue;
        }
        int r = send_batch(t, &batch);
        if (r == -EAGAIN)
            watch(t, true);
        else if (r < 0)
            end_unreachable(t);
        else
            count_sent(t, r);
    }
    if (t->state == TRANSFER_SENDING)
        arm(t);
}

static void on_loaded(void *cls, int result)
{
    struct tftp_transfer *t = cls;
    tftp_transfer_check(t, TRANSFER_SENDING);
    if (result == 0)
        pump(t);
    else if (result == -ESTALE)
        tftp_transfer_fail(t, "the file changed while it was sent");
    else if (result == -ETIMEDOUT)
        tftp_transfer_fail(t, "the assets folder does not answer: its share may be gone");
    else
        tftp_transfer_fail(t, "the file cannot be read");
}

/* --- Time-outs ----------------------------------------------------------------------------- */

static void on_late(struct tftp_transfer *t)
{
    switch (tftp_window_timeout(&t->window, uv_now(t->server->loop))) {
    case WINDOW_SEND:
        if (t->window.negotiating)
            send_oack(t);
        pump(t);
        return;
    case WINDOW_LOST:
        tftp_transfer_end(t, t->unheard ? OUTCOME_UNANSWERED : OUTCOME_TIMED_OUT,
                          "the client fell silent");
        return;
    default: arm(t); return;
    }
}

static void step(struct tftp_transfer *t);

static void on_timer(uv_timer_t *timer)
{
    struct tftp_transfer *t = timer->data;
    uint64_t now = uv_now(t->server->loop);
    assert(t->magic == TRANSFER_MAGIC && t->state != TRANSFER_ENDED);
    if (t->state == TRANSFER_ASKING && t->exchange.woken)
        step(t);
    else if (t->state == TRANSFER_ASKING)
        tftp_transfer_fail(t, "the server is too slow: try again");
    else if (now - t->begun_ms > TRANSFER_MS)
        tftp_transfer_fail(t, "this takes too long");
    else if (t->source && tftp_source_loading(t->source)) {
        tftp_window_wait(&t->window, now); /* the delay is ours, not the client's */
        arm(t);
    } else
        on_late(t);
}

/* --- Packets of the client ----------------------------------------------------------------- */

static void move_to_running(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    if (!t->unheard)
        return;
    TAILQ_REMOVE(&s->unheard, t, entry);
    TAILQ_INSERT_TAIL(&s->running, t, entry);
    t->unheard = false;
}

/* EDK2 first asks only for the size, and ends that transfer with an ERROR. */
static void on_error(struct tftp_transfer *t, const struct tftp_packet *p)
{
    bool probed = t->window.negotiating && (t->asked.has & TFTP_HAS_TSIZE);
    tftp_transfer_end(t, probed ? OUTCOME_PROBED : OUTCOME_ABORTED,
                      arena_str(&t->exchange.arena, p->rest).p);
}

/* False where nothing more can be taken for now. */
static bool on_ack(struct tftp_transfer *t, uint16_t number)
{
    uint64_t stray = t->window.stray;
    enum tftp_window_verdict v = tftp_window_ack(&t->window, number, uv_now(t->server->loop));
    t->server->counters.stray += t->window.stray - stray;
    switch (v) {
    case WINDOW_IGNORE: return true;
    case WINDOW_DONE: tftp_transfer_end(t, OUTCOME_DONE, NULL); return false;
    default:
        move_to_running(t);
        pump(t);
        return false;
    }
}

static bool take_packet(struct tftp_transfer *t)
{
    char room[PACKET_MAX_BYTES];
    struct tftp_packet p;
    ssize_t n = recv(t->fd, room, sizeof(room), 0);
    if (n < 0 && errno == ECONNREFUSED) {
        end_unreachable(t);
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

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct tftp_transfer *t = handle->data;
    tftp_transfer_check(t, TRANSFER_SENDING);
    if ((events & UV_WRITABLE) && t->stuck) {
        watch(t, false);
        pump(t);
    }
    if (status < 0 || events & UV_READABLE) {
        for (int i = 0; i < RECEIVE_BATCH && t->state == TRANSFER_SENDING && take_packet(t); i++)
            ;
    }
}

/* --- The beginning of the data --------------------------------------------------------------- */

/* A port of the range that cannot be predicted: a host that forges requests would otherwise know
 * where to send forged acknowledgements. */
static int open_socket(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    uint32_t first = s->limits.port_first, n = s->limits.port_last - first + 1u;
    if (!first)
        return datagram_connect(&t->request, 0);
    uint32_t start;
    random_bytes(&start, sizeof(start));
    start %= n;
    int fd = -EADDRINUSE;
    for (uint32_t i = 0; i < n && fd == -EADDRINUSE; i++)
        fd = datagram_connect(&t->request, (uint16_t)(first + (start + i) % n));
    return fd;
}

static void grant(struct tftp_transfer *t)
{
    const struct tftp_limits *l = &t->server->limits;
    t->granted = t->asked;
    t->granted.tsize = tftp_source_length(t->source);
    if (t->mode ==
        TFTP_NETASCII) /* the size is known at the end, and one block at a time is kept */
        t->granted.has &= ~(unsigned)(TFTP_HAS_TSIZE | TFTP_HAS_WINDOWSIZE);
    if (tftp_source_length(t->source) == 0) /* curl takes a tsize of 0 for an error */
        t->granted.has &= ~(unsigned)TFTP_HAS_TSIZE;
    if (!(t->granted.has & TFTP_HAS_BLKSIZE))
        t->granted.blksize = TFTP_BLKSIZE_DEFAULT;
    if (!(t->granted.has & TFTP_HAS_WINDOWSIZE))
        t->granted.windowsize = 1;
    if (t->granted.windowsize > l->windowsize)
        t->granted.windowsize = l->windowsize;
    if (!(t->granted.has & TFTP_HAS_TIMEOUT))
        t->granted.timeout_s = 0;
}

static void start(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    t->fd = open_socket(t);
    if (t->fd < 0) {
        tftp_transfer_end(t, OUTCOME_FAILED,
                          t->fd == -EADDRINUSE
                              ? "no port of tftp_ports is free"
                              : arena_str(&t->exchange.arena, str_from(strerror(-t->fd))).p);
        return;
    }
    t->state = TRANSFER_SENDING;
    uv_poll_init(s->loop, &t->watch, t->fd);
    t->watch.data = t;
    t->handles++;
    s->handles++;
    watch(t, false);
    grant(t);
    t->offload = true;
    tftp_window_init(&t->window, t->granted.windowsize, t->granted.timeout_s, t->granted.has != 0,
                     uv_now(s->loop));
    if (t->mode == TFTP_NETASCII)
        t->text = mem_zalloc(1, sizeof(*t->text) + t->granted.blksize);
    else
        t->window.last = tftp_source_length(t->source) / t->granted.blksize + 1;
    uv_timer_stop(&t->timer);
    if (t->window.negotiating)
        send_oack(t);
    pump(t);
}

/* --- The exchange -------------------------------------------------------------------------- */

static uint16_t code_of(int status)
{
    switch (status) {
    case 404: return TFTP_NOT_FOUND;
    case 403: return TFTP_ACCESS;
    case 405: return TFTP_ILLEGAL;
    default: return TFTP_UNDEFINED;
    }
}

/* In one line, for a console. Where core says 'not yet', for example as no descriptor is free, the
 * client gets no answer: it asks again, whereas an ERROR would end its boot. */
static void refuse(struct tftp_transfer *t)
{
    const struct exchange_out *out = &t->exchange.out;
    struct str text = out->reason ? str_from(out->reason) : str_trim(out->body);
    struct buf line;
    buf_init(&line, 4096);
    buf_escaped(&line, str_cut(&text, '\n'), ERROR_TEXT_MAX_BYTES);
    const char *reason = arena_str(&t->exchange.arena, buf_view(&line)).p;
    buf_done(&line);
    if (!out->retry_after_s)
        send_error(t, code_of(out->status), str_from(reason));
    tftp_transfer_end(t, OUTCOME_REFUSED, reason);
}

static void answer(struct tftp_transfer *t)
{
    struct exchange_out *out = &t->exchange.out;
    if (out->status != 200 || out->stream) {
        refuse(t);
        return;
    }
    if (out->content) {
        t->source = tftp_source_of_file(t->server->work, out->content);
        end_exchange(t); /* nothing of it is needed any more */
    } else {
        t->source = tftp_source_of_memory(out->body);
    }
    start(t);
}

/* Until core answers, the client is ignored when it asks again, and waits for this deadline. */
static void step(struct tftp_transfer *t)
{
    tftp_transfer_check(t, TRANSFER_ASKING);
    if (exchange_step(&t->exchange) == EXCHANGE_DONE) {
        answer(t);
        return;
    }
    uint32_t answer_ms = t->server->limits.answer_ms;
    t->window.deadline_ms = t->begun_ms + (answer_ms ? answer_ms : ANSWER_MS);
    arm(t);
}

/* The step is left to the timer: what wakes us may be in the middle of another exchange. */
void tftp_server_wake(void *cls, struct slot_ref who)
{
    struct tftp_server *s = cls;
    struct tftp_transfer *t = slots_find(&s->names, who);
    if (!t || !exchange_wake(&t->exchange))
        return;
    tftp_transfer_check(t, TRANSFER_ASKING);
    t->armed_ms = uv_now(s->loop);
    uv_timer_start(&t->timer, on_timer, 0, 0);
}

/* Some ROMs ask with backslashes, grub with a slash in front. */
static struct str path_of(struct str file, struct arena *a)
{
    struct str path = ARENA_JOIN(a, STR("/"), tftp_name_meant(file));
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\')
            ((char *)(uintptr_t)path.p)[i] = '/';
    }
    return path;
}

static void ask(struct tftp_transfer *t, struct str file)
{
    struct tftp_server *s = t->server;
    struct exchange *x = &t->exchange;
    arena_init(&x->arena, ARENA_BYTES);
    buf_init(&x->body, ANSWER_MAX_BYTES);
    x->in = (struct exchange_in){.method = METHOD_GET,
                                 .listener = LISTENER_TFTP,
                                 .path = path_of(file, &x->arena),
                                 .peer = t->peer.address};
    x->waiter = (struct waiter){{tftp_server_wake, s}, slots_put(&s->names, t)};
    t->has_exchange = true;
    exchange_begin(x, s->port);
    if (x->out.status)
        answer(t);
    else
        step(t);
}

void tftp_transfer_begin(struct tftp_server *s, int listener_fd, const struct datagram *d,
                         const struct tftp_packet *rrq, uint32_t peer_slot)
{
    struct tftp_transfer *t = MEM_NEW(struct tftp_transfer);
    t->magic = TRANSFER_MAGIC;
    t->server = s;
    t->fd = -1;
    t->request = *d;
    t->listener_fd = listener_fd;
    t->peer = socket_peer(&d->from);
    t->peer_slot = peer_slot;
    t->asked = rrq->options;
    t->mode = rrq->mode;
    t->unheard = true;
    t->begun_ms = t->window.heard_ms = uv_now(s->loop);
    uv_timer_init(s->loop, &t->timer);
    t->timer.data = t;
    t->handles = 1;
    s->handles++;
    LIST_INSERT_HEAD(&s->peers[peer_slot], t, by_peer);
    TAILQ_INSERT_TAIL(&s->unheard, t, entry);
    s->addresses[tftp_address_slot(t->peer.address)]++;
    s->transfers_n++;
    ask(t, rrq->file);
}
