/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "base/hash.h"
#include "base/mem.h"

#define ARENA_BYTES (64 * 1024)
#define KEY_MAX_BYTES ((size_t)1 << 30)
/* Limit of the texts kept for the next run of diff: /tmp may be in memory. */
#define WAITING_MAX_BYTES ((size_t)64 * 1024 * 1024)

const char *const doc_change_kind_names[] = {"changed", "added", "removed"};

/* Nodes whose documents change in the same way, as far as can be told without diff: it runs once
 * for all of them. Variants with the same hunks are merged into one change. */
struct variant {
    uint64_t key, literal;
    struct str document;
    enum doc_change_kind kind;
    struct str first; /* the first node */
    struct name_list nodes;
    bool alike; /* the changed lines differ between nodes, but only in their names and addresses */
    bool mask_in_hunks;        /* the changed lines contain such a name or address */
    struct identity_mask mask; /* of the first node */
    uint32_t change;           /* index in the list, known after diff has run */
};

void name_list_add(struct name_list *names, struct str name)
{
    names->list = mem_grow(names->list, names->n, &names->room, sizeof(*names->list));
    names->list[names->n++] = name;
}

void name_list_done(struct name_list *names)
{
    free(names->list);
    *names = (struct name_list){0};
}

void doc_changes_init(struct doc_changes *cs, const char *folder, bool each)
{
    *cs = (struct doc_changes){.hunks = {.folder = folder}, .each = each};
    arena_init(&cs->arena, ARENA_BYTES);
    arena_init(&cs->scratch, ARENA_BYTES);
}

void doc_changes_done(struct doc_changes *cs)
{
    for (uint32_t i = 0; i < cs->n; i++)
        name_list_done(&cs->list[i].nodes);
    for (uint32_t i = 0; i < cs->variants_n; i++)
        name_list_done(&cs->variants[i].nodes);
    free(cs->list);
    free(cs->variants);
    map_done(&cs->by_key);
    map_done(&cs->variants_by_key);
    arena_done(&cs->scratch);
    arena_done(&cs->arena);
}

static struct str bytes_of(const uint64_t *key)
{
    return (struct str){(const char *)key, sizeof(*key)};
}

static struct str change_key(const void *list, uint32_t i)
{
    return bytes_of(&((const struct doc_change *)list)[i].key);
}

static struct str variant_key(const void *list, uint32_t i)
{
    return bytes_of(&((const struct variant *)list)[i].key);
}

/* Removes the lines that both begin with and the lines that both end with. */
static void cut_common(struct str *a, struct str *b)
{
    size_t least = a->n < b->n ? a->n : b->n, head = 0, tail = 0;
    for (size_t i = 0; i < least && a->p[i] == b->p[i]; i++)
        head = a->p[i] == '\n' ? i + 1 : head;
    *a = str_skip(*a, head);
    *b = str_skip(*b, head);
    least -= head;
    for (size_t i = 1; i <= least && a->p[a->n - i] == b->p[b->n - i]; i++)
        tail = a->p[a->n - i] == '\n' ? i - 1 : tail;
    a->n -= tail;
    b->n -= tail;
}

/* An empty `mask` gives the hash of the literal text. */
static uint64_t key_of(const struct doc_changes *cs, const struct variant *v,
                       const struct identity_mask *mask, struct str text, struct str more)
{
    struct buf b;
    buf_init(&b, KEY_MAX_BYTES);
    if (cs->each)
        buf_str(&b, v->first);
    buf_printf(&b, " %.*s %d\n", STR_ARG(v->document), (int)v->kind);
    identity_mask_apply(mask, text, &b);
    buf_append(&b, "", 1);
    identity_mask_apply(mask, more, &b);
    uint64_t key = hash64(buf_view(&b));
    buf_done(&b);
    return key;
}

/* Hashes only the changed lines, without context and line numbers. */
static uint64_t key_of_hunks(const struct doc_changes *cs, const struct variant *v,
                             const struct identity_mask *mask, struct str hunks)
{
    struct buf b;
    buf_init(&b, KEY_MAX_BYTES);
    for (struct str rest = hunks; rest.n;) {
        struct str line = str_cut(&rest, '\n');
        if (line.n && line.p[0] != ' ' && line.p[0] != '@') {
            buf_str(&b, line);
            buf_char(&b, '\n');
        }
    }
    uint64_t key = key_of(cs, v, mask, buf_view(&b), STR(""));
    buf_done(&b);
    return key;
}

static const struct identity_mask nothing;

static void on_hunks(void *cls, uint32_t number, struct str hunks)
{
    struct doc_changes *cs = cls;
    struct variant *v = &cs->variants[cs->waiting + number];
    cs->list = mem_grow(cs->list, cs->n, &cs->room, sizeof(*cs->list));
    struct doc_change *c = &cs->list[cs->n];
    *c = (struct doc_change){.document = v->document, .kind = v->kind};
    c->key = key_of_hunks(cs, v, &v->mask, hunks);
    c->literal = key_of_hunks(cs, v, &nothing, hunks);
    v->change = map_put(&cs->by_key, change_key, cs->list, cs->n);
    if (v->change == MAP_NONE) {
        v->change = cs->n++;
        c->hunks = arena_str(&cs->arena, hunks);
    }
    v->mask_in_hunks = c->key != c->literal;
    cs->list[v->change].alike |= cs->list[v->change].literal != c->literal;
}

static int ask(struct doc_changes *cs, struct err *e)
{
    int r = hunks_take(&cs->hunks, on_hunks, cs, e);
    for (uint32_t i = cs->waiting; r == 0 && i < cs->variants_n; i++) {
        if (cs->variants[i].change == MAP_NONE) /* an empty document: no output of diff */
            on_hunks(cs, i - cs->waiting, STR(""));
    }
    cs->waiting = cs->variants_n;
    return r;
}

/* The variant with that key; *ret_new tells whether it was added. */
static struct variant *put_variant(struct doc_changes *cs, const struct variant *v, bool *ret_new)
{
    cs->variants =
        mem_grow(cs->variants, cs->variants_n, &cs->variants_room, sizeof(*cs->variants));
    cs->variants[cs->variants_n] = *v;
    uint32_t known = map_put(&cs->variants_by_key, variant_key, cs->variants, cs->variants_n);
    *ret_new = known == MAP_NONE;
    return &cs->variants[*ret_new ? cs->variants_n++ : known];
}

/* The key comes from the changed lines if line_diff finds them, otherwise from all text between the
 * first and the last difference. */
static void set_keys(const struct doc_changes *cs, struct variant *v, struct str gone,
                     struct str come)
{
    struct buf lines;
    buf_init(&lines, KEY_MAX_BYTES);
    cut_common(&gone, &come);
    if (line_diff(gone, come, &lines)) {
        gone = buf_view(&lines);
        come = STR("plain");
    }
    v->key = key_of(cs, v, &v->mask, gone, come);
    v->literal = key_of(cs, v, &nothing, gone, come);
    buf_done(&lines);
}

int doc_changes_add(struct doc_changes *cs, const struct node *before, const struct node *now,
                    struct str document, const struct str texts[2], struct err *e)
{
    struct str gone = texts[0], come = texts[1];
    struct variant v = {
        .document = document,
        .kind = !gone.p   ? DOC_ADDED
                : !come.p ? DOC_REMOVED
                          : DOC_CHANGED,
        .first = now->name,
        .mask = identity_mask_make(before, now, &cs->scratch),
        .change = MAP_NONE,
    };
    bool new;
    set_keys(cs, &v, gone, come);
    struct variant *holder = put_variant(cs, &v, &new);
    name_list_add(&holder->nodes, now->name);
    holder->alike |= holder->literal != v.literal;
    arena_reset(&cs->scratch);
    if (!new)
        return 0;
    holder->mask = identity_mask_make(before, now, &cs->arena);
    int r = hunks_add(&cs->hunks, texts[0], texts[1], e);
    return r == 0 && cs->hunks.bytes > WAITING_MAX_BYTES ? ask(cs, e) : r;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

int doc_changes_finish(struct doc_changes *cs, struct err *e)
{
    int r = ask(cs, e);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < cs->variants_n; i++) {
        const struct variant *v = &cs->variants[i];
        cs->list[v->change].alike |= v->alike && v->mask_in_hunks;
        for (uint32_t j = 0; j < v->nodes.n; j++)
            name_list_add(&cs->list[v->change].nodes, v->nodes.list[j]);
    }
    for (uint32_t i = 0; i < cs->n; i++)
        qsort(cs->list[i].nodes.list, cs->list[i].nodes.n, sizeof(struct str), by_name);
    return 0;
}
