/* SPDX-License-Identifier: Apache-2.0 */
/* hash: a fast hash of bytes (XXH3), for tables and entity tags; not for secrets. */
#ifndef CLOUDSEED_BASE_HASH_H
#define CLOUDSEED_BASE_HASH_H

#include "base/str.h"

/* The same on every machine and in every release: it may go into ETags and golden files. */
uint64_t hash64(struct str s);

#endif
