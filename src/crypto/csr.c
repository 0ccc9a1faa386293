/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/csr.h"

#include "base/base64.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define BEGIN "-----BEGIN CERTIFICATE REQUEST-----\n"
#define END "-----END CERTIFICATE REQUEST-----\n"

/* --- PEM ------------------------------------------------------------------------------------- */

/* The bytes of a text that is one block and nothing else. */
static bool decode_pem(struct str pem, struct arena *a, struct str *ret)
{
    if (pem.n > CSR_MAX_BYTES || !str_starts(pem, STR(BEGIN)) || !str_ends(pem, STR(END)) ||
        pem.n < STR(BEGIN).n + STR(END).n)
        return false;
    struct str body = {pem.p + STR(BEGIN).n, pem.n - STR(BEGIN).n - STR(END).n};
    char *joined = arena_alloc(a, body.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] != '\n')
            joined[n++] = body.p[i];
    }
    return base64_read((struct str){joined, n}, a, ret) && ret->n;
}

static X509_REQ *decode(struct str pem, struct arena *a)
{
    struct str der;
    if (!decode_pem(pem, a, &der))
        return NULL;
    const unsigned char *p = (const unsigned char *)der.p, *end = p + der.n;
    X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.n);
    if (req && p == end)
        return req;
    X509_REQ_free(req);
    return NULL;
}

/* --- Subject --------------------------------------------------------------------------------- */

static struct str text_of(const ASN1_STRING *s, struct arena *a)
{
    return arena_str(
        a, (struct str){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)});
}

/* An entry may be set once, and must be of a type whose bytes are its text. */
static bool read_entry(const X509_NAME_ENTRY *entry, struct arena *a, struct csr *c)
{
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(entry);
    int type = ASN1_STRING_type(s), what = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    struct str *to = what == NID_commonName         ? &c->common_name
                     : what == NID_organizationName ? &c->organization
                                                    : NULL;
    if (!to || to->p || (type != V_ASN1_PRINTABLESTRING && type != V_ASN1_UTF8STRING))
        return false;
    *to = text_of(s, a);
    return true;
}

static int read_subject(const X509_REQ *req, struct arena *a, struct csr *c, struct err *e)
{
    const X509_NAME *subject = X509_REQ_get_subject_name(req);
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        if (!read_entry(X509_NAME_get_entry(subject, i), a, c))
            return err_set(e, -EINVAL,
                           "its subject is more than one organization (O) and one "
                           "common name (CN)");
    }
    if (!c->common_name.n || !c->organization.n)
        return err_set(e, -EINVAL, "its subject lacks an organization (O) or a common name (CN)");
    return 0;
}

/* --- Extensions ------------------------------------------------------------------------------ */

static bool read_address(const ASN1_OCTET_STRING *s, struct address *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    const uint8_t *p = ASN1_STRING_get0_data(s);
    size_t n = (size_t)ASN1_STRING_length(s);
    if (n == 16 && memcmp(p, mapped, sizeof(mapped)) == 0) { /* Go takes it for IPv4, too */
        p += sizeof(mapped);
        n = 4;
    }
    if (n != 4 && n != 16)
        return false;
    *ret = (struct address){.family = n == 4 ? 4 : 6};
    memcpy(ret->octet, p, n);
    return true;
}

static int read_name(const GENERAL_NAME *name, struct arena *a, struct csr *c, struct err *e)
{
    if (c->dns_n == CSR_NAMES_MAX || c->addresses_n == CSR_NAMES_MAX)
        return err_set(e, -EINVAL, "it lists more than %d names or addresses", CSR_NAMES_MAX);
    if (name->type == GEN_DNS) {
        c->dns[c->dns_n++] = text_of(name->d.dNSName, a);
        return 0;
    }
    if (name->type != GEN_IPADD || !read_address(name->d.iPAddress, &c->addresses[c->addresses_n]))
        return err_set(e, -EINVAL, "it lists something that is neither a DNS name nor an address");
    c->addresses_n++;
    return 0;
}

static int read_names(X509_EXTENSION *extension, struct arena *a, struct csr *c, struct err *e)
{
    GENERAL_NAMES *names = X509V3_EXT_d2i(extension);
    int r = names ? 0 : err_set(e, -EINVAL, "its list of names cannot be read");
    for (int i = 0; r == 0 && i < sk_GENERAL_NAME_num(names); i++)
        r = read_name(sk_GENERAL_NAME_value(names, i), a, c, e);
    GENERAL_NAMES_free(names);
    return r;
}

static int read_extension_list(const STACK_OF(X509_EXTENSION) * list, struct arena *a,
                               struct csr *c, struct err *e)
{
    int n = sk_X509_EXTENSION_num(list);
    if (n > 1)
        return err_set(e, -EINVAL, "it asks for %d extensions", n);
    if (n < 1)
        return 0;
    X509_EXTENSION *only = sk_X509_EXTENSION_value(list, 0);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(only)) != NID_subject_alt_name)
        return err_set(e, -EINVAL, "it asks for an extension that is not a list of names");
    return read_names(only, a, c, e);
}

/* OpenSSL takes the first list of extensions, Go takes all of them. */
static int read_extensions(X509_REQ *req, struct arena *a, struct csr *c, struct err *e)
{
    int n = X509_REQ_get_attr_count(req);
    if (n < 1)
        return 0;
    X509_ATTRIBUTE *only = X509_REQ_get_attr(req, 0);
    if (n > 1 || X509_ATTRIBUTE_count(only) != 1 ||
        OBJ_obj2nid(X509_ATTRIBUTE_get0_object(only)) != NID_ext_req)
        return err_set(e, -EINVAL, "it has attributes besides one list of extensions");
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(req);
    if (!list)
        return err_set(e, -EINVAL, "its list of extensions cannot be read");
    int r = read_extension_list(list, a, c, e);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return r;
}

int csr_read(struct str pem, struct arena *a, struct csr *ret, struct err *e)
{
    struct csr c = {0};
    X509_REQ *req = decode(pem, a);
    int r = req ? read_subject(req, a, &c, e)
                : err_set(e, -EINVAL, "it is not one certificate request in PEM");
    if (r == 0)
        r = read_extensions(req, a, &c, e);
    X509_REQ_free(req);
    ERR_clear_error();
    if (r == 0)
        *ret = c;
    return r;
}
