/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registered: the nodes that are registered with the server, for commands that work on a tree: they
 * have its roles, clusters and templates, as on the server.
 */
#ifndef CLOUDSEED_CLI_TREE_REGISTERED_H
#define CLOUDSEED_CLI_TREE_REGISTERED_H

#include "cli/common/cli.h"
#include "config/config.h"
#include "tree/extend.h"

/* As the server reported them; empty where it was not asked, or does not answer. */
struct registered_nodes {
    const struct tree_definition *list; /* in the command's arena */
    struct value nodes;                 /* as the server's answer has them */
    uint32_t n;
};

/* Asks the server if it was named, or if the tree is the one that it is configured with. A named
 * server that does not answer is CLI_FAILED, after printing the reason. */
int registered_ask(struct cli *c, const struct config *config, struct registered_nodes *ret);

/* Reports each conflict with the tree: the server would refuse it. */
void registered_check(const struct registered_nodes *r, const struct tree *t,
                      struct faults *faults);

/* An extension of the tree; a node that has no place there is left out, with its faults. Never
 * NULL. */
struct tree *registered_extend(const struct registered_nodes *r, const struct tree *t,
                               struct faults *faults);

/* Both, and prints the faults; *ret is the extension, to be freed in any case. */
int registered_load(struct cli *c, const struct config *config, const struct tree *t,
                    struct tree **ret);

#endif
