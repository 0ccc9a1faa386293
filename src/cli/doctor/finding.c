/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/finding.h"

#include "cli/common/term.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX_BYTES 4096
#define ABOUT_MAX 4
#define STEP_COLUMNS 12
#define TEXT_COLUMN (8 + 2 + STEP_COLUMNS + 2) /* behind verdict and step */
#define COLUMNS_MIN 20                         /* of text: a narrower terminal wraps it itself */

static const char *const verdict_names[] = {"ok", "wrong", "not seen"};

static struct str __attribute__((format(printf, 2, 0)))
format(struct arena *a, const char *fmt, va_list list)
{
    char text[TEXT_MAX_BYTES];
    vsnprintf(text, sizeof(text), fmt, list);
    return arena_str(a, str_from(text));
}

#define FORMAT(a, fmt, ret)            \
    do {                               \
        va_list list;                  \
        va_start(list, fmt);           \
        *(ret) = format(a, fmt, list); \
        va_end(list);                  \
    } while (0)

struct finding finding_ok(struct arena *a, const char *fmt, ...)
{
    struct finding f = {FINDING_OK, STR(""), STR("")};
    FORMAT(a, fmt, &f.what);
    return f;
}

struct finding finding_wrong(struct arena *a, struct str how, const char *fmt, ...)
{
    struct finding f = {FINDING_WRONG, STR(""), how};
    FORMAT(a, fmt, &f.what);
    return f;
}

struct finding finding_unseen(struct arena *a, const char *fmt, ...)
{
    struct finding f = {FINDING_UNSEEN, STR(""), STR("")};
    FORMAT(a, fmt, &f.what);
    return f;
}

void finding_add(struct finding_list *l, const char *step, struct finding f)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 32;
        struct finding *list = ARENA_ARRAY(l->arena, struct finding, room);
        const char **steps = ARENA_ARRAY(l->arena, const char *, room);
        if (l->n) {
            memcpy(list, l->list, l->n * sizeof(*list));
            memcpy(steps, l->steps, l->n * sizeof(*steps));
        }
        l->list = list;
        l->steps = steps;
        l->room = room;
    }
    l->steps[l->n] = step;
    l->list[l->n++] = f;
}

static size_t first_wrong(const struct finding_list *l)
{
    size_t i = 0;
    while (i < l->n && l->list[i].verdict != FINDING_WRONG)
        i++;
    return i;
}

/* --- For people ------------------------------------------------------------------------------ */

static const char *color_of(const struct cli *c, enum verdict v)
{
    static const char *const colors[] = {TERM_COME, TERM_RED, TERM_DIM};
    return c->color_out ? colors[v] : "";
}

/* In lines of the terminal's width, each but the first indented to where the text begins. */
static void print_flowing(const struct finding_list *l, struct str said, size_t indent)
{
    struct str text = term_safe(said, l->arena);
    size_t columns = term_columns(STDOUT_FILENO);
    size_t room = columns > indent + COLUMNS_MIN ? columns - indent : SIZE_MAX;
    do {
        struct str line = term_words(text, room);
        printf("%.*s\n", STR_ARG(line));
        text = str_trim(str_skip(text, line.n));
        if (text.n)
            printf("%*s", (int)indent, "");
    } while (text.n);
}

static void print_one(const struct cli *c, const struct finding_list *l, size_t i)
{
    const struct finding *f = &l->list[i];
    printf("%s%-8s%s  ", color_of(c, f->verdict), verdict_names[f->verdict],
           c->color_out ? TERM_PLAIN : "");
    printf("%-*s  ", STEP_COLUMNS, l->steps[i]);
    print_flowing(l, f->what, TEXT_COLUMN);
    if (!f->how.n)
        return;
    printf("%*s", TEXT_COLUMN, "");
    print_flowing(l, f->how, TEXT_COLUMN);
}

static void print_end(const struct cli *c, const struct finding_list *l, size_t first)
{
    if (first == l->n) {
        cli_print_line("\nNothing is wrong in what could be looked at.");
        return;
    }
    const struct finding *f = &l->list[first];
    printf("\n%sFix first: %s%s\n", c->color_out ? TERM_BOLD : "", l->steps[first],
           c->color_out ? TERM_PLAIN : "");
    printf("  ");
    print_flowing(l, f->what, 2);
    printf("  ");
    print_flowing(l, f->how, 2);
}

/* --- As data --------------------------------------------------------------------------------- */

static struct value text_or_none(struct str s)
{
    return s.n ? value_str(s) : value_none();
}

static struct value steps_value(const struct finding_list *l)
{
    struct value *items = ARENA_ARRAY(l->arena, struct value, l->n);
    for (size_t i = 0; i < l->n; i++) {
        const struct finding *f = &l->list[i];
        const struct value_pair pairs[] = {
            JSON_STR("step", str_from(l->steps[i])),
            JSON_STR("result", str_from(verdict_names[f->verdict])),
            JSON_STR("what", f->what),
            JSON_VALUE("how", text_or_none(f->how)),
        };
        items[i] = value_copy(l->arena, value_map(pairs, 4));
    }
    return value_list(items, l->n);
}

static void print_json(const struct finding_list *l, size_t first, const struct value_pair *about,
                       size_t about_n)
{
    struct value_pair pairs[ABOUT_MAX + 3];
    const struct value_pair rest[] = {
        JSON_BOOL("ok", first == l->n),
        JSON_VALUE("first", first < l->n ? value_str(str_from(l->steps[first])) : value_none()),
        JSON_VALUE("steps", steps_value(l)),
    };
    memcpy(pairs, about, about_n * sizeof(*pairs));
    memcpy(pairs + about_n, rest, sizeof(rest));
    cli_print_json(value_map(pairs, about_n + 3));
}

int finding_print(struct cli *c, const struct finding_list *l, const struct value_pair *about,
                  size_t about_n)
{
    size_t first = first_wrong(l);
    if (flags_given(&c->flags, "json")) {
        print_json(l, first, about, about_n);
    } else {
        for (size_t i = 0; i < l->n; i++)
            print_one(c, l, i);
        print_end(c, l, first);
    }
    return first < l->n ? CLI_FAILED : CLI_OK;
}
