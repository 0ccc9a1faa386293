/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fields.h"

void fields_put(struct fields *m, struct str key, struct value v)
{
    m->list[m->n++] = (struct value_pair){value_str(key), v};
}

void fields_text(struct fields *m, struct str key, struct str text)
{
    if (text.n)
        fields_put(m, key, value_str(text));
}

void fields_count(struct fields *m, struct str key, uint64_t n)
{
    if (n)
        fields_put(m, key, value_int((int64_t)n));
}

void fields_flag(struct fields *m, struct str key, bool set)
{
    if (set)
        fields_put(m, key, value_bool(true));
}

struct value fields_value(const struct fields *m, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, m->n);
    memcpy(list, m->list, m->n * sizeof(*list));
    return value_map(list, m->n);
}

/* --- Reading --------------------------------------------------------------------------------- */

struct value fields_get(struct fields_reader *rd, const char *key, enum value_kind kind)
{
    struct value v = value_get(rd->map, str_from(key));
    if (v.kind != VALUE_UNDEFINED && v.kind != kind && !rd->wrong)
        rd->wrong = key;
    return v.kind == kind ? v : (struct value){.kind = VALUE_UNDEFINED};
}

struct str fields_get_text(struct fields_reader *rd, const char *key)
{
    struct value v = fields_get(rd, key, VALUE_STR);
    return v.kind == VALUE_STR ? value_text(v) : (struct str){"", 0};
}

int64_t fields_get_int(struct fields_reader *rd, const char *key, int64_t min, int64_t max)
{
    struct value v = fields_get(rd, key, VALUE_INT);
    if (v.kind != VALUE_INT)
        return min > 0 ? min : 0;
    if ((v.i < min || v.i > max) && !rd->wrong)
        rd->wrong = key;
    return v.i;
}

bool fields_get_flag(struct fields_reader *rd, const char *key)
{
    struct value v = fields_get(rd, key, VALUE_BOOL);
    return v.kind == VALUE_BOOL && v.b;
}

int fields_get_name(struct fields_reader *rd, const char *key, const char *const *names)
{
    struct str name = fields_get_text(rd, key);
    for (int i = 0; names[i]; i++) {
        if (str_is(name, names[i]))
            return i;
    }
    rd->wrong = rd->wrong ? rd->wrong : key;
    return 0;
}

struct fields_reader fields_get_map(struct fields_reader *rd, const char *key)
{
    return (struct fields_reader){.map = fields_get(rd, key, VALUE_MAP)};
}

void fields_end_map(struct fields_reader *rd, const struct fields_reader *inner)
{
    if (!rd->wrong)
        rd->wrong = inner->wrong;
}
