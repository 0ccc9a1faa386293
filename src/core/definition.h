/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definition: what defines a registered node, as JSON: how it is read from a request and patched.
 *
 * What its members mean is the tree's to know; here they only have names.
 */
#ifndef CLOUDSEED_CORE_DEFINITION_H
#define CLOUDSEED_CORE_DEFINITION_H

#include "base/value.h"

/* NULL behind the last. */
extern const char *const definition_members[];

/* A new one: members that are null are none. */
struct value definition_new(struct value body, struct arena *a);
/* A JSON merge patch (RFC 7396). What comes of it may point into both. */
struct value definition_patch(struct value old, struct value patch, struct arena *a);
/* The map with `key` set to `v`. */
struct value definition_with(struct value old, struct str key, struct value v, struct arena *a);

struct str definition_text(struct value definition, struct arena *a);
/* What definition_text made; an empty map for anything else. */
struct value definition_read(struct str json, struct arena *a);

#endif
