/* SPDX-License-Identifier: Apache-2.0 */
#include "template/filter.h"

#include "template/builtin.h"

const struct filter filter_table[] = {
    {"abs", {NULL}, 0, filter_abs, "the number without its sign"},
    {"b64encode", {NULL}, 0, filter_b64encode, "the text in base64, as in Ansible"},
    {"capitalize", {NULL}, 0, filter_capitalize, "first letter upper, the rest lower case; ASCII"},
    {"count", {NULL}, 0, filter_length, "the same as length"},
    {"d", {"default_value", "boolean"}, 0, filter_default, "the same as default"},
    {"default",
     {"default_value", "boolean"},
     0,
     filter_default,
     "default_value where there is no value; with boolean=true also where it is false or empty"},
    {"dictsort",
     {"case_sensitive", "by", "reverse"},
     0,
     filter_dictsort,
     "the pairs of a mapping, sorted by \"key\" or by \"value\""},
    {"first", {NULL}, 0, filter_first, "the first item"},
    {"float", {"default"}, 0, filter_float, "as a float; default (0.0) where it is no number"},
    {"indent",
     {"width", "first", "blank"},
     0,
     filter_indent,
     "indents all lines but the first and empty ones by width (4) spaces or by a text"},
    {"int", {"default", "base"}, 0, filter_int, "as an integer; default (0) where it is no number"},
    {"items", {NULL}, 0, filter_items, "the pairs of a mapping, none where it is undefined"},
    {"join", {"d"}, 0, filter_join, "all items as one text, with d between them"},
    {"last", {NULL}, 0, filter_last, "the last item"},
    {"length", {NULL}, 0, filter_length, "the number of items or characters"},
    {"list", {NULL}, 0, filter_list, "as a list; of a string its characters"},
    {"lower", {NULL}, 0, filter_lower, "in lower case; ASCII"},
    {"max", {"case_sensitive"}, 0, filter_max, "the largest item"},
    {"min", {"case_sensitive"}, 0, filter_min, "the smallest item"},
    {"quote", {NULL}, 0, filter_quote, "as one word of a shell, as in Ansible"},
    {"replace",
     {"old", "new", "count"},
     2,
     filter_replace,
     "with each old, or the first count of them, replaced by new"},
    {"reverse", {NULL}, 0, filter_reverse, "from the last to the first"},
    {"sort",
     {"reverse", "case_sensitive", "attribute"},
     0,
     filter_sort,
     "the items in order, by an attribute of theirs if one is named"},
    {"string", {NULL}, 0, filter_string, "as a text"},
    {"sum", {NULL}, 0, filter_sum, "the sum of the items"},
    {"title", {NULL}, 0, filter_title, "the first letter of each word in upper case; ASCII"},
    {"to_yaml_scalar",
     {NULL},
     0,
     filter_to_yaml_scalar,
     "on one line, safe wherever YAML takes a scalar: strings are quoted"},
    {"tojson", {"indent"}, 0, filter_tojson, "as JSON, with < > & ' escaped"},
    {"trim", {"chars"}, 0, filter_trim, "without white space, or any of chars, at both ends"},
    {"unique",
     {"case_sensitive"},
     0,
     filter_unique,
     "each item once, in the order of their first places"},
    {"upper", {NULL}, 0, filter_upper, "in upper case; ASCII"},
};

const size_t filter_count = sizeof(filter_table) / sizeof(filter_table[0]);

const struct method method_table[] = {
    {"capitalize", {NULL}, 0, VALUE_STR, filter_capitalize, "as the filter"},
    {"endswith", {"/suffix"}, 1, VALUE_STR, method_endswith, "ends in suffix"},
    {"get", {"/key", "/default"}, 1, VALUE_MAP, method_get, "the value of key, or default (none)"},
    {"items", {NULL}, 0, VALUE_MAP, method_items, "the pairs of key and value"},
    {"join", {"/list"}, 1, VALUE_STR, method_join, "the strings of a list with this between"},
    {"keys", {NULL}, 0, VALUE_MAP, method_keys, "the keys"},
    {"lower", {NULL}, 0, VALUE_STR, filter_lower, "as the filter"},
    {"lstrip", {"/chars"}, 0, VALUE_STR, method_lstrip, "without white space or chars in front"},
    {"replace", {"/old", "/new", "/count"}, 2, VALUE_STR, method_replace, "as the filter"},
    {"rstrip", {"/chars"}, 0, VALUE_STR, method_rstrip, "without white space or chars behind"},
    {"split", {"sep", "maxsplit"}, 0, VALUE_STR, method_split, "the parts between sep"},
    {"splitlines", {NULL}, 0, VALUE_STR, method_splitlines, "the lines"},
    {"startswith", {"/prefix"}, 1, VALUE_STR, method_startswith, "begins with prefix"},
    {"strip", {"/chars"}, 0, VALUE_STR, method_strip, "as the filter trim"},
    {"upper", {NULL}, 0, VALUE_STR, filter_upper, "as the filter"},
    {"values", {NULL}, 0, VALUE_MAP, method_values, "the values"},
};

const size_t method_count = sizeof(method_table) / sizeof(method_table[0]);

const struct filter *filter_find(struct str name)
{
    for (size_t i = 0; i < filter_count; i++) {
        if (str_is(name, filter_table[i].name))
            return &filter_table[i];
    }
    return NULL;
}

const struct method *method_find(struct str name)
{
    for (size_t i = 0; i < method_count; i++) {
        if (str_is(name, method_table[i].name))
            return &method_table[i];
    }
    return NULL;
}

const struct method *method_of(const char *name, struct value v)
{
    for (size_t i = 0; i < method_count; i++) {
        if (method_table[i].of == (enum value_kind)v.kind && !strcmp(method_table[i].name, name))
            return &method_table[i];
    }
    return NULL;
}

bool template_builtin_at(size_t i, struct template_builtin *ret)
{
    struct template_builtin b = {.params_max = FILTER_ARGS_MAX};
    if (i < filter_count) {
        const struct filter *f = &filter_table[i];
        b.kind = "filter", b.name = f->name, b.help = f->help;
        b.params = f->params, b.required = f->required;
    } else if ((i -= filter_count) < test_count) {
        const struct test *t = &test_table[i];
        b.kind = "test", b.name = t->name, b.help = t->help;
        b.params = t->params, b.required = t->required;
    } else if ((i -= test_count) < method_count) {
        const struct method *m = &method_table[i];
        b.kind = m->of == VALUE_STR ? "string method" : "mapping method";
        b.name = m->name, b.help = m->help, b.params = m->params, b.required = m->required;
    } else {
        return false;
    }
    *ret = b;
    return true;
}
