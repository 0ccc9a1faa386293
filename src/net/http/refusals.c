/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/refusals.h"

#include "base/log.h"

#define PAUSE_MS 10000

void http_refusals_init(struct http_refusals *r, uv_loop_t *loop)
{
    uv_timer_init(loop, &r->pause);
}

static void refusals_log_one(enum http_refusal reason, const struct http_refusal_count *count)
{
    static const char *const reasons[REFUSE_REASONS] = {
        [REFUSE_FULL] = "all connections are taken: see limits.connections",
        [REFUSE_BUSY] =
            ("half of the connections are taken, the rest is for addresses that have few: "
             "see limits.connections"),
        [REFUSE_PEER_FULL] =
            "one address has all that it may have: see limits.connections_per_address",
        [REFUSE_DESCRIPTORS] = "no file descriptor is left: raise LimitNOFILE",
        [REFUSE_HANDSHAKE] =
            "too many unfinished TLS handshakes: the one that waited longest ended",
        [REFUSE_NOT_TLS] = "plain HTTP where TLS is spoken: the URL must begin with https://",
        [REFUSE_NOT_PROXIED] =
            "no PROXY head came from an address in 'proxies': the proxy needs send-proxy-v2",
    };
    char text[ADDRESS_TEXT_SIZE] = "unknown";
    if (count->peer.family)
        address_text(count->peer, text);
    log_warning("limit", LOG_NUMBER("refused", count->n), LOG_TEXT("peer", str_from(text)),
                LOG_TEXT("reason", str_from(reasons[reason])));
}

void http_refusals_log(struct http_refusals *r)
{
    for (int reason = 0; reason < REFUSE_REASONS; reason++) {
        if (r->counts[reason].n)
            refusals_log_one((enum http_refusal)reason, &r->counts[reason]);
        r->counts[reason].n = 0;
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct http_refusals *r = timer->data;
    bool more = false;
    for (int reason = 0; reason < REFUSE_REASONS; reason++)
        more |= r->counts[reason].n != 0;
    http_refusals_log(r);
    if (more)
        uv_timer_start(timer, on_pause_over, PAUSE_MS, 0);
}

void http_refusals_count(struct http_refusals *r, enum http_refusal reason, struct address peer)
{
    r->counts[reason].n++;
    r->counts[reason].peer = peer;
    if (uv_is_active((uv_handle_t *)&r->pause))
        return;
    http_refusals_log(r);
    r->pause.data = r;
    uv_timer_start(&r->pause, on_pause_over, PAUSE_MS, 0);
}
