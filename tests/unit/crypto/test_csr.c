/* SPDX-License-Identifier: Apache-2.0 */
/* The requests in tests/golden/kube/csr/ are OpenSSL's, and some of a form that it never makes. */
#include "lib/unit.h"

#include "base/fs.h"
#include "base/mem.h"
#include "crypto/csr.h"

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

static struct str request(const char *name)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    struct str text = {0};
    struct err e = {0};
    const char *path =
        arena_printf(&arena, "%s/tests/golden/kube/csr/%s.pem", source ? source : ".", name).p;
    if (fs_read(path, 65536, &arena, &text, &e) < 0)
        fail_msg("%s", e.msg);
    return text;
}

static struct csr good(const char *name)
{
    struct csr c;
    struct err e = {0};
    if (csr_read(request(name), &arena, &c, &e) < 0)
        fail_msg("%s: %s", name, e.msg);
    assert_str(c.organization, "system:nodes");
    assert_str(c.common_name, "system:node:k8s-worker-2");
    return c;
}

static void reads_what_kubelets_send(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT_SIZE];
    static const char *const without[] = {"client", "client-rsa", "one-rdn", "empty-extensions",
                                          "empty-san"};
    for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
        struct csr c = good(without[i]);
        assert_int_equal(c.dns_n + c.addresses_n, 0);
    }
    struct csr c = good("serving");
    assert_int_equal(c.dns_n, 1);
    assert_str(c.dns[0], "k8s-worker-2");
    assert_int_equal(c.addresses_n, 2);
    assert_string_equal(address_text(c.addresses[0], text), "10.0.20.12");
    assert_string_equal(address_text(c.addresses[1], text), "2001:db8:20::12");
    c = good("serving-mapped");
    assert_int_equal(c.addresses_n, 1);
    assert_string_equal(address_text(c.addresses[0], text), "10.0.20.12");
    assert_int_equal(good("most").dns_n, CSR_NAMES_MAX);
}

static void refused(struct str pem, const char *why)
{
    struct csr c = {.dns_n = 42};
    struct err e = {0};
    assert_int_equal(csr_read(pem, &arena, &c, &e), -EINVAL);
    assert_contains(e.msg, why);
    assert_int_equal(c.dns_n, 42);
}

static void refuses_other_subjects(void **state)
{
    (void)state;
    static const char *const more[] = {"two-o", "two-cn", "ou", "bmp", "t61"};
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        refused(request(more[i]), "more than one organization");
    refused(request("no-o"), "lacks an organization");
    refused(request("no-cn"), "lacks an organization (O) or a common name");
}

/* Of two lists of extensions OpenSSL reads the first, and Go, which signs, both. */
static void refuses_what_can_be_read_in_two_ways(void **state)
{
    (void)state;
    static const char *const ways[] = {"two-attributes", "two-values", "microsoft",
                                       "microsoft-first", "challenge"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        refused(request(ways[i]), "attributes besides one list of extensions");
    refused(request("two-sans"), "asks for 2 extensions");
    refused(request("san-ca"), "asks for 2 extensions");
    refused(request("ca"), "an extension that is not a list of names");
    struct csr c;
    assert_int_equal(csr_read(request("nul"), &arena, &c, NULL), 0);
    assert_str(c.common_name, "system:node:k8s-worker-2\0");
}

static void refuses_other_names(void **state)
{
    (void)state;
    refused(request("email"), "neither a DNS name nor an address");
    refused(request("uri"), "neither a DNS name nor an address");
    refused(request("ip-3"), "neither a DNS name nor an address");
    refused(request("bad-san"), "list of names cannot be read");
    refused(request("many"), "more than 32 names or addresses");
}

static void reads_one_block_and_nothing_else(void **state)
{
    (void)state;
    static const char why[] = "not one certificate request in PEM";
    struct str pem = request("client");
    refused(STR(""), why);
    refused(STR("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"), why);
    refused(STR("-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n-----END CERTIFICATE REQUEST-----\n"),
            why);
    refused(STR("-----BEGIN CERTIFICATE REQUEST-----\n"), why);
    refused(ARENA_JOIN(&arena, pem, request("serving")), why);
    refused(ARENA_JOIN(&arena, STR("\n"), pem), why);
    refused(ARENA_JOIN(&arena, pem, STR("\n")), why);
    refused(request("../cluster-cas"), why);
    char *p = mem_copy(pem.p, pem.n);
    for (size_t i = 0; i < pem.n; i++)
        refused((struct str){p, i}, why);
    free(p);
    struct str large = {mem_zalloc(CSR_MAX_BYTES + 1, 1), CSR_MAX_BYTES + 1};
    refused(large, why);
    free((void *)(uintptr_t)large.p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(reads_what_kubelets_send), TEST(refuses_other_subjects),
          TEST(refuses_what_can_be_read_in_two_ways), TEST(refuses_other_names),
          TEST(reads_one_block_and_nothing_else))
