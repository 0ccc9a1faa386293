/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secrets.h"

#include "base/fs.h"
#include "base/hex.h"
#include "crypto/keyfile.h"
#include "crypto/random.h"

#include <errno.h>
#include <openssl/crypto.h>

#define SECRET_TEXT                                                                            \
    "# cloudseed's server secret. Anyone who has it can compute the seed key of every node:\n" \
    "# keep it private, keep a copy with your backups. The first line makes keys, each opens.\n"

/* "k:0123…ef": the kid and 64 hexadecimal digits. */
static bool parse_line(struct str line, struct secret *ret)
{
    bool shaped =
        line.n == 2 + 2 * SECRET_BYTES && line.p[1] == ':' &&
        ((line.p[0] >= 'a' && line.p[0] <= 'z') || (line.p[0] >= '2' && line.p[0] <= '7'));
    if (!shaped)
        return false;
    ret->kid = line.p[0];
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        if (!hex_octet(line.p + 2 + 2 * i, &ret->bytes[i]))
            return false;
    }
    return true;
}

int secrets_parse(struct str text, struct secrets *ret, struct err *e)
{
    struct secrets found = {0};
    for (unsigned number = 1; text.p; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (found.n == SECRETS_MAX)
            return err_set(e, -EINVAL, "line %u: at most %d secrets", number, SECRETS_MAX);
        if (!parse_line(line, &found.list[found.n]))
            return err_set(e, -EINVAL,
                           "line %u: no secret: expected a letter, ':' and 64 hexadecimal digits",
                           number);
        if (found.n && found.list[0].kid == found.list[found.n].kid)
            return err_set(e, -EINVAL, "line %u: its letter is taken by the other secret", number);
        found.n++;
    }
    if (found.n == 0)
        return err_set(e, -EINVAL,
                       "holds no secret; restore it from a backup, or remove the file "
                       "to have a new one made (all seed keys change)");
    *ret = found;
    secrets_wipe(&found);
    return 0;
}

struct str secrets_text(const struct secrets *s, struct arena *a)
{
    char hex[2 * SECRET_BYTES + 1] = "";
    struct str text = STR(SECRET_TEXT);
    for (size_t i = 0; i < s->n; i++) {
        const char kid[] = {s->list[i].kid, ':', '\0'};
        hex_write(s->list[i].bytes, SECRET_BYTES, hex);
        text = ARENA_JOIN(a, text, str_from(kid), str_from(hex), STR("\n"));
    }
    OPENSSL_cleanse(hex, sizeof(hex));
    return text;
}

int secrets_restore(const char *path, struct str text, struct err *e)
{
    struct secrets s;
    int r = secrets_parse(text, &s, e);
    if (r < 0)
        return err_prefix(e, "%s", path);
    secrets_wipe(&s);
    return fs_create(path, text, 0600, e);
}

void secrets_wipe(struct secrets *s)
{
    OPENSSL_cleanse(s, sizeof(*s));
}

static int read_secrets(void *cls, struct str text, struct err *e)
{
    return secrets_parse(text, cls, e);
}

int secrets_load(const char *path, struct secrets *ret, struct err *e)
{
    return keyfile_read(path, read_secrets, ret, e);
}

static int create(const char *path, struct err *e)
{
    uint8_t bytes[SECRET_BYTES];
    random_bytes(bytes, sizeof(bytes));
    int r = keyfile_create(path, SECRET_TEXT "a:", bytes, sizeof(bytes), e);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return r;
}

int secrets_load_or_create(const char *path, struct secrets *ret, bool *ret_created, struct err *e)
{
    int r = secrets_load(path, ret, e);
    if (r != -ENOENT) {
        *ret_created = false;
        return r;
    }
    r = create(path, e);
    if (r < 0 && r != -EEXIST) /* another daemon may have been faster */
        return r;
    *ret_created = r == 0;
    return secrets_load(path, ret, e);
}
