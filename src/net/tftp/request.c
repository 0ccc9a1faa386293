/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/hash.h"
#include "net/socket.h"

/* A copy of an RRQ that comes while its transfer goes on is nothing new. After so long without a
 * word, it is a machine that was reset and asks again from the same port. */
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
    tftp_report_refused(s, socket_peer(&d->from), file, text.p);
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
    if (t->fd < 0 || source_loading(t->source) || uv_now(s->loop) - t->window.heard_ms < STALE_MS)
        return true;
    tftp_transfer_end(t, t->unheard ? OUTCOME_UNANSWERED : OUTCOME_TIMED_OUT,
                      "the client asked again");
    return false;
}

/* Where all places are taken, who has never answered must go: perhaps nobody is there. A client
 * that gets no answer asks again by itself, whereas an error would end its boot. */
static bool make_room(struct tftp_server *s, struct endpoint peer)
{
    if (s->addresses[tftp_address_slot(peer.address)] >= s->limits.transfers_per_address) {
        tftp_report_limit(s, peer, "one address has all the transfers that it may have");
        return false;
    }
    if (s->transfers_n < s->limits.transfers)
        return true;
    struct tftp_transfer *oldest = TAILQ_FIRST(&s->unheard);
    if (!oldest) {
        tftp_report_limit(s, peer, "all transfers are taken");
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

/* Errors are never answered, nor is what belongs to no transfer: two servers would talk for ever.
 */
void tftp_request_take(struct tftp_server *s, int listener_fd, const struct datagram *d)
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
