/* SPDX-License-Identifier: Apache-2.0 */
#include "render/cloudconfig.h"

#include "render/cloudconfig_parts.h"

#define HEAD_MAX_BYTES 60

static const struct yaml_node top = {.line = 1, .column = 1, .plain = true, .text = ""};

static const struct yaml_node *parse_one(struct inspect *in, struct str text, const char *what)
{
    struct yaml_documents docs;
    if (yaml_parse_all(in->file, text, in->arena, in->faults, &docs) < 0)
        return NULL;
    if (docs.n > 1)
        inspect_fault(in, docs.list[1],
                      "a second YAML document begins; cloud-init reads one: drop the '---'");
    if (docs.n == 0)
        return NULL;
    return inspect_is(in, docs.list[0], INSPECT_MAP, what) ? docs.list[0] : NULL;
}

/* --- cloud-config -------------------------------------------------------------------------- */

static const struct field_reader cloud_init = {.name = "cloud-init"};

static void check_config(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = parse_one(in, text, "cloud-config");
    if (*ret)
        fields_check(in, &cloud_init, &cloudconfig_table, *ret);
}

/* --- Forms --------------------------------------------------------------------------------- */

enum form { FORM_NONE, FORM_CONFIG, FORM_JINJA, FORM_INCLUDE, FORM_OPAQUE };

static bool begins(struct str text, struct str head)
{
    return text.n >= head.n && str_eq_nocase((struct str){text.p, head.n}, head);
}

static enum form form_of(struct str text)
{
    static const struct {
        const char *head;
        enum form form;
    } forms[] = {
        {"#cloud-config-archive", FORM_OPAQUE},
        {"#cloud-config-jsonp", FORM_OPAQUE},
        {"#cloud-config", FORM_CONFIG},
        {"## template: jinja", FORM_JINJA},
        {"#include", FORM_INCLUDE},
        {"#!", FORM_OPAQUE},
        {"#cloud-boothook", FORM_OPAQUE},
        {"#part-handler", FORM_OPAQUE},
        {"\x1f\x8b", FORM_OPAQUE},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (begins(text, str_from(forms[i].head)))
            return forms[i].form;
    }
    struct str name = str_cut(&text, ':'); /* MIME */
    bool mime =
        str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("mime-version"));
    return mime ? FORM_OPAQUE : FORM_NONE;
}

static void check_include(struct inspect *in, struct str text)
{
    struct yaml_node at = top;
    for (; text.p; at.line++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        /* A URL may follow the word on the first line. */
        if (at.line == 1) {
            str_cut(&line, ' ');
            line = line.p ? str_trim(line) : STR("");
        }
        const char *why = line.n && line.p[0] != '#' ? inspect_url(line) : NULL;
        if (why)
            inspect_fault(in, &at, "%s %s", yaml_quoted(in->arena, line), why);
    }
}

static void check_no_form(struct inspect *in, struct str text)
{
    struct str trimmed = str_trim(text), rest = text;
    struct str head = str_head(str_cut(&rest, '\n'), HEAD_MAX_BYTES);
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        inspect_fault(in, &top,
                      "a byte order mark stands before the first line: cloud-init then "
                      "takes none of it; save the template without one");
    else if (form_of(trimmed) != FORM_NONE)
        inspect_fault(in, &top,
                      "what kind of data this is must stand at the very beginning; "
                      "something blank comes before it");
    else
        inspect_fault(in, &top,
                      "cloud-init does not know what this is: it begins with %s; put "
                      "'#cloud-config' into the first line",
                      yaml_quoted(in->arena, head));
}

/* Jinja2 changes the text on the node, so only a text without any can be checked here. */
static void check_jinja(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    static const struct yaml_node second = {.line = 2, .column = 1};
    bool dynamic = memmem(text.p, text.n, "{{", 2) || memmem(text.p, text.n, "{%", 2) ||
                   memmem(text.p, text.n, "{#", 2);
    struct str rest = text;
    str_cut(&rest, '\n');
    enum form form = rest.p ? form_of(rest) : FORM_NONE;
    if (form == FORM_NONE || form == FORM_JINJA)
        inspect_fault(in, &second,
                      "the line below '## template: jinja' says what this is; "
                      "write '#cloud-config' there");
    else if (form == FORM_CONFIG && !dynamic)
        check_config(in, text, ret);
}

/* To tell what it is, cloud-init passes over what is blank in front of it. But a script is run, a
 * template and MIME are read from their very beginning. */
static enum form whole_form_of(struct str text)
{
    struct str trimmed = str_trim(text);
    enum form form = form_of(trimmed);
    bool is_late = trimmed.n && trimmed.p != text.p;
    return is_late && form != FORM_CONFIG && form != FORM_INCLUDE ? FORM_NONE : form;
}

void cloudconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = NULL;
    if (text.n == 0)
        return;
    switch (whole_form_of(text)) {
    case FORM_CONFIG: check_config(in, text, ret); break;
    case FORM_JINJA: check_jinja(in, text, ret); break;
    case FORM_INCLUDE: check_include(in, text); break;
    case FORM_OPAQUE: break;
    default: check_no_form(in, text); break;
    }
}

/* --- meta-data ----------------------------------------------------------------------------- */

void cloudconfig_check_meta_data(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    *ret = parse_one(in, text, "meta-data");
    if (!*ret) {
        if (in->faults->errors == 0)
            inspect_fault(in, &top,
                          "meta-data is empty; write at least instance-id: "
                          "{{ node.instance_id | to_yaml_scalar }}");
        return;
    }
    const struct yaml_node *id = yaml_get(*ret, STR("instance-id"));
    const struct yaml_node *name = yaml_get(*ret, STR("local-hostname"));
    if (!id)
        inspect_fault(in, *ret,
                      "instance-id is missing; write instance-id: "
                      "{{ node.instance_id | to_yaml_scalar }}");
    else
        inspect_rule(in, id, "instance-id", inspect_not_empty);
    if (name)
        inspect_rule(in, name, "local-hostname", cloudconfig_rule_hostname);
    else
        inspect_warn(in, *ret, "local-hostname is missing: the node will call itself 'localhost'");
}
