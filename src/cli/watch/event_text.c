/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "cli/common/api.h"
#include "cli/common/term.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define TEXT_MAX_BYTES ((size_t)64 * 1024)

static void put(struct buf *b, const char *before, struct str text)
{
    if (text.n)
        buf_printf(b, "%s%.*s", before, STR_ARG(text));
}

static void put_progress(struct buf *b, struct value data)
{
    struct str result = api_text(data, "result");
    struct value took = value_get(data, STR("duration"));
    buf_str(b, api_text(data, "stage"));
    if (str_is(api_text(data, "type"), "start"))
        buf_str(b, STR(" begins"));
    put(b, " ends: ", result);
    if (took.kind == VALUE_FLOAT || took.kind == VALUE_INT)
        buf_printf(b, " after %.1f s", took.kind == VALUE_INT ? (double)took.i : took.f);
    put(b, ": ", api_text(data, "description"));
}

/* Appends a part, after a comma unless it is the first. */
static void part(struct buf *b, const char *before, struct str text)
{
    if (text.n)
        buf_printf(b, "%s%s%.*s", b->n ? ", " : "", before, STR_ARG(text));
}

static void number_part(struct buf *b, const char *before, int64_t number)
{
    if (number)
        buf_printf(b, "%s%s%lld", b->n ? ", " : "", before, (long long)number);
}

/* "for 30 minutes"; the noun is in the singular. */
static void count_part(struct buf *b, const char *before, int64_t n, const char *noun)
{
    if (n)
        buf_printf(b, "%s%s%lld %s%s", b->n ? ", " : "", before, (long long)n, noun,
                   n == 1 ? "" : "s");
}

static void put_identity(struct buf *b, struct value data)
{
    part(b, "hostname ", api_text(data, "hostname"));
    part(b, "instance-id ", api_text(data, "instance_id"));
    count_part(b, "", value_get(data, STR("host_keys")).n, "ssh host key");
}

static void put_other(struct buf *b, struct value data)
{
    part(b, "", api_text(data, "name"));
    part(b, "role ", api_text(data, "role"));
    part(b, "was ", api_text(data, "from"));
    part(b, "cluster ", api_text(data, "cluster"));
    number_part(b, "epoch ", api_number(data, "epoch", 0));
    count_part(b, "for ", api_number(data, "minutes", 0), "minute");
    number_part(b, "generation ", api_number(data, "generation", 0));
    part(b, "fetched ", api_text(data, "file"));
    part(b, "by ", api_text(data, "evidence"));
    part(b, "token ", api_text(data, "token"));
    part(b, "ignored ", api_text(data, "ignored"));
    part(b, "result ", api_text(data, "result"));
    count_part(b, "", api_number(data, "warnings", 0), "warning");
    part(b, "in ", api_text(data, "stage"));
    part(b, "", api_text(data, "reason"));
    part(b, "", api_text(data, "detail"));
}

struct str event_text(struct value event, struct arena *a)
{
    struct value data = value_get(event, STR("data"));
    struct str kind = api_text(event, "kind"), cause = api_text(event, "cause");
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    if (str_is(kind, "progress"))
        put_progress(&b, data);
    else if (str_is(kind, "up") || str_is(kind, "identity"))
        put_identity(&b, data);
    else
        put_other(&b, data);
    if (str_starts(cause, STR("uid ")) || str_starts(cause, STR("token ")))
        part(&b, "by ", cause);
    else if (str_is(cause, "restore"))
        part(&b, "by a ", cause);
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

bool event_is_bad(struct value event)
{
    struct str kind = api_text(event, "kind");
    return str_is(kind, "failed") || str_is(kind, "alarm") || str_is(kind, "locked") ||
           str_is(kind, "mint-waits") || str_is(kind, "render-failed") ||
           str_is(kind, "not-ready") ||
           str_is(api_text(value_get(event, STR("data")), "result"), "FAIL");
}

void event_print(FILE *f, struct value event, bool color)
{
    struct buf line;
    struct arena a;
    bool red = color && event_is_bad(event);
    arena_init(&a, 4096);
    buf_init(&line, LINE_MAX_BYTES);
    term_text(&line, arena_printf(
                         &a, "%.*s  %6lld  %-15.*s  %-10.*s  %.*s",
                         STR_ARG(api_when(event, "at", &a)), (long long)api_number(event, "id", 0),
                         STR_ARG(api_text(event, "node")), STR_ARG(api_text(event, "kind")),
                         STR_ARG(str_head(event_text(event, &a), LINE_MAX_BYTES / 16))));
    struct str text = str_trim(buf_view(&line));
    fprintf(f, "%s%.*s%s\n", red ? TERM_RED : "", STR_ARG(text), red ? TERM_PLAIN : "");
    buf_done(&line);
    arena_done(&a);
}
