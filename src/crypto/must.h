/* SPDX-License-Identifier: Apache-2.0 */
/* must: for calls of OpenSSL that fail only when memory or randomness runs out. */
#ifndef CLOUDSEED_CRYPTO_MUST_H
#define CLOUDSEED_CRYPTO_MUST_H

#include <stdlib.h>

/* Aborts unless `ok` is 1, OpenSSL's success. */
static inline void must(int ok)
{
    if (ok != 1)
        abort();
}

#endif
