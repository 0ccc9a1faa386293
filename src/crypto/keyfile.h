/* SPDX-License-Identifier: Apache-2.0 */
/* keyfile: small files that only their owner may read. */
#ifndef CLOUDSEED_CRYPTO_KEYFILE_H
#define CLOUDSEED_CRYPTO_KEYFILE_H

#include "base/buf.h"
#include "base/err.h"

#define KEYFILE_MAX_BYTES 4096

/* Calls `read` with the file's text, which is wiped afterwards. -ENOENT where there is no file,
 * -EPERM where group or others have access; else what `read` returns, with the path before its
 * error. */
int keyfile_read(const char *path, int (*read)(void *cls, struct str text, struct err *e),
                 void *cls, struct err *e);

/* Creates a file (0600) with `words`, the bytes in hexadecimal and a line end. -EEXIST where there
 * is one already. */
int keyfile_create(const char *path, const char *words, const uint8_t *bytes, size_t n,
                   struct err *e);

#endif
