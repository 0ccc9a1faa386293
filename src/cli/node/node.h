/* SPDX-License-Identifier: Apache-2.0 */
/* node: `cloudseed node …`, and what these commands show alike. */
#ifndef CLOUDSEED_CLI_NODE_NODE_H
#define CLOUDSEED_CLI_NODE_NODE_H

#include "base/json.h"
#include "cli/common/cli.h"
#include "model/node.h"

int node_list_run(struct cli *c);
int node_show_run(struct cli *c);
int node_url_run(struct cli *c);

/* Texts for people, in the arena: "10.0.20.11,fd00:20::11"; empty where there is none. */
struct str node_addresses_text(const struct node *n, struct arena *a);
struct str node_macs_text(const struct node *n, struct arena *a);

#define NODE_PAIRS 10
/* What is declared of a node, as pairs for JSON. */
void node_pairs(const struct node *n, struct arena *a, struct value_pair ret[static NODE_PAIRS]);

struct value node_place_value(struct place at, struct arena *a);

#endif
