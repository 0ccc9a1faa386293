/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of docs/formats/bootstrap.md as the server reads them: the golden ones, and each of
 * them with one thing wrong. */
#include "lib/unit.h"

#include "unit/kube/golden.h"
#include "wire/bootstrap.h"

#include <errno.h>

#define CLAIM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct arena a;
static struct err e;

static int begin(void **state)
{
    (void)state;
    arena_init(&a, 65536);
    e = (struct err){.code = 0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&a);
    return 0;
}

/* --- The golden ones ------------------------------------------------------------------------- */

static void requests(void **state)
{
    struct bootstrap_request q;
    char text[ADDRESS_TEXT_SIZE];
    (void)state;
    struct str body = golden_text(&a, "bootstrap/requests/bootstrap.json");
    assert_int_equal(bootstrap_read_request(body, &a, &q, &e), 0);
    assert_str(q.claim, CLAIM);
    assert_str(q.uuid, "4c4c4544-0042-3510-8052-b4c04f4e4432");
    assert_str(q.machine, "5ca43106e415435c8a605bda74a399da");
    assert_str(q.hostname, "k8s-worker-2");
    assert_str(q.kubeadm, "v1.29.15");
    assert_int_equal(q.attempt, 1);
    assert_int_equal(q.addresses_n, 2);
    assert_string_equal(address_text(q.addresses[1], text), "2001:db8:20::12");
    body = golden_text(&a, "bootstrap/requests/bootstrap-unknown.json");
    assert_int_equal(bootstrap_read_request(body, &a, &q, &e), 0);
    assert_true(!q.uuid.n && !q.machine.n && !q.kubeadm.n && !q.addresses_n);
    assert_int_equal(q.attempt, 7);
}

static void clusters(void **state)
{
    struct bootstrap_cluster c;
    (void)state;
    struct str body = golden_text(&a, "bootstrap/requests/cluster.json");
    assert_int_equal(bootstrap_read_cluster(body, &a, &c, &e), 0);
    assert_str(c.claim, CLAIM);
    assert_str(c.endpoint, "https://k8s-api.home.arpa:6443");
    assert_true(str_starts(c.ca, STR("-----BEGIN CERTIFICATE-----\n")));
    assert_true(str_starts(c.minter.token, STR("eyJ")));
    assert_int_equal(c.minter.expires_ms, 1803117871000);
    assert_false(c.has_approver);
    body = golden_text(&a, "bootstrap/requests/cluster-hardened.json");
    assert_int_equal(bootstrap_read_cluster(body, &a, &c, &e), 0);
    assert_true(c.has_approver);
    assert_int_equal(c.approver.expires_ms, 1803117872000);
}

static void results(void **state)
{
    struct bootstrap_result r;
    (void)state;
    struct str body = golden_text(&a, "bootstrap/requests/result-failed.json");
    assert_int_equal(bootstrap_read_result(body, &a, &r, &e), 0);
    assert_false(r.ok);
    assert_str(r.stage, "kubeadm");
    assert_true(str_starts(r.log, STR("[preflight] Running")));
    body = golden_text(&a, "bootstrap/requests/result-ok.json");
    assert_int_equal(bootstrap_read_result(body, &a, &r, &e), 0);
    assert_true(r.ok && !r.log.n);
}

/* --- What is wrong --------------------------------------------------------------------------- */

static int read_any(const char *name, struct str body, struct err *ret)
{
    struct bootstrap_request q;
    struct bootstrap_cluster c;
    struct bootstrap_result r;
    *ret = (struct err){.code = 0};
    if (strstr(name, "requests/bootstrap"))
        return bootstrap_read_request(body, &a, &q, ret);
    if (strstr(name, "cluster"))
        return bootstrap_read_cluster(body, &a, &c, ret);
    return bootstrap_read_result(body, &a, &r, ret);
}

static struct str text_of(struct value v)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_true(json_write(&b, v, false));
    struct str text = arena_str(&a, buf_view(&b));
    buf_done(&b);
    return text;
}

/* The message with another member, or with `member` changed; VALUE_UNDEFINED: without it. */
static struct str changed(struct value message, const char *member, struct value to)
{
    struct value_pair *pairs = ARENA_ARRAY(&a, struct value_pair, message.n + 1);
    size_t n = 0;
    bool found = false;
    for (uint32_t i = 0; i < message.n; i++) {
        bool is = str_is(value_text(message.pairs[i].key), member);
        found |= is;
        if (!is || to.kind != VALUE_UNDEFINED)
            pairs[n++] =
                (struct value_pair){message.pairs[i].key, is ? to : message.pairs[i].value};
    }
    if (!found)
        pairs[n++] = (struct value_pair){value_str(arena_str(&a, str_from(member))), to};
    return text_of(value_map(pairs, n));
}

static void check_refused(const char *name, struct str body, const char *says)
{
    struct err why;
    int r = read_any(name, body, &why);
    if (r != -EINVAL || why.code != r || !strstr(why.msg, says) || strchr(why.msg, '\n'))
        fail_msg("%s: %d '%s' of %.*s", name, r, why.msg, (int)str_head(body, 400).n, body.p);
}

static const char *const files[] = {
    "bootstrap/requests/bootstrap.json", "bootstrap/requests/bootstrap-unknown.json",
    "bootstrap/requests/cluster.json",   "bootstrap/requests/cluster-hardened.json",
    "bootstrap/requests/result-ok.json", "bootstrap/requests/result-failed.json",
};

#define FILES (sizeof(files) / sizeof(files[0]))

static void members_are_neither_more_nor_fewer(void **state)
{
    static const struct value none = {.kind = VALUE_UNDEFINED};
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        struct value message = golden_json(&a, files[i]);
        for (uint32_t m = 0; m < message.n; m++) {
            const char *member = arena_str(&a, value_text(message.pairs[m].key)).p;
            const char *says = arena_printf(&a, "'%s' is missing", member).p;
            check_refused(files[i], changed(message, member, none), says);
            check_refused(files[i], changed(message, member, value_float(3.5)), member);
            check_refused(files[i], changed(message, member, value_map(NULL, 0)), member);
        }
        check_refused(files[i], changed(message, "more", value_none()), "'more' is unknown");
        check_refused(files[i], changed(message, "x\n", value_none()), "a member is unknown");
        struct str text = text_of(message);
        check_refused(files[i], ARENA_JOIN(&a, STR("{\"claim\":\"x\","), str_skip(text, 1)),
                      "not JSON");
        check_refused(files[i], ARENA_JOIN(&a, text, STR("x")), "not JSON");
        check_refused(files[i], str_head(text, text.n - 1), "not JSON");
    }
    for (size_t i = 0; i < FILES; i++) {
        check_refused(files[i], STR(""), "not JSON");
        check_refused(files[i], STR("[]"), "the body is not an object");
        check_refused(files[i], STR("{\"claim\": \"\xff\"}"), "not JSON");
    }
}

struct bad {
    const char *file, *member, *json, *says;
};

#define ASKS "bootstrap/requests/bootstrap.json"
#define TELLS "bootstrap/requests/cluster.json"
#define ENDS "bootstrap/requests/result-failed.json"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad bads[] = {
    {ASKS, "claim", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh\"",
     "'claim' has 42 characters, not 43"},
    {ASKS, "claim", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhB\"", "not 32 bytes"},
    {ASKS, "claim", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH+A\"", "not 32 bytes"},
    {ASKS, "claim", "null", "'claim' is not a string"},
    {ASKS, "uuid", "\"4C4C4544-0042-3510-8052-B4C04F4E4432\"", "'uuid' is not a UUID"},
    {ASKS, "uuid", "\"4c4c4544004235108052b4c04f4e4432----\"", "'uuid' is not a UUID"},
    {ASKS, "uuid", "\"\"", "'uuid' has 0 bytes"},
    {ASKS, "machine", "\"5ca43106e415535c8a605bda74a399da\"", "'machine' is not"},
    {ASKS, "machine", "\"5ca43106e415435c7a605bda74a399da\"", "'machine' is not"},
    {ASKS, "machine", "\"5ca43106e415435c8a605bda74a399d\"", "'machine' is not"},
    {ASKS, "hostname", "\"\"", "'hostname' has 0 bytes, not 1 to 253"},
    {ASKS, "hostname", "\"" A64 A64 A64 A64 "\"", "'hostname' has 256 bytes"},
    {ASKS, "hostname", "\"a b\"", "'hostname' is not a host name"},
    {ASKS, "hostname", "null", "'hostname' is not a string"},
    {ASKS, "addresses", "null", "'addresses' is not a list"},
    {ASKS, "addresses", "[\"10.0.20.012\"]", "'addresses' has an item"},
    {ASKS, "addresses", "[\"fe80::1%eth0\"]", "'addresses' has an item"},
    {ASKS, "addresses", "[7]", "'addresses' has an item"},
    {ASKS, "addresses", "[\"::1\",\"::1\",\"::1\",\"::1\",\"::1\",\"::1\",\"::1\",\"::1\",\"::1\"]",
     "at most 8"},
    {ASKS, "kubeadm", "\"1.29.15\"", "'kubeadm' is not a version"},
    {ASKS, "kubeadm", "\"v1.29\"", "'kubeadm' is not a version"},
    {ASKS, "kubeadm", "\"v1.29.\"", "'kubeadm' is not a version"},
    {ASKS, "kubeadm", "\"v1.29.1 x\"", "'kubeadm' is not a version"},
    {ASKS, "attempt", "0", "'attempt' is not a whole number"},
    {ASKS, "attempt", "1000001", "'attempt' is not"},
    {ASKS, "attempt", "true", "'attempt' is not"},
    {ASKS, "attempt", "1.0", "'attempt' is not"},
    {ASKS, "attempt", "99999999999999999999", "not JSON"},
    {TELLS, "endpoint", "\"http://h:6443\"", "'endpoint' is not of the form"},
    {TELLS, "endpoint", "\"https://h\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://:6443\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://h:0\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://h:65536\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://h:6443/x\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://u@h:6443\"", "'endpoint' is not"},
    {TELLS, "endpoint", "\"https://[h]:6443\"", "'endpoint' is not"},
    {TELLS, "ca", "\"\"", "'ca' has 0 bytes"},
    {TELLS, "ca", "\"-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----\\n\"", "'ca' is not"},
    {TELLS, "ca", "\"x\\n-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n\"",
     "'ca' is not 1 to 4 certificates"},
    {TELLS, "ca", "\"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\nx\"",
     "'ca' is not"},
    {TELLS, "ca", "\"-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----\\n\"",
     "'ca' is not"},
    {TELLS, "minter", "null", "'minter' is not an object"},
    {TELLS, "minter", "{\"token\": \"a.b.c\"}", "'minter.expires' is missing"},
    {TELLS, "minter", "{\"token\": \"a.b\", \"expires\": \"2026-11-22T10:19:31Z\"}",
     "'minter.token' is not a ServiceAccount's token"},
    {TELLS, "approver", "{\"token\": \"a.b.c.d\", \"expires\": \"2026-11-22T10:19:31Z\"}",
     "'approver.token' is not"},
    {TELLS, "approver", "{\"token\": \"a..c\", \"expires\": \"2026-11-22T10:19:31Z\"}",
     "'approver.token' is not"},
    {TELLS, "approver", "{\"token\": \"a.b.c\", \"expires\": \"2026-02-30T10:19:31Z\"}",
     "'approver.expires' is not a time"},
    {TELLS, "approver", "{\"token\": \"a.b.c\", \"expires\": \"2026-11-22T10:19:31.123Z\"}",
     "'approver.expires'"},
    {TELLS, "approver", "{\"token\": \"a.b.c\", \"expires\": 7}", "'approver.expires'"},
    {ENDS, "ok", "0", "'ok' is not a boolean"},
    {ENDS, "ok", "true", "'done'"},
    {ENDS, "stage", "\"done\"", "'done'"},
    {ENDS, "stage", "\"turn\"", "'stage' is not a stage"},
    {ENDS, "stage", "\"addon/\"", "'stage' is not a stage"},
    {ENDS, "stage", "\"addon/a_b\"", "'stage' is not a stage"},
    {ENDS, "stage", "\"addon/-a\"", "'stage' is not a stage"},
    {ENDS, "log", "null", "'log' is not a string"},
    {ENDS, "log", "\"a\\u0000b\"", "not JSON"},
};

static void each_member_has_its_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        const struct bad *b = &bads[i];
        struct value message = golden_json(&a, b->file),
                     before = value_get(message, str_from(b->member));
        struct str whole = changed(message, b->member, value_str(STR("@")));
        const char *at = strstr(whole.p, "\"@\"");
        assert_int_not_equal(before.kind, VALUE_UNDEFINED);
        struct str body = ARENA_JOIN(&a, (struct str){whole.p, (size_t)(at - whole.p)},
                                     str_from(b->json), str_from(at + 3));
        check_refused(b->file, body, b->says);
    }
}

static void a_log_has_its_limit(void **state)
{
    struct bootstrap_result r;
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        size_t n = BOOTSTRAP_LOG_MAX_BYTES + more;
        char *log = memset(arena_alloc(&a, n), 'x', n);
        struct str body = changed(golden_json(&a, ENDS), "log", value_str((struct str){log, n}));
        assert_int_equal(bootstrap_read_result(body, &a, &r, &e) < 0, more);
    }
}

/* jansson quotes what it stumbles over. */
static void a_fault_quotes_no_secret(void **state)
{
    static const char *const bodies[] = {
        "{\"minter\": {\"token\": eyJSECRET.b.c}}",
        "{\"minter\": {\"token\": \"eyJSECRET\" \"eyJSECRET\"}}",
        "{\"minter\": {\"token\": \"eyJSECRET.b.c\", \"token\": \"eyJSECRET.b.c\"}}",
        "{\"eyJSECRETeyJSECRETeyJSECRETeyJSECRET\": 1}",
    };
    struct bootstrap_cluster c;
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(bootstrap_read_cluster(str_from(bodies[i]), &a, &c, &e), -EINVAL);
        assert_null(strstr(e.msg, "SECRET"));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(requests), TEST(clusters), TEST(results), TEST(members_are_neither_more_nor_fewer),
          TEST(each_member_has_its_limits), TEST(a_log_has_its_limit),
          TEST(a_fault_quotes_no_secret))
