/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "template/builtin.h"
#include "template/run.h"
#include "template/text.h"

#include <inttypes.h>
#include <math.h>

/* For writing a value that holds no others. */
static bool charge_scalar(struct run *r, uint32_t at, struct value v)
{
    switch ((enum value_kind)v.kind) {
    case VALUE_INT: return run_charge(r, at, RUN_INT_STEPS);
    case VALUE_FLOAT: return run_charge(r, at, RUN_FLOAT_STEPS);
    case VALUE_STR: return run_charge_chars(r, at, v.n);
    default: return true;
    }
}

/* --- tojson: json.dumps(sort_keys=True), with characters escaped that matter to HTML -------- */

struct json {
    struct run *r;
    struct buf *b;
    uint32_t at;
    struct str indent; /* p == NULL: all on one line */
    unsigned depth;
    bool is_yaml; /* texts and numbers as to_yaml_scalar writes them */
};

static bool json_value(struct json *j, struct value v);

static void json_code(struct buf *b, uint32_t c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        run_show_code(b, 'u', 4, 0xD800 + (c >> 10));
        c = 0xDC00 + (c & 0x3FF);
    }
    run_show_code(b, 'u', 4, c);
}

/* The letter of a short escape, 0 where there is none. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\f': return 'f';
    case '\b': return 'b';
    default: return '\0';
    }
}

/* Bytes that need no escape: ASCII but for controls and " & ' < > \ and DEL. */
static const bool is_bare[256] = {[' ' ... '!'] = true, ['#' ... '%'] = true, ['(' ... ';'] = true,
                                  ['='] = true,         ['?' ... '['] = true, [']' ... '~'] = true};

#define LANES 16
typedef unsigned char lanes __attribute__((vector_size(LANES)));

static bool are_bare(const char *p)
{
    lanes c;
    uint64_t odd[2];
    memcpy(&c, p, sizeof(c));
    lanes found = (lanes)((c < ' ') | (c > '~') | (c == '"') | (c == '&') | (c == '\'') |
                          (c == '<') | (c == '>') | (c == '\\'));
    memcpy(odd, &found, sizeof(odd));
    return !(odd[0] | odd[1]);
}

/* How many bytes at the beginning need no escape; in most texts all of them. */
static size_t plain_run(struct str s)
{
    size_t n = 0;
    while (s.n - n >= LANES && are_bare(s.p + n))
        n += LANES;
    while (n < s.n && is_bare[(unsigned char)s.p[n]])
        n++;
    return n;
}

/* What stands in a double-quoted string; `hides` tells which characters are written as \u escapes.
 */
static void escaped_text(struct buf *b, struct str s, bool (*hides)(uint32_t c))
{
    for (;;) {
        size_t n = plain_run(s);
        buf_append(b, s.p, n);
        s = str_skip(s, n);
        if (!s.n)
            break;
        char letter = short_escape((unsigned char)s.p[0]);
        if (letter) {
            const char escape[] = {'\\', letter};
            buf_append(b, escape, sizeof(escape));
            s = str_skip(s, 1);
            continue;
        }
        uint32_t c = str_decode(s, &n);
        if (hides(c))
            json_code(b, c);
        else
            buf_append(b, s.p, n);
        s = str_skip(s, n);
    }
}

static void quoted_text(struct buf *b, struct str s, bool (*hides)(uint32_t c))
{
    buf_char(b, '"');
    escaped_text(b, s, hides);
    buf_char(b, '"');
}

/* What Jinja2 escapes in JSON to make it safe in HTML. */
static bool json_hides(uint32_t c)
{
    return c < 0x20 || c >= 0x7F || c == '<' || c == '>' || c == '&' || c == '\'';
}

/* What is not printable in YAML 1.1, or is a line break or a byte order mark there. */
static bool yaml_hides(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
}

/* YAML 1.1 wants a point in every float: 1e+20 would be a string. */
static bool yaml_float(struct run *r, uint32_t at, struct buf *b, double f)
{
    char text[RUN_FLOAT_SIZE];
    if (!isfinite(f))
        return run_fail(r, at, "infinities and nan are not written to YAML");
    run_float_text(f, text);
    const char *e = strchr(text, 'e');
    if (e && !strchr(text, '.'))
        buf_printf(b, "%.*s.0%s", (int)(e - text), text, e);
    else
        buf_str(b, str_from(text));
    return true;
}

static bool json_float(const struct json *j, double f)
{
    char text[RUN_FLOAT_SIZE];
    struct buf *b = j->b;
    if (j->is_yaml)
        return yaml_float(j->r, j->at, b, f);
    if (isnan(f))
        buf_str(b, STR("NaN"));
    else if (isinf(f))
        buf_str(b, f < 0 ? STR("-Infinity") : STR("Infinity"));
    else
        buf_str(b, str_from(run_float_text(f, text)));
    return true;
}

static void json_line(struct json *j)
{
    if (!j->indent.p)
        return;
    buf_char(j->b, '\n');
    for (unsigned i = 0; i < j->depth && !j->b->full; i++)
        buf_str(j->b, j->indent);
}

static void json_comma(struct json *j, bool first)
{
    if (!first)
        buf_str(j->b, j->indent.p ? STR(",") : STR(", "));
    json_line(j);
}

static bool json_list(struct json *j, struct value v)
{
    buf_char(j->b, '[');
    j->depth++;
    for (uint32_t i = 0; i < v.n; i++) {
        json_comma(j, i == 0);
        if (!json_value(j, v.items[i]))
            return false;
    }
    j->depth--;
    if (v.n)
        json_line(j);
    buf_char(j->b, ']');
    return true;
}

static bool json_key(struct json *j, struct value key)
{
    if (key.kind == VALUE_STR)
        return json_value(j, key);
    if (key.kind == VALUE_LIST)
        return run_fail(j->r, j->at, "%s cannot be a key in %s", run_kind(key),
                        j->is_yaml ? "YAML" : "JSON");
    buf_char(j->b, '"');
    bool ok = json_value(j, key);
    buf_char(j->b, '"');
    return ok;
}

static bool sort_pairs(struct json *j, struct value map, struct value *ret)
{
    struct builtin_call c = {.on = map, .at = j->at};
    for (unsigned i = 0; i < RUN_ARGS_MAX; i++)
        c.args[i] = run_tagged(RUN_ABSENT);
    c.args[0] = value_bool(true);
    return filter_dictsort(j->r, &c, ret);
}

static bool json_map(struct json *j, struct value v)
{
    struct value pairs;
    if (!sort_pairs(j, v, &pairs))
        return false;
    buf_char(j->b, '{');
    j->depth++;
    for (uint32_t i = 0; i < pairs.n; i++) {
        json_comma(j, i == 0);
        if (!json_key(j, pairs.items[i].items[0]))
            return false;
        buf_str(j->b, STR(": "));
        if (!json_value(j, pairs.items[i].items[1]))
            return false;
    }
    j->depth--;
    if (pairs.n)
        json_line(j);
    buf_char(j->b, '}');
    return true;
}

static bool json_nested(struct json *j, struct value v)
{
    if (j->depth == RUN_NEST_MAX)
        return run_fail(j->r, j->at, "this value is nested too deeply");
    if (v.kind == VALUE_MAP)
        return json_map(j, v);
    if (!run_is_array(v))
        return run_fail(j->r, j->at, "%s cannot be %s; use \"|list\"", run_kind(v),
                        j->is_yaml ? "YAML" : "JSON");
    return json_list(j, v);
}

static bool json_value(struct json *j, struct value v)
{
    if (j->b->full)
        return run_fail(j->r, j->at, "this text is too long");
    uint64_t indents = j->indent.p ? j->depth / 4 : 0;
    if (!run_charge(j->r, j->at, 1 + indents) || !charge_scalar(j->r, j->at, v))
        return false;
    switch ((enum value_kind)v.kind) {
    case VALUE_UNDEFINED: return run_refuse(j->r, j->at, v);
    case VALUE_NONE: buf_str(j->b, STR("null")); break;
    case VALUE_BOOL: buf_str(j->b, v.b ? STR("true") : STR("false")); break;
    case VALUE_INT: buf_printf(j->b, "%" PRId64, v.i); break;
    case VALUE_FLOAT: return json_float(j, v.f);
    case VALUE_STR: quoted_text(j->b, value_text(v), j->is_yaml ? yaml_hides : json_hides); break;
    case VALUE_LIST:
    case VALUE_MAP: return json_nested(j, v);
    }
    return true;
}

/* A number of spaces, as json.dumps takes it. */
static bool json_indent(struct run *r, const struct builtin_call *c, struct str *ret)
{
    static const char spaces[] = "                                ";
    struct value v = c->args[0];
    int64_t width;
    *ret = TEXT_SPACE;
    if (run_is_absent(v) || v.kind == VALUE_NONE)
        return true;
    if (v.kind == VALUE_STR)
        return run_fail(r, c->at, "'tojson' indents by a number of spaces");
    if (!builtin_int(r, c, 0, 0, &width))
        return false;
    if (width > 32)
        return run_fail(r, c->at, "'tojson' indents by 32 spaces at most");
    *ret = (struct str){spaces, width < 0 ? 0 : (size_t)width};
    return true;
}

bool write_tojson(struct run *r, const struct builtin_call *c, struct buf *b)
{
    struct json j = {.r = r, .b = b, .at = c->at};
    return json_indent(r, c, &j.indent) && json_value(&j, c->on);
}

bool filter_tojson(struct run *r, const struct builtin_call *c, struct value *ret)
{
    bool ok = builtin_written(r, c, write_tojson, ret);
    ret->tag = RUN_MARKUP;
    return ok;
}

/* --- b64encode, quote ---------------------------------------------------------------------- */

static bool scalar_text(struct run *r, const struct builtin_call *c, const char *what,
                        struct str *ret)
{
    if (c->on.kind == VALUE_LIST || c->on.kind == VALUE_MAP)
        return run_fail(r, c->at, "'%s' needs a string, not %s", what, run_kind(c->on));
    return run_text(r, c->at, c->on, ret);
}

bool filter_b64encode(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s;
    if (c->on.kind == VALUE_NONE)
        return run_fail(r, c->at, "'b64encode' needs a string, not none");
    if (!scalar_text(r, c, "b64encode", &s))
        return false;
    size_t n = base64_length(s.n);
    char *p = run_alloc(r, c->at, n + 1);
    if (!p || !run_charge_chars(r, c->at, s.n))
        return false;
    base64_write(s, p);
    *ret = value_str((struct str){p, n});
    return true;
}

static bool needs_quotes(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (!c || !strchr("@%+=:,./-_", c)))
            return true;
    }
    return s.n == 0;
}

/* shlex.quote(); none becomes the empty word, as in Ansible. */
bool filter_quote(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s = {"", 0};
    if (c->on.kind != VALUE_NONE && !scalar_text(r, c, "quote", &s))
        return false;
    if (!run_charge_chars(r, c->at, s.n))
        return false;
    if (!needs_quotes(s))
        return run_copy_text(r, c->at, s, ret);
    struct buf b;
    builtin_begin(r, &b);
    buf_char(&b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_str(&b, STR("'\"'\"'"));
        else
            buf_char(&b, s.p[i]);
    }
    buf_char(&b, '\'');
    return builtin_end(r, c, true, &b, ret);
}

/* --- to_yaml_scalar, to_yaml_flow ----------------------------------------------------------- */

/* JSON and YAML read it in the same way. */
static void yaml_text(struct buf *b, struct str s)
{
    quoted_text(b, s, yaml_hides);
}

bool write_to_yaml_scalar(struct run *r, const struct builtin_call *c, struct buf *b)
{
    if (!charge_scalar(r, c->at, c->on))
        return false;
    switch ((enum value_kind)c->on.kind) {
    case VALUE_UNDEFINED: return run_refuse(r, c->at, c->on);
    case VALUE_NONE: buf_str(b, STR("null")); break;
    case VALUE_BOOL: buf_str(b, c->on.b ? STR("true") : STR("false")); break;
    case VALUE_INT: buf_printf(b, "%" PRId64, c->on.i); break;
    case VALUE_FLOAT: return yaml_float(r, c->at, b, c->on.f);
    case VALUE_STR: yaml_text(b, value_text(c->on)); break;
    case VALUE_LIST:
    case VALUE_MAP:
        return run_fail(r, c->at, "%s is not a scalar; use \"|to_yaml_flow\"", run_kind(c->on));
    }
    return true;
}

bool filter_to_yaml_scalar(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return builtin_written(r, c, write_to_yaml_scalar, ret);
}

bool write_to_yaml_flow(struct run *r, const struct builtin_call *c, struct buf *b)
{
    struct json j = {.r = r, .b = b, .at = c->at, .is_yaml = true};
    return json_value(&j, c->on);
}

bool filter_to_yaml_flow(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return builtin_written(r, c, write_to_yaml_flow, ret);
}

static bool write_yaml_part(struct run *r, const struct builtin_call *c, struct buf *b)
{
    struct str s;
    if (!run_text(r, c->at, c->on, &s) || !run_charge_chars(r, c->at, s.n))
        return false;
    escaped_text(b, s, yaml_hides);
    return true;
}

static bool yaml_part(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return builtin_written(r, c, write_yaml_part, ret);
}

const struct builtin builtin_yaml_part = {
    .name = "to_yaml_scalar", .fn = yaml_part, .write = write_yaml_part};
