/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: the tables of the seed tree's files.
 *
 * What they fill is a draft: a thing of the model beside the names that it was written with, which
 * the loader replaces by what they name.
 */
#ifndef CLOUDSEED_TREE_FORMAT_H
#define CLOUDSEED_TREE_FORMAT_H

#include "model/node.h"
#include "tree/schema.h"

struct site_draft {
    struct site site; /* all but `evidence` */
    const int *evidence;
    uint32_t evidence_n;
};

struct role_draft {
    struct role role; /* all but `extends` and `templates` */
    struct str extends;
    /* The loader's own: */
    struct place extends_at;
    bool bootstrap_given;
    bool visited;
    uint32_t parent; /* number of what it extends */
};

struct node_draft {
    struct node node; /* all but `role`, `cluster`, `networks` and `uuid` */
    struct str role, cluster;
    struct uuid uuid; /* all zero: none */
};

extern const struct schema format_site;    /* struct site_draft */
extern const struct schema format_cluster; /* struct cluster */
extern const struct schema format_role;    /* struct role_draft */
extern const struct schema format_node;    /* struct node_draft */

#endif
