/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/must.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <time.h>

static BIO *open_text(struct str pem)
{
    if (pem.n > INT_MAX)
        abort();
    return mem_need(BIO_new_mem_buf(pem.n ? pem.p : "", (int)pem.n));
}

/* Without it OpenSSL would ask for a password on the terminal. */
static int no_password(char *to, int room, int writing, void *cls)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)cls;
    return -1;
}

/* The end of the text is reported as an error, too. */
static bool at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

STACK_OF(X509) * x509_read_list(struct str pem, int max, const char *what, struct err *e)
{
    BIO *bio = open_text(pem);
    STACK_OF(X509) *list = mem_need(sk_X509_new_null());
    X509 *cert;
    ERR_clear_error();
    while (sk_X509_num(list) <= max && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        must(sk_X509_push(list, cert) > 0);
    int n = sk_X509_num(list);
    bool bad = n <= max && !at_end();
    BIO_free(bio);
    ERR_clear_error();
    if (!bad && n > 0 && n <= max)
        return list;
    sk_X509_pop_free(list, X509_free);
    if (bad)
        err_set(e, -EINVAL, "%s: certificate %d cannot be read: damaged PEM or DER", what, n + 1);
    else if (n)
        err_set(e, -EINVAL, "%s: more than %d certificates", what, max);
    else
        err_set(e, -EINVAL, "%s: contains no certificate in PEM (-----BEGIN CERTIFICATE-----)",
                what);
    return NULL;
}

EVP_PKEY *x509_read_key(struct str pem)
{
    BIO *bio = open_text(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

/* Takes the BIO over. */
static void append(BIO *bio, struct arena *a, struct str *text)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    *text = ARENA_JOIN(a, *text, (struct str){p, (size_t)n});
    BIO_free(bio); /* overwrites it */
}

void x509_write(X509 *cert, struct arena *a, struct str *text)
{
    BIO *bio = mem_need(BIO_new(BIO_s_mem()));
    must(PEM_write_bio_X509(bio, cert));
    append(bio, a, text);
}

bool x509_write_key(EVP_PKEY *key, struct arena *a, struct str *text)
{
    BIO *bio = mem_need(BIO_new(BIO_s_mem()));
    bool old = EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "RSA");
    bool good = (old ? PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL)
                     : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) == 1;
    append(bio, a, text);
    ERR_clear_error();
    return good;
}

void x509_key_digest(X509 *cert, uint8_t ret[static X509_DIGEST_BYTES])
{
    unsigned char *der = NULL;
    unsigned n;
    int der_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    must(der_n > 0);
    must(EVP_Digest(der, (size_t)der_n, ret, &n, EVP_sha256(), NULL) && n == X509_DIGEST_BYTES);
    OPENSSL_free(der);
}

void x509_pin(X509 *cert, char ret[static PIN_LEN + 1])
{
    uint8_t digest[X509_DIGEST_BYTES];
    x509_key_digest(cert, digest);
    base64url_write((struct str){(const char *)digest, sizeof(digest)}, ret);
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm utc;
    if (ASN1_TIME_to_tm(t, &utc) != 1)
        return 0; /* of a foreign certificate: it counts as long over */
    return timegm(&utc);
}

int64_t x509_since(const X509 *cert)
{
    return seconds_of(X509_get0_notBefore(cert));
}

int64_t x509_until(const X509 *cert)
{
    return seconds_of(X509_get0_notAfter(cert));
}
