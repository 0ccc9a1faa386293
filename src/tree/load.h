/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: the steps of making a tree, one file each: templates, site, clusters, roles, nodes.
 *
 * That order lets each step check what it names at once, with the place in hand. This header is for
 * src/tree/ alone.
 */
#ifndef CLOUDSEED_TREE_LOAD_H
#define CLOUDSEED_TREE_LOAD_H

#include "template/template.h"
#include "tree/files.h"
#include "tree/format.h"
#include "tree/index.h"
#include "tree/tree.h"

struct tree {
    struct arena arena;
    struct template_set *templates;
    struct site site;
    struct cluster *clusters;
    struct role *roles;
    struct node *nodes;
    const struct str *secrets; /* sorted */
    uint32_t clusters_n, roles_n, nodes_n, secrets_n;
    struct index index;
    struct extension *extension; /* NULL: it was loaded, and owns all of the above */
};

#define LOAD_BESIDE_MAX 2

/* What is needed while loading only. */
struct load {
    struct tree *tree;
    struct faults *faults;
    struct arena file; /* of one file's text and nodes */
    struct intern texts;
    struct schema_reader reader;
    struct files templates; /* for "did you mean" */
    struct intern secrets;  /* names that templates ask for */
    /* Nothing was lost on the way: a name that is not there does not exist indeed. */
    bool templates_whole, networks_whole, clusters_whole, roles_whole;
    struct role_draft *role_drafts; /* roles_n of them */
    struct map names;               /* of the clusters, then of the roles */
    uint32_t nodes_room, clusters_room, roles_room;
    /* Of a node that was registered: its uid, and whom else it must not be taken for. */
    struct str uid; /* empty: its name */
    const struct tree *beside[LOAD_BESIDE_MAX];
    size_t conflicts; /* faults that are for another node's being there */
};

void load_init(struct load *l, struct tree *t, struct faults *faults);
void load_done(struct load *l);

void load_templates(struct load *l, const char *folder);
void load_site(struct load *l, const char *path);
void load_clusters(struct load *l, const char *folder);
void load_roles(struct load *l, const char *folder);
void load_nodes(struct load *l, const char *folder);
/* After all the others: warns of names that are misspelt. */
void load_check_variables(struct load *l);

/* Calls for each NAME: DEFINITION of each YAML file in `folder`; false where a file could not be
 * read. */
typedef void (*load_pair_fn)(struct load *l, const struct yaml_pair *pair);
bool load_folder(struct load *l, const char *folder, load_pair_fn on_pair);
/* Its text alone; false after a fault. */
bool load_read(struct load *l, const char *path, size_t max_bytes, struct str *ret);
/* Parses one file; NULL after a fault. It lives until the next file. */
const struct yaml_node *load_file(struct load *l, const char *path);
/* The same for a text that was read already. */
const struct yaml_node *load_text(struct load *l, const char *path, struct str text);

/* The template that stands under `key` in `y`, NULL after a fault and where `name` is empty. */
const struct template *load_find_template(struct load *l, const struct yaml_node *y,
                                          const char *key, struct str name);
/* Whether it lies in sealed/: what it renders travels in bootstrap's answer alone. */
bool load_is_sealed(const struct template *t);

/* Steps of load_clusters and the others for one definition; for fuzzing too. */
void load_cluster(struct load *l, const struct yaml_pair *pair);
void load_role(struct load *l, const struct yaml_pair *pair);
void load_node(struct load *l, const struct yaml_pair *pair);
void load_site_node(struct load *l, const struct yaml_node *y);
void load_link_roles(struct load *l);

#endif
