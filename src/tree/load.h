/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: the steps of loading a tree: templates, site, clusters, roles, nodes.
 *
 * In this order each step can resolve the names in its files at once, while their places are known.
 * This header is only for src/tree/.
 */
#ifndef CLOUDSEED_TREE_LOAD_H
#define CLOUDSEED_TREE_LOAD_H

#include "template/template.h"
#include "tree/files.h"
#include "tree/format.h"
#include "tree/index.h"
#include "tree/overlay.h"
#include "tree/tree.h"

struct tree {
    struct arena arena;
    struct template_set *templates;
    struct template_set *words; /* of boot entries whose arguments are templates */
    struct site site;
    struct cluster *clusters;
    struct role *roles;
    struct node *nodes;
    const struct str *secrets; /* sorted */
    uint32_t clusters_n, roles_n, nodes_n, secrets_n;
    struct index index;
    struct extension *extension; /* NULL: the tree was loaded, and owns all of the above */
};

#define LOAD_BESIDE_MAX 2

/* Needed only while loading. */
struct load {
    struct tree *tree;
    struct faults *faults;
    struct str url;    /* of tree_source */
    struct arena file; /* of one file's text and nodes */
    struct intern texts;
    struct schema_reader reader;
    struct overlay overlay; /* the files of the templates; also for "did you mean" */
    struct intern secrets;  /* names that templates ask for */
    /* All of them were read: a name that was not found does not exist. */
    bool templates_whole, networks_whole, clusters_whole, roles_whole;
    struct role_draft *role_drafts; /* roles_n of them */
    struct map names;               /* of the clusters, then of the roles */
    uint32_t nodes_room, clusters_room, roles_room;
    /* For a registered node: its uid, and trees that it must not conflict with. */
    struct str uid; /* empty: its name */
    const struct tree *beside[LOAD_BESIDE_MAX];
    size_t conflicts; /* faults that are conflicts with another node */
};

/* tree_load, without regard to whether the files change meanwhile; the faults are not sorted. */
int load_once(const struct tree_source *from, struct faults *faults, struct tree **ret);

void load_init(struct load *l, struct tree *t, struct faults *faults);
void load_done(struct load *l);

void load_templates(struct load *l, struct str folders);
void load_site(struct load *l, const char *path);
void load_clusters(struct load *l, const char *folder);
void load_roles(struct load *l, const char *folder);
void load_nodes(struct load *l, const char *folder);
/* The last step: warns of names that look misspelt. */
void load_check_variables(struct load *l);

/* Calls on_pair for each NAME: DEFINITION of each YAML file in `folder`; false if a file could not
 * be read. */
typedef void (*load_pair_fn)(struct load *l, const struct yaml_pair *pair);
bool load_folder(struct load *l, const char *folder, load_pair_fn on_pair);
/* Reads the text of a file; false after a fault. */
bool load_read(struct load *l, const char *path, size_t max_bytes, struct str *ret);
/* Reads and parses a file; NULL after a fault. The result lives until the next file is read. */
const struct yaml_node *load_file(struct load *l, const char *path);
/* Parses a text that was already read. */
const struct yaml_node *load_text(struct load *l, const char *path, struct str text);

/* The template called `name`, which stands under `key` in `y`; NULL after a fault, or if `name` is
 * empty. */
const struct template *load_find_template(struct load *l, const struct yaml_node *y,
                                          const char *key, struct str name);
/* Makes the lists of MACs and addresses of a node that declares interfaces. */
void load_interfaces(struct load *l, const struct yaml_node *y, struct node_draft *d);
/* Checks them against each other, once the node has its networks. */
void load_check_interfaces(struct load *l, const struct yaml_node *y, const struct node *node);
/* Where that address or MAC of the node `y` is written. */
struct place load_address_place(const struct load *l, const struct yaml_node *y,
                                const struct node *n, uint32_t number);
struct place load_mac_place(const struct load *l, const struct yaml_node *y, const struct node *n,
                            uint32_t number);
/* Whether it is in sealed/: such documents are sent only in the answer to a bootstrap request. */
bool load_is_sealed(const struct template *t);

/* The steps for one definition; also for fuzzing. */
void load_cluster(struct load *l, const struct yaml_pair *pair);
void load_role(struct load *l, const struct yaml_pair *pair);
void load_node(struct load *l, const struct yaml_pair *pair);
void load_site_node(struct load *l, const struct yaml_node *y);
void load_link_roles(struct load *l);

#endif
