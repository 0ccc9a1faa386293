/* SPDX-License-Identifier: Apache-2.0 */
/* values: what the built-in names are in templates (docs/templates.md lists them all). */
#ifndef CLOUDSEED_RENDER_VALUES_H
#define CLOUDSEED_RENDER_VALUES_H

#include "render/document.h"
#include "tree/tree.h"

/* Each is made in the arena; texts of the model are not copied. */
struct value values_of_site(const struct site *s, struct arena *a);
struct value values_of_networks(const struct site *s, struct arena *a);
struct value values_of_cluster(const struct cluster *c, struct arena *a);
struct value values_of_role(const struct role *r, struct arena *a);
/* A placeholder for each secret that a template uses: "SECRET-registry_password". */
struct value values_of_secrets(const struct tree *t, struct arena *a);

/* The keys of `node`, in their order. */
enum node_key {
    NODE_NAME,
    NODE_FQDN,
    NODE_INSTANCE_ID,
    NODE_MACS,
    NODE_UUID,
    NODE_SERIAL,
    NODE_ADDRESSES,
    NODE_CLUSTER_ADDRESSES,
    NODE_INTERFACES,
    NODE_KEYS
};
#define NODE_KEYS_ALL ((1u << NODE_KEYS) - 1)
extern const struct str node_key_names[NODE_KEYS];

/* The node's name in the first search domain of its first network, or its name if there is none. */
struct str values_fqdn(const struct node *n, struct arena *a);
/* The keys whose bits are in `wanted`. Generation 0 is the first; `networks` is what
 * values_of_networks made of the same site. */
struct value values_of_node(const struct node *n, uint32_t generation, const struct site *site,
                            struct value networks, unsigned wanted, struct arena *a);

/* `boot` in boot scripts: of a node with that role; NULL: of a machine that is not known to be a
 * node. `arguments` as struct scope has them. Texts are not copied. */
struct value values_of_boot(const struct role *r, const struct str *arguments,
                            const struct render_env *env, struct arena *a);

/* `bootstrap` in kubeadm's templates, in the document that starts the cluster (`init`) or in one
 * that joins it. `values` NULL: placeholders of the same form. */
struct value values_of_bootstrap(const struct node *n, bool init,
                                 const struct bootstrap_values *values, struct arena *a);

#endif
