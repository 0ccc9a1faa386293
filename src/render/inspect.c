/* SPDX-License-Identifier: Apache-2.0 */
#include "render/inspect.h"

#include "base/guess.h"
#include "model/address.h"
#include "tree/scalar.h"

#include <stdarg.h>
#include <stdio.h>

#define MSG_MAX 900

void inspect_fault(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
{
    char msg[MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    if (in->warns)
        fault_warn(in->faults, yaml_place(in->file, at), "%s", msg);
    else
        fault_add(in->faults, yaml_place(in->file, at), "%s", msg);
}

void inspect_warn(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
{
    char msg[MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    fault_warn(in->faults, yaml_place(in->file, at), "%s", msg);
}

static bool is_truth(struct str s)
{
    static const char *const words[] = {"yes", "on", "no", "off"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(s, str_from(words[i])))
            return true;
    }
    return false;
}

static unsigned type_of_value(struct value v, const char **ret_why)
{
    switch (v.kind) {
    case VALUE_NONE: return INSPECT_NULL;
    case VALUE_BOOL: *ret_why = "is true or false to YAML; quote it"; return INSPECT_BOOL;
    case VALUE_INT:
    case VALUE_FLOAT: *ret_why = "is a number to YAML; quote it"; return INSPECT_NUMBER;
    default: return INSPECT_TEXT;
    }
}

/* In spite of the standard: y and n, and 00:11:22:33:44:55, whose first digit is a zero. */
static bool is_text_to_pyyaml(struct str s)
{
    return str_eq_nocase(s, STR("y")) || str_eq_nocase(s, STR("n")) ||
           (s.n && s.p[0] == '0' && memchr(s.p, ':', s.n) && !memchr(s.p, '.', s.n));
}

unsigned inspect_type(const struct yaml_node *y, const char **ret_why)
{
    *ret_why = NULL;
    if (y->kind != YAML_SCALAR)
        return y->kind == YAML_SEQUENCE ? INSPECT_LIST : INSPECT_MAP;
    struct value v;
    const char *why = scalar_read(y, &v);
    if (!why)
        return type_of_value(v, ret_why);
    if (is_text_to_pyyaml(yaml_text(y)))
        return INSPECT_TEXT;
    bool truth = is_truth(yaml_text(y));
    *ret_why = truth ? "is true or false to YAML 1.1; quote it" : why;
    return truth ? INSPECT_BOOL : INSPECT_NUMBER;
}

static const char *type_names(unsigned types, char *text, size_t size)
{
    static const char *const names[] = {"empty",  "true or false", "a number",
                                        "a text", "a list",        "a mapping"};
    size_t n = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]) && n < size; i++) {
        if (types & (1u << i))
            n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " or " : "", names[i]);
    }
    return text;
}

bool inspect_is(struct inspect *in, const struct yaml_node *y, unsigned types, const char *what)
{
    char wanted[96], found[96];
    const char *why;
    unsigned type = inspect_type(y, &why);
    if (type & types)
        return true;
    if (why && types & INSPECT_TEXT)
        inspect_fault(in, y, "%s: %s %s", what, yaml_quoted(in->arena, yaml_text(y)), why);
    else
        inspect_fault(in, y, "%s must be %s, and is %s", what,
                      type_names(types, wanted, sizeof(wanted)),
                      type_names(type, found, sizeof(found)));
    return false;
}

/* Messages end up in logs, so a private key in the wrong place is not shown. */
const char *inspect_shown(struct inspect *in, struct str text)
{
    bool secret = text.n && memmem(text.p, text.n, "PRIVATE KEY", 11);
    return secret ? "what stands here" : yaml_quoted(in->arena, text);
}

bool inspect_secret(struct inspect *in, const struct yaml_node *y, const char *what)
{
    const char *why;
    unsigned type = inspect_type(y, &why);
    if (type != INSPECT_TEXT)
        inspect_fault(in, y, "%s must be a text; quote it", what);
    return type == INSPECT_TEXT;
}

bool inspect_rule(struct inspect *in, const struct yaml_node *y, const char *what,
                  inspect_rule_fn rule)
{
    if (!inspect_is(in, y, INSPECT_TEXT, what))
        return false;
    if (!rule)
        return true;
    const char *why = rule(yaml_text(y));
    if (why)
        inspect_fault(in, y, "%s: %s %s", what, inspect_shown(in, yaml_text(y)), why);
    return !why;
}

bool inspect_texts(struct inspect *in, const struct yaml_node *y, const char *what,
                   inspect_rule_fn rule)
{
    bool ok = inspect_is(in, y, INSPECT_LIST, what);
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++)
        ok = inspect_rule(in, y->items[i], what, rule) && ok;
    return ok;
}

bool inspect_true(const struct yaml_node *y)
{
    static const char *const words[] = {"true", "1", "on", "yes", "y"}; /* of cloud-init */
    if (!y || y->kind != YAML_SCALAR)
        return false;
    struct str text = yaml_text(y);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(text, str_from(words[i])))
            return true;
    }
    return false;
}

static bool is_listed(struct str name, const char *const *names)
{
    while (*names && !str_is(name, *names))
        names++;
    return *names != NULL;
}

void inspect_keys(struct inspect *in, const struct yaml_node *map, const char *what,
                  const char *const *names)
{
    for (uint32_t i = 0; map->kind == YAML_MAPPING && i < map->n; i++) {
        const struct yaml_node *key = map->pairs[i].key;
        struct guess guess;
        if (is_listed(yaml_text(key), names))
            continue;
        guess_init(&guess, yaml_text(key));
        for (const char *const *n = names; *n; n++)
            guess_offer(&guess, str_from(*n));
        inspect_fault(in, key, "%s: unknown key %s%s", what, yaml_quoted(in->arena, yaml_text(key)),
                      guess_text(&guess));
    }
}

const char *inspect_not_empty(struct str text)
{
    return text.n ? NULL : "is empty";
}

const char *inspect_address(struct str text)
{
    struct address address;
    return address_parse(text, &address) ? NULL : "is not an IP address";
}

const char *inspect_path(struct str text)
{
    if (text.n == 0)
        return "is empty";
    return text.p[0] == '/' ? NULL : "is not an absolute path: it must begin with '/'";
}

const char *inspect_url(struct str text)
{
    struct str rest = str_starts(text, STR("http://"))    ? str_skip(text, 7)
                      : str_starts(text, STR("https://")) ? str_skip(text, 8)
                                                          : STR("");
    bool blank = false;
    for (size_t i = 0; i < text.n; i++)
        blank = blank || (unsigned char)text.p[i] <= ' ';
    return rest.n && rest.p[0] != '/' && !blank
               ? NULL
               : "is not a URL, like https://cloudseed.example:8443/";
}

struct str inspect_find_key(struct str text)
{
    static const struct str head = {INSPECT_KEY_HEAD, sizeof(INSPECT_KEY_HEAD) - 1};
    const char *at = text.n ? memmem(text.p, text.n, head.p, head.n) : NULL;
    return at ? str_skip(text, (size_t)(at - text.p)) : STR("");
}
