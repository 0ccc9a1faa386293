/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: the world as one exchange sees it: a tree, its templates' tables and its seed keys.
 *
 * Made whole, off the loop, and frozen; a reload makes another. It is counted: whoever holds a
 * reference keeps it alive. References are taken and given back on one thread, the loop's.
 */
#ifndef CLOUDSEED_CORE_SNAPSHOT_H
#define CLOUDSEED_CORE_SNAPSHOT_H

#include "crypto/keys.h"
#include "render/check.h"
#include "tree/tree.h"

struct snapshot;

/* Takes the tree over. `url` is what the nodes' URLs begin with, without a slash at its end; it is
 * copied. The caller holds the first reference. */
struct snapshot *snapshot_new(struct tree *t, const struct secrets *secrets, struct str url);
struct snapshot *snapshot_ref(struct snapshot *s);
/* Accepts NULL. */
void snapshot_unref(struct snapshot *s);

const struct tree *snapshot_tree(const struct snapshot *s);
const struct scope_tables *snapshot_tables(const struct snapshot *s);
struct str snapshot_url(const struct snapshot *s);

/* The node that this seed key opens, NULL where it opens none. */
const struct node *snapshot_find_key(const struct snapshot *s, struct str key);
/* What the check has said of the node so far; any thread may tell or ask. */
enum check_verdict snapshot_verdict(const struct snapshot *s, const struct node *n);
void snapshot_set_verdict(struct snapshot *s, uint32_t number, enum check_verdict verdict);

/* NULL where there is none. */
const struct node *snapshot_find_name(const struct snapshot *s, struct str name);
/* The node whose name comes next behind `name`; p == NULL: the first. */
const struct node *snapshot_next(const struct snapshot *s, struct str name);
const struct node *snapshot_find_uid(const struct snapshot *s, struct str uid);
/* The node's seed key by the secret in force. */
struct str snapshot_node_key(const struct snapshot *s, const struct node *n);

#endif
