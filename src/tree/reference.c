/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/reference.h"

#include "tree/format.h"
#include "tree/types.h"

#include <inttypes.h>
#include <stdio.h>

static void write_names(struct buf *out, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        buf_printf(out, "%s`%s`", i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
}

/* What the field takes, in the words of its faults. */
static void write_takes(struct buf *out, const struct schema_field *f)
{
    if (f->shape == SCHEMA_LIST)
        buf_printf(out, "a list%s", f->of ? " of mappings: see below" : ": ");
    if (f->shape == SCHEMA_MAP)
        buf_printf(out, "a mapping of names to mappings: see below%s%s",
                   f->of->name_type ? "; a name is " : "",
                   f->of->name_type ? f->of->name_type->what : "");
    else if (f->shape == SCHEMA_ONE && f->of)
        buf_printf(out, "a mapping: see below");
    else if (f->type == &schema_enum)
        write_names(out, f->names);
    else if (f->type == &schema_int)
        buf_printf(out, "%s from %" PRId64 " to %" PRId64, f->type->what, f->min, f->max);
    else if (f->type)
        buf_printf(out, "%s", f->type->what);
    if (f->shape == SCHEMA_LIST && f->max)
        buf_printf(out, " (at most %" PRId64 ")", f->max);
}

static void write_field(struct buf *out, const struct schema_field *f)
{
    buf_printf(out, "| `%s` | ", f->name);
    write_takes(out, f);
    buf_printf(out, " | ");
    if (f->required)
        buf_printf(out, "**required**");
    else if (f->fallback)
        buf_printf(out, "`%s`", f->fallback);
    else
        buf_printf(out, f->of && f->shape == SCHEMA_ONE ? "" : "none");
    buf_printf(out, " | %s", f->help);
    if (f->example)
        buf_printf(out, " Example: `%s`.", f->example);
    buf_printf(out, " |\n");
}

void reference_section(struct buf *out, const struct schema *s, const char *heading)
{
    buf_printf(out, "\n## %s\n\n%s\n\n", heading, s->help);
    buf_printf(out, "| Key | Takes | Default | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < s->fields_n; i++)
        write_field(out, &s->fields[i]);
    for (size_t i = 0; i < s->fields_n; i++) {
        char inner[64];
        if (!s->fields[i].of)
            continue;
        snprintf(inner, sizeof(inner), "`%s` of a %s", s->fields[i].name, s->title);
        reference_section(out, s->fields[i].of, inner);
    }
}

static const char seed_head[] =
    "<!-- Printed by `cloudseed reference seed`; do not edit. -->\n"
    "# The seed tree\n\n"
    "A folder of YAML files, made for Git:\n\n"
    "```\n"
    "site.yaml          what all nodes share\n"
    "clusters/*.yaml    NAME: {…}, any number in a file\n"
    "roles/*.yaml       the same\n"
    "nodes/*.yaml       the same\n"
    "```\n\n"
    "`.yml` does as well. Hidden files and editors' backups are passed over; any other file in "
    "these folders\ngives a warning, since it is not read. Names are lower-case letters, digits "
    "and "
    "`-`.\n\n"
    "A key without a value counts as left out. A list of one may be written without its "
    "brackets.\nWhere a type is declared below, text is taken as it was written, quoted or not; "
    "numbers must not be quoted.\n\n"
    "Values under `variables` are free: text, numbers, `true` and `false`, lists and mappings. "
    "Their names are\nlower-case letters, digits and `_`. What YAML 1.1 and 1.2 read differently "
    "(`yes`, `010`, `12:34:56`,\n`2026-11-22`) must be quoted. A node's variables win over its "
    "role's, those over its cluster's, those over\nthe site's, each value as a whole. "
    "A list under a name that ends in `+`, such as `packages+`, is added to the one that "
    "it\nwould "
    "replace.\n";

void reference_seed(struct buf *out)
{
    buf_printf(out, "%s", seed_head);
    reference_section(out, &format_site, "`site.yaml`");
    reference_section(out, &format_cluster, "`clusters/*.yaml`");
    reference_section(out, &format_role, "`roles/*.yaml`");
    reference_section(out, &format_node, "`nodes/*.yaml`");
}
