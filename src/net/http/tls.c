/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/tls.h"

#include "base/mem.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>

/* All of it is named, so that neither the library's defaults nor the system's file of priorities
 * add anything: TLS 1.2 and 1.3, forward secrecy, AEAD ciphers, the order ours. Of signatures, what
 * certificates of our own CA (P-256) and of others (P-384, Ed25519, RSA) need. */
const char tls_priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2"
    ":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
    ":+ECDHE-ECDSA:+ECDHE-RSA"
    ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
    ":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256"
    ":+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA384:+SIGN-EDDSA-ED25519"
    ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"
    ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"
    ":+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE";

/* --- Certificates ---------------------------------------------------------------------------- */

#define CHAIN_MAX 10
#define RSA_BITS_MIN 2048

/* A chain and its key: one reference of `struct tls` and one of each handshake that uses it. */
struct tls_identity {
    unsigned refs;
    gnutls_pcert_st chain[CHAIN_MAX]; /* the leaf first */
    unsigned chain_n;
    gnutls_privkey_t key;
};

struct tls {
    struct tls_identity *current; /* NULL: none yet */
    LIST_HEAD(, tls_session) stalled;
};

static struct tls_identity *identity_ref(struct tls_identity *i)
{
    if (i)
        i->refs++;
    return i;
}

static void identity_unref(struct tls_identity *i)
{
    if (!i || --i->refs)
        return;
    for (unsigned at = 0; at < i->chain_n; at++)
        gnutls_pcert_deinit(&i->chain[at]);
    if (i->key)
        gnutls_privkey_deinit(i->key);
    free(i);
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static int import_chain(struct tls_identity *i, const char *pem, struct err *e)
{
    const gnutls_datum_t from = datum(pem);
    unsigned n = CHAIN_MAX;
    int r = gnutls_pcert_list_import_x509_raw(i->chain, &n, &from, GNUTLS_X509_FMT_PEM,
                                              GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return err_set(e, -EINVAL, "the certificate chain has more than %d certificates",
                       CHAIN_MAX);
    if (r == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
        return err_set(e, -EINVAL,
                       "the certificate chain is not in order: the server's own certificate first, "
                       "then the issuer of each");
    if (r < 0)
        return err_set(e, -EINVAL, "the certificate chain is not in PEM: %s", gnutls_strerror(r));
    i->chain_n = n;
    return 0;
}

static int import_key(struct tls_identity *i, const char *pem, struct err *e)
{
    const gnutls_datum_t from = datum(pem);
    int r = gnutls_privkey_init(&i->key);
    if (r == 0)
        r = gnutls_privkey_import_x509_raw(i->key, &from, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (r < 0)
        return err_set(e, -EINVAL, "the private key is not in PEM, or has a password: %s",
                       gnutls_strerror(r));
    return 0;
}

/* A key that no signature above fits would fail each handshake. */
static int check_kind(gnutls_pubkey_t key, struct err *e)
{
    unsigned bits = 0;
    int kind = gnutls_pubkey_get_pk_algorithm(key, &bits);
    bool small_rsa = kind == GNUTLS_PK_RSA && bits < RSA_BITS_MIN;
    bool curve = kind == GNUTLS_PK_ECDSA && (bits == 256 || bits == 384);
    if (curve || kind == GNUTLS_PK_EDDSA_ED25519 || (kind == GNUTLS_PK_RSA && !small_rsa))
        return 0;
    return err_set(e, -EINVAL,
                   "the certificate's key is %s of %u bits: use ECDSA P-256 or P-384, Ed25519, or "
                   "RSA of at least %d bits",
                   gnutls_pk_get_name((gnutls_pk_algorithm_t)kind), bits, RSA_BITS_MIN);
}

static int check_pair(const struct tls_identity *i, struct err *e)
{
    unsigned char of_leaf[64], of_key[64];
    size_t leaf_n = sizeof(of_leaf), key_n = sizeof(of_key);
    gnutls_pubkey_t key;
    int r = check_kind(i->chain[0].pubkey, e);
    if (r < 0)
        return r;
    if (gnutls_pubkey_init(&key) < 0)
        return err_set(e, -ENOMEM, "no memory for a public key");
    bool fits = gnutls_pubkey_import_privkey(key, i->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_n) == 0 &&
                gnutls_pubkey_get_key_id(i->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_leaf,
                                         &leaf_n) == 0 &&
                key_n == leaf_n && memcmp(of_key, of_leaf, key_n) == 0;
    gnutls_pubkey_deinit(key);
    return fits ? 0 : err_set(e, -EINVAL, "the private key is not that of the certificate");
}

struct tls *tls_new(void)
{
    return MEM_NEW(struct tls);
}

void tls_free(struct tls *t)
{
    if (t)
        identity_unref(t->current);
    free(t);
}

/* One reference, for the caller. */
static int identity_new(const char *chain_pem, const char *key_pem, struct tls_identity **ret,
                        struct err *e)
{
    struct tls_identity *i = MEM_NEW(struct tls_identity);
    i->refs = 1;
    int r = import_chain(i, chain_pem, e);
    if (r == 0)
        r = import_key(i, key_pem, e);
    if (r == 0)
        r = check_pair(i, e);
    if (r < 0)
        identity_unref(i);
    else
        *ret = i;
    return r;
}

int tls_check(const char *chain_pem, const char *key_pem, struct err *e)
{
    struct tls_identity *i = NULL;
    int r = identity_new(chain_pem, key_pem, &i, e);
    identity_unref(i);
    return r;
}

int tls_use(struct tls *t, const char *chain_pem, const char *key_pem, struct err *e)
{
    struct tls_identity *i;
    int r = identity_new(chain_pem, key_pem, &i, e);
    if (r < 0)
        return r;
    identity_unref(t->current);
    t->current = i;
    return 0;
}

/* --- Sessions -------------------------------------------------------------------------------- */

enum { FINISHED_PEERS = 1, FINISHED_OURS = 2, FINISHED_BOTH = 3 };

/* GnuTLS frees nothing of what this returns: the session holds it until its handshake is done. */
static int on_certificate_wanted(gnutls_session_t session, const gnutls_datum_t *issuers,
                                 int issuers_n, const gnutls_pk_algorithm_t *kinds, int kinds_n,
                                 gnutls_pcert_st **ret_chain, unsigned *ret_chain_n,
                                 gnutls_privkey_t *ret_key)
{
    struct tls_session *s = gnutls_session_get_ptr(session);
    (void)issuers;
    (void)issuers_n;
    (void)kinds;
    (void)kinds_n;
    if (!s->identity)
        s->identity = identity_ref(s->tls->current);
    if (!s->identity)
        return -1;
    *ret_chain = s->identity->chain;
    *ret_chain_n = s->identity->chain_n;
    *ret_key = s->identity->key;
    return 0;
}

void *tls_certificate_callback(void)
{
    return (void *)(uintptr_t)on_certificate_wanted;
}

static void stall(struct tls_session *s)
{
    if (!s->is_stalled)
        LIST_INSERT_HEAD(&s->tls->stalled, s, stalled);
    s->is_stalled = true;
}

static void unstall(struct tls_session *s)
{
    if (s->is_stalled)
        LIST_REMOVE(s, stalled);
    s->is_stalled = false;
}

static int on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                      const gnutls_datum_t *message)
{
    struct tls_session *s = gnutls_session_get_ptr(session);
    (void)when;
    (void)message;
    if (type == GNUTLS_HANDSHAKE_FINISHED)
        s->finished |= incoming ? FINISHED_PEERS : FINISHED_OURS;
    else if (type == GNUTLS_HANDSHAKE_KEY_UPDATE && incoming)
        stall(s);
    return 0;
}

/* libmicrohttpd points the session at its own connection, and reads that only with preshared keys.
 */
void tls_session_begin(struct tls_session *s, struct tls *t, void *session, void *owner)
{
    *s = (struct tls_session){.tls = t, .session = session, .owner = owner};
    gnutls_session_set_ptr(session, s);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST, on_message);
}

static void release(struct tls_session *s)
{
    identity_unref(s->identity);
    s->identity = NULL;
}

bool tls_session_is_done(struct tls_session *s)
{
    if (s->finished != FINISHED_BOTH)
        return false;
    release(s);
    return true;
}

void *tls_take_stalled(struct tls *t)
{
    struct tls_session *s = LIST_FIRST(&t->stalled);
    if (s)
        unstall(s);
    return s ? s->owner : NULL;
}

bool tls_session_wants_write(const struct tls_session *s)
{
    return gnutls_record_get_direction(s->session) == 1;
}

const char *tls_session_failure(const struct tls_session *s)
{
    gnutls_alert_description_t alert = gnutls_alert_get(s->session);
    const char *name = alert ? gnutls_alert_get_name(alert) : NULL;
    if (name)
        return name;
    /* OpenSSL's alert is not encrypted at this stage of TLS 1.3, and GnuTLS does not read it. */
    return s->identity
               ? "the peer left after it was sent the certificate: it may not trust the CA, or "
                 "use a name that the certificate does not have"
               : "the peer left, or has no version, cipher or group that we accept";
}

void tls_session_send(struct tls_session *s, struct str text)
{
    while (text.n) {
        ssize_t n = gnutls_record_send(s->session, text.p, text.n);
        if (n <= 0)
            break;
        text = str_skip(text, (size_t)n);
    }
}

void tls_session_close(struct tls_session *s)
{
    gnutls_bye(s->session, GNUTLS_SHUT_WR);
}

void tls_session_end(struct tls_session *s)
{
    unstall(s);
    release(s);
    s->session = NULL;
}
