/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/mem.h"

#include "net/socket.h"

#include <errno.h>

#define ARENA_BYTES 1024
#define ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define ASKING_MS 20000 /* core's own waits are shorter */

/* --- The transfer's own socket ------------------------------------------------------------- */

/* From the range, beginning behind the last one that was taken. */
static int open_socket(struct tftp_transfer *t)
{
    struct tftp_server *s = t->server;
    uint32_t first = s->limits.port_first, n = s->limits.port_last - first + 1u;
    if (!first)
        return datagram_connect(&t->request, 0);
    int fd = -EADDRINUSE;
    for (uint32_t i = 0; i < n && fd == -EADDRINUSE; i++)
        fd = datagram_connect(&t->request, (uint16_t)(first + s->next_port++ % n));
    return fd;
}

static void grant(struct tftp_transfer *t)
{
    const struct tftp_limits *l = &t->server->limits;
    t->granted = t->asked;
    t->granted.tsize = source_length(t->source);
    if (t->mode ==
        TFTP_NETASCII) /* only the end tells how long it is; and a block is kept at a time */
        t->granted.has &= ~(unsigned)(TFTP_HAS_TSIZE | TFTP_HAS_WINDOWSIZE);
    if (source_length(t->source) == 0) /* curl takes a tsize of 0 for an error */
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
    uv_poll_init(s->loop, &t->watch, t->fd);
    t->watch.data = t;
    t->handles++;
    s->handles++;
    tftp_transfer_watch(t, false);
    grant(t);
    t->offload = true;
    window_init(&t->window, t->granted.windowsize, t->granted.timeout_s, t->granted.has != 0,
                uv_now(s->loop));
    tftp_pump_begin(t);
    uv_timer_stop(&t->timer);
    if (t->window.negotiating)
        tftp_pump_oack(t);
    tftp_pump(t);
}

/* --- What the port says -------------------------------------------------------------------- */

static uint16_t code_of(int status)
{
    switch (status) {
    case 404: return TFTP_NOT_FOUND;
    case 403: return TFTP_ACCESS;
    case 405: return TFTP_ILLEGAL;
    default: return TFTP_UNDEFINED;
    }
}

/* One line for a console. */
static void refuse(struct tftp_transfer *t)
{
    const struct exchange_out *out = &t->exchange.out;
    struct str text = out->reason ? str_from(out->reason) : str_trim(out->body);
    struct buf line;
    buf_init(&line, 4096);
    buf_escaped(&line, str_cut(&text, '\n'), TFTP_ERROR_TEXT_MAX_BYTES);
    const char *reason = arena_str(&t->exchange.arena, buf_view(&line)).p;
    buf_done(&line);
    tftp_transfer_error(t, code_of(out->status), str_from(reason));
    tftp_transfer_end(t, OUTCOME_REFUSED, reason);
}

static void answer(struct tftp_transfer *t)
{
    struct exchange_out *out = &t->exchange.out;
    if (out->status != 200 || out->stream) {
        refuse(t);
        return;
    }
    if (out->content)
        t->source = source_of_file(t->server->work, out->content);
    else
        t->source = source_of_memory(out->body);
    if (out->content)
        tftp_transfer_end_exchange(t); /* nothing of it is needed any more */
    start(t);
}

static void step(struct tftp_transfer *t)
{
    const struct exchange_port *port = t->server->port;
    if (port->step(port->cls, &t->exchange) == EXCHANGE_DONE)
        answer(t);
}

void tftp_server_wake(void *cls, struct slot_ref who)
{
    struct tftp_server *s = cls;
    struct tftp_transfer *t = slots_find(&s->names, who);
    if (t && t->fd < 0)
        step(t);
}

/* Some ROMs ask with backslashes, grub with a slash in front, others with two. */
static struct str path_of(struct str file, struct arena *a)
{
    while (file.n && (file.p[0] == '/' || file.p[0] == '\\'))
        file = str_skip(file, 1);
    struct str path = ARENA_JOIN(a, STR("/"), file);
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
    x->wake = (struct wake){tftp_server_wake, s};
    x->ref = slots_put(&s->names, t);
    t->asking = true;
    s->port->begin(s->port->cls, x);
    t->window.deadline_ms = t->begun_ms + ASKING_MS;
    tftp_transfer_arm(t);
    if (x->out.status)
        answer(t);
    else
        step(t);
}

void tftp_transfer_begin(struct tftp_server *s, int listener_fd, const struct datagram *d,
                         const struct tftp_packet *rrq, uint32_t peer_slot)
{
    struct tftp_transfer *t = MEM_NEW(struct tftp_transfer);
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
