/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/yaml.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tree/compose.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#define EXCERPT_MAX_BYTES 200
#define QUOTED_MAX_BYTES 64
#define TAG_PREFIX "tag:yaml.org,2002:"

struct parse {
    yaml_parser_t parser;
    const char *file;
    struct str text; /* without a byte order mark */
    struct arena *arena;
    struct faults *faults;
    struct compose compose;
    bool many, seen_document;
    const struct yaml_node **roots; /* if `many` */
    uint32_t roots_n, roots_room;
};

static void parse_done(struct parse *p)
{
    yaml_parser_delete(&p->parser);
    compose_done(&p->compose);
    free(p->roots);
}

const char *yaml_kind_name(const struct yaml_node *y)
{
    if (y->kind == YAML_SCALAR)
        return y->plain && y->n == 0 ? "nothing" : "a scalar";
    return y->kind == YAML_SEQUENCE ? "a list" : "a mapping";
}

const char *yaml_quoted(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, QUOTED_MAX_BYTES * 4 + 16);
    buf_char(&b, '\'');
    buf_escaped(&b, s, QUOTED_MAX_BYTES);
    buf_char(&b, '\'');
    const char *text = arena_str(a, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

bool yaml_is_null(const struct yaml_node *y)
{
    if (y->kind != YAML_SCALAR || !y->plain || y->tag == YAML_TAG_STR)
        return false;
    struct str s = yaml_text(y);
    return s.n == 0 || str_is(s, "~") || str_is(s, "null") || str_is(s, "Null") ||
           str_is(s, "NULL");
}

const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key)
{
    for (uint32_t i = 0; map && map->kind == YAML_MAPPING && i < map->n; i++) {
        if (str_eq(yaml_text(map->pairs[i].key), key))
            return map->pairs[i].value;
    }
    return NULL;
}

static struct place place_of(const struct parse *p, yaml_mark_t mark)
{
    return (struct place){p->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* The place of a byte, for faults without a place from libyaml. */
static struct place place_of_byte(const struct parse *p, size_t at)
{
    struct place place = {p->file, 1, 1};
    for (size_t i = 0; i < at && i < p->text.n; i++) {
        unsigned char c = (unsigned char)p->text.p[i];
        if (c == '\n') {
            place.line++;
            place.column = 1;
        } else if ((c & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static struct str line_of(struct str text, uint32_t number)
{
    struct str line = str_cut(&text, '\n');
    while (--number && text.p)
        line = str_cut(&text, '\n');
    return number ? STR("") : line;
}

/* The line and a caret below it; NULL for a line that is not safe for a terminal. */
static const char *excerpt_of(struct parse *p, struct place at)
{
    struct str line = line_of(p->text, at.line);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0 || line.n > EXCERPT_MAX_BYTES || at.column > line.n + 1)
        return NULL;
    char caret[EXCERPT_MAX_BYTES + 1];
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F || c == 0xC2) /* 0xC2: perhaps a control */
            return NULL;
        caret[i] = c == '\t' ? '\t' : ' ';
    }
    return arena_printf(p->arena, "%.*s\n%.*s^", STR_ARG(line), (int)at.column - 1, caret).p;
}

static bool tab_at(const struct parse *p, yaml_mark_t mark)
{
    return mark.index < p->text.n && line_of(p->text, (uint32_t)mark.line + 1).n > mark.column &&
           line_of(p->text, (uint32_t)mark.line + 1).p[mark.column] == '\t';
}

static bool says(const char *words, const char *part)
{
    return words && strstr(words, part);
}

/* The most common causes. */
static const char *hint_of(const struct parse *p)
{
    static const struct {
        const char *problem, *hint;
    } known[] = {
        {"could not find expected ':'", "; a key ends in ':' and a space"},
        {"mapping values are not allowed",
         "; is it indented as its neighbours are, is a ':' missing on the line before, or ': ' "
         "in a text without quotes?"},
        {"did not find expected key", "; is this indented as its neighbours are?"},
        {"did not find expected '-'", "; is this indented as its neighbours are?"},
    };
    if (tab_at(p, p->parser.problem_mark))
        return "; YAML indents by spaces, never by tabs";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (says(p->parser.problem, known[i].problem))
            return known[i].hint;
    }
    return "";
}

/* libyaml's own words are kept, because people search the web for them. It notices a missing colon
 * only after the key, often on the next line. */
static void report_syntax(struct parse *p)
{
    const yaml_parser_t *y = &p->parser;
    if (y->error == YAML_MEMORY_ERROR)
        abort();
    if (y->error == YAML_READER_ERROR) {
        fault_add(p->faults, place_of_byte(p, y->problem_offset), "%s (#x%02x)", y->problem,
                  (unsigned)y->problem_value);
        return;
    }
    bool at_context = says(y->context, "simple key");
    struct place at = place_of(p, at_context ? y->context_mark : y->problem_mark);
    const char *excerpt = excerpt_of(p, at);
    if (at_context)
        fault_add_excerpt(p->faults, at, excerpt, "%s: %s%s", y->context, y->problem, hint_of(p));
    else if (y->context)
        fault_add_excerpt(p->faults, at, excerpt, "%s that begins in line %zu: %s%s", y->context,
                          y->context_mark.line + 1, y->problem, hint_of(p));
    else
        fault_add_excerpt(p->faults, at, excerpt, "%s%s", y->problem, hint_of(p));
}

/* !!str and the like; other tags would stand for objects of some programming language. */
static enum yaml_tag tag_of(struct parse *p, const yaml_char_t *tag, enum yaml_kind kind,
                            struct place at)
{
    static const struct {
        const char *tag;
        enum yaml_kind kind;
        enum yaml_tag means;
    } known[] = {
        {TAG_PREFIX "str", YAML_SCALAR, YAML_TAG_STR},
        {TAG_PREFIX "int", YAML_SCALAR, YAML_TAG_INT},
        {TAG_PREFIX "float", YAML_SCALAR, YAML_TAG_FLOAT},
        {TAG_PREFIX "bool", YAML_SCALAR, YAML_TAG_BOOL},
        {TAG_PREFIX "null", YAML_SCALAR, YAML_TAG_NULL},
        {TAG_PREFIX "seq", YAML_SEQUENCE, YAML_TAG_NONE},
        {TAG_PREFIX "map", YAML_MAPPING, YAML_TAG_NONE},
    };
    if (!tag)
        return YAML_TAG_NONE;
    if (p->many && kind == YAML_SCALAR && strcmp((const char *)tag, TAG_PREFIX "binary") == 0)
        return YAML_TAG_STR;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].kind == kind && strcmp(known[i].tag, (const char *)tag) == 0)
            return known[i].means;
    }
    fault_add(p->faults, at, "the tag %s is not known here; leave it out",
              yaml_quoted(p->arena, str_from((const char *)tag)));
    return YAML_TAG_NONE;
}

static struct str anchor_of(struct parse *p, const yaml_char_t *anchor)
{
    return anchor ? arena_str(p->arena, str_from((const char *)anchor)) : (struct str){0};
}

static struct yaml_node *new_node(struct parse *p, const yaml_event_t *ev, enum yaml_kind kind,
                                  const yaml_char_t *tag)
{
    struct place at = place_of(p, ev->start_mark);
    struct yaml_node *y = ARENA_NEW(p->arena, struct yaml_node);
    y->line = at.line;
    y->column = at.column;
    y->kind = (uint8_t)kind;
    y->tag = (uint8_t)tag_of(p, tag, kind, at);
    return y;
}

static bool on_scalar(struct parse *p, const yaml_event_t *ev)
{
    struct yaml_node *y = new_node(p, ev, YAML_SCALAR, ev->data.scalar.tag);
    struct str text = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
    y->text = arena_str(p->arena, text).p;
    y->n = (uint32_t)text.n;
    y->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return compose_scalar(&p->compose, y, anchor_of(p, ev->data.scalar.anchor));
}

static bool on_document(struct parse *p, const yaml_event_t *ev)
{
    if (p->many)
        return true;
    if (p->seen_document)
        fault_add(p->faults, place_of(p, ev->start_mark),
                  "a second YAML document begins; a file holds one: split it, or drop the '---'");
    bool ok = !p->seen_document;
    p->seen_document = true;
    return ok;
}

/* Anchors are valid in one document. */
static bool on_document_end(struct parse *p)
{
    if (!p->many || !p->compose.root)
        return true;
    p->roots = mem_grow(p->roots, p->roots_n, &p->roots_room, sizeof(*p->roots));
    p->roots[p->roots_n++] = p->compose.root;
    uint64_t aliased = p->compose.aliased;
    compose_done(&p->compose);
    compose_init(&p->compose, p->file, p->arena, p->faults);
    p->compose.aliased = aliased;
    return true;
}

static bool on_event(struct parse *p, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT: return on_document(p, ev);
    case YAML_DOCUMENT_END_EVENT: return on_document_end(p);
    case YAML_SCALAR_EVENT: return on_scalar(p, ev);
    case YAML_SEQUENCE_START_EVENT:
        return compose_open(&p->compose,
                            new_node(p, ev, YAML_SEQUENCE, ev->data.sequence_start.tag),
                            anchor_of(p, ev->data.sequence_start.anchor));
    case YAML_MAPPING_START_EVENT:
        return compose_open(&p->compose, new_node(p, ev, YAML_MAPPING, ev->data.mapping_start.tag),
                            anchor_of(p, ev->data.mapping_start.anchor));
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return compose_close(&p->compose);
    case YAML_ALIAS_EVENT:
        return compose_alias(&p->compose, str_from((const char *)ev->data.alias.anchor),
                             place_of(p, ev->start_mark));
    default: return true;
    }
}

static bool parse_events(struct parse *p)
{
    for (;;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&p->parser, &ev)) {
            report_syntax(p);
            return false;
        }
        bool end = ev.type == YAML_STREAM_END_EVENT;
        bool ok = on_event(p, &ev);
        yaml_event_delete(&ev);
        if (end || !ok)
            return ok;
    }
}

/* libyaml would guess an encoding. Anything but UTF-8 is a mistake. */
static bool check_encoding(struct parse *p)
{
    static const struct str bom = {"\xEF\xBB\xBF", 3};
    struct str head = {p->text.p, p->text.n < 4 ? p->text.n : 4};
    bool utf16 = str_starts(head, STR("\xFF\xFE")) || str_starts(head, STR("\xFE\xFF"));
    if (utf16 || (head.n && memchr(head.p, '\0', head.n))) {
        fault_add(p->faults, (struct place){p->file, 1, 1}, "this is UTF-16; save it as UTF-8");
        return false;
    }
    if (str_starts(p->text, bom))
        p->text = str_skip(p->text, bom.n);
    size_t bad;
    if (str_is_utf8(p->text, &bad))
        return true;
    fault_add(p->faults, place_of_byte(p, bad),
              "the byte 0x%02x is not valid UTF-8; save the file as UTF-8",
              (unsigned char)p->text.p[bad]);
    return false;
}

static int parse(struct parse *p)
{
    if (!check_encoding(p))
        return -EINVAL;
    if (!yaml_parser_initialize(&p->parser))
        abort();
    compose_init(&p->compose, p->file, p->arena, p->faults);
    yaml_parser_set_encoding(&p->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p->parser, (const unsigned char *)p->text.p, p->text.n);
    return parse_events(p) ? 0 : -EINVAL;
}

int yaml_parse(const char *file, struct str text, struct arena *a, struct faults *faults,
               const struct yaml_node **ret)
{
    static const struct yaml_node nothing = {.line = 1, .column = 1, .plain = true, .text = ""};
    __attribute__((cleanup(parse_done))) struct parse p = {
        .file = file, .text = text, .arena = a, .faults = faults};
    int r = parse(&p);
    if (r == 0)
        *ret = p.compose.root ? p.compose.root : &nothing;
    return r;
}

int yaml_parse_all(const char *file, struct str text, struct arena *a, struct faults *faults,
                   struct yaml_documents *ret)
{
    __attribute__((cleanup(parse_done))) struct parse p = {
        .file = file, .text = text, .arena = a, .faults = faults, .many = true};
    int r = parse(&p);
    if (r < 0)
        return r;
    ret->list = ARENA_ARRAY(a, const struct yaml_node *, p.roots_n);
    for (uint32_t i = 0; i < p.roots_n; i++)
        ret->list[i] = p.roots[i];
    ret->n = p.roots_n;
    return 0;
}
