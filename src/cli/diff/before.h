/* SPDX-License-Identifier: Apache-2.0 */
/*
 * before: the seed tree that another one is compared with: a folder, or what a revision of Git has.
 *
 * Git does what is Git's: the program itself is run, and what it says is passed on.
 */
#ifndef CLOUDSEED_CLI_DIFF_BEFORE_H
#define CLOUDSEED_CLI_DIFF_BEFORE_H

#include "cli/common/seedtree.h"

struct before {
    struct config config;
    struct seedtree_alias alias;
};

/* `against` is a folder or a revision; NULL takes HEAD. A revision's tree is put below `folder`,
 * which must last as long as it is read. CALL_FAILED after saying why there is none. */
int before_open(struct call *c, const struct config *now, const char *against, const char *folder,
                struct before *ret);

#endif
