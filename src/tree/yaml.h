/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: one file's text as a tree of nodes that know their places.
 *
 * yaml.c alone knows libyaml. Settled here is what YAML lets people do to themselves: encodings,
 * several documents, duplicate keys, aliases and merge keys, tags. What a scalar means is for
 * those who ask: it stays the text that was written, with a note whether it was quoted.
 */
#ifndef CLOUDSEED_TREE_YAML_H
#define CLOUDSEED_TREE_YAML_H

#include "base/fault.h"

#define YAML_FILE_MAX_BYTES (16 * 1024 * 1024)
#define YAML_DEPTH_MAX 64
/* What all aliases of a file stand for, written out: a few lines could fill any memory. */
#define YAML_ALIASED_MAX_BYTES (16 * 1024 * 1024)

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

enum yaml_tag {
    YAML_TAG_NONE, /* none was written, or !!seq, !!map, which say nothing new */
    YAML_TAG_STR,
    YAML_TAG_INT,
    YAML_TAG_FLOAT,
    YAML_TAG_BOOL,
    YAML_TAG_NULL,
};

struct yaml_pair;

/* Line and column count from 1. What an alias stands for is the node itself, at its own place. */
struct yaml_node {
    uint32_t line, column;
    uint8_t kind; /* enum yaml_kind */
    uint8_t tag;  /* enum yaml_tag */
    bool plain;   /* a scalar written without quotes, | or > */
    uint32_t n;   /* bytes, items or pairs */
    union {
        const char *text; /* with a NUL behind it */
        const struct yaml_node *const *items;
        const struct yaml_pair *pairs;
    };
};

/* Keys are scalars, each once; merge keys are resolved. */
struct yaml_pair {
    const struct yaml_node *key, *value;
};

/* Parses `text` into the arena. -EINVAL where no tree comes out of it; other faults (a duplicate
 * key, a tag) are reported too, but *ret is set all the same, so that one run finds them all. A
 * file without content is an empty plain scalar. `file` is the name for places. */
int yaml_parse(const char *file, struct str text, struct arena *a, struct faults *faults,
               const struct yaml_node **ret);

struct yaml_documents {
    const struct yaml_node **list;
    uint32_t n;
};

/* The same for a text of any number of documents, as it goes to other programs: !!binary, which
 * they know, counts as a text. */
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

/* Nothing at all, or a plain ~ or null. */
bool yaml_is_null(const struct yaml_node *y);

/* `s` in single quotes for a fault, cut and escaped as needed. */
const char *yaml_quoted(struct arena *a, struct str s);

/* The value under `key`; NULL where there is none or `map` is no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key);

#endif
