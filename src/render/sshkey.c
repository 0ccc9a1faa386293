/* SPDX-License-Identifier: Apache-2.0 */
#include "render/sshkey.h"

#include "base/base64.h"

static const char no_key[] = "is not an SSH public key, like 'ssh-ed25519 AAAA… who@where'";

/* Cuts off the next word; blanks in quotes are part of it, as in options. */
static struct str next_word(struct str *rest)
{
    struct str line = str_trim(*rest);
    bool quoted = false;
    size_t n = 0;
    for (; n < line.n && (quoted || (line.p[n] != ' ' && line.p[n] != '\t')); n++) {
        if (line.p[n] == '\\' && n + 1 < line.n && line.p[n + 1] == '"')
            n++;
        else if (line.p[n] == '"')
            quoted = !quoted;
    }
    *rest = str_skip(line, n);
    return str_head(line, n);
}

/* How many bytes the base64 stands for; 0: it is invalid. */
static size_t length(struct str base64)
{
    size_t n = base64.n;
    if (n % 4)
        return 0;
    while (n && base64.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (base64_digit(base64.p[i]) < 0)
            return 0;
    }
    return base64.n - n > 2 ? 0 : n * 3 / 4;
}

/* `i` must be below `length`, which has checked the digits. */
static unsigned char byte(struct str base64, size_t i)
{
    size_t at = i / 3 * 4 + i % 3;
    unsigned high = (unsigned)base64_digit(base64.p[at]),
             low = (unsigned)base64_digit(base64.p[at + 1]);
    return (unsigned char)(high << (2 + 2 * (i % 3)) | low >> (4 - 2 * (i % 3)));
}

struct blob {
    struct str base64;
    size_t n, at; /* bytes */
};

/* Skips a field: 4 bytes of length, then that many bytes. */
static bool skip_field(struct blob *b, size_t *ret_n)
{
    if (b->n - b->at < 4)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        n = n << 8 | byte(b->base64, b->at + i);
    b->at += 4;
    if (n > b->n - b->at)
        return false;
    b->at += n;
    *ret_n = n;
    return true;
}

static bool first_is(struct blob *b, struct str type)
{
    size_t n;
    if (!skip_field(b, &n) || n != type.n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (byte(b->base64, 4 + i) != (unsigned char)type.p[i])
            return false;
    }
    return true;
}

static bool skip_fields(struct blob *b, unsigned count)
{
    size_t n;
    while (count && skip_field(b, &n))
        count--;
    return count == 0;
}

static bool skip_bytes(struct blob *b, size_t n)
{
    if (n > b->n - b->at)
        return false;
    b->at += n;
    return true;
}

/* A certificate of OpenSSH, PROTOCOL.certkeys: behind the type a nonce and the key's own fields;
 * serial number and kind; the id and its principals; two times; options, extensions, a reserved
 * field, the CA's key and its signature. */
static bool is_whole_certificate(struct blob *b, struct str type)
{
    static const struct {
        const char *head;
        unsigned fields; /* of the key */
    } kinds[] = {
        {"ssh-ed25519-", 1}, {"ssh-rsa-", 2},        {"ssh-dss-", 4},
        {"ecdsa-sha2-", 2},  {"sk-ssh-ed25519-", 2}, {"sk-ecdsa-sha2-", 3},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_starts(type, str_from(kinds[i].head)))
            return skip_fields(b, 1 + kinds[i].fields) && skip_bytes(b, 8 + 4) &&
                   skip_fields(b, 2) && skip_bytes(b, 8 + 8) && skip_fields(b, 5) && b->at == b->n;
    }
    return false;
}

static const char *check_blob(struct str type, struct str base64)
{
    struct blob b = {base64, length(base64), 0};
    size_t fields = 0, n;
    if (!b.n)
        return "is not an SSH public key: the text after its type is not complete base64";
    if (!first_is(&b, type))
        return "is not a public key of the type that it begins with";
    if (str_ends(type, STR("-cert-v01@openssh.com")))
        return is_whole_certificate(&b, type) ? NULL : "is a certificate that was cut off";
    while (b.at < b.n && skip_field(&b, &n))
        fields++;
    return b.at == b.n && fields ? NULL : "is a public key that was cut off";
}

/* The type may have a suffix: sk-ssh-ed25519@openssh.com. */
static bool is_type(struct str word)
{
    static const char *const heads[] = {"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (str_starts(word, str_from(heads[i])))
            return true;
    }
    return false;
}

const char *sshkey_rule(struct str text)
{
    struct str line = str_trim(text);
    if (line.n == 0)
        return "is empty";
    if (memmem(text.p, text.n, "PRIVATE KEY", 11))
        return "is a private key; the public one belongs here";
    if (memchr(line.p, '\n', line.n))
        return "holds several lines; one key to an item";
    struct str type = next_word(&line);
    if (!is_type(type)) /* the first word is the options */
        type = next_word(&line);
    struct str base64 = next_word(&line);
    return is_type(type) && base64.n ? check_blob(type, base64) : no_key;
}
