/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cahash.h"

#include "base/hex.h"
#include "crypto/x509.h"

#include <errno.h>

static struct str hash_of(X509 *cert, struct arena *a)
{
    uint8_t digest[X509_DIGEST_BYTES];
    char text[2 * X509_DIGEST_BYTES];
    x509_key_digest(cert, digest);
    hex_write(digest, sizeof(digest), text);
    return ARENA_JOIN(a, STR("sha256:"), (struct str){text, sizeof(text)});
}

int cahash_read(struct str pem, struct arena *a, struct str ret[static CAHASH_MAX], uint32_t *ret_n,
                struct err *e)
{
    STACK_OF(X509) *list = x509_read_list(pem, CAHASH_MAX, "the cluster's CA", e);
    if (!list)
        return -EINVAL;
    int n = sk_X509_num(list);
    for (int i = 0; i < n; i++)
        ret[i] = hash_of(sk_X509_value(list, i), a);
    sk_X509_pop_free(list, X509_free);
    *ret_n = (uint32_t)n;
    return 0;
}
