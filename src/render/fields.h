/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: what a rendered document may hold, as tables.
 *
 * A table reads like the reference of the program that will read the document: a row for each key,
 * with its types and values. fields_check reports all that a document has and its rows do not
 * allow, at its place. Programs and their documents are not known here.
 */
#ifndef CLOUDSEED_RENDER_FIELDS_H
#define CLOUDSEED_RENDER_FIELDS_H

#include "render/inspect.h"

struct field_at;

enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_SECRET = 2,      /* no message repeats the text */
    FIELD_WARN = 4,        /* what is wrong here or below is a warning */
    FIELD_OTHER_KEYS = 8,  /* an unknown key of this mapping is a warning, unless it looks like one
                            * that was misspelled */
    FIELD_EMPTY = 16,      /* so is a key of this mapping whose value is empty */
    FIELD_WARN_VALUE = 32, /* a value that is not listed here is a warning, another type is not */
    FIELD_AS_TEXT = 64,    /* any scalar is read as its text, unless YAML 1.1 changes that */
    FIELD_NO_CASE = 128,   /* the case of its words does not count */
};

struct field {
    const char *name;       /* NULL behind a table's last row; "": the rows of `fields` as well */
    unsigned types;         /* bits of enum inspect_type; 0: anything */
    unsigned flags;         /* bits of enum field_flag */
    unsigned since, until;  /* the first version that knows it, and the first that no longer does;
                             * 0: open. Rows for different versions may have the same name */
    const char *instead;    /* it is deprecated, or gone: what to do, as in "write 'x'" */
    const char *deprecated; /* since which version, for the message; may be NULL */

    /* A scalar that is not empty: one of the words (NULL behind the last), or a whole number of the
     * range (both 0: no range), or what the rule accepts. With none of the three: any. A boolean is
     * not compared where booleans are allowed. */
    const char *const *words;
    int64_t min, max;
    inspect_rule_fn rule;

    const struct field *items; /* a list: the row of every item, whose name counts for nothing */

    /* A mapping: the table of its keys, and the row of the values of all other keys, with the rule
     * for these keys. With neither table nor row: any keys. */
    const struct field *fields;
    const struct field *values;
    inspect_rule_fn key;

    void (*check)(const struct field_at *at); /* last, where the type is right; may be NULL */
};

/* For tables outside of functions. */
#define FIELD_ROWS(table) "", .fields = table
#define FIELD_WORDS(...)           \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define FIELD_RANGE(from, to) .min = (from), .max = (to)
#define FIELD_INTEGER FIELD_RANGE(INT64_MIN, INT64_MAX)
#define FIELD_ITEMS(...)           \
    .items = &(const struct field) \
    {                              \
        "", __VA_ARGS__            \
    }
#define FIELD_VALUES(...)           \
    .values = &(const struct field) \
    {                               \
        "", __VA_ARGS__             \
    }

/* Who reads the document. */
struct field_reader {
    const char *name;        /* for messages: "netplan" */
    unsigned oldest, newest; /* the versions that may read it; both 0: any */
    void *cls;               /* for the tables' own checks */
    bool takes_empty;        /* to it an empty value of any key is as good as none */
};

/* What is being checked, from the top down to it. */
struct field_at {
    struct inspect *in;
    const struct field_reader *reader;
    const struct field_at *parent; /* NULL at the top */
    const struct field *row;
    const struct yaml_node *key; /* NULL at the top, and of a list's items */
    const struct yaml_node *y;
};

/* Messages begin with the keys on the way: "ethernets: eth0: mtu: …"; with `row->name` first, which
 * may be empty. */
void fields_check(struct inspect *in, const struct field_reader *reader, const struct field *row,
                  const struct yaml_node *y);

/* For the tables' own checks: checks the same node by another row, such as its type chooses. */
void field_check(const struct field_at *at, const struct field *row);

/* For the tables' own checks: reports with the same beginning, at the place of `y`. */
void field_fault(const struct field_at *at, const struct yaml_node *y, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void field_warn(const struct field_at *at, const struct yaml_node *y, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
