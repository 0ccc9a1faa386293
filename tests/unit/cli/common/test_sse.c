/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/common/client.h"

/* What came, one behind the other: "id|kind|data;". */
static struct buf came;

static void on_event(void *cls, const struct sse_event *e)
{
    (void)cls;
    buf_printf(&came, "%.*s|%.*s|%.*s;", STR_ARG(e->id), STR_ARG(e->kind), STR_ARG(e->data));
}

static void feed(const char *text, size_t piece, const char *want)
{
    struct sse s;
    struct str rest = str_from(text);
    buf_init(&came, 4096);
    sse_init(&s, on_event, NULL);
    while (rest.n) {
        size_t n = piece < rest.n ? piece : rest.n;
        assert_true(sse_feed(&s, (struct str){rest.p, n}));
        rest = str_skip(rest, n);
    }
    sse_done(&s);
    assert_string_equal(came.n ? came.p : "", want);
    buf_done(&came);
}

static void events_come_whole_in_pieces_of_any_size(void **state)
{
    static const char text[] = ":\n\nid: 1\nevent: up\ndata: {\"a\": 1}\n\n"
                               "id:2\r\ndata:x\r\ndata: y\r\n\r\ndata:z\r\r";
    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++)
        feed(text, piece, "1|up|{\"a\": 1};2|message|x\ny;2|message|z;");
}

static void what_is_no_event_is_none(void **state)
{
    (void)state;
    feed("event: up\n\n", 99, "");      /* no data */
    feed("data: 1\nid: 7", 99, "");     /* not ended */
    feed("data\n\n", 99, "|message|;"); /* a field without a colon */
    feed("retry: 9\nx: y\n\n", 99, ""); /* unknown */
    feed("data: a\n\nevent: b\n\ndata: c\n\n", 99, "|message|a;|message|c;");
}

static void a_new_connection_forgets_what_had_not_ended(void **state)
{
    struct sse s;
    (void)state;
    buf_init(&came, 4096);
    sse_init(&s, on_event, NULL);
    assert_true(sse_feed(&s, STR("id: 4\ndata: a\n\nid: 5\ndata: half")));
    sse_restart(&s);
    assert_true(sse_feed(&s, STR("data: b\n\n")));
    assert_string_equal(came.p, "4|message|a;4|message|b;");
    sse_done(&s);
    buf_done(&came);
}

static void an_endless_event_is_refused(void **state)
{
    struct sse s;
    bool taken = true;
    (void)state;
    sse_init(&s, on_event, NULL);
    assert_true(sse_feed(&s, STR("data: ")));
    for (size_t i = 0; i <= SSE_EVENT_MAX_BYTES / 16 && taken; i++)
        taken = sse_feed(&s, STR("0123456789abcdef"));
    assert_false(taken);
    sse_done(&s);
}

UNIT_MAIN(cmocka_unit_test(events_come_whole_in_pieces_of_any_size),
          cmocka_unit_test(what_is_no_event_is_none),
          cmocka_unit_test(a_new_connection_forgets_what_had_not_ended),
          cmocka_unit_test(an_endless_event_is_refused))
