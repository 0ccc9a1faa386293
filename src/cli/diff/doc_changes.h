/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc_changes: what differs between two renderings of nodes, each change once for all nodes that
 * have it.
 *
 * How texts are compared is diff(1)'s business. How changes are shown is not known here.
 */
#ifndef CLOUDSEED_CLI_DIFF_DOC_CHANGES_H
#define CLOUDSEED_CLI_DIFF_DOC_CHANGES_H

#include "base/map.h"
#include "cli/diff/hunks.h"
#include "model/node.h"

enum doc_change_kind { DOC_CHANGED, DOC_ADDED, DOC_REMOVED };

extern const char *const doc_change_kind_names[]; /* "changed", "added", "removed" */

/* A growing list of names that somebody else keeps. */
struct name_list {
    struct str *list;
    uint32_t n, room;
};

struct doc_change {
    struct str document;
    enum doc_change_kind kind;
    struct str hunks;       /* of the first node */
    struct name_list nodes; /* in the order of their names */
    bool alike;             /* the same in all of them but for their own names and addresses */
    uint64_t key, literal;
};

struct doc_changes {
    struct arena arena, scratch; /* scratch: of one call */
    struct hunks hunks;
    bool each; /* no two nodes share a change */
    struct doc_change *list;
    struct variant *variants;
    uint32_t n, room, variants_n, variants_room, waiting; /* the first variant without hunks */
    struct map by_key, variants_by_key;
};

/* `folder` is ours to write in. */
void doc_changes_init(struct doc_changes *cs, const char *folder, bool each);
void doc_changes_done(struct doc_changes *cs);

/* The document, rendered of the same node in both trees, differs. p == NULL: it is not there. All
 * of the node's name and the document's must last. To be called in the order of nodes' names. */
int doc_changes_add(struct doc_changes *cs, const struct node *before, const struct node *now,
                    struct str document, const struct str texts[2], struct err *e);
/* After the last one: makes `list`. */
int doc_changes_finish(struct doc_changes *cs, struct err *e);

void name_list_add(struct name_list *names, struct str name);
void name_list_done(struct name_list *names);

#endif
