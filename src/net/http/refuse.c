/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/refuse.h"

#include "base/log.h"

#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 10000
/* Reads of what a refused peer sent: who sends for ever gets his reset. */
#define DROP_READS_MAX 16

void refuse_init(struct refuse *r, uv_loop_t *loop)
{
    uv_timer_init(loop, &r->pause);
}

static void tell(enum refuse_reason reason, const struct refuse_count *count)
{
    static const char *const reasons[REFUSE_REASONS] = {
        [REFUSE_FULL] = "all connections are taken: see limits.connections",
        [REFUSE_PEER_FULL] =
            "one address has all that it may have: see limits.connections_per_address",
        [REFUSE_DESCRIPTORS] = "no file descriptor is left: raise LimitNOFILE",
    };
    char text[ADDRESS_TEXT_SIZE] = "unknown";
    if (count->peer.family)
        address_text(count->peer, text);
    log_warning("limit", LOG_NUMBER("refused", count->n), LOG_TEXT("peer", str_from(text)),
                LOG_TEXT("reason", str_from(reasons[reason])));
}

void refuse_tell(struct refuse *r)
{
    for (int reason = 0; reason < REFUSE_REASONS; reason++) {
        if (r->counts[reason].n)
            tell((enum refuse_reason)reason, &r->counts[reason]);
        r->counts[reason].n = 0;
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct refuse *r = timer->data;
    bool more = false;
    for (int reason = 0; reason < REFUSE_REASONS; reason++)
        more |= r->counts[reason].n != 0;
    refuse_tell(r);
    if (more)
        uv_timer_start(timer, on_pause_over, PAUSE_MS, 0);
}

static void count(struct refuse *r, enum refuse_reason reason, struct address peer)
{
    r->counts[reason].n++;
    r->counts[reason].peer = peer;
    if (uv_is_active((uv_handle_t *)&r->pause))
        return;
    refuse_tell(r);
    r->pause.data = r;
    uv_timer_start(&r->pause, on_pause_over, PAUSE_MS, 0);
}

/* Said without libmicrohttpd, which would close without a word. What the peer sent is read first:
 * closing over unread bytes would send a reset that overtakes the answer. */
void refuse_connection(struct refuse *r, int fd, enum refuse_reason reason, struct address peer)
{
    static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Content-Type: text/plain\r\nContent-Length: 42\r\n"
                               "Connection: close\r\n\r\n"
                               "too many connections: try again in a while";
    char drop[4096];
    for (int i = 0; i < DROP_READS_MAX && recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0; i++)
        ;
    send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
    count(r, reason, peer);
}
