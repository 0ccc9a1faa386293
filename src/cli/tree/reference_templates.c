/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/names_table.h"
#include "cli/tree/reference.h"
#include "template/template.h"

#include <stdio.h>

static const char head[] =
    "<!-- Printed by `cloudseed reference templates`; do not edit. -->\n"
    "# Templates: names, filters, tests and methods\n\n"
    "docs/templates.md tells how templates are written. This page lists what they may use.\n\n"
    "## Names\n\n"
    "Any name that is not listed is the variable of that name: the node's, else its role's, its "
    "cluster's or the\nsite's. `[]` stands for each item of a list, `NAME` for a name of yours.\n\n"
    "| Name | What it is | Example |\n|---|---|---|\n";

static const struct {
    const char *kind, *title, *before, *usage, *gives;
} sections[] = {
    {"filter", "Filters", "`value | filter`, with arguments in brackets where there are some.",
     "Filter", "Gives"},
    {"test", "Tests", "`value is test`, `value is not test`.", "Test", "True for what is"},
    {"string method", "Methods of texts", "`text.method(…)`.", "Method", "Gives"},
    {"mapping method", "Methods of mappings", "`mapping.method(…)`.", "Method", "Gives"},
};

/* As code in a table of Markdown: a bar would end the cell. */
static void write_code(struct buf *out, const char *text)
{
    buf_str(out, STR("`"));
    for (; *text; text++) {
        if (*text == '|')
            buf_char(out, '\\');
        buf_char(out, *text);
    }
    buf_str(out, STR("`"));
}

static void write_names(struct buf *out)
{
    for (size_t i = 0; i < names_count; i++) {
        const struct names_row *row = &names_table[i];
        buf_printf(out, "| `%s` | %s | ", row->path, row->what);
        if (row->example)
            write_code(out, row->example);
        buf_str(out, STR(" |\n"));
    }
}

/* "replace(old, new, [count])", "lower". */
static void write_usage(struct buf *out, const struct template_builtin *b)
{
    buf_printf(out, "| `%s", b->name);
    for (unsigned i = 0; i < b->params_max && b->params[i]; i++) {
        bool optional = i >= b->required;
        const char *name = b->params[i];
        buf_printf(out, "%s%s%s%s", i ? ", " : "(", optional ? "[" : "", name + (name[0] == '/'),
                   optional ? "]" : "");
    }
    bool any = b->params_max && b->params[0], method = strstr(b->kind, "method");
    buf_printf(out, "%s` | ", any ? ")" : method ? "()" : "");
}

static void write_builtin(struct buf *out, const struct template_builtin *b)
{
    write_usage(out, b);
    for (const char *p = b->help; *p; p++)
        buf_printf(out, *p == '|' ? "\\|" : "%c", *p);
    buf_str(out, STR(" | "));
    write_code(out, b->example);
    buf_str(out, STR(" | "));
    if (b->result[0])
        write_code(out, b->result);
    buf_str(out, STR(" |\n"));
}

void reference_templates(struct buf *out)
{
    buf_str(out, str_from(head));
    write_names(out);
    for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
        struct template_builtin b;
        buf_printf(out, "\n## %s\n\n%s\n\n| %s | %s | Example | Rendered |\n|---|---|---|---|\n",
                   sections[s].title, sections[s].before, sections[s].usage, sections[s].gives);
        for (size_t i = 0; template_builtin_at(i, &b); i++) {
            if (strcmp(b.kind, sections[s].kind) == 0)
                write_builtin(out, &b);
        }
    }
}
