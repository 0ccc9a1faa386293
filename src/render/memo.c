/* SPDX-License-Identifier: Apache-2.0 */
#include "render/memo.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "render/aptkey.h"
#include "render/segments.h"
#include "render/span.h"

#include <stdlib.h>

#define PLANS_MAX 4096
#define ENTRIES_MAX (1u << 20)
#define ARENA_BYTES (64 * 1024)
#define SCRATCH_MAX_BYTES (4 * 1024 * 1024)

/* A place that moves with the segments: from the beginning of one, or from its end. */
struct anchor {
    uint32_t segment, delta;
    bool from_end;
};

/* What a check asks of the text between two places; the rule NULL: its type, as a plain scalar. */
struct question {
    struct anchor begin, end;
    inspect_rule_fn rule;
};

/* Of all documents with the same skeleton: what their checks looked at, taken together. It only
 * grows, and what was learnt with a smaller one is not found any more. */
struct plan {
    uint64_t skeleton;
    bool *verbatim; /* for each segment: its very bytes count */
    uint32_t segments_n;
    struct question *questions;
    uint32_t questions_n, questions_room;
    uint32_t edition;
};

struct entry {
    uint64_t key[2];
    bool ok;
};

struct memo {
    struct arena arena;
    struct plan plans[PLANS_MAX];
    struct entry *entries;
    uint32_t plans_n, entries_n, entries_room;
    struct map by_skeleton, by_key;
    struct segments segments; /* of the text that was asked for last, like all below */
    struct buf scratch;
    struct str text;
    struct plan *plan; /* NULL: nothing can be learnt */
    uint64_t hits, misses;
};

struct memo *memo_new(void)
{
    struct memo *m = MEM_NEW(struct memo);
    arena_init(&m->arena, ARENA_BYTES);
    buf_init(&m->scratch, SCRATCH_MAX_BYTES);
    return m;
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->plans_n; i++)
        free(m->plans[i].questions);
    free(m->entries);
    map_done(&m->by_skeleton);
    map_done(&m->by_key);
    segments_done(&m->segments);
    buf_done(&m->scratch);
    arena_done(&m->arena);
    free(m);
}

void memo_counts(const struct memo *m, uint64_t *ret_hits, uint64_t *ret_misses)
{
    *ret_hits = m->hits;
    *ret_misses = m->misses;
}

static struct str skeleton_of(const void *plans, uint32_t i)
{
    const struct plan *p = (const struct plan *)plans + i;
    return (struct str){(const char *)&p->skeleton, sizeof(p->skeleton)};
}

static struct str key_of(const void *entries, uint32_t i)
{
    const struct entry *e = (const struct entry *)entries + i;
    return (struct str){(const char *)e->key, sizeof(e->key)};
}

/* --- Finding ------------------------------------------------------------------------------- */

static uint64_t skeleton_hash(struct memo *m, unsigned kind)
{
    /* A key's head in fixed parts alone is a part of the skeleton. */
    unsigned keys = segments_complete_head(&m->segments, m->text) ? aptkey_count(m->text) : 0;
    buf_clear(&m->scratch);
    buf_append(&m->scratch, &kind, sizeof(kind));
    buf_append(&m->scratch, &keys, sizeof(keys));
    segments_skeleton(&m->segments, m->text, &m->scratch);
    return hash64(buf_view(&m->scratch));
}

static struct plan *find_plan(struct memo *m, uint64_t skeleton)
{
    struct str key = {(const char *)&skeleton, sizeof(skeleton)};
    uint32_t i = map_find(&m->by_skeleton, skeleton_of, m->plans, key);
    if (i != MAP_NONE)
        return m->plans[i].segments_n == m->segments.n ? &m->plans[i] : NULL;
    if (m->plans_n == PLANS_MAX)
        return NULL;
    struct plan *p = &m->plans[m->plans_n];
    p->skeleton = skeleton;
    p->segments_n = m->segments.n;
    p->verbatim = ARENA_ARRAY(&m->arena, bool, p->segments_n);
    map_put(&m->by_skeleton, skeleton_of, m->plans, m->plans_n++);
    return p;
}

static uint32_t place_of(const struct memo *m, struct anchor a)
{
    const struct segment *s = &m->segments.list[a.segment];
    return a.from_end ? s->end : s->begin + a.delta;
}

static void append_answer(struct memo *m, const struct question *q)
{
    uint32_t begin = place_of(m, q->begin), end = place_of(m, q->end);
    struct str text = {m->text.p + begin, end - begin};
    if (q->rule) {
        buf_char(&m->scratch, q->rule(text) ? 'n' : 'y');
        return;
    }
    const char *why;
    /* A scalar's text is followed by a NUL for who reads numbers; here it need not be. */
    const struct yaml_node scalar = {
        .kind = YAML_SCALAR, .plain = true, .n = (uint32_t)text.n, .text = text.p};
    buf_char(&m->scratch, (char)inspect_type(&scalar, &why));
    buf_char(&m->scratch, why ? '!' : ' ');
}

/* All that the checks of such documents look at. */
static bool make_key(struct memo *m, uint64_t ret[2])
{
    const struct plan *p = m->plan;
    buf_clear(&m->scratch);
    buf_append(&m->scratch, &p->edition, sizeof(p->edition));
    for (uint32_t i = 0; i < p->segments_n; i++) {
        const struct segment *s = &m->segments.list[i];
        if (s->harmless && p->verbatim[i]) {
            buf_append(&m->scratch, m->text.p + s->begin, s->end - s->begin);
            buf_append(&m->scratch, "\0", 1);
        }
    }
    for (uint32_t i = 0; i < p->questions_n; i++)
        append_answer(m, &p->questions[i]);
    ret[0] = p->skeleton;
    ret[1] = hash64(buf_view(&m->scratch));
    return !m->scratch.full;
}

bool memo_find(struct memo *m, unsigned kind, struct str text, const struct template_trace *trace,
               bool *ret_ok)
{
    uint64_t key[2];
    uint32_t i = MAP_NONE;
    m->text = text;
    m->plan = NULL;
    if (segments_cut(&m->segments, text, trace)) {
        uint64_t skeleton = skeleton_hash(m, kind);
        m->plan = m->scratch.full ? NULL : find_plan(m, skeleton);
    }
    if (m->plan && m->plan->edition && make_key(m, key))
        i = map_find(&m->by_key, key_of, m->entries, (struct str){(const char *)key, sizeof(key)});
    m->hits += i != MAP_NONE;
    m->misses += i == MAP_NONE;
    if (i != MAP_NONE)
        *ret_ok = m->entries[i].ok;
    return i != MAP_NONE;
}

/* --- Learning ------------------------------------------------------------------------------ */

enum use { USE_NOBODY, USE_FREE, USE_VERBATIM };

/* What is made of one document. */
struct lesson {
    struct memo *m;
    struct span_lines lines;
    uint8_t *use; /* enum use, for each segment */
    bool unclear; /* a scalar's end is not known: no line can be told for a comment */
    bool grew;
};

static void use_range(struct lesson *l, uint32_t begin, uint32_t end, enum use use)
{
    const struct segments *s = &l->m->segments;
    if (begin >= end)
        return;
    for (uint32_t i = segments_at(s, begin); i < s->n && s->list[i].begin < end; i++) {
        bool whole = s->list[i].begin >= begin && s->list[i].end <= end;
        uint8_t wanted = (uint8_t)(whole ? use : USE_VERBATIM);
        if (l->use[i] < wanted)
            l->use[i] = wanted;
    }
}

static bool make_anchor(const struct memo *m, uint32_t at, bool is_end, struct anchor *ret)
{
    uint32_t i = segments_at(&m->segments, is_end && at ? at - 1 : at);
    const struct segment *s = &m->segments.list[i];
    if (s->harmless && at != (is_end ? s->end : s->begin))
        return false;
    *ret = (struct anchor){i, at - s->begin, s->harmless && is_end};
    return true;
}

static bool same_anchor(struct anchor a, struct anchor b)
{
    return a.segment == b.segment && a.from_end == b.from_end && (a.from_end || a.delta == b.delta);
}

static void add_question(struct lesson *l, struct question q)
{
    struct plan *p = l->m->plan;
    for (uint32_t i = 0; i < p->questions_n; i++) {
        const struct question *have = &p->questions[i];
        if (have->rule == q.rule && same_anchor(have->begin, q.begin) &&
            same_anchor(have->end, q.end))
            return;
    }
    if (p->questions_n == p->questions_room) {
        p->questions_room = p->questions_room ? p->questions_room * 2 : 8;
        p->questions = mem_resize(p->questions, p->questions_room, sizeof(*p->questions));
    }
    p->questions[p->questions_n++] = q;
    l->grew = true;
}

static bool has_harmless(const struct lesson *l, const struct span *span)
{
    const struct segments *s = &l->m->segments;
    for (uint32_t i = segments_at(s, span->begin); i < s->n && s->list[i].begin < span->end; i++) {
        if (s->list[i].harmless)
            return true;
    }
    return false;
}

/* Asks the rule of the whole scalar from now on, or counts its bytes where that cannot be done. */
static void ask(struct lesson *l, const struct span *span, inspect_rule_fn rule)
{
    struct question q = {.rule = rule};
    if (!has_harmless(l, span))
        return;
    if (span->exact && make_anchor(l->m, span->begin, false, &q.begin) &&
        make_anchor(l->m, span->end, true, &q.end))
        add_question(l, q);
    else
        use_range(l, span->begin, span->end, USE_VERBATIM);
}

static void learn_value(struct lesson *l, const struct yaml_node *scalar)
{
    struct span span = span_of(&l->lines, scalar);
    bool loose = span.kind == SPAN_BLOCK ||
                 (span.kind == SPAN_QUOTED &&
                  segments_stand_quoted(&l->m->segments, l->lines.text, span.begin, span.end));
    if (span.kind == SPAN_PLAIN && segments_stand_plain(&l->m->segments, span.begin, span.end)) {
        ask(l, &span, NULL);
        loose = true;
    }
    if (span.kind == SPAN_UNKNOWN && scalar->n)
        l->unclear = true;
    else
        use_range(l, span.begin, span.end, loose ? USE_FREE : USE_VERBATIM);
}

static void learn_key(struct lesson *l, const struct yaml_node *key)
{
    struct span span = span_of(&l->lines, key);
    l->unclear = l->unclear || (span.kind == SPAN_UNKNOWN && key->n);
    use_range(l, span.begin, span.end, USE_VERBATIM);
}

static void learn_node(struct lesson *l, const struct yaml_node *y)
{
    if (y->kind == YAML_SCALAR)
        learn_value(l, y);
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++)
        learn_node(l, y->items[i]);
    for (uint32_t i = 0; y->kind == YAML_MAPPING && i < y->n; i++) {
        learn_key(l, y->pairs[i].key);
        learn_node(l, y->pairs[i].value);
    }
}

static void learn_look(struct lesson *l, const struct inspect_look *look)
{
    struct span span = span_of(&l->lines, look->scalar);
    if (span.kind == SPAN_UNKNOWN)
        return; /* nothing in it is free */
    if (look->rule)
        ask(l, &span, look->rule);
    else
        use_range(l, span.begin, span.end, USE_VERBATIM);
}

/* In a line that holds a comment and nothing else. */
static bool is_comment(const struct lesson *l, const struct segment *s)
{
    uint32_t at = span_line_begin(&l->lines, s->begin);
    while (l->lines.text.p[at] == ' ')
        at++;
    return at < s->begin && l->lines.text.p[at] == '#';
}

/* The first lines say what kind of document it is. */
static void close_lesson(struct lesson *l)
{
    struct plan *p = l->m->plan;
    uint32_t body = l->lines.n > 2 ? l->lines.begin[1] : UINT32_MAX;
    if (str_starts(l->lines.text, STR("## ")) && l->lines.n > 2)
        body = l->lines.begin[2];
    for (uint32_t i = 0; i < p->segments_n; i++) {
        const struct segment *s = &l->m->segments.list[i];
        bool comment = l->use[i] == USE_NOBODY && !l->unclear && is_comment(l, s);
        bool free_one = (comment || l->use[i] == USE_FREE) && s->begin >= body;
        if (s->harmless && !free_one && !p->verbatim[i])
            p->verbatim[i] = l->grew = true;
    }
}

static void put_entry(struct memo *m, bool ok)
{
    if (m->entries_n == m->entries_room) {
        m->entries_room = m->entries_room ? m->entries_room * 2 : 1024;
        m->entries = mem_resize(m->entries, m->entries_room, sizeof(*m->entries));
    }
    struct entry *e = &m->entries[m->entries_n];
    *e = (struct entry){.ok = ok};
    if (make_key(m, e->key) && map_put(&m->by_key, key_of, m->entries, m->entries_n) == MAP_NONE)
        m->entries_n++;
}

void memo_learn(struct memo *m, struct yaml_documents docs, const struct inspect *in, bool ok)
{
    if (!m->plan || docs.n == 0 || m->entries_n == ENTRIES_MAX)
        return;
    struct lesson l = {.m = m, .use = mem_zalloc(m->segments.n, 1)};
    span_lines_init(&l.lines, m->text);
    for (uint32_t i = 0; i < docs.n; i++)
        learn_node(&l, docs.list[i]);
    for (uint32_t i = 0; i < in->looks_n; i++)
        learn_look(&l, &in->looks[i]);
    close_lesson(&l);
    if (l.grew || m->plan->edition == 0)
        m->plan->edition++;
    span_lines_done(&l.lines);
    free(l.use);
    put_entry(m, ok);
}
