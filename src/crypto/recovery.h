/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery: a copy of the sealing key that opens only with a passphrase (docs/formats/keys.md).
 *
 * It is in the state, and so in each backup. The passphrase is made here and kept nowhere; it does
 * not know who shows it, or who asks for it.
 */
#ifndef CLOUDSEED_CRYPTO_RECOVERY_H
#define CLOUDSEED_CRYPTO_RECOVERY_H

#include "crypto/sealing.h"

#define RECOVERY_PASSPHRASE_SIZE 35 /* seven groups of four characters, and the NUL */
#define RECOVERY_SALT_BYTES 16

#define RECOVERY_LINE_SIZE 226

struct recovery {
    char line[RECOVERY_LINE_SIZE];
    uint8_t salt[RECOVERY_SALT_BYTES];
};

/* A new passphrase: wipe it when it was shown. */
void recovery_passphrase(char ret[static RECOVERY_PASSPHRASE_SIZE]);
/* Writes the copy (0600) over an earlier one, which is then of no use. */
int recovery_save(const struct sealer *s, struct str passphrase, const char *path, struct err *e);

/* Of a file: -EBADF where it is another one than a copy of ours; else as keyfile_read. */
int recovery_read(const char *path, struct recovery *ret, struct err *e);
/* Of the line in it, which the state has too. */
int recovery_parse(struct str line, struct recovery *ret, struct err *e);
/* Whether it is a copy of this key. */
bool recovery_is_of(const struct recovery *r, const struct sealer *s);
/* Spaces, hyphens and upper case do not matter. -EACCES: another passphrase. */
int recovery_open(const struct recovery *r, struct str passphrase, struct sealer **ret,
                  struct err *e);

#endif
