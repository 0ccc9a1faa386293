/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/variables.h"

#include "tree/scalar.h"

#include <stdlib.h>

/* Reads values, and notes where each of them was written. */
struct values_reader {
    struct schema_reader *r;
    const struct schema_field *f;
    struct spot *spots;        /* of this variable */
    uint32_t spots_n, counted; /* counted: of those before */
};

static bool read_value(struct values_reader *w, const struct yaml_node *y, struct value *ret);

/* Beyond what a number holds, values have none. */
static uint16_t note_spot(struct values_reader *w, const struct yaml_node *y)
{
    struct place at = yaml_place(w->r->file, y);
    w->spots[w->spots_n++] = (struct spot){at.line, at.column};
    uint32_t number = w->counted + w->spots_n;
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

static uint32_t count_values(const struct yaml_node *y)
{
    uint32_t n = 1;
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++)
        n += count_values(y->items[i]);
    for (uint32_t i = 0; y->kind == YAML_MAPPING && i < y->n; i++)
        n += 1 + count_values(y->pairs[i].value);
    return n;
}

static bool read_scalar(struct values_reader *w, const struct yaml_node *y, struct value *ret)
{
    struct value v;
    const char *why = scalar_read(y, &v);
    if (why)
        return schema_fault(w->r, w->f, y, "%s %s", schema_quoted(w->r, yaml_text(y)), why);
    *ret = v.kind == VALUE_STR ? value_str(intern_str(w->r->texts, value_text(v))) : v;
    return true;
}

static bool read_list(struct values_reader *w, const struct yaml_node *y, struct value *ret)
{
    bool ok = true;
    struct value *items = ARENA_ARRAY(w->r->arena, struct value, y->n);
    for (uint32_t i = 0; i < y->n; i++)
        ok &= read_value(w, y->items[i], &items[i]);
    *ret = value_list(items, y->n);
    return ok;
}

/* A key that is a number or a boolean to YAML would be written differently when rendered. */
static bool read_key(struct values_reader *w, const struct yaml_node *y, struct value *ret)
{
    struct value v;
    uint16_t at = note_spot(w, y);
    const char *why = scalar_read(y, &v);
    if (why || v.kind != VALUE_STR)
        return schema_fault(w->r, w->f, y, "the key %s is not text to YAML; quote it",
                            schema_quoted(w->r, yaml_text(y)));
    *ret = value_str(intern_str(w->r->texts, value_text(v)));
    ret->at = at;
    return true;
}

static bool read_map(struct values_reader *w, const struct yaml_node *y, struct value *ret)
{
    bool ok = true;
    struct value_pair *pairs = ARENA_ARRAY(w->r->arena, struct value_pair, y->n);
    for (uint32_t i = 0; i < y->n; i++) {
        ok &= read_key(w, y->pairs[i].key, &pairs[i].key);
        ok &= read_value(w, y->pairs[i].value, &pairs[i].value);
    }
    *ret = value_map(pairs, y->n);
    return ok;
}

static bool read_value(struct values_reader *w, const struct yaml_node *y, struct value *ret)
{
    uint16_t at = note_spot(w, y);
    bool ok = y->kind == YAML_SEQUENCE  ? read_list(w, y, ret)
              : y->kind == YAML_MAPPING ? read_map(w, y, ret)
                                        : read_scalar(w, y, ret);
    ret->at = at;
    return ok;
}

static bool read_variable(struct values_reader *w, const struct yaml_node *y, struct variable *ret)
{
    uint32_t n = count_values(y);
    w->spots = ARENA_ARRAY(w->r->arena, struct spot, n);
    w->spots_n = 0;
    bool ok = read_value(w, y, &ret->value);
    if (w->counted + n <= UINT16_MAX) {
        ret->spots = w->spots;
        ret->first = (uint16_t)(w->counted + 1);
        ret->spots_n = (uint16_t)n;
    }
    w->counted += n;
    return ok;
}

static bool is_identifier(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool letter = (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_';
        if (!letter && (i == 0 || s.p[i] < '0' || s.p[i] > '9'))
            return false;
    }
    return s.n > 0 && s.n <= 128;
}

bool variables_is_taken(struct str name)
{
    static const char *const taken[] = {
        "site", "cluster", "role", "node",  "networks", "seed",   "secrets", "bootstrap", "boot",
        "loop", "self",    "true", "false", "none",     "and",    "or",      "not",       "in",
        "is",   "if",      "else", "super", "range",    "caller", NULL};
    size_t i = 0;
    while (taken[i] && !str_is(name, taken[i]))
        i++;
    return taken[i] != NULL;
}

/* "packages+" adds to the variable "packages". */
static struct str without_plus(struct str s, bool *ret_adds)
{
    *ret_adds = str_ends(s, STR("+"));
    s.n -= *ret_adds;
    return s;
}

static bool check_name(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *key)
{
    bool adds;
    struct str s = without_plus(yaml_text(key), &adds);
    if (!is_identifier(s))
        return schema_fault(
            r, f, key,
            "%s is not a valid name for a variable; use lower-case letters, digits and "
            "'_', no digit first",
            schema_quoted(r, yaml_text(key)));
    if (str_is(s, "hardened")) /* a variable once */
        return schema_fault(r, f, key,
                            "'hardened' is a key of the cluster: write it beside its "
                            "'version'");
    if (variables_is_taken(s))
        return schema_fault(r, f, key, "'%.*s' means something to templates already; rename it",
                            STR_ARG(s));
    return true;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct variable *)a)->name, ((const struct variable *)b)->name);
}

static bool check_addition(struct schema_reader *r, const struct schema_field *f,
                           const struct yaml_pair *pair, bool adds)
{
    if (!adds || pair->value->kind != YAML_MAPPING)
        return true;
    return schema_fault(r, f, pair->value, "only lists can be added to; leave the '+' of %s out",
                        schema_quoted(r, yaml_text(pair->key)));
}

/* Of sorted variables; the file's own duplicates were faults already. */
static bool check_pairs(struct schema_reader *r, const struct variable *list, uint32_t n)
{
    bool ok = true;
    for (uint32_t i = 1; i < n; i++) {
        if (!str_eq(list[i - 1].name, list[i].name) || list[i - 1].adds == list[i].adds)
            continue;
        fault_add(r->faults, list[i].at, "'%s' and '%s+' are both here; keep one of them",
                  list[i].name.p, list[i].name.p);
        ok = false;
    }
    return ok;
}

static bool read_variables(struct schema_reader *r, const struct schema_field *f,
                           const struct yaml_node *y, void *out)
{
    if (y->kind != YAML_MAPPING)
        return schema_fault(r, f, y, "expected a mapping of names to values, not %s",
                            yaml_kind_name(y));
    bool ok = true;
    struct variable *list = ARENA_ARRAY(r->arena, struct variable, y->n);
    struct values_reader values = {.r = r, .f = f};
    for (uint32_t i = 0; i < y->n; i++) {
        const struct yaml_pair *pair = &y->pairs[i];
        ok &= check_name(r, f, pair->key);
        ok &= read_variable(&values, pair->value, &list[i]);
        list[i].name = intern_str(r->texts, without_plus(yaml_text(pair->key), &list[i].adds));
        ok &= check_addition(r, f, pair, list[i].adds);
        list[i].at = yaml_place(r->file, pair->key);
    }
    if (y->n)
        qsort(list, y->n, sizeof(*list), by_name);
    ok &= check_pairs(r, list, y->n);
    *(struct variables *)out = (struct variables){list, y->n};
    return ok;
}

const struct schema_type schema_variables = {.what = "names and their values",
                                             .size = sizeof(struct variables),
                                             .any_kind = true,
                                             .read = read_variables};

/* One that adds keeps what it adds to. */
static struct variable merged(struct arena *a, const struct variable *under,
                              const struct variable *over)
{
    struct variable v = *over;
    struct variable *base = NULL;
    if (under && over->adds) {
        base = ARENA_NEW(a, struct variable);
        *base = *under;
    }
    v.base = base;
    return v;
}

struct variables variables_merge(struct arena *a, struct variables under, struct variables over)
{
    if (under.n == 0 || over.n == 0)
        return over.n ? over : under;
    struct variable *list = ARENA_ARRAY(a, struct variable, (size_t)under.n + over.n);
    uint32_t u = 0, o = 0, n = 0;
    while (u < under.n || o < over.n) {
        int c = u == under.n  ? 1
                : o == over.n ? -1
                              : str_cmp(under.list[u].name, over.list[o].name);
        list[n++] = c < 0 ? under.list[u] : merged(a, c ? NULL : &under.list[u], &over.list[o]);
        u += c <= 0;
        o += c >= 0;
    }
    return (struct variables){list, n};
}
