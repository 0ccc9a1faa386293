/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/must.h"

#include <openssl/evp.h>

#define DIGEST_BYTES 32

struct digest {
    EVP_MD_CTX *ctx;
};

struct digest *digest_new(void)
{
    struct digest *d = mem_alloc(sizeof(*d));
    d->ctx = mem_need(EVP_MD_CTX_new());
    must(EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL));
    return d;
}

void digest_add(struct digest *d, struct str bytes)
{
    must(EVP_DigestUpdate(d->ctx, bytes.p, bytes.n));
}

const char *digest_end(struct digest *d, char *text)
{
    unsigned char bytes[DIGEST_BYTES];
    must(EVP_DigestFinal_ex(d->ctx, bytes, NULL));
    EVP_MD_CTX_free(d->ctx);
    free(d);
    if (!text)
        return NULL;
    *hex_write(bytes, sizeof(bytes), text) = '\0';
    return text;
}

const char *digest_text(struct str bytes, char ret[static DIGEST_TEXT_SIZE])
{
    struct digest *d = digest_new();
    digest_add(d, bytes);
    return digest_end(d, ret);
}

bool digest_text_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (hex_digit(s.p[i]) < 0)
            return false;
    }
    return s.n == DIGEST_TEXT_SIZE - 1;
}
