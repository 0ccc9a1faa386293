/* SPDX-License-Identifier: Apache-2.0 */
/* reference: `cloudseed reference`: the formats of our files, as their readers' tables have them.
 */
#ifndef CLOUDSEED_CLI_TREE_REFERENCE_H
#define CLOUDSEED_CLI_TREE_REFERENCE_H

#include "base/buf.h"
#include "cli/common/cli.h"

/* The page of what templates may use, in Markdown. */
void reference_templates(struct buf *out);

#endif
