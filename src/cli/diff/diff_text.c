/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/term.h"
#include "cli/diff/diff.h"

#include <stdio.h>
#include <unistd.h>

#define SCREEN_MAX_BYTES ((size_t)1 << 31)

struct screen {
    bool color;
    bool terminal; /* else bytes are left as they are: patch(1) may read them */
    struct buf line;
};

static void print_line(struct screen *s, const char *color, struct str line)
{
    buf_clear(&s->line);
    if (s->terminal)
        term_line(&s->line, line);
    else
        buf_str(&s->line, line);
    printf("%s%.*s%s\n", s->color ? color : "", STR_ARG(buf_view(&s->line)),
           s->color && *color ? TERM_PLAIN : "");
}

static const char *color_of(struct str line)
{
    switch (line.n ? line.p[0] : ' ') {
    case '@': return TERM_PLACE;
    case '-': return TERM_GONE;
    case '+': return TERM_COME;
    default: return "";
    }
}

static void print_lines(struct screen *s, struct str text, const char *color)
{
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        print_line(s, color ? color : color_of(line), line);
    }
}

static struct str title(const struct doc_change *change, struct arena *a)
{
    static const char *const verbs[] = {"of", "is new in", "is gone from"};
    struct str text = arena_printf(a, "%.*s %s %.*s", STR_ARG(change->document),
                                   verbs[change->kind], STR_ARG(change->nodes.list[0]));
    uint32_t others = change->nodes.n - 1;
    if (others == 0)
        return text;
    return arena_printf(a, "%s, the same%s in %u other node%s: %s", text.p,
                        change->alike ? ", but for names and addresses," : "", others,
                        others == 1 ? "" : "s", diff_names_text(&change->nodes, 1, a).p);
}

void diff_print_text(struct cli *c, const struct comparison *m)
{
    struct screen s = {.color = c->color_out, .terminal = isatty(STDOUT_FILENO)};
    buf_init(&s.line, SCREEN_MAX_BYTES);
    for (uint32_t i = 0; i < m->changes.n; i++) {
        const struct doc_change *change = &m->changes.list[i];
        print_line(&s, TERM_BOLD, title(change, &c->arena));
        print_lines(&s, diff_head(change, &c->arena), TERM_BOLD);
        print_lines(&s, change->hunks, NULL);
        putchar('\n');
    }
    for (unsigned i = 0; i < DIFF_NOTICES; i++)
        print_lines(&s, diff_notice(m, i, &c->arena), i < DIFF_NOTICES_GRAVE ? TERM_YELLOW : "");
    print_line(&s, TERM_BOLD, diff_summary(m, &c->arena));
    buf_done(&s.line);
}
