/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/fs.h"
#include "crypto/cahash.h"

#include <errno.h>
#include <stdlib.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str cas(void)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct str text;
    const char *path =
        arena_printf(&arena, "%s/tests/golden/kube/cluster-cas.pem", source ? source : ".").p;
    assert_int_equal(fs_read(path, 65536, &arena, &text, NULL), 0);
    return text;
}

/* An RSA key and one of P-256. The hashes are those of
 * openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r */
static void hashes_are_those_of_openssl(void **state)
{
    (void)state;
    struct str hash[CAHASH_MAX];
    uint32_t n;
    assert_int_equal(cahash_read(cas(), &arena, hash, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_str(hash[0], "sha256:7feaa6d9a092c2dbfe601225d52bdf7bdb6462576158ae582824a66322b7ad8d");
    assert_str(hash[1], "sha256:10084d35ef9577e6960c6ac715505e10777e4a81613c435d67f41c8e48bbc11b");
}

static void refused(struct str pem, const char *why)
{
    struct str hash[CAHASH_MAX];
    uint32_t n = 42;
    struct err e = {0};
    assert_int_equal(cahash_read(pem, &arena, hash, &n, &e), -EINVAL);
    assert_contains(e.msg, "the cluster's CA: ");
    assert_contains(e.msg, why);
    assert_int_equal(n, 42);
}

static void refuses_what_has_no_certificate(void **state)
{
    (void)state;
    struct str good = cas();
    refused(STR(""), "no certificate");
    refused((struct str){good.p, 200}, "certificate 1 cannot be read");
    refused((struct str){good.p, good.n - 30}, "certificate 2 cannot be read");
    refused(ARENA_JOIN(&arena, good, good, good), "more than 4");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(hashes_are_those_of_openssl), TEST(refuses_what_has_no_certificate))
