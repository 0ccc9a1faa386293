/* SPDX-License-Identifier: Apache-2.0 */
/* values: the model as templates see it (docs/templates.md lists every name). */
#ifndef CLOUDSEED_RENDER_VALUES_H
#define CLOUDSEED_RENDER_VALUES_H

#include "render/document.h"
#include "tree/tree.h"

/* Each is made in the arena; text that the model owns is pointed at, not copied. */
struct value values_of_site(const struct site *s, struct arena *a);
struct value values_of_networks(const struct site *s, struct arena *a);
struct value values_of_cluster(const struct cluster *c, struct arena *a);
struct value values_of_role(const struct role *r, struct arena *a);
/* A placeholder for each secret that a template asks for: "SECRET-registry_password". */
struct value values_of_secrets(const struct tree *t, struct arena *a);

/* What `node` has, in the order in which templates list it. */
enum node_key {
    NODE_NAME,
    NODE_FQDN,
    NODE_INSTANCE_ID,
    NODE_MACS,
    NODE_UUID,
    NODE_SERIAL,
    NODE_ADDRESSES,
    NODE_INTERFACES,
    NODE_KEYS
};
#define NODE_KEYS_ALL ((1u << NODE_KEYS) - 1)
extern const struct str node_key_names[NODE_KEYS];

/* The node's name in the first search domain of its first network; where there is none, its name.
 */
struct str values_fqdn(const struct node *n, struct arena *a);
/* The keys whose bits are in `wanted`. Generation 0 is the first; `networks` is what
 * values_of_networks made of the same site. */
struct value values_of_node(const struct node *n, uint32_t generation, const struct site *site,
                            struct value networks, unsigned wanted, struct arena *a);

/* What boot scripts see as `boot`: of a node with that role, and what it boots now; NULL: of a
 * machine that is not a node, or has not said yet which it is. Text that the role and `env` own is
 * pointed at. */
struct value values_of_boot(const struct role *r, const struct render_env *env, struct arena *a);

/* What kubeadm's templates see as `bootstrap`, in the document that starts the cluster (`init`) or
 * in one that joins it. NULL: placeholders of the same form. */
struct value values_of_bootstrap(const struct node *n, bool init,
                                 const struct bootstrap_values *values, struct arena *a);

#endif
