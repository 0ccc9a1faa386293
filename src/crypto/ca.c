/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ca.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/must.h"
#include "crypto/random.h"
#include "crypto/x509.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define SERIAL_BYTES 16
#define CHUNK_BYTES 8192
#define NAME_DIGITS 8

struct authority {
    EVP_PKEY *key;
    X509 *cert; /* self-signed */
    char pin[PIN_LEN + 1];
};

struct ca {
    struct authority current, former; /* former.key NULL: no rotation is under way */
    X509 *bridge; /* the former one's key, certified by the current one; else NULL */
};

/* --- Time ------------------------------------------------------------------------------------ */

bool ca_clock_is_sane(int64_t now_s)
{
    return now_s >= CLOUDSEED_BUILD_DATE;
}

static int64_t at_least_build(int64_t now_s)
{
    return ca_clock_is_sane(now_s) ? now_s : CLOUDSEED_BUILD_DATE;
}

/* `days` count from the day after the beginning. */
static bool is_due(int64_t since_s, int64_t until_s, int64_t now_s)
{
    int64_t now = at_least_build(now_s), begin = since_s + CA_DAY_S;
    return now < since_s || now >= begin + (until_s - begin) / 3 * 2;
}

/* --- Certificates ---------------------------------------------------------------------------- */

static EVP_PKEY *new_key(void)
{
    return mem_need(EVP_EC_gen("P-256"));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = mem_need(X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
    must(X509_add_ext(cert, ext, -1));
    X509_EXTENSION_free(ext);
}

static void set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and of a fixed length */
    BIGNUM *number = mem_need(BN_bin2bn(bytes, sizeof(bytes), NULL));
    mem_need(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)));
    BN_free(number);
}

static X509 *begin_certificate(EVP_PKEY *key, int64_t since_s, int64_t until_s)
{
    X509 *cert = mem_need(X509_new());
    must(X509_set_version(cert, X509_VERSION_3));
    set_serial(cert);
    mem_need(ASN1_TIME_set(X509_getm_notBefore(cert), since_s));
    mem_need(ASN1_TIME_set(X509_getm_notAfter(cert), until_s));
    must(X509_set_pubkey(cert, key));
    return cert;
}

static void add_common_name(X509_NAME *name, const char *text)
{
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
                                    0));
}

/* Two of our CAs must have different names: some clients look for an issuer only by its name. */
static void set_ca_name(X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[32] = "cloudseed CA ", digits[NAME_DIGITS + 1];
    unsigned n;
    must(X509_pubkey_digest(cert, EVP_sha256(), digest, &n));
    *hex_write(digest, NAME_DIGITS / 2, digits) = '\0';
    strcat(text, digits);
    add_common_name(X509_get_subject_name(cert), text);
}

static void sign(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
    must(X509_set_issuer_name(cert, X509_get_subject_name(issuer)));
    add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
    must(X509_sign(cert, key, EVP_sha256()) > 0);
}

/* Of `key`, by itself, or by `by`. */
static X509 *certify_ca(EVP_PKEY *key, const struct authority *by, const char *constraints,
                        int64_t since_s, int64_t until_s)
{
    X509 *cert = begin_certificate(key, since_s, until_s);
    set_ca_name(cert);
    add_extension(cert, cert, NID_basic_constraints, constraints);
    add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    sign(cert, by ? by->cert : cert, by ? by->key : key);
    return cert;
}

/* --- The authority --------------------------------------------------------------------------- */

/* Takes the key over. `bridged`: it has certified another CA, so one may stand below it. */
static struct authority make_authority(EVP_PKEY *key, bool bridged, int64_t now_s)
{
    int64_t from = at_least_build(now_s);
    struct authority a = {.key = key};
    a.cert =
        certify_ca(key, NULL, bridged ? "critical,CA:TRUE,pathlen:1" : "critical,CA:TRUE,pathlen:0",
                   from - CA_DAY_S, from + CA_DAYS * CA_DAY_S);
    x509_pin(a.cert, a.pin);
    return a;
}

static EVP_PKEY *share(EVP_PKEY *key)
{
    must(EVP_PKEY_up_ref(key));
    return key;
}

/* Takes the keys over; `former` may be NULL. */
static struct ca *make(EVP_PKEY *key, EVP_PKEY *former, int64_t now_s)
{
    struct ca *ca = MEM_NEW(struct ca);
    ca->current = make_authority(key, former != NULL, now_s);
    if (former) {
        ca->former = make_authority(former, false, now_s);
        ca->bridge = certify_ca(former, &ca->current, "critical,CA:TRUE,pathlen:0", ca_since_s(ca),
                                ca_until_s(ca));
    }
    return ca;
}

struct ca *ca_new(int64_t now_s)
{
    return make(new_key(), NULL, now_s);
}

struct ca *ca_renew(const struct ca *ca, int64_t now_s)
{
    EVP_PKEY *former = ca->former.key;
    return make(share(ca->current.key), former ? share(former) : NULL, now_s);
}

struct ca *ca_rotate(const struct ca *ca, int64_t now_s)
{
    assert(!ca->former.key);
    return make(new_key(), share(ca->current.key), now_s);
}

struct ca *ca_finish(const struct ca *ca, int64_t now_s)
{
    return make(share(ca->current.key), NULL, now_s);
}

static void authority_done(struct authority *a)
{
    EVP_PKEY_free(a->key);
    X509_free(a->cert);
}

void ca_free(struct ca *ca)
{
    if (!ca)
        return;
    authority_done(&ca->current);
    authority_done(&ca->former);
    X509_free(ca->bridge);
    free(ca);
}

/* --- As text --------------------------------------------------------------------------------- */

struct str ca_text(const struct ca *ca, struct arena *a)
{
    struct str text = {"", 0};
    assert(a->secret);
    must(x509_write_key(ca->current.key, a, &text));
    x509_write(ca->current.cert, a, &text);
    if (ca->former.key) {
        must(x509_write_key(ca->former.key, a, &text));
        x509_write(ca->former.cert, a, &text);
        x509_write(ca->bridge, a, &text);
    }
    return text;
}

/* The key that the text begins with, and the certificate that belongs to it. */
static bool take_authority(struct str text, X509 *cert, struct authority *ret)
{
    ret->key = x509_read_key(text);
    must(X509_up_ref(cert));
    ret->cert = cert;
    x509_pin(cert, ret->pin);
    return ret->key && X509_check_private_key(cert, ret->key) == 1;
}

/* From behind the first key on. */
static struct str second_key(struct str text)
{
    static const char mark[] = "-----END EC PRIVATE KEY-----";
    const char *at = memmem(text.p, text.n, mark, sizeof(mark) - 1);
    return at ? str_skip(text, (size_t)(at - text.p) + sizeof(mark) - 1) : STR("");
}

int ca_read(struct str text, struct ca **ret, struct err *e)
{
    STACK_OF(X509) *certs = x509_read_list(text, 3, "the CA", e);
    struct ca *ca = MEM_NEW(struct ca);
    int n = certs ? sk_X509_num(certs) : 0;
    bool good = (n == 1 || n == 3) && take_authority(text, sk_X509_value(certs, 0), &ca->current);
    if (good && n == 3) {
        good = take_authority(second_key(text), sk_X509_value(certs, 1), &ca->former);
        ca->bridge = sk_X509_value(certs, 2);
        must(X509_up_ref(ca->bridge));
        good = good && X509_check_private_key(ca->bridge, ca->former.key) == 1;
    }
    sk_X509_pop_free(certs, X509_free);
    ERR_clear_error();
    if (good)
        *ret = ca;
    else
        ca_free(ca);
    return good ? 0
                : err_set(e, -EINVAL,
                          "the CA is damaged: its keys and certificates do not "
                          "belong together");
}

/* --- What it is ------------------------------------------------------------------------------ */

const char *ca_pin(const struct ca *ca)
{
    return ca->current.pin;
}

int64_t ca_since_s(const struct ca *ca)
{
    return x509_since(ca->current.cert);
}

int64_t ca_until_s(const struct ca *ca)
{
    return x509_until(ca->current.cert);
}

const char *ca_former_pin(const struct ca *ca)
{
    return ca->former.key ? ca->former.pin : NULL;
}

bool ca_is_due(const struct ca *ca, int64_t now_s)
{
    return is_due(ca_since_s(ca), ca_until_s(ca), now_s);
}

/* --- What it issues -------------------------------------------------------------------------- */

static GENERAL_NAME *general_name(const struct certificate_name *name)
{
    GENERAL_NAME *g = mem_need(GENERAL_NAME_new());
    const struct address *a = &name->address;
    ASN1_STRING *value =
        mem_need(ASN1_STRING_type_new(a->family ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
    if (a->family)
        must(ASN1_STRING_set(value, a->octet, a->family == 4 ? 4 : 16));
    else
        must(ASN1_STRING_set(value, name->dns.p, (int)name->dns.n));
    GENERAL_NAME_set0_value(g, a->family ? GEN_IPADD : GEN_DNS, value);
    return g;
}

static void add_names(X509 *cert, const struct certificate_name *names, size_t n)
{
    GENERAL_NAMES *list = mem_need(GENERAL_NAMES_new());
    for (size_t i = 0; i < n; i++)
        must(sk_GENERAL_NAME_push(list, general_name(&names[i])) > 0);
    must(X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT));
    GENERAL_NAMES_free(list);
}

static X509 *certify_server(EVP_PKEY *key, const struct authority *by,
                            const struct certificate_name *names, size_t n, int64_t since_s,
                            int64_t until_s)
{
    X509 *cert = begin_certificate(key, since_s, until_s);
    add_common_name(X509_get_subject_name(cert), "cloudseed server");
    add_extension(cert, by->cert, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(cert, by->cert, NID_key_usage, "critical,digitalSignature");
    add_extension(cert, by->cert, NID_ext_key_usage, "serverAuth");
    add_names(cert, names, n);
    sign(cert, by->cert, by->key);
    return cert;
}

void ca_issue(const struct ca *ca, const struct certificate_name *names, size_t n, int64_t now_s,
              struct certificate *ret)
{
    const struct authority *by = ca->former.key ? &ca->former : &ca->current;
    int64_t from = at_least_build(now_s), until = from + CA_CERTIFICATE_DAYS * CA_DAY_S;
    struct certificate made = {
        .chain = {"", 0}, .key = {"", 0}, .ca = {"", 0}, .since_s = from - CA_DAY_S};
    made.until_s = until < ca_until_s(ca) ? until : ca_until_s(ca);
    EVP_PKEY *key = new_key();
    X509 *cert = certify_server(key, by, names, n, made.since_s, made.until_s);
    arena_init(&made.arena, CHUNK_BYTES);
    made.arena.secret = true;
    must(x509_write_key(key, &made.arena, &made.key));
    x509_write(cert, &made.arena, &made.chain);
    x509_write(ca->current.cert, &made.arena, &made.ca);
    if (ca->former.key) {
        x509_write(ca->bridge, &made.arena, &made.chain);
        x509_write(ca->former.cert, &made.arena, &made.ca);
    }
    memcpy(made.pin, ca->current.pin, sizeof(made.pin));
    X509_free(cert);
    EVP_PKEY_free(key);
    *ret = made;
}

bool ca_is_certificate_due(const struct certificate *c, int64_t now_s)
{
    return is_due(c->since_s, c->until_s, now_s);
}
