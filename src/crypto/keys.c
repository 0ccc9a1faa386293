/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keys.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/must.h"
#include "crypto/random.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define MAC_BYTES 32
#define RANDOM_LEN 26 /* characters of base32 */
#define RANDOM_BYTES 17
#define LABEL "cloudseed seed key 1"

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

struct keyer {
    EVP_MAC *mac;
    EVP_MAC_CTX *ready; /* keyed, without data */
    char kid;
};

struct keyer *keyer_new(const struct secret *s)
{
    struct keyer *k = MEM_NEW(struct keyer);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    k->kid = s->kid;
    k->mac = mem_need(EVP_MAC_fetch(NULL, "HMAC", NULL));
    k->ready = mem_need(EVP_MAC_CTX_new(k->mac));
    must(EVP_MAC_init(k->ready, s->bytes, sizeof(s->bytes), params));
    return k;
}

void keyer_free(struct keyer *k)
{
    if (!k)
        return;
    EVP_MAC_CTX_free(k->ready);
    EVP_MAC_free(k->mac);
    free(k);
}

/* The first 26 * 5 bits, lower case, without padding (RFC 4648, section 6). */
static void encode(const uint8_t *bytes, char ret[static RANDOM_LEN])
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < RANDOM_LEN; i++) {
        if (held < 5) {
            bits = (bits << 8) | *bytes++;
            held += 8;
        }
        held -= 5;
        ret[i] = base32[(bits >> held) & 31];
    }
}

void keyer_seed_key(struct keyer *k, struct str uid, uint32_t epoch, char ret[SEED_KEY_LEN + 1])
{
    uint8_t mac[MAC_BYTES];
    char number[16];
    size_t n = 0;
    int digits = snprintf(number, sizeof(number), "%" PRIu32, epoch);
    EVP_MAC_CTX *c = mem_need(EVP_MAC_CTX_dup(k->ready));
    must(EVP_MAC_update(c, (const uint8_t *)LABEL, sizeof(LABEL))); /* its NUL, too */
    must(EVP_MAC_update(c, (const uint8_t *)uid.p, uid.n));
    must(EVP_MAC_update(c, (const uint8_t *)"", 1));
    must(EVP_MAC_update(c, (const uint8_t *)number, (size_t)digits));
    must(EVP_MAC_final(c, mac, &n, sizeof(mac)) && n == sizeof(mac));
    EVP_MAC_CTX_free(c);
    ret[0] = k->kid;
    encode(mac, ret + 1);
    ret[SEED_KEY_LEN] = '\0';
    explicit_bzero(mac, sizeof(mac));
}

/* Random keys, not derived from anything. */
void keys_new_join(char ret[JOIN_KEY_LEN + 1])
{
    uint8_t bytes[RANDOM_BYTES];
    random_bytes(bytes, sizeof(bytes));
    encode(bytes, ret);
    ret[JOIN_KEY_LEN] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

void keys_new_window(char ret[WINDOW_KEY_LEN + 1])
{
    ret[0] = 'w';
    keys_new_join(ret + 1);
}

void keys_new_certificate(char ret[CERTIFICATE_KEY_LEN + 1])
{
    uint8_t bytes[CERTIFICATE_KEY_LEN / 2];
    random_bytes(bytes, sizeof(bytes));
    *hex_write(bytes, sizeof(bytes), ret) = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

void keys_new_access(char ret[ACCESS_TOKEN_LEN + 1])
{
    static const struct str prefix = {ACCESS_TOKEN_PREFIX, sizeof(ACCESS_TOKEN_PREFIX) - 1};
    memcpy(ret, prefix.p, prefix.n);
    keys_new_session(ret + prefix.n);
}

void keys_new_session(char ret[SESSION_SECRET_LEN + 1])
{
    keys_new_join(ret);
    keys_new_join(ret + JOIN_KEY_LEN);
}

void keys_new_code(char ret[SESSION_CODE_LEN + 1])
{
    keys_new_join(ret);
}

void keys_new_uid(char ret[NODE_UID_LEN + 1])
{
    memcpy(ret, "r-", 2);
    keys_new_join(ret + 2);
}

struct str keys_window_purpose(struct str uid, struct arena *a)
{
    return ARENA_JOIN(a, STR("window key of "), uid);
}

struct str keys_join_purpose(struct str uid, struct arena *a)
{
    return ARENA_JOIN(a, STR("join key of "), uid);
}

struct str keys_token_purpose(struct str uid, struct arena *a)
{
    return ARENA_JOIN(a, STR("bootstrap token of "), uid);
}

struct str keys_cluster_purpose(struct str cluster, struct str account, struct arena *a)
{
    return ARENA_JOIN(a, account, STR(" token of "), cluster);
}

bool keys_same(struct str a, struct str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

static bool is_base32_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7')))
            return false;
    }
    return true;
}

bool seed_key_valid(struct str s)
{
    return s.n == SEED_KEY_LEN && is_base32_text(s);
}

bool keys_access_valid(struct str s)
{
    static const struct str prefix = {ACCESS_TOKEN_PREFIX, sizeof(ACCESS_TOKEN_PREFIX) - 1};
    return s.n == ACCESS_TOKEN_LEN && str_starts(s, prefix) &&
           is_base32_text(str_skip(s, prefix.n));
}
