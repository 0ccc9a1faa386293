/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tftp/internal.h"

#include "base/log.h"

/* Lines about what did not end well: anybody can make us write them. */
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

static uint64_t bytes_arrived(const struct tftp_transfer *t, enum tftp_outcome outcome)
{
    if (outcome == OUTCOME_DONE && !t->text)
        return source_length(t->source);
    if (outcome == OUTCOME_DONE)
        return (t->window.last - 1) * t->granted.blksize + tftp_pump_text_bytes(t);
    return t->window.acked * t->granted.blksize;
}

void tftp_report(const struct tftp_transfer *t, enum tftp_outcome outcome, const char *reason)
{
    struct tftp_server *s = t->server;
    struct value_pair fields[9];
    size_t n = 0;
    char peer[ENDPOINT_TEXT_SIZE];
    enum log_level level = level_of(outcome);
    uint64_t bytes = t->fd >= 0 ? bytes_arrived(t, outcome) : 0;
    ++*counter_of(&s->counters, outcome);
    s->counters.bytes += bytes;
    if (!log_wants(level) || (outcome != OUTCOME_DONE && !may_write(s)))
        return;
    fields[n++] = (struct value_pair)LOG_TEXT("peer", str_from(endpoint_text(t->peer, peer)));
    fields[n++] =
        (struct value_pair)LOG_TEXT("file", str_head(t->exchange.in.path, FILE_MAX_BYTES));
    if (t->exchange.out.node.n && t->asking)
        fields[n++] = (struct value_pair)LOG_TEXT("node", t->exchange.out.node);
    fields[n++] = (struct value_pair)LOG_NUMBER("bytes", bytes);
    fields[n++] = (struct value_pair)LOG_NUMBER("blocks", t->window.acked);
    fields[n++] = (struct value_pair)LOG_NUMBER("retransmits", t->window.resent);
    fields[n++] = (struct value_pair)LOG_NUMBER("ms", uv_now(s->loop) - t->begun_ms);
    fields[n++] = (struct value_pair)LOG_TEXT("outcome", str_from(names[outcome]));
    if (reason && *reason)
        fields[n++] = (struct value_pair)LOG_TEXT("reason", str_from(reason));
    log_event(level, "tftp", fields, n);
}

void tftp_report_refused(struct tftp_server *s, struct endpoint peer, struct str file,
                         const char *reason)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (may_write(s))
        log_notice("tftp", LOG_TEXT("peer", str_from(endpoint_text(peer, text))),
                   LOG_TEXT("file", str_head(file, FILE_MAX_BYTES)),
                   LOG_TEXT("outcome", STR("refused")), LOG_TEXT("reason", str_from(reason)));
}

void tftp_report_limit(struct tftp_server *s, struct endpoint peer, const char *reason)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (may_write(s))
        log_warning("tftp-limit", LOG_TEXT("peer", str_from(endpoint_text(peer, text))),
                    LOG_TEXT("reason", str_from(reason)));
}
