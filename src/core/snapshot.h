/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: the world as one exchange sees it: declared and registered nodes and their seed keys.
 *
 * Made off the loop, and frozen. Its base is what was read from files: the tree, its templates'
 * tables and the declared nodes' keys; snapshots that differ only in registered nodes share it. A
 * snapshot is reference-counted; references are taken and given back only on the loop's thread.
 */
#ifndef CLOUDSEED_CORE_SNAPSHOT_H
#define CLOUDSEED_CORE_SNAPSHOT_H

#include "crypto/keys.h"
#include "render/check.h"
#include "render/sealed.h"
#include "tree/extend.h"

struct snapshot;

/* Takes the tree over; the secrets are copied. There are no registered nodes. The caller holds the
 * first reference. */
struct snapshot *snapshot_new(struct tree *t, const struct secrets *secrets);
/* Gives a new snapshot the values of the site's secrets, which it takes over. */
void snapshot_take_values(struct snapshot *s, struct sealed_values *values);
/* The same base with the nodes of `registered`, an extension of its tree, which is taken over.
 * `version` is that of the fleet's definitions. May run on any thread while somebody holds `s`. The
 * verdicts on nodes that are the same in `s` are kept. */
struct snapshot *snapshot_extend(const struct snapshot *s, struct tree *registered,
                                 uint64_t version);
struct snapshot *snapshot_ref(struct snapshot *s);
/* Accepts NULL. */
void snapshot_unref(struct snapshot *s);

/* Finds out what has changed since `before`, for census.h. May run on any thread while somebody
 * holds both; `s` is not in use yet. */
void snapshot_compare(struct snapshot *s, const struct snapshot *before);
/* A node of another role or cluster, or that only one of the snapshots has: the other is NULL. */
struct snapshot_change {
    const struct node *before, *now;
};
/* NULL: `s` was not compared with `before`. */
const struct snapshot_change *snapshot_changes(const struct snapshot *s,
                                               const struct snapshot *before, uint32_t *ret_n);

/* The declared nodes, and with them site, clusters and roles. */
const struct tree *snapshot_tree(const struct snapshot *s);
/* The registered nodes; NULL: none. */
const struct tree *snapshot_registered(const struct snapshot *s);
/* Of all nodes. */
const struct scope_tables *snapshot_tables(const struct snapshot *s);
/* Only for the documents in bootstrap's answer; NULL: there are none. */
const struct sealed_values *snapshot_values(const struct snapshot *s);
/* What the nodes' URLs begin with, without a slash at its end. */
struct str snapshot_url(const struct snapshot *s);
uint64_t snapshot_version(const struct snapshot *s);
bool snapshot_same_base(const struct snapshot *a, const struct snapshot *b);

uint32_t snapshot_node_count(const struct snapshot *s);
/* The first node whose name sorts after `after` (empty: the very first); NULL: none. */
const struct node *snapshot_next(const struct snapshot *s, struct str after);
bool snapshot_is_declared(const struct snapshot *s, const struct node *n);

/* NULL if there is none. A key may be made with either secret. */
const struct node *snapshot_find_key(const struct snapshot *s, struct str key);
const struct node *snapshot_find_uid(const struct snapshot *s, struct str uid);
const struct node *snapshot_find_name(const struct snapshot *s, struct str name);
const struct node *snapshot_find_mac(const struct snapshot *s, struct mac mac);
const struct node *snapshot_find_uuid(const struct snapshot *s, struct uuid uuid);
const struct node *snapshot_find_serial(const struct snapshot *s, struct str serial);
const struct node *snapshot_find_address(const struct snapshot *s, struct address address);

/* The node's seed key, made with the current secret. */
struct str snapshot_node_key(const struct snapshot *s, const struct node *n);
/* The verdict of the check on the node so far; any thread may get or set it. */
enum check_verdict snapshot_verdict(const struct snapshot *s, const struct node *n);
/* How many nodes have that verdict. */
uint32_t snapshot_verdicts(const struct snapshot *s, enum check_verdict verdict);
/* The next node with that verdict: *at is 0 at first and moves on; NULL behind the last. */
const struct node *snapshot_next_verdict(const struct snapshot *s, enum check_verdict verdict,
                                         uint32_t *at);
void snapshot_set_verdict(struct snapshot *s, const struct node *n, enum check_verdict verdict);

#endif
