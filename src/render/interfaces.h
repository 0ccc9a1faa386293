/* SPDX-License-Identifier: Apache-2.0 */
/* interfaces: `node.interfaces` of templates: those that the tree declares, or those that follow
 * from the node's MACs and the VLANs of its networks. */
#ifndef CLOUDSEED_RENDER_INTERFACES_H
#define CLOUDSEED_RENDER_INTERFACES_H

#include "base/value.h"
#include "model/node.h"

/* `networks` is what values_of_networks made of the site. */
struct value interfaces_of_node(const struct node *n, const struct site *site,
                                struct value networks, struct arena *a);

/* The node's MAC of that number; none where it has fewer. */
struct value interfaces_mac(const struct node *n, uint32_t number, struct arena *a);

#endif
