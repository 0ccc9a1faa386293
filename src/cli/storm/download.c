/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/storm/download.h"

#include "base/mem.h"
#include "wire/tftp.h"

#include <stdlib.h>

#define BLKSIZE 1456 /* as PXE ROMs ask for */
#define PACKET_MAX_BYTES 2048
#define ANSWER_MS 1000
#define TRIES 6

struct download {
    uv_udp_t udp;
    uv_timer_t timer;
    unsigned handles;
    bool ended;
    download_fn fn;
    void *cls;
    struct sockaddr_storage server; /* from the first packet on with the port of the transfer */
    bool has_port;
    uint32_t blksize;
    uint16_t block; /* the last one that has come */
    unsigned tries;
    struct buf sent;             /* the last packet, in case that it is lost */
    char room[PACKET_MAX_BYTES]; /* a datagram */
};

static void on_closed(uv_handle_t *handle)
{
    struct download *d = handle->data;
    if (--d->handles)
        return;
    buf_done(&d->sent);
    free(d);
}

void download_cancel(struct download *d)
{
    if (d->ended)
        return;
    d->ended = true;
    uv_close((uv_handle_t *)&d->udp, on_closed);
    uv_close((uv_handle_t *)&d->timer, on_closed);
}

static void end(struct download *d, const char *trouble, struct str detail)
{
    d->fn(d->cls, trouble, detail);
    download_cancel(d);
}

static void send_again(struct download *d)
{
    uv_buf_t bytes = uv_buf_init(d->sent.p, (unsigned)d->sent.n);
    uv_udp_try_send(&d->udp, &bytes, 1, (const struct sockaddr *)&d->server);
}

static void send_packet(struct download *d, const struct tftp_packet *p)
{
    buf_clear(&d->sent);
    tftp_write(&d->sent, p);
    d->tries = 0;
    send_again(d);
}

static void acknowledge(struct download *d, uint16_t block)
{
    d->block = block;
    send_packet(d, &(struct tftp_packet){.opcode = TFTP_ACK, .number = block, .rest = STR("")});
}

static void on_timer(uv_timer_t *timer)
{
    struct download *d = timer->data;
    if (++d->tries < TRIES)
        send_again(d);
    else
        end(d, "no answer by TFTP", STR(""));
}

/* A block that came before is one whose acknowledgement was lost. */
static void take_block(struct download *d, const struct tftp_packet *p)
{
    if (p->number == d->block) {
        send_again(d);
    } else if (p->number == (uint16_t)(d->block + 1)) {
        acknowledge(d, p->number);
        if (p->rest.n < d->blksize)
            end(d, NULL, STR(""));
    }
}

static void take(struct download *d, const struct tftp_packet *p)
{
    switch (p->opcode) {
    case TFTP_OACK:
        if (p->options.has & TFTP_HAS_BLKSIZE)
            d->blksize = p->options.blksize;
        acknowledge(d, 0);
        break;
    case TFTP_DATA: take_block(d, p); break;
    case TFTP_ERROR: end(d, "error by TFTP", p->rest); break;
    default: break;
    }
}

static uint16_t *port_of(struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)a)->sin6_port
                                    : &((struct sockaddr_in *)a)->sin_port;
}

static void on_datagram(uv_udp_t *udp, ssize_t n, const uv_buf_t *bytes,
                        const struct sockaddr *from, unsigned flags)
{
    struct download *d = udp->data;
    struct tftp_packet p;
    if (d->ended || !from || n <= 0 || (flags & UV_UDP_PARTIAL) ||
        !tftp_parse((struct str){bytes->base, (size_t)n}, &p))
        return;
    struct sockaddr_storage peer = {.ss_family = from->sa_family};
    memcpy(&peer, from,
           from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    if (d->has_port && *port_of(&peer) != *port_of(&d->server))
        return;
    *port_of(&d->server) = *port_of(&peer);
    d->has_port = true;
    uv_timer_again(&d->timer);
    take(d, &p);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct download *d = handle->data;
    (void)wanted;
    *ret = uv_buf_init(d->room, sizeof(d->room));
}

struct download *download_start(uv_loop_t *loop, const struct sockaddr_storage *server,
                                struct str file, download_fn fn, void *cls)
{
    struct download *d = MEM_NEW(struct download);
    d->fn = fn;
    d->cls = cls;
    d->server = *server;
    d->blksize = TFTP_BLKSIZE_DEFAULT;
    d->handles = 2;
    buf_init(&d->sent, PACKET_MAX_BYTES);
    uv_udp_init(loop, &d->udp);
    uv_timer_init(loop, &d->timer);
    d->udp.data = d->timer.data = d;
    send_packet(d, &(struct tftp_packet){
                       .opcode = TFTP_RRQ,
                       .file = file,
                       .mode = TFTP_OCTET,
                       .options = {.has = TFTP_HAS_BLKSIZE | TFTP_HAS_TSIZE, .blksize = BLKSIZE},
                   });
    uv_udp_recv_start(&d->udp, on_room, on_datagram);
    uv_timer_start(&d->timer, on_timer, ANSWER_MS, ANSWER_MS);
    return d;
}
