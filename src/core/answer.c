/* SPDX-License-Identifier: Apache-2.0 */
#include "core/answer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/hex.h"
#include "wire/negotiate.h"

#define PAGE_MAX_BYTES (512 * 1024)

void answer_line(struct exchange *x, int status, const char *line)
{
    x->out.status = status;
    x->out.type = "text/plain; charset=utf-8";
    x->out.cache = "no-store";
    x->out.body = arena_printf(&x->arena, "%s\n", line);
}

void answer_refuse(struct exchange *x, int status, const char *reason)
{
    answer_line(x, status, reason);
    x->out.event = "refused";
    x->out.reason = reason;
    x->out.retry_after_s = status == 503;
}

const char *answer_tag(struct exchange *x, struct str bytes)
{
    return answer_tag_of(x, hash64(bytes));
}

const char *answer_tag_of(struct exchange *x, uint64_t digest)
{
    char text[16];
    for (int i = 15; i >= 0; i--, digest >>= 4)
        text[i] = hex_digits[digest & 15];
    struct str variant = x->out.encoding ? STR("-gzip\"") : STR("\"");
    return ARENA_JOIN(&x->arena, STR("\""), (struct str){text, sizeof(text)}, variant).p;
}

/* --- JSON ------------------------------------------------------------------------------------ */

struct value json_map(const struct value_pair *pairs, size_t n, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, n);
    memcpy(list, pairs, n * sizeof(*list));
    return value_map(list, n);
}

struct value json_time(int64_t wall_ms, struct arena *a)
{
    char text[CLOCK_TEXT_SIZE];
    return value_str(arena_str(a, str_from(clock_text(wall_ms, text))));
}

/* False if it is larger than an answer can be. */
static bool write_json(struct exchange *x, struct value v)
{
    buf_clear(&x->body);
    bool whole = json_write(&x->body, v, false) && buf_char(&x->body, '\n');
    x->out.body = buf_view(&x->body);
    return whole;
}

struct str answer_json_tag(struct exchange *x, struct value v)
{
    write_json(x, v);
    return str_from(answer_tag(x, x->out.body));
}

void answer_body(struct exchange *x, int status, const char *type)
{
    x->out.status = status;
    x->out.type = type;
    x->out.cache = "no-store";
    x->out.etag = answer_tag(x, x->out.body);
    if (x->in.method == METHOD_GET &&
        negotiate_etag_listed(x->in.if_none_match, str_from(x->out.etag))) {
        x->out.status = 304;
        x->out.type = NULL;
    }
}

static void answer_written(struct exchange *x, int status, bool whole)
{
    if (whole)
        answer_body(x, status, "application/json");
    else
        answer_problem(x, 500, "this is more than an answer can hold");
}

void answer_json(struct exchange *x, int status, struct value v)
{
    answer_written(x, status, write_json(x, v));
}

void answer_list_begin(struct exchange *x, const char *member)
{
    buf_clear(&x->body);
    buf_printf(&x->body, "{\"%s\":[", member);
}

bool answer_list_item(struct exchange *x, struct value item)
{
    size_t before = x->body.n;
    bool first = x->body.p[before - 1] == '[';
    if (!first)
        buf_char(&x->body, ',');
    if ((json_write(&x->body, item, false) && x->body.n <= PAGE_MAX_BYTES) || first)
        return true;
    x->body.n = before;
    x->body.full = false;
    return false;
}

void answer_list_end(struct exchange *x, const struct value_pair *rest, size_t n)
{
    buf_char(&x->body, ']');
    for (size_t i = 0; i < n; i++) {
        buf_char(&x->body, ',');
        json_write(&x->body, rest[i].key, false);
        buf_char(&x->body, ':');
        json_write(&x->body, rest[i].value, false);
    }
    bool whole = buf_str(&x->body, STR("}\n"));
    x->out.body = buf_view(&x->body);
    answer_written(x, 200, whole);
}

static const char *title_of(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 500: return "Internal Server Error";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

static struct value fault_value(const struct fault *f, struct arena *a)
{
    struct value none = value_none();
    return JSON_MAP(a, JSON_VALUE("file", f->at.file ? value_str(str_from(f->at.file)) : none),
                    JSON_VALUE("line", f->at.line ? value_int(f->at.line) : none),
                    JSON_VALUE("column", f->at.line ? value_int(f->at.column) : none),
                    JSON_STR("message", str_from(f->msg)));
}

static struct value faults_value(const struct faults *faults, struct arena *a)
{
    size_t n = faults ? faults->kept : 0;
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (size_t i = 0; i < n; i++)
        items[i] = fault_value(&faults->list[i], a);
    return value_list(items, n);
}

/* With one member more, unless it is empty. */
static void refuse_as_json(struct exchange *x, int status, const char *detail,
                           struct value_pair more)
{
    struct value_pair pairs[5] = {
        JSON_STR("type", STR("about:blank")),
        JSON_STR("title", str_from(title_of(status))),
        JSON_INT("status", status),
    };
    size_t n = 3;
    if (more.value.n)
        pairs[n++] = more;
    pairs[n++] = (struct value_pair)JSON_STR("detail", str_from(detail));
    write_json(x, json_map(pairs, n, &x->arena));
    x->out.status = status;
    x->out.type = "application/problem+json";
    x->out.cache = "no-store";
    x->out.event = "refused";
    x->out.reason = detail;
    x->out.retry_after_s = status == 503;
}

void answer_faults(struct exchange *x, int status, const char *detail, const struct faults *faults)
{
    refuse_as_json(x, status, detail,
                   (struct value_pair)JSON_VALUE("faults", faults_value(faults, &x->arena)));
}

/* A fault begins with the member that it is about: "macs: …". */
static struct value member_value(const char *msg, const char *const *members, struct arena *a)
{
    struct str rest = arena_str(a, str_from(msg));
    struct str member = str_cut(&rest, ':');
    for (; rest.p && *members; members++) {
        if (str_is(member, *members))
            return JSON_MAP(a, JSON_STR("member", member), JSON_STR("detail", str_trim(rest)));
    }
    return JSON_MAP(a, JSON_NONE("member"), JSON_STR("detail", arena_str(a, str_from(msg))));
}

void answer_definition_faults(struct exchange *x, int status, const char *detail,
                              const char *const *members, const struct faults *faults)
{
    struct value *items = ARENA_ARRAY(&x->arena, struct value, faults->kept);
    for (size_t i = 0; i < faults->kept; i++)
        items[i] = member_value(faults->list[i].msg, members, &x->arena);
    refuse_as_json(x, status, detail,
                   (struct value_pair)JSON_VALUE("faults", value_list(items, faults->kept)));
}

void answer_reason(struct exchange *x, int status, const char *reason, const char *detail)
{
    refuse_as_json(x, status, detail, (struct value_pair)JSON_STR("reason", str_from(reason)));
}

void answer_problem(struct exchange *x, int status, const char *detail)
{
    answer_faults(x, status, detail, NULL);
}
