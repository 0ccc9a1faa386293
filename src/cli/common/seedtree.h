/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seedtree: the seed tree that a command is about, as options and configuration name it.
 */
#ifndef CLOUDSEED_CLI_COMMON_SEEDTREE_H
#define CLOUDSEED_CLI_COMMON_SEEDTREE_H

#include "cli/common/cli.h"
#include "config/config.h"
#include "tree/tree.h"

/* The configuration with the options over it. CLI_FAILED after its faults are printed. The
 * default file may be missing or unreadable: then it is the compiled defaults. */
int seedtree_configure(struct cli *c, struct config *ret);

/* Another tree than the one that the command is about, perhaps where nobody would look for it. */
struct seedtree_alias {
    const char *name;         /* "HEAD": for messages */
    struct str folder, shown; /* paths that begin with `folder` are shown with this for it */
};

/* Loads it; NULL after everything that is wrong with it was printed. `alias` may be NULL. */
struct tree *seedtree_load(struct cli *c, const struct config *config,
                           const struct seedtree_alias *alias);

/* On standard error. */
void seedtree_print_faults(const struct cli *c, struct faults *faults,
                           const struct seedtree_alias *alias);

/* The node of that name; NULL after saying that there is none. */
const struct node *seedtree_node(struct cli *c, const struct tree *t, const char *name);

/* --- Seed URLs: where nodes find their files, made from the server's secret ------------------ */

#define SEEDURL_PLACEHOLDER "SEED-KEY"

struct keyer;

struct seedurl {
    struct str base;     /* without a slash at its end */
    struct keyer *keyer; /* NULL: the placeholder stands for the key */
};

/* Reads the secret. -errno where that cannot be done: `ret` then makes placeholders, and is to be
 * closed all the same. */
int seedurl_open(const struct config *config, const struct tree *t, struct seedurl *ret,
                 struct err *e);
/* Makes placeholders, for what is shown to others. */
void seedurl_open_placeholder(const struct config *config, const struct tree *t,
                              struct seedurl *ret);
void seedurl_close(struct seedurl *u);

/* With a slash at its end. */
struct str seedurl_of(const struct seedurl *u, const struct node *n, struct arena *a);

#endif
