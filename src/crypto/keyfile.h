/* SPDX-License-Identifier: Apache-2.0 */
/* keyfile: small files that nobody but their owner may use. */
#ifndef CLOUDSEED_CRYPTO_KEYFILE_H
#define CLOUDSEED_CRYPTO_KEYFILE_H

#include "base/buf.h"
#include "base/err.h"

#define KEYFILE_MAX_BYTES 4096

/* Calls `read` with the file's text, which is wiped afterwards. -ENOENT where there is none, -EPERM
 * where others than its owner may use it; else what `read` returns, with the path in front of its
 * error. */
int keyfile_read(const char *path, int (*read)(void *cls, struct str text, struct err *e),
                 void *cls, struct err *e);

/* Makes a file (0600) of these words, then the bytes in hexadecimal and a line end. -EEXIST where
 * there is one already. */
int keyfile_create(const char *path, const char *words, const uint8_t *bytes, size_t n,
                   struct err *e);

#endif
