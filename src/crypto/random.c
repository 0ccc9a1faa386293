/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include "crypto/must.h"

#include <assert.h>
#include <limits.h>
#include <openssl/rand.h>

void random_bytes(void *p, size_t n)
{
    assert(n <= INT_MAX);
    must(RAND_priv_bytes(p, (int)n));
}
