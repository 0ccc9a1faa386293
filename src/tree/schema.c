/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/schema.h"

#include "base/buf.h"
#include "base/guess.h"
#include "model/node.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

const char *schema_quoted(struct schema_reader *r, struct str s)
{
    return yaml_quoted(r->arena, s);
}

bool schema_fault(struct schema_reader *r, const struct schema_field *f, const struct yaml_node *y,
                  const char *fmt, ...)
{
    char msg[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    fault_add(r->faults, yaml_place(r->file, y), "%s: %s", f->name, msg);
    return false;
}

bool schema_refuse(struct schema_reader *r, const struct schema_field *f, const struct yaml_node *y)
{
    return schema_fault(r, f, y, "%s is not %s", schema_quoted(r, yaml_text(y)), f->type->what);
}

struct place schema_place(const struct schema_reader *r, const struct yaml_node *y, const char *key,
                          uint32_t i)
{
    const struct yaml_node *at = yaml_get(y, str_from(key));
    if (at && at->kind == YAML_SEQUENCE && i < at->n)
        at = at->items[i];
    return yaml_place(r->file, at ? at : y);
}

static bool read_item(struct schema_reader *r, const struct schema_field *f,
                      const struct yaml_node *y, void *out)
{
    if (f->of)
        return schema_read(r, f->of, y, out);
    bool scalar = y->kind == YAML_SCALAR && !yaml_is_null(y);
    if (!scalar && !f->type->any_kind)
        return schema_fault(r, f, y, "expected %s, not %s", f->type->what, yaml_kind_name(y));
    return f->type->read(r, f, y, out);
}

static void store_count(char *made, const struct schema_field *f, uint32_t n)
{
    void *at = made + f->count_offset;
    if (f->count_size == sizeof(uint8_t)) {
        assert(n <= UINT8_MAX);
        *(uint8_t *)at = (uint8_t)n;
    } else {
        assert(f->count_size == sizeof(uint32_t));
        *(uint32_t *)at = n;
    }
}

static void store_items(char *made, const struct schema_field *f, const void *items, uint32_t n)
{
    assert(f->size == sizeof(items));
    memcpy(made + f->offset, &items, sizeof(items));
    store_count(made, f, n);
}

static void read_list(struct schema_reader *r, const struct schema_field *f,
                      const struct yaml_node *y, char *made)
{
    bool list = y->kind == YAML_SEQUENCE, ok = true;
    uint32_t n = list ? y->n : 1;
    size_t size = f->of ? f->of->size : f->type->size;
    if (f->max && n > f->max) {
        schema_fault(r, f, y, "%u are too many; it takes at most %d", n, (int)f->max);
        return;
    }
    char *items = arena_zalloc(r->arena, n, size);
    for (uint32_t i = 0; i < n; i++)
        ok &= read_item(r, f, list ? y->items[i] : y, items + i * size);
    if (ok)
        store_items(made, f, items, n);
}

static void read_map(struct schema_reader *r, const struct schema_field *f,
                     const struct yaml_node *y, char *made)
{
    if (y->kind != YAML_MAPPING) {
        schema_fault(r, f, y, "expected a mapping of names, not %s", yaml_kind_name(y));
        return;
    }
    /* Valid entries are kept, so that faults between them are found in the same run. */
    uint32_t sound = 0;
    char *items = arena_zalloc(r->arena, y->n, f->of->size);
    for (uint32_t i = 0; i < y->n; i++) {
        char *item = items + sound * f->of->size;
        if (schema_read_named(r, f->of, &y->pairs[i], item))
            sound++;
        else
            memset(item, 0, f->of->size);
    }
    store_items(made, f, items, sound);
}

static void read_field(struct schema_reader *r, const struct schema_field *f,
                       const struct yaml_node *y, char *made)
{
    switch (f->shape) {
    case SCHEMA_ONE: read_item(r, f, y, made + f->offset); break;
    case SCHEMA_LIST: read_list(r, f, y, made); break;
    case SCHEMA_MAP: read_map(r, f, y, made); break;
    }
}

static void report_unknown(struct schema_reader *r, const struct schema *s,
                           const struct yaml_node *key)
{
    struct guess g;
    struct buf keys;
    guess_init(&g, yaml_text(key));
    buf_init(&keys, 512);
    for (size_t i = 0; i < s->fields_n; i++) {
        guess_offer(&g, str_from(s->fields[i].name));
        buf_printf(&keys, i ? ", %s" : "%s", s->fields[i].name);
    }
    fault_add(r->faults, yaml_place(r->file, key), "%s: unknown key %s%s%s", s->title,
              schema_quoted(r, yaml_text(key)), g.best.n ? "" : "; it takes ",
              g.best.n ? guess_text(&g) : keys.p);
    buf_done(&keys);
}

/* A missing field: its default, or a fault. */
static void read_missing(struct schema_reader *r, const struct schema *s,
                         const struct schema_field *f, const struct yaml_node *y, char *made)
{
    if (f->required) {
        fault_add(r->faults, yaml_place(r->file, y),
                  "%s: '%s' is missing; write for example %s: %s", s->title, f->name, f->name,
                  f->example);
    } else if (f->of && f->shape == SCHEMA_ONE) {
        schema_read(r, f->of, &(struct yaml_node){.plain = true, .text = ""}, made + f->offset);
    } else if (f->fallback) {
        struct yaml_node as_written = {
            .plain = true, .n = (uint32_t)strlen(f->fallback), .text = f->fallback};
        read_field(r, f, &as_written, made);
    }
}

static size_t field_of(const struct schema *s, struct str name)
{
    size_t i = 0;
    while (i < s->fields_n && !str_is(name, s->fields[i].name))
        i++;
    return i;
}

/* Returns a bit for each field that was present; counts unknown keys. */
static uint64_t read_pairs(struct schema_reader *r, const struct schema *s,
                           const struct yaml_node *y, char *made, size_t *ret_unknown)
{
    uint64_t seen = 0;
    *ret_unknown = 0;
    for (uint32_t i = 0; y->kind == YAML_MAPPING && i < y->n; i++) {
        const struct yaml_pair *pair = &y->pairs[i];
        size_t field = field_of(s, yaml_text(pair->key));
        if (field == s->fields_n) {
            report_unknown(r, s, pair->key);
            ++*ret_unknown;
        } else if (!yaml_is_null(pair->value)) {
            seen |= UINT64_C(1) << field;
            read_field(r, &s->fields[field], pair->value, made);
        }
    }
    return seen;
}

bool schema_read(struct schema_reader *r, const struct schema *s, const struct yaml_node *y,
                 void *out)
{
    size_t errors = r->faults->errors;
    assert(s->fields_n <= 64);
    if (y->kind != YAML_MAPPING && !yaml_is_null(y)) {
        fault_add(r->faults, yaml_place(r->file, y), "%s: expected a mapping of keys, not %s",
                  s->title, yaml_kind_name(y));
        return false;
    }
    if (s->place_offset != SCHEMA_NOT_KEPT)
        *(struct place *)((char *)out + s->place_offset) = yaml_place(r->file, y);
    size_t unknown;
    uint64_t seen = read_pairs(r, s, y, out, &unknown);
    errors += unknown; /* the rest is valid */
    for (size_t i = 0; i < s->fields_n; i++) {
        if (!(seen >> i & 1))
            read_missing(r, s, &s->fields[i], y, out);
    }
    if (s->check && r->faults->errors == errors)
        s->check(r, y, out);
    return r->faults->errors == errors;
}

static bool read_label(struct schema_reader *r, const struct schema *s, const struct yaml_node *key,
                       struct str *out)
{
    struct str name = yaml_text(key);
    bool ok = node_name_valid(name);
    if (!ok) {
        name = str_from(schema_quoted(r, name)); /* safe to show in later faults */
        fault_add(
            r->faults, yaml_place(r->file, key),
            "%s: %s is not a valid name; use lower-case letters, digits and '-' inside, 63 at most",
            s->title, name.p);
    }
    *out = arena_str(r->arena, name); /* rarely repeated: not worth interning */
    return ok;
}

bool schema_read_named(struct schema_reader *r, const struct schema *s, const struct yaml_pair *y,
                       void *out)
{
    const struct schema_field as_field = {.name = s->title, .type = s->name_type};
    struct str *name = (struct str *)((char *)out + s->name_offset);
    bool ok = s->name_type ? s->name_type->read(r, &as_field, y->key, name)
                           : read_label(r, s, y->key, name);
    ok &= schema_read(r, s, y->value, out);
    *(struct place *)((char *)out + s->place_offset) = yaml_place(r->file, y->key);
    return ok;
}
