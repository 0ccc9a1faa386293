/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the tables of filters, tests and methods, and how a call finds its arguments.
 *
 * Each row has a name, its parameters in order, how many of them are required, the function, a line
 * of help and an example. The parser resolves names and arguments, so that a call with a wrong
 * number of arguments never compiles; the reference page is made from the same rows.
 */
#ifndef CLOUDSEED_TEMPLATE_FILTER_H
#define CLOUDSEED_TEMPLATE_FILTER_H

#include "base/value.h"

#define FILTER_ARGS_MAX 4

struct run;

/* What a filter, test or method was called with; an argument left out is RUN_ABSENT. */
struct call {
    struct value on;
    struct value args[FILTER_ARGS_MAX];
    uint32_t at;
};

/* False after run_fail. */
typedef bool (*filter_fn)(struct run *r, const struct call *c, struct value *ret);

struct filter {
    const char *name;
    const char *params[FILTER_ARGS_MAX]; /* NULL behind the last; "/x" only goes by position */
    uint8_t required;
    filter_fn fn;
    const char *help;             /* one line */
    const char *example, *result; /* a template, and what it renders as */
};

struct test {
    const char *name;
    const char *params[FILTER_ARGS_MAX];
    uint8_t required;
    filter_fn fn; /* *ret is a boolean */
    const char *help, *example, *result;
};

struct method {
    const char *name;
    const char *params[FILTER_ARGS_MAX];
    uint8_t required;
    enum value_kind of; /* VALUE_STR or VALUE_MAP */
    filter_fn fn;
    const char *help, *example, *result;
};

extern const struct filter filter_table[];
extern const size_t filter_count;
extern const struct test test_table[];
extern const size_t test_count;
extern const struct method method_table[];
extern const size_t method_count;

/* NULL where there is none. */
const struct filter *filter_find(struct str name);
const struct test *test_find(struct str name);
/* The first of that name: more than one kind may have it. */
const struct method *method_find(struct str name);
/* The one of that name for this kind of value, NULL where there is none. */
const struct method *method_of(const char *name, struct value v);

#endif
