/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: what the checks of rendered documents have in common.
 *
 * Faults are reported at their places in the document; check.h finds where those lie in a
 * template. It knows neither templates nor nodes.
 */
#ifndef CLOUDSEED_RENDER_INSPECT_H
#define CLOUDSEED_RENDER_INSPECT_H

#include "tree/yaml.h"

/* NULL where the text is well; else what is wrong, to follow it: "is not a MAC address". */
typedef const char *(*inspect_rule_fn)(struct str text);

struct inspect {
    const char *file; /* the document's name, for places */
    struct arena *arena;
    struct faults *faults;
    bool warns;         /* inspect_fault reports warnings, too */
    const char *unseen; /* what of the document was not looked into; NULL: nothing */
};

void inspect_fault(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void inspect_warn(struct inspect *in, const struct yaml_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a node is to programs that read YAML 1.1, as cloud-init does. */
enum inspect_type {
    INSPECT_NULL = 1,
    INSPECT_BOOL = 2,
    INSPECT_NUMBER = 4, /* dates, too */
    INSPECT_TEXT = 8,
    INSPECT_LIST = 16,
    INSPECT_MAP = 32,
};

/* *ret_why: for a plain scalar that people may take for a text, why it is not one; else NULL. */
unsigned inspect_type(const struct yaml_node *y, const char **ret_why);

/* The following return whether the node is well; if not, they report a fault that begins with
 * `what`. */

/* `types`: bits of enum inspect_type. */
bool inspect_is(struct inspect *in, const struct yaml_node *y, unsigned types, const char *what);
/* A text that the rule accepts; NULL: any text. */
bool inspect_rule(struct inspect *in, const struct yaml_node *y, const char *what,
                  inspect_rule_fn rule);
/* Any text, which no message repeats. */
bool inspect_secret(struct inspect *in, const struct yaml_node *y, const char *what);
/* A list of texts that the rule accepts. */
bool inspect_texts(struct inspect *in, const struct yaml_node *y, const char *what,
                   inspect_rule_fn rule);

/* The text in quotes for a message, unless it may be a private key. */
const char *inspect_shown(struct inspect *in, struct str text);

/* Whether cloud-init takes the scalar for true; NULL: it is missing. */
bool inspect_true(const struct yaml_node *scalar);

/* Reports the pairs of a mapping whose keys are not among `names` (in any order, NULL behind the
 * last), with a guess at what was meant. */
void inspect_keys(struct inspect *in, const struct yaml_node *map, const char *what,
                  const char *const *names);

/* Rules. */
const char *inspect_not_empty(struct str text);
const char *inspect_address(struct str text);
const char *inspect_path(struct str text); /* absolute */
const char *inspect_url(struct str text);

#define INSPECT_KEY_HEAD "-----BEGIN PGP PUBLIC KEY BLOCK-----"
/* The text from its first armored OpenPGP key on; empty where there is none. */
struct str inspect_find_key(struct str text);

#endif
