/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"

#define BARE(name_, fn_, args_, help_, example_, result_)                                       \
    {                                                                                           \
        .name = name_, .fn = fn_, args_, .help = help_, .example = example_, .result = result_, \
        .spells = SPELLS_BARE                                                                   \
    }

#define ESCAPED(name_, args_, help_, example_, result_)                                     \
    {                                                                                       \
        .name = #name_, .fn = filter_##name_, .write = write_##name_, args_, .help = help_, \
        .example = example_, .result = result_, .spells = SPELLS_ESCAPED                    \
    }

#define FILTER(name_, fn_, args_, help_, example_, result_)                                    \
    {                                                                                          \
        .name = name_, .fn = fn_, args_, .help = help_, .example = example_, .result = result_ \
    }

static const struct builtin filters[] = {
    FILTER("abs", filter_abs, NO_ARGS, "the number without its sign", "{{ (2 - 5) | abs }}", "3"),
    FILTER("b64encode", filter_b64encode, NO_ARGS, "the text in base64, as in Ansible",
           "{{ 'key' | b64encode }}", "a2V5"),
    FILTER("capitalize", filter_capitalize, NO_ARGS,
           "first letter upper, the rest lower case; ASCII", "{{ 'hello WORLD' | capitalize }}",
           "Hello world"),
    FILTER("count", filter_length, NO_ARGS, "the same as length", "{{ [3, 1, 2] | count }}", "3"),
    FILTER("d", filter_default, ARGS(0, "default_value", "boolean"), "the same as default",
           "{{ proxy | d('none') }}", "none"),
    FILTER(
        "default", filter_default, ARGS(0, "default_value", "boolean"),
        "default_value where there is no value; with boolean=true also where it is false or empty",
        "{{ '' | default('none', true) }}", "none"),
    FILTER("dictsort", filter_dictsort, ARGS(0, "case_sensitive", "by", "reverse"),
           "the pairs of a mapping, sorted by \"key\" or by \"value\"",
           "{{ {'b': 1, 'a': 2} | dictsort }}", "[('a', 2), ('b', 1)]"),
    FILTER("first", filter_first, NO_ARGS, "the first item", "{{ ['ns1', 'ns2'] | first }}", "ns1"),
    FILTER("float", filter_float, ARGS(0, "default"),
           "as a float; default (0.0) if it is not a number", "{{ '1.50' | float }}", "1.5"),
    FILTER("indent", filter_indent, ARGS(0, "width", "first", "blank"),
           "indents all lines but the first and empty ones by width (4) spaces or by a text",
           "{{ 'a\\nb' | indent(2) | tojson }}", "\"a\\n  b\""),
    FILTER("int", filter_int, ARGS(0, "default", "base"),
           "as an integer; default (0) if it is not a number", "{{ '42' | int + 1 }}", "43"),
    FILTER("items", filter_items, NO_ARGS, "the pairs of a mapping, none where it is undefined",
           "{% for k, v in {'a': 1} | items %}{{ k }}={{ v }}{% endfor %}", "a=1"),
    FILTER("join", filter_join, ARGS(0, "d"), "all items as one text, with d between them",
           "{{ ['a', 'b'] | join(', ') }}", "a, b"),
    FILTER("last", filter_last, NO_ARGS, "the last item", "{{ ['ns1', 'ns2'] | last }}", "ns2"),
    FILTER("length", filter_length, NO_ARGS, "the number of items or characters",
           "{{ 'abc' | length }}", "3"),
    FILTER("list", filter_list, NO_ARGS, "as a list; of a string its characters",
           "{{ 'abc' | list }}", "['a', 'b', 'c']"),
    FILTER("lower", filter_lower, NO_ARGS, "in lower case; ASCII", "{{ 'Node-A' | lower }}",
           "node-a"),
    FILTER("max", filter_max, ARGS(0, "case_sensitive"), "the largest item",
           "{{ [3, 1, 2] | max }}", "3"),
    FILTER("min", filter_min, ARGS(0, "case_sensitive"), "the smallest item",
           "{{ [3, 1, 2] | min }}", "1"),
    FILTER("quote", filter_quote, NO_ARGS, "as one word of a shell, as in Ansible",
           "{{ 'a b' | quote }}", "'a b'"),
    FILTER("replace", filter_replace, ARGS(2, "old", "new", "count"),
           "with each old, or the first count of them, replaced by new",
           "{{ 'a.b.c' | replace('.', '-', 1) }}", "a-b.c"),
    FILTER("reverse", filter_reverse, NO_ARGS, "from the last to the first",
           "{{ [1, 2, 3] | reverse | list }}", "[3, 2, 1]"),
    FILTER("sort", filter_sort, ARGS(0, "reverse", "case_sensitive", "attribute"),
           "the items in order, by an attribute of theirs if one is named",
           "{{ [3, 1, 2] | sort(reverse=true) }}", "[3, 2, 1]"),
    BARE("string", filter_string, NO_ARGS, "as a text", "{{ 7 | string + '%' }}", "7%"),
    FILTER("sum", filter_sum, NO_ARGS, "the sum of the items", "{{ [1, 2, 3] | sum }}", "6"),
    FILTER("title", filter_title, NO_ARGS, "the first letter of each word in upper case; ASCII",
           "{{ 'rack two' | title }}", "Rack Two"),
    ESCAPED(to_yaml_flow, NO_ARGS, "a list, a mapping or a scalar on one line, safe in YAML",
            "{{ {'a': ['no', none]} | to_yaml_flow }}", "{\"a\": [\"no\", null]}"),
    ESCAPED(to_yaml_scalar, NO_ARGS,
            "on one line, safe wherever YAML takes a scalar: strings are quoted",
            "{{ 'yes: no' | to_yaml_scalar }}", "\"yes: no\""),
    ESCAPED(tojson, ARGS(0, "indent"), "as JSON, with < > & ' escaped",
            "{{ {'a': [1, none]} | tojson }}", "{\"a\": [1, null]}"),
    BARE("trim", filter_trim, ARGS(0, "chars"),
         "without white space, or any of chars, at both ends", "{{ '/srv/' | trim('/') }}", "srv"),
    FILTER("unique", filter_unique, ARGS(0, "case_sensitive"),
           "each item once, in the order of their first places", "{{ [1, 2, 1] | unique | list }}",
           "[1, 2]"),
    FILTER("upper", filter_upper, NO_ARGS, "in upper case; ASCII", "{{ 'eth0' | upper }}", "ETH0"),
};

const struct builtins builtin_filters = {"filter", filters, sizeof(filters) / sizeof(filters[0])};

#define METHOD(name_, of_, fn_, args_, help_, example_, result_)                        \
    {                                                                                   \
        .name = name_, .of = of_, .fn = fn_, args_, .help = help_, .example = example_, \
        .result = result_                                                               \
    }

static const struct builtin methods[] = {
    METHOD("capitalize", VALUE_STR, filter_capitalize, NO_ARGS, "as the filter",
           "{{ 'hello WORLD'.capitalize() }}", "Hello world"),
    METHOD("endswith", VALUE_STR, method_endswith, ARGS(1, "/suffix"), "ends in suffix",
           "{{ 'node-1'.endswith('-1') }}", "True"),
    METHOD("get", VALUE_MAP, method_get, ARGS(1, "/key", "/default"),
           "the value of key, or default (none)", "{{ {'a': 1}.get('b', 'none') }}", "none"),
    METHOD("items", VALUE_MAP, method_items, NO_ARGS, "the pairs of key and value",
           "{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "a=1"),
    METHOD("join", VALUE_STR, method_join, ARGS(1, "/list"),
           "the strings of a list with this between", "{{ ', '.join(['a', 'b']) }}", "a, b"),
    METHOD("keys", VALUE_MAP, method_keys, NO_ARGS, "the keys",
           "{{ {'a': 1, 'b': 2}.keys() | list }}", "['a', 'b']"),
    METHOD("lower", VALUE_STR, filter_lower, NO_ARGS, "as the filter", "{{ 'Node-A'.lower() }}",
           "node-a"),
    METHOD("lstrip", VALUE_STR, method_lstrip, ARGS(0, "/chars"),
           "without white space or chars at the beginning", "{{ '007'.lstrip('0') }}", "7"),
    METHOD("replace", VALUE_STR, method_replace, ARGS(2, "/old", "/new", "/count"), "as the filter",
           "{{ 'a.b.c'.replace('.', '-', 1) }}", "a-b.c"),
    METHOD("rstrip", VALUE_STR, method_rstrip, ARGS(0, "/chars"),
           "without white space or chars at the end", "{{ 'srv/'.rstrip('/') }}", "srv"),
    METHOD("split", VALUE_STR, method_split, ARGS(0, "sep", "maxsplit"), "the parts between sep",
           "{{ 'a,b'.split(',') }}", "['a', 'b']"),
    METHOD("splitlines", VALUE_STR, method_splitlines, NO_ARGS, "the lines",
           "{{ 'a\\nb'.splitlines() }}", "['a', 'b']"),
    METHOD("startswith", VALUE_STR, method_startswith, ARGS(1, "/prefix"), "begins with prefix",
           "{{ 'node-1'.startswith('node') }}", "True"),
    METHOD("strip", VALUE_STR, method_strip, ARGS(0, "/chars"), "as the filter trim",
           "{{ '/srv/'.strip('/') }}", "srv"),
    METHOD("upper", VALUE_STR, filter_upper, NO_ARGS, "as the filter", "{{ 'eth0'.upper() }}",
           "ETH0"),
    METHOD("values", VALUE_MAP, method_values, NO_ARGS, "the values",
           "{{ {'a': 1, 'b': 2}.values() | list }}", "[1, 2]"),
};

const struct builtins builtin_methods = {"method", methods, sizeof(methods) / sizeof(methods[0])};

const struct builtin *builtin_find(const struct builtins *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++) {
        if (str_is(name, in->list[i].name))
            return &in->list[i];
    }
    return NULL;
}

const struct builtin *builtin_method(const struct builtin *like, struct value v)
{
    if (like->of == v.kind)
        return like;
    for (size_t i = 0; i < builtin_methods.n; i++) {
        if (methods[i].of == v.kind && !strcmp(methods[i].name, like->name))
            return &methods[i];
    }
    return NULL;
}

bool template_builtin_at(size_t i, struct template_builtin *ret)
{
    static const struct builtins *const tables[] = {&builtin_filters, &builtin_tests,
                                                    &builtin_methods};
    size_t t = 0;
    while (t < 3 && i >= tables[t]->n)
        i -= tables[t++]->n;
    if (t == 3)
        return false;
    const struct builtin *b = &tables[t]->list[i];
    *ret = (struct template_builtin){.kind = b->of == VALUE_STR   ? "string method"
                                             : b->of == VALUE_MAP ? "mapping method"
                                                                  : tables[t]->kind,
                                     .name = b->name,
                                     .params = b->params,
                                     .params_max = RUN_ARGS_MAX,
                                     .required = b->required,
                                     .help = b->help,
                                     .example = b->example,
                                     .result = b->result};
    return true;
}

/* --- Arguments ----------------------------------------------------------------------------- */

bool builtin_has_arg(const struct builtin_call *c, unsigned i)
{
    return !run_is_absent(c->args[i]) && c->args[i].kind != VALUE_NONE;
}

bool builtin_int(struct run *r, const struct builtin_call *c, unsigned i, int64_t otherwise,
                 int64_t *ret)
{
    struct value v = c->args[i];
    *ret = otherwise;
    if (run_is_absent(v))
        return true;
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, v);
    if (!run_is_integer(v))
        return run_fail(r, c->at, "an integer is needed here, not %s", run_kind(v));
    *ret = run_integer(v);
    return true;
}

bool builtin_flag(struct run *r, const struct builtin_call *c, unsigned i, bool otherwise,
                  bool *ret)
{
    *ret = otherwise;
    return run_is_absent(c->args[i]) || run_truth(r, c->at, c->args[i], ret);
}

bool builtin_arg_text(struct run *r, const struct builtin_call *c, unsigned i, struct str *ret)
{
    *ret = STR("");
    return run_is_absent(c->args[i]) || run_text(r, c->at, c->args[i], ret);
}

/* --- Results ------------------------------------------------------------------------------- */

/* The spare buffer goes from one filter to the next, so that most need no memory of their own; a
 * filter that runs inside another gets an empty one. */
void builtin_begin(struct run *r, struct buf *b)
{
    *b = r->spare;
    buf_init(&r->spare, r->scratch.max_bytes);
    r->spare.secret = b->secret;
    buf_clear(b);
}

void builtin_return(struct run *r, struct buf *b)
{
    buf_done(&r->spare);
    r->spare = *b;
}

bool builtin_end(struct run *r, const struct builtin_call *c, bool ok, struct buf *b,
                 struct value *ret)
{
    if (ok)
        ok = b->full ? run_fail(r, c->at, "this text is too long")
                     : run_copy_text(r, c->at, buf_view(b), ret);
    builtin_return(r, b);
    return ok;
}

bool builtin_written(struct run *r, const struct builtin_call *c, builtin_write *write,
                     struct value *ret)
{
    struct buf b;
    builtin_begin(r, &b);
    return builtin_end(r, c, write(r, c, &b), &b, ret);
}

struct value builtin_same(const struct builtin_call *c, struct str s)
{
    struct value v = value_str(s);
    v.tag = c->on.kind == VALUE_STR ? c->on.tag : RUN_PLAIN;
    return v;
}
