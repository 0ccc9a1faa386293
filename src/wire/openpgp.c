/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/openpgp.h"

#include "base/base64.h"

#include <errno.h>

#define ARMOR_TAIL "-----END PGP PUBLIC KEY BLOCK-----"
#define CRC24_INIT 0xB704CE
#define CRC24_POLY 0x1864CFB
#define ISSUER_BYTES 8

/* Section 4.3 */
enum { TAG_SIGNATURE = 2, TAG_PUBLIC_KEY = 6, TAG_USER_ID = 13 };
/* Section 5.2.1 */
enum {
    SIG_GENERIC = 0x10,
    SIG_POSITIVE = 0x13,
    SIG_SUBKEY = 0x18,
    SIG_DIRECT = 0x1F,
    SIG_REVOKES_KEY = 0x20,
    SIG_REVOKES_SUBKEY = 0x28,
};
/* Section 5.2.3.1 */
enum { SUB_CREATED = 2, SUB_KEY_EXPIRES = 9, SUB_ISSUER = 16, SUB_ISSUER_FINGERPRINT = 33 };

/* --- Armor (section 6) --------------------------------------------------------------------- */

struct decoder {
    unsigned char *p;
    size_t n;
    uint32_t bits;
    unsigned count; /* digits in `bits` */
    bool padded;
};

/* Digits and padding of one line; false for what is neither. */
static bool decode_line(struct decoder *d, struct str line)
{
    for (size_t i = 0; i < line.n; i++) {
        int digit = base64_digit(line.p[i]);
        if (line.p[i] == '=')
            d->padded = true;
        else if (digit < 0 || d->padded)
            return false;
        if (digit < 0)
            continue;
        d->bits = d->bits << 6 | (uint32_t)digit;
        if (++d->count < 4)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            d->p[d->n++] = (unsigned char)(d->bits >> shift);
        d->bits = d->count = 0;
    }
    return true;
}

static bool decode_end(struct decoder *d)
{
    if (d->count == 1)
        return false;
    if (d->count >= 2)
        d->p[d->n++] = (unsigned char)(d->bits >> (d->count == 3 ? 10 : 4));
    if (d->count == 3)
        d->p[d->n++] = (unsigned char)(d->bits >> 2);
    return true;
}

static uint32_t crc24(const unsigned char *p, size_t n)
{
    uint32_t crc = CRC24_INIT;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)p[i] << 16;
        for (int bit = 0; bit < 8; bit++) {
            crc <<= 1;
            if (crc & 0x1000000)
                crc ^= CRC24_POLY;
        }
    }
    return crc & 0xFFFFFF;
}

static bool sum_fits(const struct decoder *d, struct str line)
{
    unsigned char sum[4];
    struct decoder of_line = {.p = sum};
    if (line.n != 4 || !decode_line(&of_line, line) || of_line.n != 3)
        return false;
    return crc24(d->p, d->n) == ((uint32_t)sum[0] << 16 | (uint32_t)sum[1] << 8 | sum[2]);
}

static int decode_armor(struct str body, struct decoder *d, struct err *e)
{
    bool in_headers = true;
    while (body.p) {
        struct str line = str_trim(str_cut(&body, '\n'));
        if (str_is(line, ARMOR_TAIL))
            return decode_end(d) ? 0 : err_set(e, -EINVAL, "the key block's base64 is cut short");
        if (in_headers) {
            in_headers = line.n != 0;
        } else if (line.n == 5 && line.p[0] == '=') {
            if (!decode_end(d) || !sum_fits(d, str_skip(line, 1)))
                return err_set(e, -EINVAL, "the key block's checksum is wrong");
            d->count = 0;
        } else if (!decode_line(d, line)) {
            return err_set(e, -EINVAL, "the key block holds what is no base64");
        }
    }
    return err_set(e, -EINVAL, "the key block does not end with " ARMOR_TAIL);
}

int openpgp_unwrap(struct str text, struct arena *a, struct str *ret_packets, struct err *e)
{
    if (text.n > OPENPGP_MAX_BYTES)
        return err_set(e, -EFBIG, "more than %d bytes of keys", OPENPGP_MAX_BYTES);
    const char *head =
        text.n ? memmem(text.p, text.n, OPENPGP_ARMOR_HEAD, sizeof(OPENPGP_ARMOR_HEAD) - 1) : NULL;
    if (!head) {
        *ret_packets = text;
        return 0;
    }
    struct str body = str_skip(text, (size_t)(head - text.p));
    str_cut(&body, '\n');
    struct decoder d = {.p = arena_alloc(a, text.n)};
    int r = decode_armor(body, &d, e);
    if (r == 0)
        *ret_packets = (struct str){(const char *)d.p, d.n};
    return r;
}

/* --- Packets (section 4) ------------------------------------------------------------------- */

struct packet {
    unsigned tag;
    struct str body;
};

static bool take(struct str *s, size_t n, uint64_t *ret)
{
    if (s->n < n)
        return false;
    *ret = 0;
    for (size_t i = 0; i < n; i++)
        *ret = *ret << 8 | (unsigned char)s->p[i];
    *s = str_skip(*s, n);
    return true;
}

static bool take_str(struct str *s, uint64_t n, struct str *ret)
{
    if (s->n < n)
        return false;
    *ret = (struct str){s->p, (size_t)n};
    *s = str_skip(*s, (size_t)n);
    return true;
}

/* Lengths of new packets and of subpackets: one, two or five octets (4.2.2, 5.2.3.1). Partial
 * lengths are for data, never for keys. */
static bool take_length(struct str *s, bool subpacket, uint64_t *ret)
{
    uint64_t first, second;
    if (!take(s, 1, &first))
        return false;
    if (first < 192) {
        *ret = first;
        return true;
    }
    if (first == 255)
        return take(s, 4, ret);
    if ((!subpacket && first >= 224) || !take(s, 1, &second))
        return false;
    *ret = ((first - 192) << 8) + second + 192;
    return true;
}

static bool take_packet(struct str *s, struct packet *ret)
{
    uint64_t head, length;
    if (!take(s, 1, &head) || !(head & 0x80))
        return false;
    if (head & 0x40) {
        ret->tag = head & 0x3F;
        return take_length(s, false, &length) && take_str(s, length, &ret->body);
    }
    ret->tag = head >> 2 & 15;
    unsigned kind = head & 3;
    if (kind == 3)
        return take_str(s, s->n, &ret->body);
    return take(s, (size_t)1 << kind, &length) && take_str(s, length, &ret->body);
}

/* --- Signatures (section 5.2.3) ------------------------------------------------------------ */

struct signature {
    unsigned type;
    uint64_t created_s, key_expires_s; /* the latter counted from the key's creation; 0: never */
    struct str issuer;                 /* the last 8 bytes of the fingerprint; empty: not said */
};

static void read_subpacket(struct str body, struct signature *sig, bool hashed)
{
    uint64_t type;
    if (!take(&body, 1, &type))
        return;
    switch (type & 0x7F) {
    case SUB_CREATED:
        if (hashed && body.n == 4)
            take(&body, 4, &sig->created_s);
        break;
    case SUB_KEY_EXPIRES:
        if (hashed && body.n == 4)
            take(&body, 4, &sig->key_expires_s);
        break;
    case SUB_ISSUER:
    case SUB_ISSUER_FINGERPRINT:
        if (body.n >= ISSUER_BYTES)
            sig->issuer = str_skip(body, body.n - ISSUER_BYTES);
        break;
    default: break;
    }
}

static bool read_subpackets(struct str *s, struct signature *sig, bool hashed)
{
    uint64_t n;
    struct str area, body;
    if (!take(s, 2, &n) || !take_str(s, n, &area))
        return false;
    while (area.n) {
        if (!take_length(&area, true, &n) || !take_str(&area, n, &body))
            return false;
        read_subpacket(body, sig, hashed);
    }
    return true;
}

static bool read_signature(struct str body, struct signature *ret)
{
    uint64_t version, type, algorithms;
    *ret = (struct signature){0};
    if (!take(&body, 1, &version) || version != 4 || !take(&body, 1, &type) ||
        !take(&body, 2, &algorithms))
        return false;
    ret->type = (unsigned)type;
    return read_subpackets(&body, ret, true) && read_subpackets(&body, ret, false);
}

static bool is_about_key(const struct signature *sig)
{
    return (sig->type >= SIG_GENERIC && sig->type <= SIG_POSITIVE) || sig->type == SIG_DIRECT;
}

/* --- Keys ---------------------------------------------------------------------------------- */

/* What the key says of itself stands in its own signatures, and others' lie among them. Without
 * computing a fingerprint the key's id is known from those that only the key itself can make, or
 * else from the first one: exports put its own first. */
static struct str find_own_id(struct str packets)
{
    struct str first = {0};
    struct packet p;
    struct signature sig;
    while (take_packet(&packets, &p) && p.tag != TAG_PUBLIC_KEY) {
        if (p.tag != TAG_SIGNATURE || !read_signature(p.body, &sig) || !sig.issuer.n)
            continue;
        if (sig.type == SIG_SUBKEY || sig.type == SIG_DIRECT || sig.type == SIG_REVOKES_SUBKEY)
            return sig.issuer;
        if (!first.n)
            first = sig.issuer;
    }
    return first;
}

static bool read_key(struct str body, struct openpgp_key *ret, struct err *e)
{
    uint64_t version, created;
    if (!take(&body, 1, &version) || !take(&body, 4, &created) || version != 4) {
        err_set(e, -EINVAL, "this is no OpenPGP key of version 4");
        return false;
    }
    *ret = (struct openpgp_key){.created_s = (uint32_t)created};
    return true;
}

/* Of the key's own signatures the newest one counts. */
static void read_rest(struct str *s, struct openpgp_key *key)
{
    struct str own = find_own_id(*s), next = *s;
    uint64_t newest_s = 0;
    struct packet p;
    struct signature sig;
    for (; take_packet(&next, &p) && p.tag != TAG_PUBLIC_KEY; *s = next) {
        if (p.tag == TAG_USER_ID && !key->user_id.p)
            key->user_id = p.body;
        if (p.tag != TAG_SIGNATURE || !read_signature(p.body, &sig) || !str_eq(sig.issuer, own))
            continue;
        key->revoked = key->revoked || sig.type == SIG_REVOKES_KEY;
        if (is_about_key(&sig) && sig.created_s >= newest_s) {
            newest_s = sig.created_s;
            key->expires_s = sig.key_expires_s ? key->created_s + sig.key_expires_s : 0;
        }
    }
}

int openpgp_next(struct str *packets, struct openpgp_key *ret, struct err *e)
{
    struct str s = *packets;
    struct openpgp_key key;
    struct packet p;
    if (s.n == 0)
        return 0;
    if (!take_packet(&s, &p))
        return err_set(e, -EINVAL, "the key's packets are damaged");
    if (p.tag != TAG_PUBLIC_KEY)
        return err_set(e, -EINVAL, "this is no OpenPGP public key");
    if (!read_key(p.body, &key, e))
        return -EINVAL;
    read_rest(&s, &key);
    *packets = s;
    *ret = key;
    return 1;
}
