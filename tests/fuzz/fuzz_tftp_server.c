/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tftp_server: the TFTP server on a loop of its own, and two clients that send it datagrams.
 *
 * A step is an octet of what happens and what belongs to it: a request of a file and options, an
 * acknowledgement, an error, any octets at all, from either client, also to the other's transfer.
 * What is checked:
 * - A block has the file's own octets at its place, is as long as was agreed, and lies within the
 *   window behind what the client has acknowledged.
 * - OACK has only options that were requested, with values that are not larger.
 * - Answers come only to requests; a transfer that has ended sends nothing.
 * - Each exchange ends once, and none is left in the end.
 */
#include "net/datagram.h"
#include "net/socket.h"
#include "net/tftp/tftp.h"
#include "wire/tftp.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 2
#define STEPS_MAX 60
#define TURNS 3
#define FILE_MAX 40000

struct client {
    int fd;
    struct sockaddr_storage transfer; /* where the latest block came from */
    socklen_t transfer_n;
    struct tftp_options asked;
    size_t length; /* of the file that it asked for */
    bool octet, requested, odd;
    uint32_t blksize, windowsize, acked; /* blocks */
};

static struct {
    uv_loop_t loop;
    struct tftp_server *server;
    struct exchange_port port;
    struct sockaddr_storage at;
    socklen_t at_n;
    struct client clients[CLIENTS];
    struct waiter waiting;
    bool is_waiting;
    unsigned running;
    char file[FILE_MAX];
} world;

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* --- What core would do: the name is the length ----------------------------------------------- */

static size_t length_of(struct str name)
{
    static const size_t lengths[] = {0, 3, 512, 1024, 5000, FILE_MAX};
    return name.n > 1 ? lengths[(unsigned char)name.p[name.n - 1] % 6] : 0;
}

static enum exchange_verdict on_step(struct exchange *x, void *state)
{
    if (str_starts(x->in.path, STR("/w")) && !state) {
        world.waiting = x->waiter;
        world.is_waiting = true;
        return exchange_wait(x, on_step, x);
    }
    x->out.status = str_starts(x->in.path, STR("/n")) ? 404 : 200;
    x->out.reason = "there is no such file";
    x->out.body = (struct str){world.file, length_of(x->in.path)};
    return EXCHANGE_DONE;
}

static void on_begin(void *cls, struct exchange *x)
{
    (void)cls;
    need(str_starts(x->in.path, STR("/")) && x->in.listener == LISTENER_TFTP);
    world.running++;
    x->next = on_step;
}

static void on_end(void *cls, struct exchange *x)
{
    (void)cls;
    need(world.running-- > 0);
    if (world.is_waiting && world.waiting.ref.slot == x->waiter.ref.slot)
        world.is_waiting = false;
}

/* --- The world -------------------------------------------------------------------------------- */

static void make_server(void)
{
    const struct tftp_limits limits = {
        .transfers = 4, .transfers_per_address = 4, .windowsize = 8, .answer_ms = 60000};
    struct endpoint any;
    struct err e;
    tftp_server_new(&world.loop, &world.port, NULL, &limits, &world.server);
    need(endpoint_parse(STR("127.0.0.1:0"), &any));
    const struct listener l = {
        .fd = datagram_listen(any, &e), .kind = LISTENER_TFTP, .name = "fuzz"};
    need(l.fd >= 0 && tftp_server_listen(world.server, &l, &e) == 0);
    world.at_n = socket_address(socket_endpoint(l.fd), &world.at);
}

static void make_world(void)
{
    world.port = (struct exchange_port){.begin = on_begin, .end = on_end};
    need(uv_loop_init(&world.loop) == 0);
    for (size_t i = 0; i < FILE_MAX; i++)
        world.file[i] = (char)(i * 7 + (i >> 8) * 3 + (i >> 12));
}

static void open_clients(void)
{
    for (int i = 0; i < CLIENTS; i++) {
        world.clients[i] =
            (struct client){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                            .blksize = TFTP_BLKSIZE_DEFAULT,
                            .windowsize = 1};
        need(world.clients[i].fd >= 0);
    }
}

static void close_world(void)
{
    tftp_server_free(world.server);
    for (int i = 0; i < 10; i++)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    need(!uv_loop_alive(&world.loop) && world.running == 0);
    for (int i = 0; i < CLIENTS; i++)
        close(world.clients[i].fd);
}

/* --- What clients get ------------------------------------------------------------------------- */

static void take_oack(struct client *c, const struct tftp_options *o)
{
    need((o->has & ~c->asked.has) == 0);
    if (o->has & TFTP_HAS_BLKSIZE) {
        need(o->blksize <= c->asked.blksize);
        c->blksize = o->blksize;
    }
    if (o->has & TFTP_HAS_WINDOWSIZE) {
        need(o->windowsize <= c->asked.windowsize && o->windowsize <= 8);
        c->windowsize = o->windowsize;
    }
    need(!(o->has & TFTP_HAS_TIMEOUT) || o->timeout_s == c->asked.timeout_s);
    need(!(o->has & TFTP_HAS_TSIZE) || !c->octet || o->tsize == c->length);
}

static void take_data(const struct client *c, const struct tftp_packet *p)
{
    size_t at = (size_t)(p->number - 1) * c->blksize;
    need(p->rest.n <= c->blksize);
    need(p->number > c->acked && p->number <= c->acked + c->windowsize);
    if (!c->octet)
        return;
    need(p->number >= 1 && at <= c->length);
    need(p->rest.n == (c->length - at < c->blksize ? c->length - at : c->blksize));
    need(memcmp(p->rest.p, world.file + at, p->rest.n) == 0);
}

/* A client whose requests overlap cannot tell the answers apart. */
static void hear(struct client *c)
{
    static char room[65536];
    struct sockaddr_storage from;
    struct tftp_packet p;
    socklen_t from_n = sizeof(from);
    ssize_t n;
    while ((n = recvfrom(c->fd, room, sizeof(room), 0, (struct sockaddr *)&from, &from_n)) >= 0) {
        need(tftp_parse((struct str){room, (size_t)n}, &p));
        need(p.opcode == TFTP_DATA || p.opcode == TFTP_OACK || p.opcode == TFTP_ERROR);
        need(c->requested);
        if (p.opcode != TFTP_ERROR) {
            c->transfer = from;
            c->transfer_n = from_n;
        }
        if (c->odd)
            continue;
        if (p.opcode == TFTP_OACK)
            take_oack(c, &p.options);
        else if (p.opcode == TFTP_DATA)
            take_data(c, &p);
    }
}

static void turn(void)
{
    for (int i = 0; i < TURNS; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        for (int j = 0; j < CLIENTS; j++)
            hear(&world.clients[j]);
    }
}

/* --- Steps ------------------------------------------------------------------------------------ */

static uint8_t byte_of(struct str *in)
{
    uint8_t b = in->n ? (uint8_t)in->p[0] : 0;
    *in = str_skip(*in, in->n ? 1 : 0);
    return b;
}

static void send_to(struct client *c, struct str bytes, bool to_listener)
{
    if (to_listener)
        sendto(c->fd, bytes.p, bytes.n, 0, (struct sockaddr *)&world.at, world.at_n);
    else if (c->transfer_n)
        sendto(c->fd, bytes.p, bytes.n, 0, (struct sockaddr *)&c->transfer, c->transfer_n);
}

static void send_packet(struct client *c, const struct tftp_packet *p, bool to_listener)
{
    struct buf b;
    buf_init(&b, 2000);
    need(tftp_write(&b, p));
    send_to(c, buf_view(&b), to_listener);
    buf_done(&b);
}

static void request(struct client *c, struct str *in)
{
    static const uint32_t sizes[] = {8, 9, 512, 1428, 4000, 65464, 600, 16};
    uint8_t options = byte_of(in), values = byte_of(in);
    char name[2] = {"fwn/"[byte_of(in) & 3], (char)('0' + byte_of(in) % 6)};
    struct tftp_packet p = {.opcode = TFTP_RRQ,
                            .file = {name, 2},
                            .mode = options & 16 ? TFTP_NETASCII : TFTP_OCTET,
                            .options = {.has = options & 15,
                                        .blksize = sizes[values & 7],
                                        .windowsize = 1 + (values >> 3 & 15),
                                        .timeout_s = 1 + (values >> 5)}};
    c->odd = c->requested; /* an earlier transfer may go on */
    *c = (struct client){.fd = c->fd,
                         .odd = c->odd,
                         .requested = true,
                         .blksize = 512,
                         .windowsize = 1,
                         .asked = p.options,
                         .octet = p.mode == TFTP_OCTET,
                         .length = length_of((struct str){name, 2})};
    send_packet(c, &p, true);
}

static void acknowledge(struct client *c, struct str *in)
{
    uint8_t how = byte_of(in);
    uint32_t blocks = (uint32_t)(c->length / c->blksize) + 1, ahead = how & 7;
    uint32_t number = c->acked + (c->acked || how & 128 ? ahead : 0);
    if (how & 8)
        number = number * 256 + byte_of(in); /* any */
    struct tftp_packet p = {.opcode = TFTP_ACK, .number = (uint16_t)number};
    if (c->octet && c->transfer_n && number > c->acked && number <= c->acked + c->windowsize &&
        number <= blocks)
        c->acked = number;
    else if (number != c->acked)
        c->odd = c->odd || number <= UINT16_MAX;
    send_packet(c, &p, false);
}

static void step(struct str *in)
{
    uint8_t what = byte_of(in);
    struct client *c = &world.clients[what >> 3 & 1];
    size_t n;
    switch (what & 7) {
    case 0: request(c, in); break;
    case 1:
    case 2:
    case 3: acknowledge(c, in); break;
    case 4:
        send_packet(c, &(struct tftp_packet){.opcode = TFTP_ERROR, .rest = STR("no")}, what & 16);
        break;
    case 5: /* any octets */
        n = byte_of(in) & 63;
        c->odd = c->requested = true;
        send_to(c, str_head((struct str){in->p, in->n}, n), what & 16);
        *in = str_skip(*in, n);
        break;
    case 6: /* a stranger knows the other's transfer */
        c->transfer = world.clients[!(what >> 3 & 1)].transfer;
        c->transfer_n = world.clients[!(what >> 3 & 1)].transfer_n;
        break;
    case 7:
        if (world.is_waiting)
            waiter_wake(world.waiting);
        break;
    }
    if (!(what & 32))
        turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    if (!world.port.begin)
        make_world();
    make_server();
    open_clients();
    for (int i = 0; i < STEPS_MAX && in.n; i++)
        step(&in);
    turn();
    close_world();
    return 0;
}
