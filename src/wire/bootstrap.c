/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bootstrap.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define HOSTNAME_MAX_BYTES 253
#define KUBEADM_MAX_BYTES 64
#define ENDPOINT_MAX_BYTES 300
#define CA_MAX_BYTES 32768
#define TOKEN_MAX_BYTES 8192
#define ATTEMPT_MAX 1000000
#define LABEL_MAX_BYTES 63
#define MACHINE_LEN 32
#define UUID_LEN 36

/* --- Members --------------------------------------------------------------------------------- */

/* An object that is read member by member; `e` keeps the first fault. */
struct reader {
    struct value map;
    const char *where; /* "minter."; empty: the message itself */
    struct err *e;
};

static void __attribute__((format(printf, 3, 4)))
wrong(struct reader *r, const char *member, const char *fmt, ...)
{
    char what[160];
    va_list list;
    if (r->e->code)
        return;
    va_start(list, fmt);
    vsnprintf(what, sizeof(what), fmt, list);
    va_end(list);
    err_set(r->e, -EINVAL, "'%s%s' %s", r->where, member, what);
}

/* A name that can stand in a message as it is. */
static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_')
            return false;
    }
    return name.n > 0 && name.n <= 32;
}

static void refuse_unknown(struct reader *r, const char *const *members)
{
    for (uint32_t i = 0; i < r->map.n && !r->e->code; i++) {
        struct str name = value_text(r->map.pairs[i].key);
        if (str_in(name, members))
            continue;
        if (is_plain(name))
            err_set(r->e, -EINVAL, "'%s%.*s' is unknown", r->where, STR_ARG(name));
        else
            err_set(r->e, -EINVAL, "a member is unknown");
    }
}

static struct value get(struct reader *r, const char *member)
{
    struct value v = value_get(r->map, str_from(member));
    if (v.kind == VALUE_UNDEFINED)
        wrong(r, member, "is missing");
    return v;
}

/* Empty after a fault. */
static struct str get_text(struct reader *r, const char *member, size_t min, size_t max)
{
    struct value v = get(r, member);
    struct str text = v.kind == VALUE_STR ? value_text(v) : (struct str){"", 0};
    if (v.kind != VALUE_STR)
        wrong(r, member, "is not a string");
    else if (text.n < min || text.n > max)
        wrong(r, member, "has %zu bytes, not %zu to %zu", text.n, min, max);
    return r->e->code ? (struct str){"", 0} : text;
}

static bool is_null(struct reader *r, const char *member)
{
    return value_get(r->map, str_from(member)).kind == VALUE_NONE;
}

/* A text for which `good` holds. */
static struct str get_form(struct reader *r, const char *member, size_t max,
                           bool (*good)(struct str s), const char *what)
{
    struct str text = get_text(r, member, 1, max);
    if (!r->e->code && !good(text))
        wrong(r, member, "is not %s", what);
    return text;
}

static struct str get_form_or_null(struct reader *r, const char *member, size_t max,
                                   bool (*good)(struct str s), const char *what)
{
    return is_null(r, member) ? (struct str){"", 0} : get_form(r, member, max, good, what);
}

/* False if it is not an object with exactly these members (NULL behind the last). */
static bool begin(struct reader *r, struct value v, const char *where, const char *const *members,
                  struct err *e)
{
    *r = (struct reader){v, where, e};
    if (v.kind != VALUE_MAP) {
        if (!e->code && *where)
            err_set(e, -EINVAL, "'%.*s' is not an object", (int)strlen(where) - 1, where);
        else if (!e->code)
            err_set(e, -EINVAL, "the body is not an object");
        return false;
    }
    refuse_unknown(r, members);
    for (; *members; members++)
        get(r, *members);
    return !e->code;
}

/* jansson quotes what it stumbled over: that may be a part of a secret. */
static int read_body(struct str body, struct arena *a, struct value *ret, struct err *e)
{
    struct err why = {.code = 0};
    if (json_read(body, a, ret, &why) == 0)
        return 0;
    const char *quote = strstr(why.msg, " near ");
    int n = quote ? (int)(quote - why.msg) : (int)strlen(why.msg);
    return err_set(e, -EINVAL, "it is not JSON: %.*s", n, why.msg);
}

/* --- Forms ----------------------------------------------------------------------------------- */

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter_or_digit(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_base64url(char c)
{
    return is_letter_or_digit(c) || c == '-' || c == '_';
}

/* How many characters at the beginning are of that kind. */
static size_t span(struct str s, bool (*good)(char c))
{
    size_t n = 0;
    while (n < s.n && good(s.p[n]))
        n++;
    return n;
}

/* 32 bytes: the last digit has two bits that must be 0. */
static bool is_claim(struct str s)
{
    return s.n == BOOTSTRAP_CLAIM_LEN && span(s, is_base64url) == s.n &&
           strchr("AEIMQUYcgkosw048", s.p[s.n - 1]);
}

static bool is_uuid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_lower_hex(s.p[i]))
            return false;
    }
    return s.n == UUID_LEN;
}

/* Version 4, as sd_id128_get_machine_app_specific makes it. */
static bool is_machine(struct str s)
{
    return s.n == MACHINE_LEN && span(s, is_lower_hex) == s.n && s.p[12] == '4' &&
           strchr("89ab", s.p[16]);
}

static bool is_host_char(char c)
{
    return is_letter_or_digit(c) || c == '.' || c == '-';
}

static bool is_hostname_char(char c)
{
    return is_host_char(c) || c == '_';
}

static bool is_hostname(struct str s)
{
    return span(s, is_hostname_char) == s.n;
}

static bool is_version_char(char c)
{
    return is_letter_or_digit(c) || c == '.' || c == '+' || c == '-';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "v1.29.15", "v1.31.0-rc.1" */
static bool is_version(struct str s)
{
    if (!str_starts(s, STR("v")))
        return false;
    s = str_skip(s, 1);
    for (int part = 0; part < 3; part++) {
        size_t n = span(s, is_digit);
        if (!n || (part < 2 && (n == s.n || s.p[n] != '.')))
            return false;
        s = str_skip(s, part < 2 ? n + 1 : n);
    }
    return span(s, is_version_char) == s.n;
}

/* A label of DNS, in lower case. */
static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool edge = i == 0 || i + 1 == s.n;
        if (!is_lower_or_digit(s.p[i]) && (edge || s.p[i] != '-'))
            return false;
    }
    return s.n > 0 && s.n <= LABEL_MAX_BYTES;
}

static bool is_stage(struct str s)
{
    static const char *const stages[] = {"done",      "files",  "kubeadm", "api",
                                         "manifests", "tokens", "cluster", NULL};
    static const struct str addon = {"addon/", 6};
    return str_in(s, stages) || (str_starts(s, addon) && is_label(str_skip(s, addon.n)));
}

static bool is_host(struct str s)
{
    struct address address;
    if (str_starts(s, STR("[")) && str_ends(s, STR("]")))
        return address_parse((struct str){s.p + 1, s.n - 2}, &address);
    return s.n > 0 && s.n <= HOSTNAME_MAX_BYTES && span(s, is_host_char) == s.n;
}

static bool is_endpoint(struct str s)
{
    static const struct str scheme = {"https://", 8};
    uint64_t port = 0;
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (!str_starts(s, scheme) || colon <= scheme.n)
        return false;
    struct str host = {s.p + scheme.n, colon - 1 - scheme.n};
    return is_host(host) && str_to_u64(str_skip(s, colon), 65535, &port) && port > 0;
}

static bool is_pem_char(char c)
{
    return is_letter_or_digit(c) || c == '+' || c == '/' || c == '=' || c == '\n';
}

/* Certificates, with nothing before, between or behind them. */
static bool is_certificates(struct str s)
{
    static const struct str first = {"-----BEGIN CERTIFICATE-----\n", 28};
    static const struct str last = {"-----END CERTIFICATE-----\n", 26};
    int n = 0;
    for (; s.n && n < BOOTSTRAP_CAS_MAX; n++) {
        if (!str_starts(s, first))
            return false;
        s = str_skip(s, first.n);
        size_t body = span(s, is_pem_char);
        s = str_skip(s, body);
        if (!body || !str_starts(s, last))
            return false;
        s = str_skip(s, last.n);
    }
    return n > 0 && !s.n;
}

/* Three parts of base64url. */
static bool is_jwt(struct str s)
{
    for (int part = 0; part < 3; part++) {
        size_t n = span(s, is_base64url);
        if (!n || (part < 2 && (n == s.n || s.p[n] != '.')))
            return false;
        s = str_skip(s, part < 2 ? n + 1 : n);
    }
    return !s.n;
}

/* A day that there is, in whole seconds. */
static bool is_time(struct str s)
{
    char again[CLOCK_TEXT_SIZE];
    int64_t ms;
    return s.n == 20 && clock_read_text(s, &ms) && memcmp(clock_text(ms, again), s.p, 19) == 0;
}

/* --- The messages ---------------------------------------------------------------------------- */

static struct str get_claim(struct reader *r)
{
    struct str claim = get_text(r, "claim", 0, SIZE_MAX);
    if (!r->e->code && claim.n != BOOTSTRAP_CLAIM_LEN)
        wrong(r, "claim", "has %zu characters, not %d", claim.n, BOOTSTRAP_CLAIM_LEN);
    else if (!r->e->code && !is_claim(claim))
        wrong(r, "claim", "is not 32 bytes in base64url");
    return claim;
}

static void read_addresses(struct reader *r, struct bootstrap_request *ret)
{
    struct value v = get(r, "addresses");
    if (v.kind != VALUE_LIST || v.n > BOOTSTRAP_ADDRESSES_MAX) {
        wrong(r, "addresses", "is not a list of at most %d addresses", BOOTSTRAP_ADDRESSES_MAX);
        return;
    }
    for (ret->addresses_n = 0; ret->addresses_n < v.n; ret->addresses_n++) {
        struct value item = v.items[ret->addresses_n];
        if (item.kind != VALUE_STR ||
            !address_parse(value_text(item), &ret->addresses[ret->addresses_n])) {
            wrong(r, "addresses", "has an item that is not an IP address");
            return;
        }
    }
}

static uint32_t get_attempt(struct reader *r)
{
    struct value v = get(r, "attempt");
    if (v.kind == VALUE_INT && v.i >= 1 && v.i <= ATTEMPT_MAX)
        return (uint32_t)v.i;
    wrong(r, "attempt", "is not a whole number from 1 to %d", ATTEMPT_MAX);
    return 0;
}

int bootstrap_read_request(struct str body, struct arena *a, struct bootstrap_request *ret,
                           struct err *e)
{
    static const char *const members[] = {"claim",     "uuid",    "machine", "hostname",
                                          "addresses", "kubeadm", "attempt", NULL};
    struct bootstrap_request q = {.addresses_n = 0};
    struct err why = {.code = 0};
    struct reader r;
    struct value v;
    if (read_body(body, a, &v, e) < 0)
        return -EINVAL;
    if (begin(&r, v, "", members, &why)) {
        q.claim = get_claim(&r);
        q.uuid = get_form_or_null(&r, "uuid", UUID_LEN, is_uuid, "a UUID in lower case");
        q.machine = get_form_or_null(&r, "machine", MACHINE_LEN, is_machine,
                                     "what systemd-id128 prints for machine-id");
        q.hostname = get_form(&r, "hostname", HOSTNAME_MAX_BYTES, is_hostname, "a host name");
        read_addresses(&r, &q);
        q.kubeadm = get_form_or_null(&r, "kubeadm", KUBEADM_MAX_BYTES, is_version, "a version");
        q.attempt = get_attempt(&r);
    }
    if (why.code)
        return err_set(e, why.code, "%s", why.msg);
    *ret = q;
    return 0;
}

static struct bootstrap_token get_token(struct reader *outer, const char *member, const char *where)
{
    static const char *const members[] = {"token", "expires", NULL};
    struct bootstrap_token t = {.token = {"", 0}};
    struct reader r;
    if (begin(&r, get(outer, member), where, members, outer->e)) {
        t.token = get_form(&r, "token", TOKEN_MAX_BYTES, is_jwt, "a ServiceAccount's token");
        struct str expires =
            get_form(&r, "expires", 20, is_time, "a time as in 2026-11-22T10:19:31Z");
        if (!r.e->code)
            clock_read_text(expires, &t.expires_ms);
    }
    return t;
}

static struct str get_endpoint(struct reader *r)
{
    return get_form(r, "endpoint", ENDPOINT_MAX_BYTES, is_endpoint,
                    "of the form https://HOST:PORT");
}

static struct str get_ca(struct reader *r)
{
    return get_form(r, "ca", CA_MAX_BYTES, is_certificates, "1 to 4 certificates in PEM");
}

/* False where it is null. */
static bool get_account(struct reader *r, const char *member, const char *within,
                        struct bootstrap_token *ret)
{
    if (is_null(r, member))
        return false;
    *ret = get_token(r, member, within);
    return true;
}

static bool get_bool(struct reader *r, const char *member)
{
    struct value v = get(r, member);
    if (v.kind != VALUE_BOOL)
        wrong(r, member, "is not a boolean");
    return v.kind == VALUE_BOOL && v.b;
}

int bootstrap_read_cluster(struct str body, struct arena *a, struct bootstrap_cluster *ret,
                           struct err *e)
{
    static const char *const members[] = {"claim", "endpoint", "ca", "minter", "approver", NULL};
    struct bootstrap_cluster c = {.has_approver = false};
    struct err why = {.code = 0};
    struct reader r;
    struct value v;
    if (read_body(body, a, &v, e) < 0)
        return -EINVAL;
    if (begin(&r, v, "", members, &why)) {
        c.claim = get_claim(&r);
        c.endpoint = get_endpoint(&r);
        c.ca = get_ca(&r);
        c.minter = get_token(&r, "minter", "minter.");
        c.has_approver = get_account(&r, "approver", "approver.", &c.approver);
    }
    if (why.code)
        return err_set(e, why.code, "%s", why.msg);
    *ret = c;
    return 0;
}

int bootstrap_read_adoption(struct str body, struct arena *a, struct bootstrap_adoption *ret,
                            struct err *e)
{
    static const char *const members[] = {"endpoint", "ca",         "minter",
                                          "approver", "replace_ca", NULL};
    struct bootstrap_adoption c = {.has_minter = false};
    struct err why = {.code = 0};
    struct reader r;
    struct value v;
    if (read_body(body, a, &v, e) < 0)
        return -EINVAL;
    if (begin(&r, v, "", members, &why)) {
        c.endpoint = get_endpoint(&r);
        c.ca = get_ca(&r);
        c.has_minter = get_account(&r, "minter", "minter.", &c.minter);
        c.has_approver = get_account(&r, "approver", "approver.", &c.approver);
        c.replaces_ca = get_bool(&r, "replace_ca");
    }
    if (why.code)
        return err_set(e, why.code, "%s", why.msg);
    *ret = c;
    return 0;
}

int bootstrap_read_result(struct str body, struct arena *a, struct bootstrap_result *ret,
                          struct err *e)
{
    static const char *const members[] = {"claim", "ok", "stage", "log", NULL};
    struct bootstrap_result result = {.ok = false};
    struct err why = {.code = 0};
    struct reader r;
    struct value v;
    if (read_body(body, a, &v, e) < 0)
        return -EINVAL;
    if (begin(&r, v, "", members, &why)) {
        result.claim = get_claim(&r);
        result.ok = get_bool(&r, "ok");
        result.stage = get_form(&r, "stage", 80, is_stage, "a stage");
        result.log = get_text(&r, "log", 0, BOOTSTRAP_LOG_MAX_BYTES);
        if (!why.code && result.ok != str_is(result.stage, "done"))
            wrong(&r, "stage", "is 'done' where 'ok' is true, and nowhere else");
    }
    if (why.code)
        return err_set(e, why.code, "%s", why.msg);
    *ret = result;
    return 0;
}
