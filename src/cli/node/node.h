/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node: what the `cloudseed node …` commands share: a node's declaration as text and JSON, its
 * check, build windows, and whether they ask the server or read the seed tree.
 */
#ifndef CLOUDSEED_CLI_NODE_NODE_H
#define CLOUDSEED_CLI_NODE_NODE_H

#include "base/json.h"
#include "cli/common/api.h"
#include "model/node.h"
#include "render/check.h"

/* --- node.c --------------------------------------------------------------------------------- */

/* "10.0.20.11,fd00:20::11", in the arena; empty if there are none. */
struct str node_addresses_text(const struct node *n, struct arena *a);
struct str node_macs_text(const struct node *n, struct arena *a);

/* A node of the tree with all members that a server's answer has (docs/formats/api.md); what only a
 * server knows is null. `check` is its verdict; NULL: unchecked. In the arena. */
struct value node_tree_value(const struct node *n, const char *check, struct arena *a);

/* The state in a node that the server returned: "failed in modules-final, locked". */
struct str node_state_text(struct value node, struct arena *a);

/* Why it failed or waits, alarms, locks and refused fetches, of a node that the server returned. */
struct str node_notes_text(struct value node, struct arena *a);
/* "4 refused since 10:12: not armed"; empty: none were. */
struct str node_refused_text(struct value node, struct arena *a);

/* Checks one node's documents: "ok" or "faulty", with the faults and warnings. */
const char *node_check(const struct tree *t, const struct node *n, struct faults *faults);

/* Checks all nodes and shows the progress: the verdicts by node number, in the arena. */
const char *const *node_check_all(const struct tree *t, struct arena *a);

#define NODE_REMOTE_NONE (-1)

/* Decides whether to ask the server: yes if one was named, or if its socket answers; no if a tree
 * was named or is to be checked. Both is wrong usage. CLI_OK: `ret` is open. NODE_REMOTE_NONE: read
 * only the tree; if a server was expected, a note was printed. Otherwise the reason was printed.
 * Call api_close in any case. */
int node_remote_open(struct cli *c, struct api *ret);
/* The same for a node's URL, without a note: it is the same from tree and server. */
int node_remote_open_for_url(struct cli *c, struct api *ret);

/* --- act.c ---------------------------------------------------------------------------------- */

/* clang-format off */
#define FLAG_WINDOW {"for", "TIME", "how long the window stays open, as in 30m or 2h"}
/* clang-format on */

/* The body of "arm" from --for; VALUE_UNDEFINED without it. CLI_MISUSED after printing the
 * reason. */
int node_act_window(struct cli *c, struct value *ret);
/* Prints the serial that the armed node's machine needs, for people. */
void node_act_print_armed(struct api *api, struct value armed);

/* --- discovered.c --------------------------------------------------------------------------- */

/* The discovered machine with this MAC; CLI_FAILED after printing that there is none, with the
 * nearest one. */
int node_discovered_find(struct api *api, struct mac mac, struct value *ret);

#endif
