/* SPDX-License-Identifier: Apache-2.0 */
/* compare: which nodes two seed trees render differently, and how. */
#ifndef CLOUDSEED_CLI_DIFF_COMPARE_H
#define CLOUDSEED_CLI_DIFF_COMPARE_H

#include "base/intern.h"
#include "cli/diff/doc_changes.h"
#include "cli/tree/rendition.h"

/* A document, and how many nodes it differs in. */
struct compare_count {
    struct str document;
    uint32_t nodes;
};

/* A node that is another instance to cloud-init than before. */
struct compare_instance {
    struct str node, before, now; /* instance-ids, empty where there is none */
};

struct comparison {
    struct rendition before, now; /* the caller opens and closes them */
    struct doc_changes changes;
    struct name_list changed, added, removed; /* nodes */
    struct name_list rekeyed, reborn;         /* with another seed key; with another instance-id */
    struct compare_count *counts;             /* in the order of their coming */
    struct compare_instance *instances;
    uint32_t counts_n, counts_room, instances_n, instances_room;
    struct arena arena;
    struct intern texts;
};

/* Renders everything of both. `folder` is ours to write in. CLI_FAILED after saying why it cannot
 * be done; `ret` is to be ended in any case. */
int compare_run(struct cli *c, const char *folder, bool each, struct comparison *ret);
void compare_done(struct comparison *m);

/* Whether anything differs. */
bool compare_differs(const struct comparison *m);

#endif
