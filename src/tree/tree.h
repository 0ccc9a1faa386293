/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: the loaded seed tree: site, clusters, roles, nodes and their compiled templates.
 *
 * A tree never changes: tree_load makes it complete or not at all, and any thread may read it. It
 * does not render, and holds neither keys nor states of nodes.
 */
#ifndef CLOUDSEED_TREE_TREE_H
#define CLOUDSEED_TREE_TREE_H

#include "base/fault.h"
#include "model/node.h"

struct tree;

/* Where a tree is read from. */
struct tree_source {
    const char *seed_dir;
    const char *templates_dir; /* or several with ':' between: the first that has a file wins */
    struct str url;            /* counts instead of the site's url; empty: the site's */
};

/* Reads site.yaml and the YAML files of clusters/, roles/ and nodes/, and all of `templates_dir`.
 * Reports all faults with their places; -EINVAL if there is one, with *ret untouched. If files
 * change while they are read, or just before, it waits and reads all of them again, for a few
 * seconds; that they still change is then a fault. Blocks on the disk, so it must not run on an
 * event loop's thread. */
int tree_load(const struct tree_source *from, struct faults *faults, struct tree **ret);
void tree_free(struct tree *t);

/* Warns of each file that boot entries and addons name and that the assets folder lacks. Looks at
 * the disk. */
void tree_check_assets(const struct tree *t, const char *folder, struct faults *faults);

const struct site *tree_site(const struct tree *t);

/* Nodes are numbered from 0 in the order of their names; the numbers are those of this tree. */
uint32_t tree_node_count(const struct tree *t);
const struct node *tree_node(const struct tree *t, uint32_t number);
uint32_t tree_node_number(const struct tree *t, const struct node *n);
bool tree_has(const struct tree *t, const struct node *n);
/* The first node whose name is greater than `after`, in byte order; NULL: none. */
const struct node *tree_next(const struct tree *t, struct str after);

/* Clusters are in one array, sorted by name; so are roles. */
uint32_t tree_cluster_count(const struct tree *t);
const struct cluster *tree_cluster(const struct tree *t, uint32_t number);
uint32_t tree_role_count(const struct tree *t);
const struct role *tree_role(const struct tree *t, uint32_t number);

/* The boot script with the conventional name ("ipxe/first") in a loaded tree; NULL: none. */
enum script_for {
    SCRIPT_FIRST,   /* for any machine */
    SCRIPT_NODE,    /* for a node whose role does not name one */
    SCRIPT_UNKNOWN, /* for a machine that is not a node */
};
const struct template *tree_script(const struct tree *t, enum boot_loader loader,
                                   enum script_for whom);

/* Names of the secrets that templates ask for, sorted. */
uint32_t tree_secret_count(const struct tree *t);
struct str tree_secret(const struct tree *t, uint32_t number);

/* NULL if there is none. */
const struct role *tree_find_role(const struct tree *t, struct str name);
const struct cluster *tree_find_cluster(const struct tree *t, struct str name);
const struct node *tree_find_name(const struct tree *t, struct str name);
const struct node *tree_find_uid(const struct tree *t, struct str uid);
const struct node *tree_find_mac(const struct tree *t, struct mac mac);
const struct node *tree_find_uuid(const struct tree *t, struct uuid uuid);
const struct node *tree_find_serial(const struct tree *t, struct str serial);
const struct node *tree_find_address(const struct tree *t, struct address address);

#endif
