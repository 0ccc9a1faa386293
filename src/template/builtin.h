/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builtin: filters, tests and methods: their tables, how a call finds its arguments, and what those
 * that write text share.
 *
 * The parser resolves names and arguments, so that a call with a wrong number of arguments never
 * compiles; the reference page is made from the same rows. A function must do what Jinja2 does,
 * byte for byte, or refuse.
 */
#ifndef CLOUDSEED_TEMPLATE_BUILTIN_H
#define CLOUDSEED_TEMPLATE_BUILTIN_H

#include "template/run.h"

/* What a filter, test or method was called with; an argument left out is RUN_ABSENT. */
struct builtin_call {
    struct value on;
    struct value args[RUN_ARGS_MAX];
    uint32_t at;
    int which; /* the row's */
};

/* False after run_fail. A test's *ret is a boolean. */
typedef bool builtin_fn(struct run *r, const struct builtin_call *c, struct value *ret);
/* Appends the text that the function of the same row gives. */
typedef bool builtin_write(struct run *r, const struct builtin_call *c, struct buf *b);

enum spelling {
    SPELLS_ANOTHER, /* value */
    SPELLS_BARE,    /* nearly as it is */
    SPELLS_ESCAPED, /* so that YAML reads the value again, whatever it is */
};

struct builtin {
    const char *name;
    builtin_fn *fn;
    builtin_write *write;             /* of a filter, so that it may write to the output; or NULL */
    int which;                        /* a test: tells rows with the same function apart */
    uint8_t of;                       /* a method: VALUE_STR or VALUE_MAP */
    const char *params[RUN_ARGS_MAX]; /* NULL behind the last; "/x" only goes by position */
    uint8_t required;                 /* how many must be given */
    uint8_t spells;                   /* a filter that writes the value itself: enum spelling */
    const char *help;                 /* one line */
    const char *example, *result;     /* a template, and what it renders as */
};

/* In a row: the required number of arguments, and all that there are. */
#define NO_ARGS .required = 0
#define ARGS(required_, ...) .required = (required_), .params = {__VA_ARGS__}

/* A table, sorted by name. */
struct builtins {
    const char *kind; /* "filter" */
    const struct builtin *list;
    size_t n;
};

extern const struct builtins builtin_filters, builtin_tests, builtin_methods;

/* A filter that folding puts in to_yaml_scalar's place: a part of the text that this one would have
 * between its quotes. */
extern const struct builtin builtin_yaml_part;

/* NULL where there is none. The first of that name: methods of two kinds may share one. */
const struct builtin *builtin_find(const struct builtins *in, struct str name);
/* The method of the same name for this kind of value, NULL where there is none. */
const struct builtin *builtin_method(const struct builtin *like, struct value v);

/* --- Arguments ----------------------------------------------------------------------------- */

/* Argument number `i` as an integer, a truth or str(argument); the default where it is absent. */
bool builtin_int(struct run *r, const struct builtin_call *c, unsigned i, int64_t otherwise,
                 int64_t *ret);
bool builtin_flag(struct run *r, const struct builtin_call *c, unsigned i, bool otherwise,
                  bool *ret);
bool builtin_arg_text(struct run *r, const struct builtin_call *c, unsigned i, struct str *ret);
/* Whether argument number `i` is given and not none. */
bool builtin_has_arg(const struct builtin_call *c, unsigned i);

/* --- Results ------------------------------------------------------------------------------- */

/* A text that a filter writes: begin, append to the buffer, end. With `ok` false the text is
 * dropped, as after a fault, and builtin_end returns false. */
void builtin_begin(struct run *r, struct buf *b);
bool builtin_end(struct run *r, const struct builtin_call *c, bool ok, struct buf *b,
                 struct value *ret);
/* The same for a text that `write` appends. */
bool builtin_written(struct run *r, const struct builtin_call *c, builtin_write *write,
                     struct value *ret);
/* Gives the buffer back, whose text is not needed any more. */
void builtin_return(struct run *r, struct buf *b);
/* As a string; what tojson gave stays so. */
struct value builtin_same(const struct builtin_call *c, struct str s);

/* --- The functions, by the file that has them ---------------------------------------------- */

/* filter_text.c */
builtin_fn filter_lower, filter_upper, filter_capitalize, filter_title, filter_trim, filter_replace,
    filter_indent, filter_string;
builtin_fn method_startswith, method_endswith, method_strip, method_lstrip, method_rstrip,
    method_split, method_replace, method_join, method_splitlines;

/* filter_list.c */
builtin_fn filter_join, filter_length, filter_first, filter_last, filter_list, filter_items,
    filter_reverse, filter_sort, filter_dictsort, filter_unique, filter_min, filter_max, filter_sum;
builtin_fn method_items, method_keys, method_values, method_get;

/* filter_number.c */
builtin_fn filter_default, filter_int, filter_float, filter_abs;

/* filter_encode.c */
builtin_fn filter_tojson, filter_b64encode, filter_quote, filter_to_yaml_scalar,
    filter_to_yaml_flow;
builtin_write write_tojson, write_to_yaml_scalar, write_to_yaml_flow;

#endif
