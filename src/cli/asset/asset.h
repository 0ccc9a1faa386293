/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asset: what the `cloudseed asset …` commands share: the folder of kernels, images and boot
 * programs.
 *
 * They work on the folder itself, without the server. Beside each asset lies NAME.sha256, in the
 * format of sha256sum, with the hash of the file when it was added. The server serves it too.
 */
#ifndef CLOUDSEED_CLI_ASSET_ASSET_H
#define CLOUDSEED_CLI_ASSET_ASSET_H

#include "cli/common/cli.h"
#include "crypto/digest.h"

#include <time.h>

#define ASSET_SERVERLESS \
    "assets are files: run this where cloudseedd runs, or name the folder with --assets"

struct asset_entry {
    struct str name; /* path below the folder */
    uint64_t size;
    struct timespec changed;
    struct str sha256; /* from NAME.sha256; empty: none */
    bool is_missing;   /* NAME.sha256 without its file */
};

/* The configured folder; CLI_FAILED after printing the reason. */
int asset_folder(struct cli *c, struct str *ret);
/* The same for files that will be put there: nothing is made where no server was installed, unless
 * the folder was named. */
int asset_folder_to_fill(struct cli *c, struct str *ret);
/* All assets by name, without files that the server does not serve. */
int asset_entries(struct cli *c, struct str folder, struct asset_entry **ret, size_t *ret_n);
/* The asset of that name; NULL after printing that there is none. */
struct asset_entry *asset_find(struct cli *c, struct asset_entry *list, size_t n, const char *name);

/* Hashes `from` and copies it to `to`, unless that is -1. `what` is shown as the progress; `size`
 * 0: unknown. -errno; -EINTR if the user interrupted. */
int asset_copy(int from, int to, uint64_t size, const char *what, char sha256[DIGEST_TEXT_SIZE]);
/* Copies the file `from` to the folder under that name, atomically and synced, and writes its hash
 * beside it. `wanted` is the expected hash; empty: any. */
int asset_put(struct cli *c, struct str folder, struct str name, const char *from,
              struct str wanted);

enum asset_verdict { ASSET_OK, ASSET_UNKNOWN, ASSET_DIFFERS, ASSET_MISSING, ASSET_UNREADABLE };
extern const char *const asset_verdict_names[];

/* Reads an asset and compares it with its recorded hash. Fills `sha256` unless it is unreadable. */
enum asset_verdict asset_judge(struct cli *c, struct str folder, const struct asset_entry *e,
                               char sha256[DIGEST_TEXT_SIZE]);

#endif
