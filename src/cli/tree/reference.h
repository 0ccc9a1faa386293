/* SPDX-License-Identifier: Apache-2.0 */
/* reference: the pages of `cloudseed reference` that are made here. */
#ifndef CLOUDSEED_CLI_TREE_REFERENCE_H
#define CLOUDSEED_CLI_TREE_REFERENCE_H

#include "base/buf.h"
#include "cli/common/cli.h"

/* The page about names, filters, tests and methods of templates, in Markdown. */
void reference_templates(struct buf *out);

#endif
