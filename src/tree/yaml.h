/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: parses a file into a tree of nodes with their places.
 *
 * Only yaml.c uses libyaml. Encodings, multiple documents, duplicate keys, aliases, merge keys and
 * tags are dealt with here. Scalars are not interpreted: a node has the text as written, and says
 * whether it was quoted.
 */
#ifndef CLOUDSEED_TREE_YAML_H
#define CLOUDSEED_TREE_YAML_H

#include "base/fault.h"

#define YAML_FILE_MAX_BYTES (16 * 1024 * 1024)
#define YAML_DEPTH_MAX 64
/* Size of all expanded aliases of a file: a few lines could fill any memory. */
#define YAML_ALIASED_MAX_BYTES (16 * 1024 * 1024)

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

enum yaml_tag {
    YAML_TAG_NONE, /* no tag, or !!seq or !!map, which add nothing */
    YAML_TAG_STR,
    YAML_TAG_INT,
    YAML_TAG_FLOAT,
    YAML_TAG_BOOL,
    YAML_TAG_NULL,
};

struct yaml_pair;

/* Line and column count from 1. An alias is the node that it stands for, with that node's place. */
struct yaml_node {
    uint32_t line, column;
    uint8_t kind; /* enum yaml_kind */
    uint8_t tag;  /* enum yaml_tag */
    bool plain;   /* a scalar without quotes, | or > */
    uint32_t n;   /* bytes, items or pairs */
    union {
        const char *text; /* with a NUL behind it */
        const struct yaml_node *const *items;
        const struct yaml_pair *pairs;
    };
};

/* Keys are scalars and distinct; merge keys are resolved. */
struct yaml_pair {
    const struct yaml_node *key, *value;
};

/* Parses `text` into the arena. `file` is its name in places. -EINVAL if it cannot be parsed; after
 * other faults, such as a duplicate key, *ret is set all the same, so that one run finds them all.
 * A file without content is an empty plain scalar. */
int yaml_parse(const char *file, struct str text, struct arena *a, struct faults *faults,
               const struct yaml_node **ret);

struct yaml_documents {
    const struct yaml_node **list;
    uint32_t n;
};

/* The same for a text of any number of documents that other programs will read. They know the tag
 * !!binary, so it is taken for a text here. */
int yaml_parse_all(const char *file, struct str text, struct arena *a, struct faults *faults,
                   struct yaml_documents *ret);

static inline struct str yaml_text(const struct yaml_node *scalar)
{
    return (struct str){scalar->text, scalar->n};
}

static inline struct place yaml_place(const char *file, const struct yaml_node *y)
{
    return (struct place){file, y->line, y->column};
}

/* "a scalar", "a list", "a mapping", "nothing". */
const char *yaml_kind_name(const struct yaml_node *y);

/* Empty, or a plain ~ or null. */
bool yaml_is_null(const struct yaml_node *y);

/* `s` in single quotes for a fault, shortened and escaped as needed. */
const char *yaml_quoted(struct arena *a, struct str s);

/* The value of `key`; NULL if there is none, or `map` is NULL or not a mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key);

#endif
