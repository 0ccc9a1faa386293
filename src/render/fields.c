/* SPDX-License-Identifier: Apache-2.0 */
#include "render/fields.h"

#include "base/guess.h"
#include "tree/scalar.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define PATH_SIZE 160
#define NAME_SHOWN_MAX 32
#define TEXT_MAX 600

/* --- Messages ------------------------------------------------------------------------------ */

/* A key as it is, or in quotes and escaped where a terminal must not see it. */
static struct str shown_key(const struct field_at *at)
{
    struct str name = str_head(yaml_text(at->key), NAME_SHOWN_MAX);
    for (size_t i = 0, n; i < name.n; i += n) {
        if (str_is_hidden(str_decode(str_skip(name, i), &n)))
            return str_from(yaml_quoted(at->in->arena, name));
    }
    return name;
}

/* Writes "ethernets: eth0: " and returns its length. */
static size_t write_path(const struct field_at *at, char *text, size_t size)
{
    if (!at)
        return 0;
    size_t n = write_path(at->parent, text, size);
    struct str name = at->key ? shown_key(at) : at->parent ? STR("") : str_from(at->row->name);
    if (name.n && n < size)
        n += (size_t)snprintf(text + n, size - n, "%.*s: ", STR_ARG(name));
    return n;
}

static const char *path_of(const struct field_at *at, char text[static PATH_SIZE])
{
    text[0] = '\0';
    write_path(at, text, PATH_SIZE);
    return text;
}

void field_fault(const struct field_at *at, const struct yaml_node *y, const char *fmt, ...)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    inspect_fault(at->in, y, "%s%s", path_of(at, path), text);
}

void field_warn(const struct field_at *at, const struct yaml_node *y, const char *fmt, ...)
{
    char path[PATH_SIZE], text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    inspect_warn(at->in, y, "%s%s", path_of(at, path), text);
}

/* --- Scalars ------------------------------------------------------------------------------- */

static bool has_range(const struct field *row)
{
    return row->min || row->max;
}

static bool is_in_range(const struct field *row, const struct yaml_node *y)
{
    struct value v;
    struct yaml_node plain = *y;
    plain.plain = true; /* where a text is allowed as well, "12" is as good as 12 */
    return !scalar_read(&plain, &v) && v.kind == VALUE_INT && v.i >= row->min && v.i <= row->max;
}

/* "a, b or a number from 1 to 9" */
static const char *allowed(const struct field_at *at)
{
    const struct field *row = at->row;
    struct str text = STR("");
    for (const char *const *w = row->words; w && *w; w++)
        text = arena_printf(at->in->arena, "%.*s%s%s", STR_ARG(text), text.n ? ", " : "", *w);
    if (!has_range(row))
        return text.p;
    const char * or = text.n ? " or " : "";
    if (row->min == INT64_MIN && row->max == INT64_MAX)
        return arena_printf(at->in->arena, "%.*s%sa whole number", STR_ARG(text), or).p;
    if (row->max == INT64_MAX)
        return arena_printf(at->in->arena, "%.*s%sa whole number from %" PRId64 " on",
                            STR_ARG(text), or, row->min)
            .p;
    return arena_printf(at->in->arena, "%.*s%sa whole number from %" PRId64 " to %" PRId64,
                        STR_ARG(text), or, row->min, row->max)
        .p;
}

static void report_value(const struct field_at *at)
{
    struct str text = yaml_text(at->y);
    struct guess guess;
    guess_init(&guess, text);
    for (const char *const *w = at->row->words; w && *w; w++)
        guess_offer(&guess, str_from(*w));
    const char *shown = at->row->flags & FIELD_SECRET ? "this" : inspect_shown(at->in, text);
    if (guess.best.n)
        field_fault(at, at->y, "%s is not a valid value%s", shown, guess_text(&guess));
    else
        field_fault(at, at->y, "%s is not a valid value: write %s", shown, allowed(at));
}

static bool is_listed(const struct field *row, struct str text)
{
    for (const char *const *w = row->words; w && *w; w++) {
        if (row->flags & FIELD_NO_CASE ? str_eq_nocase(text, str_from(*w)) : str_is(text, *w))
            return true;
    }
    return false;
}

static void check_scalar(const struct field_at *at)
{
    const struct field *row = at->row;
    const char *other;
    bool listed = row->words || has_range(row);
    if (row->types & INSPECT_BOOL && inspect_type(at->y, &other) == INSPECT_BOOL)
        return;
    if (is_listed(row, yaml_text(at->y)))
        return;
    if (has_range(row) && is_in_range(row, at->y))
        return;
    const char *why = row->rule ? row->rule(yaml_text(at->y)) : NULL;
    if (why)
        field_fault(at, at->y, "%s %s",
                    row->flags & FIELD_SECRET ? "this" : inspect_shown(at->in, yaml_text(at->y)),
                    why);
    else if (listed && !row->rule)
        report_value(at);
}

static void check_value(const struct field_at *at)
{
    bool warned = at->in->warns;
    at->in->warns = warned || at->row->flags & FIELD_WARN_VALUE;
    check_scalar(at);
    at->in->warns = warned;
}

/* --- Lists and mappings -------------------------------------------------------------------- */

static void check_node(const struct field_at *at);

static void check_items(const struct field_at *at)
{
    struct field_at item = *at;
    item.parent = at;
    item.row = at->row->items;
    item.key = NULL;
    for (uint32_t i = 0; item.row && i < at->y->n; i++) {
        item.y = at->y->items[i];
        check_node(&item);
    }
}

static bool is_current(const struct field_reader *reader, const struct field *row)
{
    if (!reader->newest)
        return true;
    return (!row->until || reader->oldest < row->until) && reader->newest >= row->since;
}

/* The row of that name; one of a version that does not read this only if there is no other. */
static const struct field *find_row(const struct field_reader *reader, const struct field *table,
                                    struct str name)
{
    const struct field *found = NULL;
    for (const struct field *row = table; row && row->name; row++) {
        const struct field *here = !*row->name               ? find_row(reader, row->fields, name)
                                   : str_is(name, row->name) ? row
                                                             : NULL;
        found = here ? here : found;
        if (here && is_current(reader, here))
            break;
    }
    return found;
}

static void offer_rows(const struct field_reader *reader, const struct field *table,
                       struct guess *guess)
{
    for (const struct field *row = table; row && row->name; row++) {
        if (!*row->name)
            offer_rows(reader, row->fields, guess);
        else if (is_current(reader, row))
            guess_offer(guess, str_from(row->name));
    }
}

static void report_unknown(const struct field_at *at, const struct yaml_node *key)
{
    const char *name = yaml_quoted(at->in->arena, yaml_text(key));
    struct guess guess;
    guess_init(&guess, yaml_text(key));
    offer_rows(at->reader, at->row->fields, &guess);
    if (at->row->flags & FIELD_OTHER_KEYS && !guess.best.n)
        field_warn(at, key, "unknown key %s, which %s passes over", name, at->reader->name);
    else
        field_fault(at, key, "unknown key %s%s", name, guess_text(&guess));
}

static void report_outdated(const struct field_at *at, const struct yaml_node *key,
                            const struct field *row)
{
    const char *name = yaml_quoted(at->in->arena, yaml_text(key));
    const char *then = row->instead ? row->instead : "", *colon = row->instead ? "; " : "";
    if (is_current(at->reader, row))
        field_warn(at, key, "%s is deprecated%s%s%s%s", name, row->deprecated ? " since " : "",
                   row->deprecated ? row->deprecated : "", colon, then);
    else if (at->row->flags & FIELD_OTHER_KEYS)
        field_warn(at, key, "%s has no key %s%s%s", at->reader->name, name, colon, then);
    else
        field_fault(at, key, "%s has no key %s%s%s", at->reader->name, name, colon, then);
}

static void check_pair(const struct field_at *at, const struct yaml_pair *pair)
{
    const struct field *row = find_row(at->reader, at->row->fields, yaml_text(pair->key));
    struct field_at value = *at;
    value.parent = at;
    value.row = row ? row : at->row->values;
    value.key = pair->key;
    value.y = pair->value;
    if (row && (row->instead || !is_current(at->reader, row)))
        report_outdated(at, pair->key, row);
    if (row && !is_current(at->reader, row))
        return;
    const char *why = !row && at->row->key ? at->row->key(yaml_text(pair->key)) : NULL;
    if (why)
        field_fault(at, pair->key, "%s %s", yaml_quoted(at->in->arena, yaml_text(pair->key)), why);
    if (value.row)
        check_node(&value);
    else
        report_unknown(at, pair->key);
}

static void check_required(const struct field_at *at, const struct field *table)
{
    for (const struct field *row = table; row && row->name; row++) {
        if (!*row->name)
            check_required(at, row->fields);
        else if (row->flags & FIELD_REQUIRED && is_current(at->reader, row) &&
                 !yaml_get(at->y, str_from(row->name)))
            field_fault(at, at->y, "'%s' is missing", row->name);
    }
}

static void check_mapping(const struct field_at *at)
{
    if (!at->row->fields && !at->row->values)
        return;
    for (uint32_t i = 0; i < at->y->n; i++)
        check_pair(at, &at->y->pairs[i]);
    check_required(at, at->row->fields);
}

/* --- The whole ----------------------------------------------------------------------------- */

/* A number of any size that is written as it would be printed. */
static bool is_decimal(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return s.n && i == s.n && s.p[0] != '0';
}

/* Whether it is read as the text that was written, by YAML 1.1 and by 1.2. */
static bool counts_as_text(const struct field_at *at, unsigned type)
{
    struct value v;
    if (!(at->row->flags & FIELD_AS_TEXT) || at->y->kind != YAML_SCALAR || type == INSPECT_NULL)
        return false;
    return type == INSPECT_TEXT || !scalar_read(at->y, &v) || is_decimal(yaml_text(at->y));
}

static bool has_type(const struct field_at *at)
{
    char path[PATH_SIZE];
    const char *why;
    unsigned type = inspect_type(at->y, &why);
    if (!at->row->types || type & at->row->types || counts_as_text(at, type))
        return true;
    struct str what = str_from(path_of(at, path));
    path[what.n ? what.n - 2 : 0] = '\0'; /* without ": " */
    if (what.n && !at->key && at->parent && what.n + 10 < sizeof(path))
        memcpy(path + what.n - 2, ": an item", sizeof(": an item"));
    if (at->row->flags & FIELD_SECRET && at->row->types & INSPECT_TEXT)
        return inspect_secret(at->in, at->y, path);
    return inspect_is(at->in, at->y, at->row->types, what.n ? path : "this");
}

static bool is_left_empty(const struct field_at *at)
{
    return at->key && yaml_is_null(at->y) && at->parent->row->flags & FIELD_EMPTY &&
           at->row->types && !(at->row->types & INSPECT_NULL);
}

static void check_node(const struct field_at *at)
{
    bool warned = at->in->warns;
    if (at->reader->takes_empty && at->key && yaml_is_null(at->y))
        return;
    at->in->warns = warned || at->row->flags & FIELD_WARN;
    if (is_left_empty(at)) {
        field_warn(at, at->y, "it is empty: leave it out");
    } else if (has_type(at)) {
        if (at->y->kind == YAML_MAPPING)
            check_mapping(at);
        else if (at->y->kind == YAML_SEQUENCE)
            check_items(at);
        else if (!yaml_is_null(at->y))
            check_value(at);
        if (at->row->check)
            at->row->check(at);
    }
    at->in->warns = warned;
}

void field_check(const struct field_at *at, const struct field *row)
{
    struct field_at other = *at;
    other.row = row;
    check_node(&other);
}

void fields_check(struct inspect *in, const struct field_reader *reader, const struct field *row,
                  const struct yaml_node *y)
{
    const struct field_at at = {.in = in, .reader = reader, .row = row, .y = y};
    check_node(&at);
}
