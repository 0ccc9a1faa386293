/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/client.h"

void sse_init(struct sse *s, sse_event_fn on_event, void *cls)
{
    *s = (struct sse){.on_event = on_event, .cls = cls};
    buf_init(&s->line, SSE_EVENT_MAX_BYTES);
    buf_init(&s->id, SSE_EVENT_MAX_BYTES);
    buf_init(&s->kind, SSE_EVENT_MAX_BYTES);
    buf_init(&s->data, SSE_EVENT_MAX_BYTES);
    buf_init(&s->last, SSE_EVENT_MAX_BYTES);
}

void sse_done(struct sse *s)
{
    buf_done(&s->line);
    buf_done(&s->id);
    buf_done(&s->kind);
    buf_done(&s->data);
    buf_done(&s->last);
}

static void set(struct buf *b, struct str text)
{
    buf_clear(b);
    buf_str(b, text);
}

void sse_restart(struct sse *s)
{
    buf_clear(&s->line);
    buf_clear(&s->kind);
    buf_clear(&s->data);
    set(&s->id, buf_view(&s->last));
    s->cr = false;
}

static void dispatch(struct sse *s)
{
    struct str data = buf_view(&s->data);
    set(&s->last, buf_view(&s->id));
    if (data.n) {
        data.n--; /* the newline after the last line */
        const struct sse_event event = {
            .id = buf_view(&s->id),
            .kind = s->kind.n ? buf_view(&s->kind) : STR("message"),
            .data = data,
        };
        s->on_event(s->cls, &event);
    }
    buf_clear(&s->kind);
    buf_clear(&s->data);
}

static void take_field(struct sse *s, struct str name, struct str value)
{
    if (str_is(name, "data")) {
        buf_str(&s->data, value);
        buf_char(&s->data, '\n');
    } else if (str_is(name, "event")) {
        set(&s->kind, value);
    } else if (str_is(name, "id") && !memchr(value.p, '\0', value.n)) {
        set(&s->id, value);
    }
}

static void take_line(struct sse *s)
{
    struct str value = buf_view(&s->line);
    if (value.n == 0) {
        dispatch(s);
        return;
    }
    struct str name = str_cut(&value, ':');
    if (!value.p)
        value = STR("");
    if (value.n && value.p[0] == ' ')
        value = str_skip(value, 1);
    take_field(s, name, value); /* a comment is a field with an empty name */
    buf_clear(&s->line);
}

bool sse_feed(struct sse *s, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i];
        bool end = c == '\r' || (c == '\n' && !s->cr);
        if (end)
            take_line(s);
        else if (c != '\n')
            buf_char(&s->line, c);
        s->cr = c == '\r';
    }
    return !s->line.full && !s->data.full;
}
