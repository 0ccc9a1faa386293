/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes: what differs between two renderings of nodes, each change once for all nodes that have
 * it.
 *
 * How texts are compared is diff(1)'s business. How changes are shown is not known here.
 */
#ifndef CLOUDSEED_CLI_DIFF_CHANGES_H
#define CLOUDSEED_CLI_DIFF_CHANGES_H

#include "base/map.h"
#include "cli/diff/hunks.h"
#include "model/node.h"

enum change_kind { CHANGE_CONTENT, CHANGE_APPEARED, CHANGE_VANISHED };

extern const char *const change_kind_names[]; /* "changed", "added", "removed" */

/* A growing list of names that somebody else keeps. */
struct names {
    struct str *list;
    uint32_t n, room;
};

struct change {
    struct str document;
    enum change_kind kind;
    struct str hunks;   /* of the first node */
    struct names nodes; /* in the order of their names */
    bool alike;         /* the same in all of them but for their own names and addresses */
    uint64_t key, literal;
};

struct changes {
    struct arena arena, scratch; /* scratch: of one call */
    struct hunks hunks;
    bool each; /* no two nodes share a change */
    struct change *list;
    struct variant *variants;
    uint32_t n, room, variants_n, variants_room, waiting; /* the first variant without hunks */
    struct map by_key, variants_by_key;
};

/* `folder` is ours to write in. */
void changes_init(struct changes *cs, const char *folder, bool each);
void changes_done(struct changes *cs);

/* The document, rendered of the same node in both trees, differs. p == NULL: it is not there. All
 * of the node's name and the document's must last. To be called in the order of nodes' names. */
int changes_add(struct changes *cs, const struct node *before, const struct node *now,
                struct str document, const struct str texts[2], struct err *e);
/* After the last one: makes `list`. */
int changes_finish(struct changes *cs, struct err *e);

void names_add(struct names *names, struct str name);
void names_done(struct names *names);

#endif
