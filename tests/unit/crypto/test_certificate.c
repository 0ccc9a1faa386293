/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that an admin provides, made by the openssl command. */
#include "lib/unit.h"

#include "base/fs.h"
#include "crypto/certificate.h"
#include "lib/folder.h"

#include <errno.h>

static struct arena arena;
static struct certificate got;
static struct err why;

/* ca.pem; sub.pem below it; leaf.pem below sub; own.pem below ca.pem; alone.pem by itself. */
static int begin(void **state)
{
    static const char make[] =
        "exec >/dev/null 2>&1; set -e\n"
        "key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
        "root() { key $1; openssl req -x509 -new -key $1.key -subj /CN=$1 -days 3650 -out $1.pem "
        "-addext keyUsage=critical,digitalSignature,keyCertSign; }\n"
        "below() { key $1; openssl req -new -key $1.key -subj /CN=$1 -out $1.csr; echo \"$3\" "
        ">$1.ext; openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -set_serial 7 -days $4 "
        "-extfile $1.ext -out $1.pem; }\n"
        "root ca; root alone; root other\n"
        "below sub ca basicConstraints=critical,CA:TRUE 30\n"
        "below leaf sub subjectAltName=DNS:seed.home.arpa,IP:10.0.10.5 5\n"
        "below own ca subjectAltName=DNS:*.home.arpa 5\n"
        "openssl pkcs8 -topk8 -in leaf.key -passout pass:x -out locked.key\n"
        "cat leaf.pem sub.pem >chain.pem; cat chain.pem ca.pem >whole.pem\n"
        "for i in 1 2 3 4 5; do cat ca.pem; done >many.pem\n"
        "head -c 300 leaf.pem >cut.pem; echo '-----END CERTIFICATE-----' >>cut.pem\n";
    arena = (struct arena){.chunk = NULL};
    arena_init(&arena, 4096);
    got = (struct certificate){.since_s = 0};
    return folder_enter(state) < 0 || system(make) != 0 ? -1 : 0;
}

static int end(void **state)
{
    certificate_done(&got);
    arena_done(&arena);
    return folder_leave(state);
}

static struct str text(const char *file)
{
    struct str s = {"", 0};
    if (file && fs_read(file, 1 << 20, &arena, &s, &why) < 0)
        fail_msg("%s", why.msg);
    return s;
}

static int take(const char *chain, const char *key, const char *ca)
{
    why = (struct err){.code = 0};
    certificate_done(&got);
    int r = certificate_read(text(chain), text(key), text(ca), &got, &why);
    if (r < 0)
        print_error("%s\n", why.msg);
    return r;
}

static void check_refused(const char *chain, const char *key, const char *ca, const char *message)
{
    struct certificate before = got;
    int r = certificate_read(text(chain), text(key), text(ca), &got, &why);
    assert_true(r < 0);
    assert_int_equal(r, why.code);
    assert_contains(why.msg, message);
    assert_memory_equal(&before, &got, sizeof(got));
}

static void reads_pairs(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    assert_int_equal(take("own.pem", "own.key", "ca.pem"), 0);
    memcpy(pin, got.pin, sizeof(pin));
    assert_true(certificate_covers(&got, &(struct certificate_name){.dns = STR("a.home.arpa")}));
    assert_false(certificate_covers(&got, &(struct certificate_name){.dns = STR("home.arpa")}));
    assert_int_equal(take("chain.pem", "leaf.key", "ca.pem"), 0);
    assert_string_equal(got.pin, pin);
    assert_true(got.until_s - got.since_s <= 5 * 24 * 3600);
    assert_true(
        certificate_covers(&got, &(struct certificate_name){.address = {4, {10, 0, 10, 5}}}));
    assert_int_equal(take("whole.pem", "leaf.key", NULL), 0); /* the root is in the chain */
    assert_string_equal(got.pin, pin);
    assert_str_equal(got.ca, text("ca.pem"));
    assert_int_equal(take("alone.pem", "alone.key", NULL), 0);
    assert_string_not_equal(got.pin, pin);
    /* A CA beside the others, as during the change of one. */
    assert_int_equal(system("cat other.pem ca.pem >two.pem"), 0);
    assert_int_equal(take("chain.pem", "leaf.key", "two.pem"), 0);
    assert_string_equal(got.pin, pin);
    assert_str_equal(got.ca, text("two.pem"));
}

static void refuses_others(void **state)
{
    (void)state;
    check_refused("chain.pem", "own.key", "ca.pem", "key: does not belong");
    check_refused("chain.pem", "locked.key", "ca.pem", "without a password");
    check_refused("chain.pem", "ca.pem", "ca.pem", "key: contains no private key");
    check_refused("leaf.key", "leaf.key", "ca.pem", "certificate: contains no certificate");
    check_refused("cut.pem", "leaf.key", "ca.pem", "certificate 1 cannot be read");
    check_refused("chain.pem", "leaf.key", "other.pem", "does not lead to the CA");
    check_refused("leaf.pem", "leaf.key", "ca.pem", "does not lead to the CA");  /* no sub.pem */
    check_refused("leaf.pem", "leaf.key", "sub.pem", "does not lead to the CA"); /* not a root */
    check_refused("chain.pem", "leaf.key", NULL, "tls.ca");
    check_refused("chain.pem", "leaf.key", "many.pem", "ca: more than 4");
    check_refused("chain.pem", "leaf.key", "leaf.key", "ca: contains no certificate");
}

static void names_of_urls(void **state)
{
    static const struct {
        const char *url, *name;
    } cases[] = {
        {"http://seed.home.arpa", "seed.home.arpa"},
        {"https://seed.home.arpa:8443", "seed.home.arpa"},
        {"https://10.0.10.5:8443", "10.0.10.5"},
        {"http://[2001:db8::5]:8080", "2001:db8::5"},
        {"https://[2001:db8::5]", "2001:db8::5"},
        {"seed", NULL},
        {"http://", NULL},
    };
    char shown[ADDRESS_TEXT_SIZE];
    struct certificate_name name;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(certificate_name_of_url(str_from(cases[i].url), &name),
                         cases[i].name != NULL);
        if (cases[i].name)
            assert_str_equal(certificate_name_text(&name, shown), str_from(cases[i].name));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(reads_pairs), TEST(refuses_others), cmocka_unit_test(names_of_urls))
