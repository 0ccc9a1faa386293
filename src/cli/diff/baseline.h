/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline: the seed tree that another one is compared with: a folder, or what a revision of Git
 * has.
 *
 * Git does what is Git's: the program itself is run, and what it says is passed on.
 */
#ifndef CLOUDSEED_CLI_DIFF_BASELINE_H
#define CLOUDSEED_CLI_DIFF_BASELINE_H

#include "cli/common/seedtree.h"

struct baseline {
    struct config config;
    struct seedtree_alias alias;
};

/* `against` is a folder or a revision; NULL takes HEAD. A revision's tree is put below `folder`,
 * which must last as long as it is read. CLI_FAILED after saying why there is none. */
int baseline_open(struct cli *c, const struct config *now, const char *against, const char *folder,
                  struct baseline *ret);

#endif
