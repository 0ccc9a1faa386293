/* SPDX-License-Identifier: Apache-2.0 */
#include "template/lexer.h"

#include "base/hex.h"
#include "template/text.h"

#include <math.h>
#include <stdlib.h>

void lexer_init(struct lexer *lx, struct str src)
{
    *lx = (struct lexer){.src = src};
}

static struct str rest_at(const struct lexer *lx, size_t pos)
{
    return str_skip(lx->src, pos);
}

static struct str span(const struct lexer *lx, size_t from, size_t to)
{
    return (struct str){lx->src.p + from, to - from};
}

static char char_at(const struct lexer *lx, size_t pos)
{
    return pos < lx->src.n ? lx->src.p[pos] : '\0';
}

static size_t skip_spaces(const struct lexer *lx, size_t pos)
{
    struct str s = text_strip_left(rest_at(lx, pos), TEXT_SPACE);
    return lx->src.n - s.n;
}

static void fail(struct lexer *lx, size_t at, const char *error, struct token *ret)
{
    lx->error = error;
    lx->error_at = (uint32_t)at;
    *ret = (struct token){.kind = TOKEN_ERROR, .at = (uint32_t)at};
}

/* --- Text and the beginnings of tags ------------------------------------------------------- */

struct opening {
    enum { OPEN_NONE, OPEN_BLOCK, OPEN_PRINT, OPEN_COMMENT, OPEN_RAW } kind;
    size_t at, end; /* of "{%" and what follows it up to the tag's content */
    char sign;      /* '-', '+' or 0 */
};

/* "{%- raw -%}" with its white space is a token of its own. No newline is trimmed behind it, and
 * "+%}" does not end it. */
static bool match_raw(const struct lexer *lx, struct opening *o)
{
    size_t pos = skip_spaces(lx, o->end);
    if (!str_starts(rest_at(lx, pos), STR("raw")))
        return false;
    pos = skip_spaces(lx, pos + 3);
    bool strip = char_at(lx, pos) == '-';
    if (!str_starts(rest_at(lx, pos + strip), STR("%}")))
        return false;
    pos += 2u + strip;
    o->end = strip ? skip_spaces(lx, pos) : pos;
    o->kind = OPEN_RAW;
    return true;
}

static struct opening find_opening(const struct lexer *lx, size_t from)
{
    for (size_t pos = from; pos + 1 < lx->src.n; pos++) {
        const char *brace = memchr(lx->src.p + pos, '{', lx->src.n - pos);
        if (!brace)
            break;
        pos = (size_t)(brace - lx->src.p);
        struct opening o = {.at = pos, .end = pos + 2};
        switch (char_at(lx, pos + 1)) {
        case '%': o.kind = OPEN_BLOCK; break;
        case '{': o.kind = OPEN_PRINT; break;
        case '#': o.kind = OPEN_COMMENT; break;
        default: continue;
        }
        char sign = char_at(lx, o.end);
        if (sign == '-' || sign == '+') {
            o.sign = sign;
            o.end++;
        }
        if (o.kind == OPEN_BLOCK)
            match_raw(lx, &o);
        return o;
    }
    return (struct opening){.at = lx->src.n, .end = lx->src.n};
}

/* The text before a tag, without what the tag trims from it: '-' trims all white space; a block tag
 * that begins a line trims its indentation, unless it has a '+'. */
static struct str text_before(const struct lexer *lx, size_t from, size_t to, char sign, bool print)
{
    struct str text = span(lx, from, to);
    if (sign == '-')
        return text_strip_right(text, TEXT_SPACE);
    if (sign == '+' || print)
        return text;
    size_t line = to;
    while (line > from && lx->src.p[line - 1] != '\n')
        line--;
    bool starts_line = line > from || line == 0 || lx->src.p[line - 1] == '\n';
    struct str indent = span(lx, line, to);
    if (starts_line && text_strip_left(indent, TEXT_SPACE).n == 0)
        text.n -= indent.n;
    return text;
}

/* The offset behind the end of a block, comment or raw tag: "-%}" trims all white space, "%}" one
 * newline, "+%}" nothing. 0 where `pos` is not at an end. */
static size_t match_end(const struct lexer *lx, size_t pos, struct str end)
{
    char sign = char_at(lx, pos);
    bool is_sign = sign == '-' || sign == '+';
    if (!str_starts(rest_at(lx, pos + is_sign), end))
        return 0;
    pos += end.n + is_sign;
    if (sign == '-')
        return skip_spaces(lx, pos);
    return !is_sign && char_at(lx, pos) == '\n' ? pos + 1 : pos;
}

static bool skip_comment(struct lexer *lx, const struct opening *o)
{
    for (size_t pos = o->end; pos < lx->src.n; pos++) {
        size_t end = match_end(lx, pos, STR("#}"));
        if (end) {
            lx->pos = end;
            return true;
        }
    }
    return false;
}

/* The text of a raw block; lx->pos is left behind its "{% endraw %}". */
static bool take_raw(struct lexer *lx, const struct opening *o, struct str *ret)
{
    for (size_t pos = o->end; pos + 1 < lx->src.n; pos++) {
        if (!str_starts(rest_at(lx, pos), STR("{%")))
            continue;
        char sign = char_at(lx, pos + 2);
        bool is_sign = sign == '-' || sign == '+';
        size_t name = skip_spaces(lx, pos + 2 + is_sign);
        if (!str_starts(rest_at(lx, name), STR("endraw")))
            continue;
        size_t end = match_end(lx, skip_spaces(lx, name + 6), STR("%}"));
        if (!end)
            continue;
        *ret = text_before(lx, o->end, pos, sign, false);
        lx->pos = end;
        return true;
    }
    return false;
}

static void push(struct lexer *lx, enum token_kind kind, size_t at, struct str text)
{
    lx->queue[lx->queued++] = (struct token){.kind = kind, .at = (uint32_t)at, .text = text};
}

static void enter_tag(struct lexer *lx, const struct opening *o)
{
    bool block = o->kind == OPEN_BLOCK;
    lx->state = block ? LEXER_BLOCK : LEXER_PRINT;
    lx->tag_at = (uint32_t)o->at;
    lx->balance = 0;
    lx->pos = o->end;
    push(lx, block ? TOKEN_BLOCK_BEGIN : TOKEN_PRINT_BEGIN, o->at, span(lx, o->at, o->end));
}

/* Queues the text up to the next tag, and the tag's beginning; false after an error. */
static bool step_root(struct lexer *lx, struct token *ret)
{
    size_t from = lx->pos;
    struct opening o = find_opening(lx, from);
    struct str text = span(lx, from, o.at);
    if (o.kind != OPEN_NONE)
        text = text_before(lx, from, o.at, o.sign, o.kind == OPEN_PRINT);
    if (text.n)
        push(lx, TOKEN_DATA, from, text);
    lx->pos = o.end;
    struct str raw = {0};
    if (o.kind == OPEN_COMMENT && !skip_comment(lx, &o)) {
        fail(lx, o.at, "this comment has no end: \"#}\" is missing", ret);
        return false;
    }
    if (o.kind == OPEN_RAW && !take_raw(lx, &o, &raw)) {
        fail(lx, o.at, "this raw block has no end: \"{% endraw %}\" is missing", ret);
        return false;
    }
    if (raw.n)
        push(lx, TOKEN_DATA, o.end, raw);
    if (o.kind == OPEN_BLOCK || o.kind == OPEN_PRINT)
        enter_tag(lx, &o);
    return true;
}

/* --- Words: each function returns the offset behind the word that begins at `pos` --------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit_of(char c, int base)
{
    int digit = hex_digit(c);
    return digit >= 0 && digit < base;
}

/* (_?[digit])*, from `pos` on. */
static size_t digits_end(const struct lexer *lx, size_t pos, int base)
{
    for (;;) {
        size_t next = pos + (char_at(lx, pos) == '_');
        if (!is_digit_of(char_at(lx, next), base))
            return pos;
        pos = next + 1;
    }
}

/* Digits at `pos`, which must not begin with an underscore; 0 where there are none. */
static size_t decimal_end(const struct lexer *lx, size_t pos)
{
    return is_digit(char_at(lx, pos)) ? digits_end(lx, pos, 10) : 0;
}

/* A fraction, an exponent or both make a float, but not behind a dot: "a.1.5". */
static size_t float_end(const struct lexer *lx, size_t pos)
{
    size_t whole = decimal_end(lx, pos);
    if (!whole || (pos > 0 && char_at(lx, pos - 1) == '.'))
        return 0;
    size_t fraction = char_at(lx, whole) == '.' ? decimal_end(lx, whole + 1) : 0;
    size_t end = fraction ? fraction : whole;
    if ((char_at(lx, end) | 0x20) != 'e')
        return fraction;
    bool sign = char_at(lx, end + 1) == '+' || char_at(lx, end + 1) == '-';
    size_t exponent = decimal_end(lx, end + 1 + sign);
    return exponent ? exponent : fraction;
}

static size_t integer_end(const struct lexer *lx, size_t pos)
{
    if (char_at(lx, pos) != '0')
        return digits_end(lx, pos, 10);
    char kind = (char)(char_at(lx, pos + 1) | 0x20);
    int base = kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 0;
    size_t end = base ? digits_end(lx, pos + 2, base) : pos + 2;
    return end > pos + 2 ? end : digits_end(lx, pos + 1, 1);
}

static size_t number_end(const struct lexer *lx, size_t pos, bool *ret_is_float)
{
    if (!is_digit(char_at(lx, pos)))
        return 0;
    size_t end = float_end(lx, pos);
    *ret_is_float = end > 0;
    return end ? end : integer_end(lx, pos);
}

static size_t string_end(const struct lexer *lx, size_t pos)
{
    char quote = char_at(lx, pos);
    for (size_t i = pos + 1; i < lx->src.n; i++) {
        if (lx->src.p[i] == quote)
            return i + 1;
        i += lx->src.p[i] == '\\';
    }
    return 0;
}

static size_t name_end(const struct lexer *lx, size_t pos)
{
    if (is_digit(char_at(lx, pos)))
        return pos;
    while (is_name_start(char_at(lx, pos)) || is_digit(char_at(lx, pos)))
        pos++;
    return pos;
}

static size_t operator_end(const struct lexer *lx, size_t pos)
{
    static const char pairs[][3] = {"//", "**", "==", "!=", ">=", "<="};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_starts(rest_at(lx, pos), (struct str){pairs[i], 2}))
            return pos + 2;
    }
    char c = char_at(lx, pos);
    return c && strchr("+-/*%~[](){}><=.:|,;", c) ? pos + 1 : 0;
}

/* --- Inside tags --------------------------------------------------------------------------- */

/* Brackets must pair up, since "}}" ends a tag only outside of them. */
static const char *balance(struct lexer *lx, char c)
{
    char close = c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : '\0';
    if (close) {
        if (lx->balance == LEXER_BALANCE_MAX)
            return "brackets are nested too deeply here";
        lx->open[lx->balance++] = close;
        return NULL;
    }
    if (c != ')' && c != ']' && c != '}')
        return NULL;
    if (lx->balance == 0)
        return c == '}' ? "this '}' closes nothing; '}}' ends an expression"
                        : "this bracket closes nothing";
    char due = lx->open[--lx->balance];
    return due == c     ? NULL
           : due == ')' ? "')' is missing before this"
           : due == ']' ? "']' is missing before this"
                        : "'}' is missing before this";
}

static bool take_tag_end(struct lexer *lx, struct token *ret)
{
    if (lx->balance)
        return false;
    bool block = lx->state == LEXER_BLOCK;
    size_t end = 0;
    if (block)
        end = match_end(lx, lx->pos, STR("%}"));
    else if (str_starts(rest_at(lx, lx->pos), STR("-}}")))
        end = skip_spaces(lx, lx->pos + 3);
    else if (str_starts(rest_at(lx, lx->pos), STR("}}")))
        end = lx->pos + 2;
    if (!end)
        return false;
    *ret = (struct token){.kind = block ? TOKEN_BLOCK_END : TOKEN_PRINT_END,
                          .at = (uint32_t)lx->pos,
                          .text = span(lx, lx->pos, lx->pos + 2)};
    lx->pos = end;
    lx->state = LEXER_ROOT;
    return true;
}

static const char *unexpected(char c)
{
    if (c == '\'' || c == '"')
        return "this string has no end";
    if ((unsigned char)c >= 0x80)
        return "names are made of ASCII letters, digits and _; quote anything else";
    if (c == '!')
        return "unexpected '!': \"not\" and \"!=\" are the forms to use";
    if (c == '&')
        return "unexpected '&': write \"and\"";
    return "unexpected character";
}

/* The end of the word at `pos`, which is not the tag's end; 0 where there is none. */
static size_t take_word(const struct lexer *lx, size_t pos, enum token_kind *ret_kind)
{
    bool is_float = false;
    size_t end = number_end(lx, pos, &is_float);
    if (end) {
        *ret_kind = is_float ? TOKEN_FLOAT : TOKEN_INTEGER;
        return end;
    }
    end = name_end(lx, pos);
    if (end > pos) {
        *ret_kind = TOKEN_NAME;
        return end;
    }
    char c = lx->src.p[pos];
    bool string = c == '\'' || c == '"';
    *ret_kind = string ? TOKEN_STRING : TOKEN_OPERATOR;
    return string ? string_end(lx, pos) : operator_end(lx, pos);
}

static void step_tag(struct lexer *lx, struct token *ret)
{
    if (take_tag_end(lx, ret))
        return;
    size_t pos = lx->pos = skip_spaces(lx, lx->pos);
    if (pos >= lx->src.n) {
        fail(lx, lx->tag_at, "this tag has no end", ret);
        return;
    }
    if (take_tag_end(lx, ret))
        return;
    char c = lx->src.p[pos];
    enum token_kind kind;
    size_t end = take_word(lx, pos, &kind);
    const char *error = end ? NULL : unexpected(c);
    if (!error && kind == TOKEN_OPERATOR)
        error = balance(lx, c);
    if (error) {
        fail(lx, pos, error, ret);
        return;
    }
    *ret = (struct token){.kind = kind, .at = (uint32_t)pos, .text = span(lx, pos, end)};
    lx->pos = end;
}

void lexer_next(struct lexer *lx, struct token *ret)
{
    while (!lx->queued && lx->state == LEXER_ROOT) {
        if (lx->pos >= lx->src.n) {
            *ret = (struct token){.kind = TOKEN_END, .at = (uint32_t)lx->src.n};
            return;
        }
        if (!step_root(lx, ret))
            return;
    }
    if (!lx->queued) {
        step_tag(lx, ret);
        return;
    }
    *ret = lx->queue[0];
    lx->queue[0] = lx->queue[1];
    lx->queued--;
}

void lexer_recover(struct lexer *lx)
{
    struct str end = lx->state == LEXER_BLOCK ? STR("%}") : STR("}}");
    if (lx->state == LEXER_ROOT) { /* a comment or raw block without an end */
        lx->queued = 0;
        lx->pos = lx->src.n;
        return;
    }
    size_t at = text_find(rest_at(lx, lx->pos), end);
    lx->pos = at == SIZE_MAX ? lx->src.n : lx->pos + at + 2;
    lx->state = LEXER_ROOT;
    lx->queued = 0;
}

/* --- What words mean ----------------------------------------------------------------------- */

#define NUMBER_TEXT_MAX 400

const char *lexer_read_integer(struct str text, int64_t *ret)
{
    char kind = text.n > 1 && text.p[0] == '0' ? (char)(text.p[1] | 0x20) : '\0';
    int64_t base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    int64_t v = 0;
    for (size_t i = base == 10 ? 0 : 2; i < text.n; i++) {
        if (text.p[i] == '_')
            continue;
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, (int64_t)hex_digit(text.p[i]), &v))
            return "this number is larger than 9223372036854775807";
    }
    *ret = v;
    return NULL;
}

const char *lexer_read_float(struct str text, double *ret)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '_')
            continue;
        if (n + 1 == sizeof(digits))
            return "this number has too many digits";
        digits[n++] = text.p[i];
    }
    digits[n] = '\0';
    double v = strtod(digits, NULL);
    if (!isfinite(v))
        return "this number is too large";
    *ret = v;
    return NULL;
}

/* Where one escape is read from and its meaning written to. */
struct unescape {
    struct str in; /* behind the backslash */
    char *out;
};

static const char *put_code(struct unescape *u, uint32_t c)
{
    if (c == 0)
        return "a string cannot hold the character 0";
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return "this escape is not a character";
    u->out += text_encode(c, u->out);
    return NULL;
}

static const char *hex_escape(struct unescape *u, size_t digits)
{
    uint32_t c = 0;
    for (size_t i = 1; i <= digits; i++) {
        int digit = i < u->in.n ? hex_digit(u->in.p[i]) : -1;
        if (digit < 0)
            return "this escape is cut short: \\xHH, \\uHHHH and \\UHHHHHHHH are the forms";
        c = c << 4 | (uint32_t)digit;
    }
    u->in = str_skip(u->in, digits + 1);
    return put_code(u, c);
}

static const char *octal_escape(struct unescape *u)
{
    uint32_t c = 0;
    size_t n = 0;
    while (n < 3 && n < u->in.n && u->in.p[n] >= '0' && u->in.p[n] <= '7')
        c = c << 3 | (uint32_t)(u->in.p[n++] - '0');
    u->in = str_skip(u->in, n);
    return put_code(u, c);
}

static const char *plain_escape(struct unescape *u)
{
    static const char names[] = "\n\\'\"abfnrtv", meanings[] = "\0\\'\"\a\b\f\n\r\t\v";
    char c = u->in.p[0];
    if ((unsigned char)c >= 0x80)
        return "no such escape: write \\\\ for a backslash";
    const char *at = strchr(names, c);
    u->in = str_skip(u->in, 1);
    if (!at) { /* Python keeps the backslash of an unknown escape */
        *u->out++ = '\\';
        *u->out++ = c;
    } else if (c != '\n') {
        *u->out++ = meanings[at - names];
    }
    return NULL;
}

static const char *escape(struct unescape *u)
{
    switch (u->in.p[0]) {
    case 'x': return hex_escape(u, 2);
    case 'u': return hex_escape(u, 4);
    case 'U': return hex_escape(u, 8);
    case 'N': return "escapes by name are not supported: write \\uHHHH";
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7': return octal_escape(u);
    default: return plain_escape(u);
    }
}

const char *lexer_read_string(struct str text, struct arena *a, struct str *ret)
{
    struct str in = {text.p + 1, text.n - 2};
    char *start = arena_alloc(a, in.n + 1); /* no escape is shorter than what it means */
    struct unescape u = {.in = in, .out = start};
    while (u.in.n) {
        char c = u.in.p[0];
        u.in = str_skip(u.in, 1);
        if (c != '\\') {
            *u.out++ = c;
            continue;
        }
        const char *error = escape(&u);
        if (error)
            return error;
    }
    *ret = (struct str){start, (size_t)(u.out - start)};
    return NULL;
}
