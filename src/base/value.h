/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: data as YAML and JSON know it, immutable once made.
 *
 * Variables of the seed tree are values, templates compute with them, and JSON output is made of
 * them. A value is 16 bytes and owns nothing: strings, lists and maps live in the arena of its
 * creator. Maps keep the order in which they were written.
 */
#ifndef CLOUDSEED_BASE_VALUE_H
#define CLOUDSEED_BASE_VALUE_H

#include "base/arena.h"

enum value_kind {
    VALUE_UNDEFINED, /* all zero; never in data: it means "there is none" */
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STR,
    VALUE_LIST,
    VALUE_MAP,
};

struct value_pair;

struct value {
    uint8_t kind; /* enum value_kind */
    uint8_t tag;  /* 0 in data; code that computes with values may mark them; never compared */
    uint16_t
        at; /* of a variable's value or a part of it: which of its spots; 0: none (variable.h) */
    uint32_t n; /* bytes, items or pairs */
    union {
        bool b;
        int64_t i;
        double f;
        const char *s; /* n bytes */
        const struct value *items;
        const struct value_pair *pairs;
    };
};

struct value_pair {
    struct value key; /* VALUE_STR in data from YAML or JSON */
    struct value value;
};

static inline struct value value_none(void)
{
    return (struct value){.kind = VALUE_NONE};
}

static inline struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .b = b};
}

static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static inline struct value value_float(double f)
{
    return (struct value){.kind = VALUE_FLOAT, .f = f};
}

/* The bytes are not copied; n must fit 32 bits. */
static inline struct value value_str(struct str s)
{
    return (struct value){.kind = VALUE_STR, .n = (uint32_t)s.n, .s = s.p};
}

static inline struct value value_list(const struct value *items, size_t n)
{
    return (struct value){.kind = VALUE_LIST, .n = (uint32_t)n, .items = items};
}

static inline struct value value_map(const struct value_pair *pairs, size_t n)
{
    return (struct value){.kind = VALUE_MAP, .n = (uint32_t)n, .pairs = pairs};
}

/* The text of a VALUE_STR. */
static inline struct str value_text(struct value v)
{
    return (struct str){v.s, v.n};
}

/* "none", "boolean", "integer", "float", "string", "list", "mapping", "undefined". */
const char *value_kind_name(struct value v);

/* The value under a string key; VALUE_UNDEFINED where there is none or `map` is not a map. */
struct value value_get(struct value map, struct str key);

/* The text under a string key; empty where there is none. */
struct str value_get_text(struct value map, struct str key);

/* Whether the data is the same, in any order of a map's keys; 1, 1.0 and true differ. */
bool value_same(struct value a, struct value b);

/* A deep copy into another arena. */
struct value value_copy(struct arena *a, struct value v);

#endif
