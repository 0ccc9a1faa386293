/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate: what the TLS listener presents: a chain, its key, and the CA that nodes check it by.
 *
 * Made by ca.h, or read from what an admin provides. The clock is the caller's: it may be wrong, so
 * reading checks everything but the times. Reads no files.
 */
#ifndef CLOUDSEED_CRYPTO_CERTIFICATE_H
#define CLOUDSEED_CRYPTO_CERTIFICATE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/address.h"

/* SHA-256 of a key's SubjectPublicKeyInfo (DER) in base64url, without padding. */
#define PIN_LEN 43

/* What ca.pem may be (docs/formats/bootstrap.md). */
#define CERTIFICATE_CAS_MAX 4
#define CERTIFICATE_CA_MAX_BYTES 65536

/* A host name, or an address if it has a family. */
struct certificate_name {
    struct str dns;
    struct address address;
};

/* Texts end in NUL and live in the arena, which is secret. */
struct certificate {
    struct arena arena;
    struct str chain;         /* PEM: the server's own certificate first */
    struct str key;           /* PEM, not encrypted */
    struct str ca;            /* PEM: what ca.pem serves, 1-4 certificates */
    char pin[PIN_LEN + 1];    /* of the CA at the end of the chain */
    int64_t since_s, until_s; /* when all of the chain is valid, in seconds since 1970 */
};

/* Checks that the key belongs to the first certificate of `chain`, and that the chain leads to one
 * of the self-signed certificates in `ca`; if `ca` is empty, to the last one of the chain. */
int certificate_read(struct str chain, struct str key, struct str ca, struct certificate *ret,
                     struct err *e);
/* Accepts one that is all zero. */
void certificate_done(struct certificate *c);

/* Whether a text holds 1 to `max` certificates that can be read, of whatever kind. */
int certificate_check_list(struct str pem, int max, const char *what, struct err *e);

#define CERTIFICATE_FINGERPRINT_SIZE 96
/* SHA-256 of the first certificate of a PEM text, as "AB:CD:…" with a NUL. */
int certificate_fingerprint(struct str pem, char ret[static CERTIFICATE_FINGERPRINT_SIZE],
                            struct err *e);

/* The certificate of a PEM text whose key has this pin (empty: the first one), as PEM, with its
 * pin. -ENOENT: there is none. */
int certificate_pinned(struct str pem, struct str wanted, struct arena *a, struct str *ret,
                       char ret_pin[static PIN_LEN + 1], struct err *e);

/* When the first certificate of a PEM text ends, in seconds since 1970. */
int certificate_until(struct str pem, int64_t *ret_s, struct err *e);

/* Whether the server's own certificate is valid for the name. */
bool certificate_covers(const struct certificate *c, const struct certificate_name *name);
/* "https://seed.home.arpa:8443", "http://[2001:db8::5]": false if it holds no host. The name points
 * into the URL. */
bool certificate_name_of_url(struct str url, struct certificate_name *ret);
/* The name as text: points to it, or into `text`. */
struct str certificate_name_text(const struct certificate_name *name,
                                 char text[static ADDRESS_TEXT_SIZE]);

#endif
