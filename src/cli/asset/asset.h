/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asset: the commands about the folder of kernels, images and boot programs.
 *
 * They work on the folder itself, and need no server. Beside each asset lies NAME.sha256, as
 * sha256sum writes it: it is served too, and says what the file was when it was added.
 */
#ifndef CLOUDSEED_CLI_ASSET_ASSET_H
#define CLOUDSEED_CLI_ASSET_ASSET_H

#include "cli/common/cli.h"
#include "crypto/digest.h"

#include <time.h>

struct asset_entry {
    struct str name; /* below the folder */
    uint64_t size;
    struct timespec changed;
    struct str sha256; /* as it is recorded; empty: it is not */
    bool is_missing;   /* a recorded hash without its file */
};

/* asset_folder.c: the configured folder; CLI_FAILED after saying what is wrong. */
int asset_folder(struct cli *c, struct str *ret);
/* Everything in it, by name; what the server does not serve is left out. */
int asset_entries(struct cli *c, struct str folder, struct asset_entry **ret, size_t *ret_n);
/* The one of that name; NULL after saying that there is none. */
struct asset_entry *asset_find(struct cli *c, struct asset_entry *list, size_t n, const char *name);

/* asset_copy.c: hashes all of `from`, and writes it to `to` where that is not -1. `what` is shown
 * where it takes long; `size` 0: unknown. -errno; -EINTR where the user gave up. */
int asset_copy(int from, int to, uint64_t size, const char *what, char sha256[DIGEST_TEXT_SIZE]);
/* Puts the file at `from` into the folder under that name, synced, whole or not at all, and its
 * hash beside it. `wanted` is what the hash must be; p == NULL: anything. */
int asset_put(struct cli *c, struct str folder, struct str name, const char *from,
              struct str wanted);

#endif
