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

enum form { FORM_NONE, FORM_CONFIG, FORM_JINJA, FORM_INCLUDE, FORM_SCRIPT, FORM_OPAQUE };

static bool begins(struct str text, struct str head)
{
    return text.n >= head.n && str_eq_nocase((struct str){text.p, head.n}, head);
}

struct known_form {
    const char *head;
    enum form form;
    const char *unseen; /* what is not looked into; NULL: it is parsed */
};

static const struct known_form *form_of(struct str text)
{
    static const struct known_form forms[] = {
        {"#cloud-config-archive", FORM_OPAQUE, "an archive"},
        {"#cloud-config-jsonp", FORM_OPAQUE, "a JSON patch"},
        {"#cloud-config", FORM_CONFIG, NULL},
        {"## template: jinja", FORM_JINJA, "jinja"},
        {"#include", FORM_INCLUDE, "what it includes"},
        {"#!", FORM_SCRIPT, "a script"},
        {"#cloud-boothook", FORM_OPAQUE, "a boothook"},
        {"#part-handler", FORM_OPAQUE, "a part handler"},
        {"\x1f\x8b", FORM_OPAQUE, "compressed data"},
    };
    static const struct known_form mime = {"", FORM_OPAQUE, "MIME parts"};
    static const struct known_form none = {"", FORM_NONE, NULL};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (begins(text, str_from(forms[i].head)))
            return &forms[i];
    }
    struct str name = str_cut(&text, ':');
    bool is_mime =
        str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("mime-version"));
    return is_mime ? &mime : &none;
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
                      "there is a byte order mark before the first line: cloud-init then "
                      "ignores all of it; save the template without one");
    else if (form_of(trimmed)->form != FORM_NONE)
        inspect_fault(in, &top,
                      "the line that says what kind of data this is must be the first; "
                      "blank space comes before it");
    else
        inspect_fault(in, &top,
                      "cloud-init does not know what this is: it begins with %s; put "
                      "'#cloud-config' into the first line",
                      yaml_quoted(in->arena, head));
}

/* The form of what Jinja2 makes on the node. */
static enum form form_behind_jinja(struct str text)
{
    str_cut(&text, '\n');
    enum form form = text.p ? form_of(text)->form : FORM_NONE;
    return form == FORM_JINJA ? FORM_NONE : form;
}

/* Jinja2 changes the text on the node, so only a text without any can be checked here. */
static void check_jinja(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    static const struct yaml_node second = {.line = 2, .column = 1};
    bool dynamic = memmem(text.p, text.n, "{{", 2) || memmem(text.p, text.n, "{%", 2) ||
                   memmem(text.p, text.n, "{#", 2);
    enum form form = form_behind_jinja(text);
    if (form == FORM_NONE)
        inspect_fault(in, &second,
                      "the line below '## template: jinja' says what this is; "
                      "write '#cloud-config' there");
    else if (form == FORM_CONFIG && !dynamic)
        check_config(in, text, ret);
    if (*ret)
        in->unseen = NULL;
}

/* To tell what it is, cloud-init passes over what is blank in front of it. But a script is run, a
 * template and MIME are read from their very beginning. */
static const struct known_form *whole_form_of(struct str text)
{
    struct str trimmed = str_trim(text);
    const struct known_form *known = form_of(trimmed);
    bool is_late = trimmed.n && trimmed.p != text.p;
    if (is_late && known->form != FORM_CONFIG && known->form != FORM_INCLUDE)
        return form_of(STR(""));
    return known;
}

/* False after a fault. */
static bool check_format(struct inspect *in, struct str text, enum form form,
                         enum user_data_format format)
{
    if (form == FORM_JINJA)
        form = form_behind_jinja(text);
    if (format == FORMAT_CLOUD_CONFIG && form != FORM_CONFIG)
        inspect_fault(in, &top,
                      "the role's format is cloud-config, so '#cloud-config' must be the first "
                      "line; 'format: any' takes whatever cloud-init does");
    else if (format == FORMAT_SCRIPT && form != FORM_SCRIPT)
        inspect_fault(in, &top,
                      "the role's format is script: the first line must be '#!' and the "
                      "interpreter");
    else
        return true;
    return false;
}

void cloudconfig_check(struct inspect *in, struct str text, enum user_data_format format,
                       const struct yaml_node **ret)
{
    *ret = NULL;
    if (format == FORMAT_OPAQUE)
        in->unseen = "opaque to cloudseed";
    if (text.n == 0 || format == FORMAT_OPAQUE)
        return;
    const struct known_form *known = whole_form_of(text);
    if (known->form != FORM_NONE && !check_format(in, text, known->form, format))
        return;
    in->unseen = known->unseen;
    switch (known->form) {
    case FORM_CONFIG: check_config(in, text, ret); break;
    case FORM_JINJA: check_jinja(in, text, ret); break;
    case FORM_INCLUDE: check_include(in, text); break;
    case FORM_SCRIPT:
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
