/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/recovery.h"

#include "base/fs.h"
#include "base/hex.h"
#include "crypto/keyfile.h"
#include "crypto/must.h"
#include "crypto/random.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* 32 MiB and a tenth of a second for each try; the passphrase has 140 bits. */
#define SCRYPT_N 32768
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_MAX_BYTES ((uint64_t)64 * 1024 * 1024)

#define GROUPS 7
#define GROUP_CHARS 4
#define CHARS (GROUPS * GROUP_CHARS)
#define PURPOSE STR("sealing key")
#define PROOF_PURPOSE STR("recovery")
#define WORD "recovery:1:"
#define SALT_CHARS ((size_t)(2 * RECOVERY_SALT_BYTES))
#define SEALED_CHARS(n) (2 + 2 * (12 + (size_t)(n) + 16)) /* as crypto/sealing.h */
#define KEY_CHARS SEALED_CHARS(SEALER_KEY_BYTES)
#define PROOF_CHARS SEALED_CHARS(0)
#define SALT_AT (sizeof(WORD) - 1)
#define KEY_AT (SALT_AT + SALT_CHARS + 1)
#define PROOF_AT (KEY_AT + KEY_CHARS + 1)
#define FILE_TEXT                                                                            \
    "# cloudseed's sealing key, sealed: only the recovery passphrase opens it. The server\n" \
    "# puts a copy into its state, and so into each backup, when it starts or reloads.\n"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
static const struct str word = {WORD, sizeof(WORD) - 1};
_Static_assert(PROOF_AT + PROOF_CHARS + 1 == RECOVERY_LINE_SIZE, "the line's parts");

void recovery_passphrase(char ret[static RECOVERY_PASSPHRASE_SIZE])
{
    uint8_t bytes[CHARS];
    char *to = ret;
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < CHARS; i++) {
        if (i && i % GROUP_CHARS == 0)
            *to++ = '-';
        *to++ = alphabet[bytes[i] & 31];
    }
    *to = '\0';
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

/* What scrypt sees of a passphrase: its characters, in lower case. False if it does
 * not have the form of one. */
static bool plain(struct str passphrase, char ret[static CHARS])
{
    size_t n = 0;
    for (size_t i = 0; i < passphrase.n; i++) {
        char c = passphrase.p[i];
        if (c == ' ' || c == '-')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (n == CHARS || !memchr(alphabet, c, sizeof(alphabet) - 1))
            return false;
        ret[n++] = c;
    }
    return n == CHARS;
}

static int derive(struct str passphrase, const uint8_t salt[static RECOVERY_SALT_BYTES],
                  struct sealer **ret, struct err *e)
{
    uint8_t key[SEALER_KEY_BYTES];
    char chars[CHARS];
    if (!plain(passphrase, chars))
        return err_set(e, -EACCES,
                       "this is not a recovery passphrase: it has seven groups of four characters "
                       "of a-z and 2-7");
    must(EVP_PBE_scrypt(chars, CHARS, salt, RECOVERY_SALT_BYTES, SCRYPT_N, SCRYPT_R, SCRYPT_P,
                        SCRYPT_MAX_BYTES, key, sizeof(key)));
    *ret = sealer_of(key);
    OPENSSL_cleanse(chars, sizeof(chars));
    OPENSSL_cleanse(key, sizeof(key));
    return 0;
}

int recovery_save(const struct sealer *s, struct str passphrase, const char *path, struct err *e)
{
    uint8_t salt[RECOVERY_SALT_BYTES];
    char digits[SALT_CHARS];
    struct sealer *with;
    struct arena a;
    random_bytes(salt, sizeof(salt));
    int r = derive(passphrase, salt, &with, e);
    if (r < 0)
        return r;
    arena_init(&a, 1024);
    a.secret = true;
    hex_write(salt, sizeof(salt), digits);
    struct str key = {(const char *)sealer_key(s), SEALER_KEY_BYTES};
    struct str sealed = sealer_seal(with, PURPOSE, key, &a);
    struct str proof = sealer_seal(s, PROOF_PURPOSE, STR(""), &a);
    struct str text = arena_printf(&a, FILE_TEXT "%.*s%.*s:%.*s:%.*s\n", STR_ARG(word),
                                   (int)sizeof(digits), digits, STR_ARG(sealed), STR_ARG(proof));
    r = fs_replace(path, text, 0600, e);
    arena_done(&a);
    sealer_free(with);
    return r;
}

int recovery_parse(struct str line, struct recovery *ret, struct err *e)
{
    if (!str_starts(line, word))
        return err_set(e, -EBADF, "is not a copy of a sealing key for a recovery passphrase");
    bool shaped = line.n == sizeof(ret->line) - 1 && line.p[SALT_AT + SALT_CHARS] == ':' &&
                  line.p[KEY_AT + KEY_CHARS] == ':';
    for (size_t i = 0; shaped && i < RECOVERY_SALT_BYTES; i++)
        shaped = hex_octet(line.p + SALT_AT + 2 * i, &ret->salt[i]);
    if (!shaped)
        return err_set(e, -EINVAL, "is cut off or was changed; use another copy");
    memcpy(ret->line, line.p, line.n);
    ret->line[line.n] = '\0';
    return 0;
}

static int parse_file(void *cls, struct str text, struct err *e)
{
    struct str line = {"", 0};
    while (text.p && (line.n == 0 || line.p[0] == '#'))
        line = str_trim(str_cut(&text, '\n'));
    return recovery_parse(line, cls, e);
}

int recovery_read(const char *path, struct recovery *ret, struct err *e)
{
    return keyfile_read(path, parse_file, ret, e);
}

bool recovery_is_of(const struct recovery *r, const struct sealer *s)
{
    struct str nothing;
    struct arena a;
    arena_init(&a, 256);
    bool is = sealer_unseal(s, PROOF_PURPOSE, (struct str){r->line + PROOF_AT, PROOF_CHARS}, &a,
                            &nothing);
    arena_done(&a);
    return is;
}

int recovery_open(const struct recovery *r, struct str passphrase, struct sealer **ret,
                  struct err *e)
{
    struct sealer *with;
    struct str key;
    struct arena a;
    int code = derive(passphrase, r->salt, &with, e);
    if (code < 0)
        return code;
    arena_init(&a, 1024);
    a.secret = true;
    if (sealer_unseal(with, PURPOSE, (struct str){r->line + KEY_AT, KEY_CHARS}, &a, &key) &&
        key.n == SEALER_KEY_BYTES)
        *ret = sealer_of((const uint8_t *)key.p);
    else
        code = err_set(e, -EACCES, "the recovery passphrase is not the one of this copy");
    arena_done(&a);
    sealer_free(with);
    return code;
}
