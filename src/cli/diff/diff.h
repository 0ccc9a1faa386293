/* SPDX-License-Identifier: Apache-2.0 */
/* diff: `cloudseed diff`: what a change of the seed tree changes on which nodes. */
#ifndef CLOUDSEED_CLI_DIFF_DIFF_H
#define CLOUDSEED_CLI_DIFF_DIFF_H

#include "cli/diff/compare.h"

int diff_run(struct cli *c);

/* The result in one of its forms, on standard output. */
void diff_print_text(struct cli *c, const struct comparison *m);
void diff_print_markdown(struct cli *c, const struct comparison *m);
void diff_print_json(struct cli *c, const struct comparison *m);

/* "1 node", "2 nodes". */
struct str diff_nodes_text(uint32_t n, struct arena *a);
/* The names from number `from` on; of very many the first, and how many more there are. */
struct str diff_names_text(const struct name_list *names, uint32_t from, struct arena *a);
/* "3 nodes change: user-data of 2, meta-data of 1". */
struct str diff_summary(const struct comparison *m, struct arena *a);
#define DIFF_NOTICES 4
#define DIFF_NOTICES_GRAVE 2 /* the first ones */
/* "1 node is added: k8s-worker-4" and the like; empty where there is nothing to notice. */
struct str diff_notice(const struct comparison *m, unsigned number, struct arena *a);
/* Where a change begins: "--- a/NODE/DOCUMENT", "+++ b/NODE/DOCUMENT", a line each. */
struct str diff_head(const struct doc_change *change, struct arena *a);

#endif
