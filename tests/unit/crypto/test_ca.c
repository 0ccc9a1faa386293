/* SPDX-License-Identifier: Apache-2.0 */
/* Our CA, judged by the openssl command. */
#include "lib/unit.h"

#include "crypto/ca.h"
#include "lib/folder.h"

#include <errno.h>

#define NOW ((int64_t)1830000000) /* December 2027 */
#define YEAR (365 * CA_DAY_S)

static struct arena arena;
static const struct certificate_name names[] = {
    {.dns = {"seed.home.arpa", 14}},
    {.address = {4, {10, 0, 10, 5}}},
    {.address = {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 5}}},
};

static int begin(void **state)
{
    arena = (struct arena){.chunk = NULL};
    arena_init(&arena, 4096);
    arena.secret = true;
    return folder_enter(state);
}

static int end(void **state)
{
    arena_done(&arena);
    return folder_leave(state);
}

/* What a command prints, on both outputs. */
static const char *run(const char *command)
{
    char whole[512];
    struct str all = {"", 0};
    snprintf(whole, sizeof(whole), "%s 2>&1", command);
    FILE *f = popen(whole, "r");
    assert_non_null(f);
    for (char part[256]; fgets(part, sizeof(part), f);)
        all = ARENA_JOIN(&arena, all, str_from(part));
    pclose(f);
    return all.p;
}

static void issue(const struct ca *ca, int64_t now, struct certificate *ret)
{
    ca_issue(ca, names, sizeof(names) / sizeof(names[0]), now, ret);
}

/* Files of what is served: leaf.pem, chain.pem (what comes with it), and ca.pem. */
static void save(void **state, const struct certificate *c)
{
    const char *second = strstr(c->chain.p + 1, "-----BEGIN CERT");
    size_t leaf_n = second ? (size_t)(second - c->chain.p) : c->chain.n;
    folder_file(*state, "leaf.pem", arena_str(&arena, str_head(c->chain, leaf_n)).p);
    folder_file(*state, "chain.pem", c->chain.p);
    folder_file(*state, "key.pem", c->key.p);
    folder_file(*state, "ca.pem", c->ca.p);
}

/* The certificate number `n` of ca.pem, as the only one. */
static void pick(void **state, const struct certificate *c, int n)
{
    const char *at = c->ca.p, *next = at;
    for (int i = 0; i <= n; i++) {
        at = next;
        next = strstr(at + 1, "-----BEGIN CERT");
        next = next ? next : at + strlen(at);
    }
    folder_file(*state, "picked.pem", arena_str(&arena, (struct str){at, (size_t)(next - at)}).p);
}

#define VERIFY "openssl verify -x509_strict -purpose sslserver -untrusted chain.pem "

static void check_accepted(const char *anchors, int64_t at, const char *what)
{
    char command[256];
    snprintf(command, sizeof(command), VERIFY "-CAfile %s -attime %lld %s leaf.pem", anchors,
             (long long)at, what);
    const char *said = run(command);
    assert_string_equal(said, "leaf.pem: OK\n");
}

static void check_refused(const char *anchors, int64_t at, const char *what, const char *why)
{
    char command[256];
    snprintf(command, sizeof(command), VERIFY "-CAfile %s -attime %lld %s leaf.pem", anchors,
             (long long)at, what);
    const char *said = run(command);
    assert_contains(said, why);
}

/* docs/formats/bootstrap.md has this command. */
static const char *pin_of(const char *file)
{
    char command[256];
    snprintf(command, sizeof(command),
             "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst "
             "-sha256 -binary | base64 | tr +/ -_ | tr -d '=\\n'",
             file);
    return run(command);
}

static void issues_what_openssl_accepts(void **state)
{
    struct ca *ca = ca_new(NOW);
    struct certificate c;
    issue(ca, NOW, &c);
    save(state, &c);
    check_accepted("ca.pem", NOW, "-verify_hostname seed.home.arpa");
    check_accepted("ca.pem", NOW, "-verify_ip 10.0.10.5");
    check_accepted("ca.pem", NOW, "-verify_ip 2001:db8::5");
    check_refused("ca.pem", NOW, "-verify_hostname other.home.arpa", "hostname mismatch");
    check_refused("ca.pem", NOW, "-verify_ip 10.0.10.6", "IP address mismatch");
    check_accepted("ca.pem", NOW - CA_DAY_S, "");
    check_refused("ca.pem", NOW - CA_DAY_S - 1, "", "not yet valid");
    check_accepted("ca.pem", NOW + CA_CERTIFICATE_DAYS * CA_DAY_S - 1, "");
    check_refused("ca.pem", NOW + CA_CERTIFICATE_DAYS * CA_DAY_S + 1, "", "expired");
    assert_string_equal(pin_of("ca.pem"), ca_pin(ca));
    assert_string_equal(c.pin, ca_pin(ca));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(certificate_covers(&c, &names[i]));
    assert_false(certificate_covers(&c, &(struct certificate_name){.dns = STR("seed")}));
    certificate_done(&c);
    ca_free(ca);
}

static void has_the_right_extensions(void **state)
{
    struct ca *ca = ca_new(NOW);
    struct certificate c;
    issue(ca, NOW, &c);
    save(state, &c);
    const char *text = run("openssl x509 -in ca.pem -noout -text");
    assert_contains(text, "ASN1 OID: prime256v1");
    assert_contains(text, "CA:TRUE, pathlen:0");
    assert_contains(text, "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign");
    assert_contains(text, "X509v3 Subject Key Identifier");
    text = run("openssl x509 -in leaf.pem -noout -text");
    assert_contains(text, "CA:FALSE");
    assert_contains(text, "X509v3 Key Usage: critical\n                Digital Signature\n");
    assert_contains(text, "TLS Web Server Authentication");
    assert_contains(text,
                    "DNS:seed.home.arpa, IP Address:10.0.10.5, IP Address:2001:DB8:0:0:0:0:0:5");
    assert_contains(text, "X509v3 Authority Key Identifier");
    assert_contains(run("openssl pkey -in key.pem -noout -check"), "valid");
    certificate_done(&c);
    ca_free(ca);
}

/* The clock of a machine without a battery. */
static void a_clock_of_1970(void **state)
{
    struct certificate c;
    assert_false(ca_clock_is_sane(0));
    assert_true(ca_clock_is_sane(NOW));
    struct ca *ca = ca_new(17);
    issue(ca, 17, &c);
    save(state, &c);
    check_accepted("ca.pem", CLOUDSEED_BUILD_DATE, "");
    assert_false(ca_is_due(ca, 17));
    assert_false(ca_is_certificate_due(&c, 17));
    assert_int_equal(ca_until_s(ca), CLOUDSEED_BUILD_DATE + CA_DAYS * CA_DAY_S);
    /* The clock is set, to a time after the certificate's end. */
    assert_true(ca_is_certificate_due(&c, CLOUDSEED_BUILD_DATE + YEAR));
    assert_false(ca_is_due(ca, CLOUDSEED_BUILD_DATE + YEAR));
    certificate_done(&c);
    ca_free(ca);
}

static void a_clock_that_ran_ahead(void **state)
{
    struct certificate c;
    (void)state;
    struct ca *ca = ca_new(NOW + 20 * YEAR);
    issue(ca, NOW + 20 * YEAR, &c);
    assert_true(ca_is_due(ca, NOW));
    assert_true(ca_is_certificate_due(&c, NOW));
    struct ca *next = ca_renew(ca, NOW);
    assert_false(ca_is_due(next, NOW));
    assert_string_equal(ca_pin(next), ca_pin(ca));
    certificate_done(&c);
    ca_free(ca);
    ca_free(next);
}

static void is_renewed_at_two_thirds(void **state)
{
    struct certificate c;
    (void)state;
    struct ca *ca = ca_new(NOW);
    issue(ca, NOW, &c);
    assert_false(ca_is_certificate_due(&c, NOW + 60 * CA_DAY_S - 1));
    assert_true(ca_is_certificate_due(&c, NOW + 60 * CA_DAY_S));
    assert_false(ca_is_due(ca, NOW + 6 * YEAR));
    assert_true(ca_is_due(ca, NOW + 7 * YEAR));
    certificate_done(&c);
    /* Never longer than the CA itself. */
    issue(ca, NOW + CA_DAYS * CA_DAY_S - 10 * CA_DAY_S, &c);
    assert_int_equal(c.until_s, ca_until_s(ca));
    certificate_done(&c);
    ca_free(ca);
}

static void a_renewed_ca_accepts_what_was_issued(void **state)
{
    struct certificate old, new;
    struct ca *ca = ca_new(NOW);
    struct ca *next = ca_renew(ca, NOW + 7 * YEAR);
    issue(ca, NOW + 7 * YEAR, &old);
    issue(next, NOW + 7 * YEAR, &new);
    save(state, &old);
    folder_file(*state, "renewed.pem", new.ca.p);
    check_accepted("renewed.pem", NOW + 7 * YEAR, ""); /* the new CA and the old certificate */
    save(state, &new);
    folder_file(*state, "before.pem", old.ca.p);
    check_accepted("before.pem", NOW + 7 * YEAR, ""); /* and the other way round */
    assert_string_equal(pin_of("before.pem"), pin_of("renewed.pem"));
    certificate_done(&old);
    certificate_done(&new);
    ca_free(ca);
    ca_free(next);
}

/* Nodes trust only the CA that has the pin that they know. */
static void a_rotation_is_accepted_with_either_pin(void **state)
{
    struct certificate before, during, after;
    struct ca *ca = ca_new(NOW), *both = ca_rotate(ca, NOW + 1), *next = ca_finish(both, NOW + 2);
    issue(ca, NOW, &before);
    issue(both, NOW + 1, &during);
    issue(next, NOW + 2, &after);
    assert_null(ca_former_pin(ca));
    assert_string_equal(ca_former_pin(both), ca_pin(ca));
    assert_string_not_equal(ca_pin(both), ca_pin(ca));
    assert_null(ca_former_pin(next));
    assert_string_equal(ca_pin(next), ca_pin(both));
    save(state, &during);
    pick(state, &during, 0);
    assert_string_equal(pin_of("picked.pem"), ca_pin(both));
    check_accepted("picked.pem", NOW, "-verify_ip 10.0.10.5");
    pick(state, &during, 1);
    assert_string_equal(pin_of("picked.pem"), ca_pin(ca));
    check_accepted("picked.pem", NOW, "-verify_ip 10.0.10.5");
    check_accepted("ca.pem", NOW, "");
    /* A node that fetched ca.pem before the rotation. */
    folder_file(*state, "before.pem", before.ca.p);
    check_accepted("before.pem", NOW, "");
    /* Afterwards the former CA is worth nothing. */
    save(state, &after);
    check_refused("before.pem", NOW, "", "unable to get local issuer");
    check_accepted("ca.pem", NOW, "");
    assert_contains(run("openssl x509 -in ca.pem -noout -text"), "pathlen:0");
    certificate_done(&before);
    certificate_done(&during);
    certificate_done(&after);
    ca_free(ca);
    ca_free(both);
    ca_free(next);
}

static void there_and_back(void **state)
{
    struct err e;
    struct ca *ca = ca_new(NOW), *both = ca_rotate(ca, NOW), *read;
    (void)state;
    struct str one = ca_text(ca, &arena), two = ca_text(both, &arena);
    assert_int_equal(ca_read(one, &read, &e), 0);
    assert_str_equal(ca_text(read, &arena), one);
    ca_free(read);
    assert_int_equal(ca_read(two, &read, &e), 0);
    assert_str_equal(ca_text(read, &arena), two);
    assert_string_equal(ca_former_pin(read), ca_pin(ca));
    ca_free(read);
    /* Cut, or put together from two. */
    assert_int_equal(ca_read(str_head(one, one.n - 40), &read, &e), -EINVAL);
    assert_int_equal(ca_read(str_head(two, two.n / 2), &read, &e), -EINVAL);
    assert_int_equal(ca_read(STR(""), &read, &e), -EINVAL);
    struct ca *other = ca_new(NOW);
    struct str theirs = ca_text(other, &arena);
    struct str key = str_head(theirs, (size_t)(strstr(theirs.p, "-----BEGIN CERT") - theirs.p));
    struct str cert = str_from(strstr(one.p, "-----BEGIN CERT"));
    assert_int_equal(ca_read(ARENA_JOIN(&arena, key, cert), &read, &e), -EINVAL);
    assert_contains(e.msg, "do not belong together");
    ca_free(other);
    ca_free(ca);
    ca_free(both);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(issues_what_openssl_accepts), TEST(has_the_right_extensions), TEST(a_clock_of_1970),
          TEST(a_clock_that_ran_ahead), TEST(is_renewed_at_two_thirds),
          TEST(a_renewed_ca_accepts_what_was_issued), TEST(a_rotation_is_accepted_with_either_pin),
          TEST(there_and_back))
