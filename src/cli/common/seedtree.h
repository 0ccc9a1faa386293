/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seedtree: the seed tree that a command works on, given by options or configuration.
 */
#ifndef CLOUDSEED_CLI_COMMON_SEEDTREE_H
#define CLOUDSEED_CLI_COMMON_SEEDTREE_H

#include "cli/common/cli.h"
#include "config/config.h"
#include "tree/tree.h"

/* The configuration, overridden by the options; the defaults if the default file is missing or
 * unreadable. CLI_FAILED after printing its faults. */
int seedtree_configure(struct cli *c, struct config *ret);

/* A second tree to compare with, perhaps extracted to a temporary folder. */
struct seedtree_alias {
    const char *name;         /* for messages: "HEAD" */
    struct str folder, shown; /* in messages, `shown` replaces `folder` */
};

/* Loads it; NULL after printing its faults. `alias` may be NULL. */
struct tree *seedtree_load(struct cli *c, const struct config *config,
                           const struct seedtree_alias *alias);

/* Prints them to standard error. */
void seedtree_print_faults(const struct cli *c, struct faults *faults,
                           const struct seedtree_alias *alias);

/* The node of that name, of the tree or its extension (NULL: none); NULL after printing that there
 * is none. */
const struct node *seedtree_node(struct cli *c, const struct tree *t, const struct tree *extension,
                                 const char *name);

/* --- Seed URLs: where nodes find their files, made from the server's secret ----------------- */

#define SEEDTREE_URL_PLACEHOLDER "SEED-KEY"

struct keyer;

struct seedtree_urls {
    struct str base;     /* without a slash at its end */
    struct keyer *keyer; /* NULL: URLs contain SEEDTREE_URL_PLACEHOLDER instead of the key */
};

/* Reads the secret. -errno if that fails: `ret` then makes placeholders. Call seedtree_urls_close
 * in any case. */
int seedtree_urls_open(const struct config *config, const struct tree *t, struct seedtree_urls *ret,
                       struct err *e);
/* Makes URLs with a placeholder, for output that others may see. */
void seedtree_urls_open_placeholder(const struct tree *t, struct seedtree_urls *ret);
void seedtree_urls_close(struct seedtree_urls *u);

/* With a slash at its end. */
struct str seedtree_url(const struct seedtree_urls *u, const struct node *n, struct arena *a);

#endif
