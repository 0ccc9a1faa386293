/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include "base/mem.h"
#include "crypto/must.h"
#include "crypto/x509.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define CHAIN_MAX 8
#define CHUNK_BYTES 8192

/* --- Reading --------------------------------------------------------------------------------- */

/* What is read of the three texts; freed as a whole. */
struct parts {
    STACK_OF(X509) * chain, *anchors;
    EVP_PKEY *key;
};

static void parts_free(struct parts *p)
{
    sk_X509_pop_free(p->chain, X509_free);
    sk_X509_pop_free(p->anchors, X509_free);
    EVP_PKEY_free(p->key);
}

static bool is_self_signed(X509 *cert)
{
    bool is = X509_self_signed(cert, 1) == 1;
    ERR_clear_error();
    return is;
}

static int read_anchors(struct str ca, struct parts *p, struct err *e)
{
    if (ca.n > CERTIFICATE_CA_MAX_BYTES)
        return err_set(e, -EFBIG, "ca: larger than %d bytes", CERTIFICATE_CA_MAX_BYTES);
    if (ca.n) {
        p->anchors = x509_read_list(ca, CERTIFICATE_CAS_MAX, "ca", e);
        return p->anchors ? 0 : -EINVAL;
    }
    X509 *last = sk_X509_value(p->chain, sk_X509_num(p->chain) - 1);
    if (!is_self_signed(last))
        return err_set(e, -EINVAL,
                       "certificate: its chain does not end in a self-signed CA; name a file with "
                       "the CA as tls.ca");
    p->anchors = mem_need(sk_X509_new_null());
    must(X509_up_ref(last));
    must(sk_X509_push(p->anchors, last) > 0);
    return 0;
}

static int read_parts(struct str chain, struct str key, struct str ca, struct parts *p,
                      struct err *e)
{
    p->chain = x509_read_list(chain, CHAIN_MAX, "certificate", e);
    if (!p->chain)
        return -EINVAL;
    p->key = x509_read_key(key);
    if (!p->key)
        return err_set(e, -EINVAL,
                       "key: contains no private key in PEM that can be read without a "
                       "password");
    bool fits = X509_check_private_key(sk_X509_value(p->chain, 0), p->key) == 1;
    ERR_clear_error();
    if (!fits)
        return err_set(e, -EINVAL, "key: does not belong to the first certificate of the chain");
    return read_anchors(ca, p, e);
}

/* --- Verifying ------------------------------------------------------------------------------- */

static void take_times(STACK_OF(X509) * verified, struct certificate *ret)
{
    for (int i = 0; i < sk_X509_num(verified); i++) {
        int64_t since = x509_since(sk_X509_value(verified, i));
        int64_t until = x509_until(sk_X509_value(verified, i));
        if (i == 0 || since > ret->since_s)
            ret->since_s = since;
        if (i == 0 || until < ret->until_s)
            ret->until_s = until;
    }
}

/* As a node's TLS library does it, except for the time. */
static int verify(const struct parts *p, struct certificate *ret, struct err *e)
{
    X509_STORE *store = mem_need(X509_STORE_new());
    X509_STORE_CTX *ctx = mem_need(X509_STORE_CTX_new());
    int r = 0;
    for (int i = 0; i < sk_X509_num(p->anchors); i++)
        must(X509_STORE_add_cert(store, sk_X509_value(p->anchors, i)));
    must(X509_STORE_CTX_init(ctx, store, sk_X509_value(p->chain, 0), p->chain));
    must(X509_STORE_CTX_set_default(ctx, "ssl_server"));
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
    if (X509_verify_cert(ctx) == 1) {
        STACK_OF(X509) *verified = X509_STORE_CTX_get0_chain(ctx);
        x509_pin(sk_X509_value(verified, sk_X509_num(verified) - 1), ret->pin);
        take_times(verified, ret);
    } else {
        r = err_set(e, -EINVAL, "certificate: its chain does not lead to the CA: %s",
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return r;
}

static struct str write_list(STACK_OF(X509) * list, struct arena *a)
{
    struct str text = {"", 0};
    for (int i = 0; i < sk_X509_num(list); i++)
        x509_write(sk_X509_value(list, i), a, &text);
    return text;
}

int certificate_fingerprint(struct str pem, char ret[static CERTIFICATE_FINGERPRINT_SIZE],
                            struct err *e)
{
    STACK_OF(X509) *list = x509_read_list(pem, CERTIFICATE_CAS_MAX, "the certificate", e);
    unsigned char digest[X509_DIGEST_BYTES];
    if (!list)
        return -EINVAL;
    must(X509_digest(sk_X509_value(list, 0), EVP_sha256(), digest, NULL));
    for (size_t i = 0; i < sizeof(digest); i++)
        sprintf(ret + 3 * i, "%02X%s", digest[i], i + 1 < sizeof(digest) ? ":" : "");
    sk_X509_pop_free(list, X509_free);
    return 0;
}

int certificate_pinned(struct str pem, struct str wanted, struct arena *a, struct str *ret,
                       char ret_pin[static PIN_LEN + 1], struct err *e)
{
    STACK_OF(X509) *list = x509_read_list(pem, CERTIFICATE_CAS_MAX, "the CA", e);
    int i = 0;
    if (!list)
        return -EINVAL;
    for (; i < sk_X509_num(list); i++) {
        x509_pin(sk_X509_value(list, i), ret_pin);
        if (!wanted.n || str_is(wanted, ret_pin))
            break;
    }
    bool found = i < sk_X509_num(list);
    *ret = STR("");
    if (found)
        x509_write(sk_X509_value(list, i), a, ret);
    sk_X509_pop_free(list, X509_free);
    return found ? 0 : err_set(e, -ENOENT, "no CA of it has the pin %.*s", STR_ARG(wanted));
}

int certificate_until(struct str pem, int64_t *ret_s, struct err *e)
{
    STACK_OF(X509) *list = x509_read_list(pem, CERTIFICATE_CAS_MAX, "the certificate", e);
    if (!list)
        return -EINVAL;
    *ret_s = x509_until(sk_X509_value(list, 0));
    sk_X509_pop_free(list, X509_free);
    return 0;
}

int certificate_check_list(struct str pem, int max, const char *what, struct err *e)
{
    STACK_OF(X509) *list = x509_read_list(pem, max, what, e);
    sk_X509_pop_free(list, X509_free);
    return list ? 0 : -EINVAL;
}

int certificate_read(struct str chain, struct str key, struct str ca, struct certificate *ret,
                     struct err *e)
{
    struct parts p = {NULL, NULL, NULL};
    struct certificate made = {.key = {"", 0}};
    int r = read_parts(chain, key, ca, &p, e);
    if (r == 0)
        r = verify(&p, &made, e);
    if (r == 0) {
        arena_init(&made.arena, CHUNK_BYTES);
        made.arena.secret = true;
        made.chain = write_list(p.chain, &made.arena);
        made.ca = write_list(p.anchors, &made.arena);
        if (!x509_write_key(p.key, &made.arena, &made.key))
            r = err_set(e, -EINVAL, "key: of a kind that cannot be used");
    }
    if (r == 0)
        *ret = made;
    else
        arena_done(&made.arena);
    parts_free(&p);
    return r;
}

void certificate_done(struct certificate *c)
{
    arena_done(&c->arena);
    *c = (struct certificate){.since_s = 0};
}

/* --- Names ----------------------------------------------------------------------------------- */

bool certificate_covers(const struct certificate *c, const struct certificate_name *name)
{
    STACK_OF(X509) *chain = x509_read_list(c->chain, CHAIN_MAX, "certificate", NULL);
    const struct address *a = &name->address;
    if (!chain)
        return false;
    X509 *leaf = sk_X509_value(chain, 0);
    bool good = a->family ? X509_check_ip(leaf, a->octet, a->family == 4 ? 4 : 16, 0) == 1
                          : X509_check_host(leaf, name->dns.p, name->dns.n,
                                            X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return good;
}

bool certificate_name_of_url(struct str url, struct certificate_name *ret)
{
    const char *slashes = memmem(url.p, url.n, "//", 2);
    struct str host = slashes ? str_skip(url, (size_t)(slashes - url.p) + 2) : STR("");
    *ret = (struct certificate_name){.dns = {"", 0}};
    if (str_starts(host, STR("["))) {
        host = str_skip(host, 1);
        return address_parse(str_cut(&host, ']'), &ret->address);
    }
    struct str rest = host;
    host = str_cut(&rest, '/');
    host = str_cut(&host, ':');
    if (!address_parse(host, &ret->address))
        ret->dns = host;
    return host.n > 0;
}

struct str certificate_name_text(const struct certificate_name *name,
                                 char text[static ADDRESS_TEXT_SIZE])
{
    return name->address.family ? str_from(address_text(name->address, text)) : name->dns;
}
