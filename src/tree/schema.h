/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: what a mapping in a YAML file may hold, as a table.
 *
 * A table has three uses: schema_read checks a mapping and fills a struct from it, faults say what
 * was expected, and the reference page (tree/reference.h) is printed from it. Nodes and daemons are
 * not known here; the tables are in tree/format*.c and config/config.c.
 */
#ifndef CLOUDSEED_TREE_SCHEMA_H
#define CLOUDSEED_TREE_SCHEMA_H

#include "base/intern.h"
#include "tree/yaml.h"

struct schema_field;

/* Where the values go, and where faults are reported. */
struct schema_reader {
    const char *file;     /* lives as long as the arena: places point to it */
    struct arena *arena;  /* for everything that is read */
    struct intern *texts; /* in the same arena */
    struct faults *faults;
};

/* How one value is read. */
struct schema_type {
    const char *what; /* for faults and the reference: "a MAC address, like bc:24:11:0a:14:0b" */
    size_t size;      /* of what `read` writes; 0: the field's own size counts */
    bool any_kind;    /* `read` also takes lists and mappings; otherwise only scalars */
    /* Writes to `out` and returns true, or reports a fault. */
    bool (*read)(struct schema_reader *r, const struct schema_field *f, const struct yaml_node *y,
                 void *out);
};

enum schema_shape {
    SCHEMA_ONE,
    SCHEMA_LIST, /* a list, or a single value for a list of one */
    SCHEMA_MAP,  /* of name to mapping; `of` is set */
};

struct schema;

struct schema_field {
    const char *name;
    const struct schema_type *type;
    const struct schema *of; /* instead of a type: a mapping, or several */
    enum schema_shape shape;
    bool required;
    size_t offset, size;             /* of the member; of a list or map: of its pointer */
    size_t count_offset, count_size; /* of the number of items */
    int64_t min, max;                /* of an integer; `max` of a list's items, 0: any number */
    const char *const *names;        /* of an enum, in the order of its values, NULL at the end */
    const char *fallback;            /* the default, as it would be written */
    const char *help;                /* a sentence for the reference */
    const char *example;             /* of a value, as it would be written */
};

#define SCHEMA_NOT_KEPT SIZE_MAX

struct schema {
    const char *title; /* "node" */
    const char *help;  /* a paragraph for the reference */
    size_t size;       /* of the struct */
    const struct schema_field *fields;
    size_t fields_n;    /* at most 64 */
    size_t name_offset; /* of the struct str that takes its name in a map, or SCHEMA_NOT_KEPT */
    const struct schema_type *name_type; /* of that name; NULL: a label */
    size_t place_offset;                 /* of the struct place, or SCHEMA_NOT_KEPT */
    /* Checks that concern several fields; called if all of them are valid. */
    void (*check)(struct schema_reader *r, const struct yaml_node *y, const void *made);
};

#define SCHEMA_MEMBER(type, member) \
    .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define SCHEMA_MEMBER_N(type, member)                                        \
    SCHEMA_MEMBER(type, member), .count_offset = offsetof(type, member##_n), \
                                 .count_size = sizeof(((type *)0)->member##_n)
#define SCHEMA_FIELDS(table) .fields = (table), .fields_n = sizeof(table) / sizeof((table)[0])

/* Fills `out`, which the caller has zeroed, from the mapping `y` (nothing counts as an empty one)
 * and reports every fault. False if `out` must not be used; unknown keys are faults, but do not
 * cause that. Members whose field is faulty are left as they were; maps keep their valid entries.
 */
bool schema_read(struct schema_reader *r, const struct schema *s, const struct yaml_node *y,
                 void *out);

/* Reads one NAME: MAPPING pair: checks the name, fills name and place, then all else. For files
 * with more entries than a struct could hold. */
bool schema_read_named(struct schema_reader *r, const struct schema *s, const struct yaml_pair *y,
                       void *out);

/* The place of the value of `key` in the mapping `y`, or of item number `i` if that is a list; the
 * place of `y` if there is no such key. */
struct place schema_place(const struct schema_reader *r, const struct yaml_node *y, const char *key,
                          uint32_t i);

/* For a type's `read`: reports a fault "NAME: …" at the place of `y`; returns false. */
bool schema_fault(struct schema_reader *r, const struct schema_field *f, const struct yaml_node *y,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same: "NAME: 'TEXT' is not WHAT". */
bool schema_refuse(struct schema_reader *r, const struct schema_field *f,
                   const struct yaml_node *y);
/* `s` in single quotes for a fault, cut and escaped as needed; lives in the reader's arena. */
const char *schema_quoted(struct schema_reader *r, struct str s);

#endif
