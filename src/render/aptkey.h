/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aptkey: OpenPGP keys that stand in a document, and when they expire.
 *
 * A node whose repository's key has expired installs nothing from it: known before the boot, it is
 * one line in a list.
 */
#ifndef CLOUDSEED_RENDER_APTKEY_H
#define CLOUDSEED_RENDER_APTKEY_H

#include "render/inspect.h"

/* Warns of each key in the scalars below `root` that has expired or will within 30 days. */
void aptkey_check(struct inspect *in, const struct yaml_node *root);

/* How many blocks begin in the text. */
unsigned aptkey_count(struct str text);

#endif
