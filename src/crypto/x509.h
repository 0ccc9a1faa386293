/* SPDX-License-Identifier: Apache-2.0 */
/* x509: what ca.c, certificate.c and cahash.c share of OpenSSL: PEM, pins, times. Only for
 * src/crypto. */
#ifndef CLOUDSEED_CRYPTO_X509_H
#define CLOUDSEED_CRYPTO_X509_H

#include "base/arena.h"
#include "base/err.h"
#include "crypto/certificate.h"

#include <openssl/x509.h>

/* The certificates of a PEM text, in their order; other blocks and text between them are passed
 * over. NULL if a certificate cannot be read, or if there are none or more than `max`. */
STACK_OF(X509) * x509_read_list(struct str pem, int max, const char *what, struct err *e);
/* A private key that is not encrypted. NULL: there is none that can be read. */
EVP_PKEY *x509_read_key(struct str pem);

/* Appends PEM text to what *text has, in the arena. */
void x509_write(X509 *cert, struct arena *a, struct str *text);
/* False if the key has no such form. Where there is a choice not as PKCS #8, of which GnuTLS leaves
 * a copy in freed memory. */
bool x509_write_key(EVP_PKEY *key, struct arena *a, struct str *text);

#define X509_DIGEST_BYTES 32
/* SHA-256 of the key's SubjectPublicKeyInfo (DER). */
void x509_key_digest(X509 *cert, uint8_t ret[static X509_DIGEST_BYTES]);
void x509_pin(X509 *cert, char ret[static PIN_LEN + 1]);
/* In seconds since 1970. */
int64_t x509_since(const X509 *cert);
int64_t x509_until(const X509 *cert);

#endif
