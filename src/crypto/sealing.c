/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sealing.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/keyfile.h"
#include "crypto/must.h"
#include "crypto/random.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#define NONCE_BYTES 12
#define TAG_BYTES 16
#define TEXT_MAX_BYTES (1 << 20)
#define FILE_TEXT                                                                          \
    "# cloudseed's sealing key: it opens what state.db and its backups hold of secrets.\n" \
    "# Keep it private, and keep a copy, but not beside the backups.\n"

static const struct str version = {"1:", 2};

struct sealer {
    uint8_t key[SEALER_KEY_BYTES];
};

static int read_key(void *cls, struct str text, struct err *e)
{
    struct sealer *s = cls;
    struct str key = {"", 0};
    while (text.p && (key.n == 0 || key.p[0] == '#'))
        key = str_trim(str_cut(&text, '\n'));
    bool shaped = key.n == 2 * SEALER_KEY_BYTES && (!text.p || str_trim(text).n == 0);
    for (size_t i = 0; shaped && i < SEALER_KEY_BYTES; i++)
        shaped = hex_octet(key.p + 2 * i, &s->key[i]);
    if (!shaped)
        return err_set(e, -EINVAL,
                       "holds no key: expected one line of 64 hexadecimal digits; restore it from "
                       "a backup");
    return 0;
}

static int create(const char *path, struct err *e)
{
    uint8_t key[SEALER_KEY_BYTES];
    random_bytes(key, sizeof(key));
    int r = keyfile_create(path, FILE_TEXT, key, sizeof(key), e);
    OPENSSL_cleanse(key, sizeof(key));
    return r == -EEXIST ? 0 : r;
}

int sealer_open(const char *path, struct sealer **ret, struct err *e)
{
    struct sealer *s = MEM_NEW(struct sealer);
    int r = keyfile_read(path, read_key, s, e);
    if (r < 0)
        sealer_free(s);
    else
        *ret = s;
    return r;
}

int sealer_new(const char *path, struct sealer **ret, struct err *e)
{
    int r = access(path, F_OK) < 0 && errno == ENOENT ? create(path, e) : 0;
    return r < 0 ? r : sealer_open(path, ret, e);
}

int sealer_save(const struct sealer *s, const char *path, struct err *e)
{
    return keyfile_create(path, FILE_TEXT, s->key, sizeof(s->key), e);
}

struct sealer *sealer_of(const uint8_t key[static SEALER_KEY_BYTES])
{
    struct sealer *s = MEM_NEW(struct sealer);
    memcpy(s->key, key, SEALER_KEY_BYTES);
    return s;
}

const uint8_t *sealer_key(const struct sealer *s)
{
    return s->key;
}

void sealer_free(struct sealer *s)
{
    if (!s)
        return;
    OPENSSL_cleanse(s, sizeof(*s));
    free(s);
}

/* nonce ‖ ciphertext ‖ tag */
static void encrypt(const struct sealer *s, struct str purpose, struct str text, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = mem_need(EVP_CIPHER_CTX_new());
    uint8_t *to = out + NONCE_BYTES;
    int n;
    random_bytes(out, NONCE_BYTES);
    must(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, out));
    must(EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)purpose.p, (int)purpose.n));
    must(EVP_EncryptUpdate(ctx, to, &n, (const uint8_t *)text.p, (int)text.n));
    must(EVP_EncryptFinal_ex(ctx, to + n, &n));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, to + text.n));
    EVP_CIPHER_CTX_free(ctx);
}

static bool decrypt(const struct sealer *s, struct str purpose, uint8_t *in, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = mem_need(EVP_CIPHER_CTX_new());
    size_t text_n = n - NONCE_BYTES - TAG_BYTES;
    uint8_t *from = in + NONCE_BYTES;
    int done;
    must(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, in));
    must(EVP_DecryptUpdate(ctx, NULL, &done, (const uint8_t *)purpose.p, (int)purpose.n));
    must(EVP_DecryptUpdate(ctx, out, &done, from, (int)text_n));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, from + text_n));
    bool good = EVP_DecryptFinal_ex(ctx, out + done, &done) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

struct str sealer_seal(const struct sealer *s, struct str purpose, struct str text, struct arena *a)
{
    size_t n = NONCE_BYTES + text.n + TAG_BYTES;
    if (text.n > TEXT_MAX_BYTES)
        abort();
    uint8_t *bytes = arena_alloc(a, n);
    char *out = arena_alloc(a, version.n + 2 * n + 1);
    encrypt(s, purpose, text, bytes);
    memcpy(out, version.p, version.n);
    *hex_write(bytes, n, out + version.n) = '\0';
    return (struct str){out, version.n + 2 * n};
}

bool sealer_unseal(const struct sealer *s, struct str purpose, struct str sealed, struct arena *a,
                   struct str *ret)
{
    struct str digits = str_skip(sealed, version.n);
    size_t n = digits.n / 2;
    if (!str_starts(sealed, version) || digits.n % 2 || n < NONCE_BYTES + TAG_BYTES ||
        n > TEXT_MAX_BYTES)
        return false;
    uint8_t *bytes = arena_alloc(a, n), *out = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++) {
        if (!hex_octet(digits.p + 2 * i, &bytes[i]))
            return false;
    }
    if (!decrypt(s, purpose, bytes, n, out))
        return false;
    out[n - NONCE_BYTES - TAG_BYTES] = '\0'; /* it fits: nonce and tag took more room */
    *ret = (struct str){(const char *)out, n - NONCE_BYTES - TAG_BYTES};
    return true;
}
