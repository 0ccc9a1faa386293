/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster: what programs beside us need of the nodes, to reach them: from the server where it
 * answers, else from the seed tree. It knows no output format.
 */
#ifndef CLOUDSEED_CLI_NODE_ROSTER_H
#define CLOUDSEED_CLI_NODE_ROSTER_H

#include "cli/common/api.h"

/* Texts are empty where they are unknown. */
struct roster_node {
    struct str name, fqdn, role, cluster;
    struct str state;       /* empty from the tree */
    struct str user;        /* the variable admin_user */
    struct value addresses; /* a list of texts */
    struct value macs;      /* the same */
    struct value labels;    /* the variable node_labels: a map; VALUE_UNDEFINED: not known */
};

/* In the order of their names; in the command's arena. */
struct roster {
    struct roster_node *list;
    size_t n, room;
};

/* Which source it asks is decided as for `node list`. `name` is the only node that matters, NULL:
 * all do; others may be returned too. CLI_FAILED or CLI_MISUSED after printing the reason, also if
 * there is no such node. */
int roster_gather(struct cli *c, const char *name, struct roster *ret);

/* NULL if it is not there. */
const struct roster_node *roster_find(const struct roster *r, const char *name);

/* The first address; empty if none is declared. */
struct str roster_address(const struct roster_node *n);

#endif
