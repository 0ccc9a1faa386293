/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/faultview.h"

#include "base/fs.h"
#include "base/json.h"
#include "cli/common/term.h"
#include "template/excerpt.h"
#include "template/text.h"

#define SOURCE_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define EXCERPT_SIZE 512

/* The file of the last fault: faults are sorted. */
struct source_file {
    const char *file;
    struct str text; /* p == NULL: unreadable */
    struct arena arena;
};

static struct str read_source(struct source_file *s, const char *file)
{
    if (!s->file || strcmp(s->file, file) != 0) {
        arena_reset(&s->arena);
        s->file = file;
        s->text = (struct str){0};
        fs_read(file, SOURCE_MAX_BYTES, &s->arena, &s->text, NULL);
    }
    return s->text;
}

/* The offset of a place; SIZE_MAX if the file has changed since and no longer has it. */
static size_t offset_of(struct str text, const struct place *at)
{
    struct str rest = text, line = {0};
    for (uint32_t i = 0; i < at->line; i++) {
        if (!rest.p)
            return SIZE_MAX;
        line = str_cut(&rest, '\n');
    }
    size_t start = (size_t)(line.p - text.p), n;
    for (uint32_t i = 1; i < at->column && line.n; i++) {
        str_decode(line, &n);
        line = str_skip(line, n);
        start += n;
    }
    return start;
}

/* False if there is nothing to show. */
static bool make_excerpt(struct source_file *s, const struct fault *f,
                         char out[static EXCERPT_SIZE])
{
    if (f->excerpt)
        return (size_t)snprintf(out, EXCERPT_SIZE, "%s", f->excerpt) < EXCERPT_SIZE;
    if (!f->at.file || !f->at.line || !f->at.column)
        return false;
    struct str text = read_source(s, f->at.file);
    size_t at = text.p ? offset_of(text, &f->at) : SIZE_MAX;
    if (at > UINT32_MAX)
        return false;
    excerpt_write(out, EXCERPT_SIZE, text, (uint32_t)at);
    return out[0] != '\0';
}

static void put_excerpt(struct buf *b, const char *excerpt, bool color)
{
    struct str rest = str_from(excerpt);
    while (rest.p && rest.n) {
        struct str line = str_cut(&rest, '\n');
        bool caret = color && !rest.p;
        buf_str(b, STR("  "));
        buf_printf(b, "%s", caret ? TERM_CARET : "");
        term_line(b, line);
        buf_printf(b, "%s\n", caret ? TERM_PLAIN : "");
    }
}

static void put_place(struct buf *b, const struct place *at)
{
    if (!at->file)
        return;
    term_text(b, str_from(at->file));
    if (at->line)
        buf_printf(b, ":%u", at->line);
    if (at->line && at->column)
        buf_printf(b, ":%u", at->column);
    buf_str(b, STR(": "));
}

static void put_fault(struct buf *b, const struct fault *f, bool color)
{
    const char *kind = f->warning ? "warning:" : "error:";
    buf_printf(b, "%s", color ? TERM_BOLD : "");
    put_place(b, &f->at);
    if (color)
        buf_printf(b, "%s%s%s", f->warning ? TERM_YELLOW : TERM_RED, kind, TERM_PLAIN);
    else
        buf_printf(b, "%s", kind);
    buf_char(b, ' ');
    term_text(b, str_from(f->msg));
    buf_char(b, '\n');
}

void faultview_print(FILE *f, struct faults *faults, bool color)
{
    struct source_file source = {0};
    struct buf b;
    char excerpt[EXCERPT_SIZE];
    faults_sort(faults);
    arena_init(&source.arena, 4096);
    buf_init(&b, 64 * 1024);
    for (size_t i = 0; i < faults->kept; i++) {
        put_fault(&b, &faults->list[i], color);
        if (make_excerpt(&source, &faults->list[i], excerpt))
            put_excerpt(&b, excerpt, color);
        fwrite(b.p, 1, b.n, f);
        buf_clear(&b);
    }
    size_t all = faults->errors + faults->warnings;
    if (all > faults->kept)
        fprintf(f, "and %zu more\n", all - faults->kept);
    buf_done(&b);
    arena_done(&source.arena);
}

static struct value place_number(uint32_t n)
{
    return n ? value_int(n) : value_none();
}

static struct value fault_value(const struct fault *f, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("severity", str_from(f->warning ? "warning" : "error")),
        JSON_VALUE("file", f->at.file ? value_str(str_from(f->at.file)) : value_none()),
        JSON_VALUE("line", place_number(f->at.line)),
        JSON_VALUE("column", place_number(f->at.line ? f->at.column : 0)),
        JSON_VALUE("node", f->owner ? value_str(str_from(f->owner)) : value_none()),
        JSON_VALUE("document", f->part ? value_str(str_from(f->part)) : value_none()),
        JSON_STR("message", str_from(f->msg)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

struct value faultview_value(struct faults *faults, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, faults->kept);
    faults_sort(faults);
    for (size_t i = 0; i < faults->kept; i++)
        items[i] = fault_value(&faults->list[i], a);
    return value_list(items, faults->kept);
}

const char *faultview_count(const struct faults *faults, char text[static FAULTVIEW_COUNT_SIZE])
{
    size_t errors = faults->errors, warnings = faults->warnings;
    const char *s = errors == 1 ? "" : "s", *w = warnings == 1 ? "" : "s";
    if (errors && warnings)
        snprintf(text, FAULTVIEW_COUNT_SIZE, "%zu error%s, %zu warning%s", errors, s, warnings, w);
    else if (errors)
        snprintf(text, FAULTVIEW_COUNT_SIZE, "%zu error%s", errors, s);
    else if (warnings)
        snprintf(text, FAULTVIEW_COUNT_SIZE, "%zu warning%s", warnings, w);
    else
        snprintf(text, FAULTVIEW_COUNT_SIZE, "no faults");
    return text;
}
