/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: the parts of `cloudseed diff`, which shows what a change of the seed tree changes on which
 * nodes.
 *
 * baseline finds the other tree; compare renders both and collects the differences in doc_changes,
 * which merges those that several nodes have in common; print shows the result.
 */
#ifndef CLOUDSEED_CLI_DIFF_DIFF_H
#define CLOUDSEED_CLI_DIFF_DIFF_H

#include "base/intern.h"
#include "base/map.h"
#include "cli/common/identity_mask.h"
#include "cli/tree/rendition.h"

/* --- baseline: the tree to compare with: a folder, or a Git revision's ---------------------- */

struct baseline {
    struct config config;
    struct seedtree_alias alias;
};

/* `against` is a folder or a revision; NULL means HEAD. A revision's files are extracted below
 * `folder`, which must exist as long as they are read. CLI_FAILED after printing the reason. */
int baseline_open(struct cli *c, const struct config *now, const char *against, const char *folder,
                  struct baseline *ret);

/* --- hunks: the output of diff(1) for many pairs of texts, from one run --------------------- */

struct hunks {
    const char *folder; /* a temporary folder to write in */
    uint32_t n;         /* pairs added since the last run */
    size_t bytes;       /* their size */
};

/* Adds a pair; its number is the previous value of `n`. A text whose p is NULL is a file that does
 * not exist, as diff's --new-file treats it. */
int hunks_add(struct hunks *h, struct str before, struct str now, struct err *e);

/* Runs diff on all pairs and forgets them: on_hunks gets the hunks of each pair that differs, in
 * the unified format, from the first "@@" on. */
int hunks_take(struct hunks *h, void (*on_hunks)(void *cls, uint32_t number, struct str hunks),
               void *cls, struct err *e);

/* --- line_diff: the lines that differ, in the cases where no diff algorithm is needed ------- */

/* Appends "-LINE" and "+LINE" in the order in which diff -u prints them, without context. Works
 * only if every line that differs occurs in one of the texts only, and the others are the same and
 * in the same order: otherwise false, and `out` is unusable. Saves a run of diff(1) for each of
 * thousands of nodes that change like the first. */
bool line_diff(struct str before, struct str now, struct buf *out);

/* --- doc_changes: what differs, each change once for all nodes that have it ----------------- */

enum doc_change_kind { DOC_CHANGED, DOC_ADDED, DOC_REMOVED };

extern const char *const doc_change_kind_names[]; /* "changed", "added", "removed" */

/* A growing list of names; it does not own their text. */
struct name_list {
    struct str *list;
    uint32_t n, room;
};

void name_list_add(struct name_list *names, struct str name);
void name_list_done(struct name_list *names);

struct doc_change {
    struct str document;
    enum doc_change_kind kind;
    struct str hunks;       /* of the first node */
    struct name_list nodes; /* sorted */
    bool alike;             /* the nodes' hunks differ, but only in their names and addresses */
    uint64_t key, literal;  /* hashes of the changed lines, masked and as they are */
};

struct doc_changes {
    struct arena arena, scratch; /* scratch: reset by each doc_changes_add */
    struct hunks hunks;
    bool each; /* do not merge the changes of several nodes */
    struct doc_change *list;
    struct variant *variants;
    uint32_t n, room, variants_n, variants_room, waiting; /* the first variant without hunks */
    struct map by_key, variants_by_key;
};

/* `folder` is a temporary folder to write in. */
void doc_changes_init(struct doc_changes *cs, const char *folder, bool each);
void doc_changes_done(struct doc_changes *cs);

/* Adds a document whose texts, rendered for the same node from both trees, differ. p == NULL: the
 * node does not have it. The names of nodes and documents must outlive `cs`. Call it in the order
 * of the nodes' names. */
int doc_changes_add(struct doc_changes *cs, const struct node *before, const struct node *now,
                    struct str document, const struct str texts[2], struct err *e);
/* Makes `list` after the last one was added. */
int doc_changes_finish(struct doc_changes *cs, struct err *e);

/* --- compare: renders both trees ------------------------------------------------------------ */

struct compare_count {
    struct str document;
    uint32_t nodes; /* in which it differs */
};

/* A node whose instance-id changes: cloud-init treats it as a new instance. */
struct compare_instance {
    struct str node, before, now; /* instance-ids, empty if there is none */
};

struct comparison {
    struct rendition before, now; /* opened and closed by the caller */
    struct doc_changes changes;
    struct name_list changed, added, removed; /* nodes */
    struct name_list rekeyed, reborn;         /* with another seed key; with another instance-id */
    struct compare_count *counts;             /* in order of first appearance */
    struct compare_instance *instances;
    uint32_t counts_n, counts_room, instances_n, instances_room;
    struct arena arena;
    struct intern texts;
};

/* Renders and compares all documents of both trees. `folder` is a temporary folder to write in.
 * CLI_FAILED after printing the reason; call compare_done in any case. */
int compare_run(struct cli *c, const char *folder, bool each, struct comparison *ret);
void compare_done(struct comparison *m);

bool compare_differs(const struct comparison *m);

/* --- print ---------------------------------------------------------------------------------- */

/* Prints the result as --json or --markdown asks, otherwise as text. */
void print_comparison(struct cli *c, const struct comparison *m);

#endif
