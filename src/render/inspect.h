/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what the checks of rendered documents have in common.
 *
 * Faults are reported at their places in the document; where those lie in a template is for
 * check.h. A check looks at a scalar's content through inspect_rule or inspect_text alone: what it
 * did not look at cannot change its verdict, and memo.h rests on that. Keys and types count as
 * looked at.
 */
#ifndef CLOUDSEED_RENDER_INSPECT_H
#define CLOUDSEED_RENDER_INSPECT_H

#include "tree/yaml.h"

/* NULL: well; else why not, to stand behind the text: "is no MAC address". It sees the text and
 * nothing else. */
typedef const char *(*inspect_rule_fn)(struct str text);

/* What was looked at: by a rule, or in full (NULL). */
struct inspect_look {
    const struct yaml_node *scalar;
    inspect_rule_fn rule;
};

struct inspect {
    const char *file; /* the document's name, for places */
    struct arena *arena;
    struct faults *faults;
    int64_t now_s; /* the wall clock, 0: unknown; keys that expire are held against it */
    struct inspect_look *looks;
    uint32_t looks_n, looks_room;
};

/* Frees what it noted; the rest is the caller's. */
void inspect_done(struct inspect *in);

void inspect_fault(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void inspect_warn(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a node is to those who read YAML 1.1. */
enum inspect_type {
    INSPECT_NULL = 1,
    INSPECT_BOOL = 2,
    INSPECT_NUMBER = 4, /* dates, too */
    INSPECT_TEXT = 8,
    INSPECT_LIST = 16,
    INSPECT_MAP = 32,
};

/* *ret_why: for a plain scalar that people may take for a text, why it is none; else NULL. */
unsigned inspect_type(const struct yaml_node *y, const char **ret_why);

/* Each says whether it is well; else a fault that begins with `what` is reported. `types` are bits
 * of enum inspect_type. */
bool inspect_is(struct inspect *in, const struct yaml_node *y, unsigned types, const char *what);
/* A text that the rule takes; NULL: any. */
bool inspect_rule(struct inspect *in, const struct yaml_node *y, const char *what,
                  inspect_rule_fn rule);
/* Any text, which no message repeats. */
bool inspect_secret(struct inspect *in, const struct yaml_node *y, const char *what);
/* Every item is a text that the rule takes. */
bool inspect_texts(struct inspect *in, const struct yaml_node *y, const char *what,
                   inspect_rule_fn rule);

/* A scalar's content, whatever it is; noted as looked at in full. */
struct str inspect_text(struct inspect *in, const struct yaml_node *scalar);
bool inspect_true(struct inspect *in, const struct yaml_node *scalar_or_null);

/* A mapping's pairs that `names` (sorted or not, NULL behind the last) does not list are reported,
 * with a guess at what was meant. */
void inspect_keys(struct inspect *in, const struct yaml_node *map, const char *what,
                  const char *const *names);

/* Rules. */
const char *inspect_not_empty(struct str text);
const char *inspect_url(struct str text);

#endif
