/* SPDX-License-Identifier: Apache-2.0 */
#include "template/pyattr.h"

#include "template/run.h"

static const char *const of_integer[] = {
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag",
    "numerator",        "real",      "to_bytes",   NULL};
static const char *const of_float[] = {"as_integer_ratio", "conjugate", "fromhex", "hex", "imag",
                                       "is_integer",       "real",      NULL};
static const char *const of_text[] = {
    "capitalize",   "casefold",    "center",    "count",      "encode",       "endswith",
    "expandtabs",   "find",        "format",    "format_map", "index",        "isalnum",
    "isalpha",      "isascii",     "isdecimal", "isdigit",    "isidentifier", "islower",
    "isnumeric",    "isprintable", "isspace",   "istitle",    "isupper",      "join",
    "ljust",        "lower",       "lstrip",    "maketrans",  "partition",    "removeprefix",
    "removesuffix", "replace",     "rfind",     "rindex",     "rjust",        "rpartition",
    "rsplit",       "rstrip",      "split",     "splitlines", "startswith",   "strip",
    "swapcase",     "title",       "translate", "upper",      "zfill",        NULL};
static const char *const of_markup[] = {"escape", "striptags", "unescape", NULL};
static const char *const of_list[] = {"append", "clear", "copy",   "count",   "extend", "index",
                                      "insert", "pop",   "remove", "reverse", "sort",   NULL};
static const char *const of_mapping[] = {"clear",      "copy",   "fromkeys", "get",
                                         "items",      "keys",   "pop",      "popitem",
                                         "setdefault", "update", "values",   NULL};
static const char *const of_tuple[] = {"count", "index", NULL};
static const char *const of_range[] = {"count", "index", "start", "step", "stop", NULL};
static const char *const of_view[] = {"isdisjoint", "mapping", NULL};
static const char *const of_generator[] = {"close",      "gi_code",      "gi_frame",
                                           "gi_running", "gi_suspended", "gi_yieldfrom",
                                           "send",       "throw",        NULL};

static bool is_in(const char *const *list, struct str name)
{
    for (; name.n && *list; list++) {
        if (name.p[0] == **list && str_is(name, *list)) /* mostly the first letter tells */
            return true;
    }
    return false;
}

static const char *const *of_sequence(struct value v)
{
    switch ((enum run_tag)v.tag) {
    case RUN_TUPLE: return of_tuple;
    case RUN_RANGE: return of_range;
    case RUN_KEYS:
    case RUN_VALUES:
    case RUN_ITEMS: return of_view;
    case RUN_GENERATOR: return of_generator;
    default: return of_list;
    }
}

bool pyattr_has(struct value v, struct str name)
{
    if (str_starts(name, STR("__")))
        return true;
    switch ((enum value_kind)v.kind) {
    case VALUE_BOOL:
    case VALUE_INT: return is_in(of_integer, name);
    case VALUE_FLOAT: return is_in(of_float, name);
    case VALUE_STR: return is_in(of_text, name) || (v.tag == RUN_MARKUP && is_in(of_markup, name));
    case VALUE_LIST: return is_in(of_sequence(v), name);
    case VALUE_MAP: return is_in(of_mapping, name);
    default: return false;
    }
}
