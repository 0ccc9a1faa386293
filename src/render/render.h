/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render: a node's files out of a tree, as bytes.
 *
 * Pure: no disk, no clock, no state; the same tree, node and seed URL give the same bytes. Any
 * thread may render from one world.
 */
#ifndef CLOUDSEED_RENDER_RENDER_H
#define CLOUDSEED_RENDER_RENDER_H

#include "render/scope.h"

#define RENDER_MAX_BYTES                                                    \
    (1024 * 1024) /* of one file: far beyond what clouds allow as user-data \
                   */

/* Appends the file to `out`. `seed_url` is the URL below which the node fetches this very file,
 * with its slash. A file without template is empty, except that meta-data always holds instance-id
 * and local-hostname. -EINVAL with *ret_fault filled where the template stops. */
int render_file(const struct scope_tables *tables, const struct node *n, enum seed_file file,
                struct str seed_url, struct arena *arena, struct buf *out,
                struct template_fault *ret_fault);

#endif
