/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jws.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/must.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define MAC_BYTES 32
#define HEADER_MAX 128
#define BLOCK_BYTES 768 /* of three times some: its base64url goes on in the next block */

static EVP_MAC_CTX *hmac_new(struct str key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = mem_need(EVP_MAC_fetch(NULL, "HMAC", NULL));
    EVP_MAC_CTX *ctx = mem_need(EVP_MAC_CTX_new(mac));
    must(EVP_MAC_init(ctx, (const uint8_t *)key.p, key.n, params));
    EVP_MAC_free(mac);
    return ctx;
}

static void add(EVP_MAC_CTX *ctx, const char *p, size_t n)
{
    must(EVP_MAC_update(ctx, (const uint8_t *)p, n));
}

static void add_base64url(EVP_MAC_CTX *ctx, struct str bytes)
{
    char text[BLOCK_BYTES / 3 * 4 + 1];
    for (; bytes.n; bytes = str_skip(bytes, BLOCK_BYTES))
        add(ctx, text,
            base64url_write((struct str){bytes.p, bytes.n < BLOCK_BYTES ? bytes.n : BLOCK_BYTES},
                            text));
}

/* What comes before the first dot; its bytes are those that Kubernetes' library writes. */
static size_t write_header(struct str key_id, char to[static HEADER_MAX * 2])
{
    char json[HEADER_MAX];
    int n = snprintf(json, sizeof(json), "{\"alg\":\"HS256\",\"kid\":\"%.*s\"}", STR_ARG(key_id));
    assert(n > 0 && (size_t)n < sizeof(json));
    return base64url_write((struct str){json, (size_t)n}, to);
}

bool jws_verify(struct str jws, struct str payload, struct str key_id, struct str secret)
{
    uint8_t mac[MAC_BYTES];
    char want[2 * HEADER_MAX + 2 + 64];
    size_t n = write_header(key_id, want), mac_n = 0;
    EVP_MAC_CTX *ctx = hmac_new(secret);
    add(ctx, want, n);
    add(ctx, ".", 1);
    add_base64url(ctx, payload);
    must(EVP_MAC_final(ctx, mac, &mac_n, sizeof(mac)) && mac_n == sizeof(mac));
    EVP_MAC_CTX_free(ctx);
    memcpy(want + n, "..", 2);
    n += 2 + base64url_write((struct str){(const char *)mac, sizeof(mac)}, want + n + 2);
    return jws.n == n && CRYPTO_memcmp(jws.p, want, n) == 0;
}
