/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/address.h"

static const char *again(const char *text)
{
    static char out[ADDRESS_TEXT_SIZE];
    struct address a;
    return address_parse(str_from(text), &a) ? address_text(a, out) : NULL;
}

static const char *again_cidr(const char *text)
{
    static char out[CIDR_TEXT_SIZE];
    struct cidr c;
    return cidr_parse(str_from(text), &c, NULL) ? cidr_text(c, out) : NULL;
}

static const char *again_endpoint(const char *text)
{
    static char out[ENDPOINT_TEXT_SIZE];
    struct endpoint e;
    return endpoint_parse(str_from(text), &e) ? endpoint_text(e, out) : NULL;
}

static struct address address(const char *text)
{
    struct address a;
    assert_true(address_parse(str_from(text), &a));
    return a;
}

static struct cidr cidr(const char *text)
{
    struct cidr c;
    assert_true(cidr_parse(str_from(text), &c, NULL));
    return c;
}

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    assert_string_equal(again("10.0.20.11"), "10.0.20.11");
    assert_string_equal(again("FD00:0::1"), "fd00::1");
    assert_string_equal(again("::"), "::");
    assert_string_equal(again("::ffff:10.0.0.1"), "10.0.0.1");
    assert_string_equal(again("::10.0.0.1"), "::10.0.0.1");
    struct address none = {0};
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_text(none, text), "");
}

static void other_texts_are_no_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "10.0.20",     "10.0.20.256", "10.0.20.011",   "10.0.20.1 ",
        "0x0a.0.0.1", "fe80::1%1",   "1::2::3",     "fd00::12345",   "[::1]",
        "host",       "10.0.20.1.2", ":",           "1:2:3:4:5:6:7", "10.0.20.1/24",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (again(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
    struct address a;
    assert_false(address_parse(STR("10.0.0.1\0"), &a));
}

static void networks_are_read_and_written(void **state)
{
    (void)state;
    assert_string_equal(again_cidr("10.0.20.0/24"), "10.0.20.0/24");
    assert_string_equal(again_cidr("0.0.0.0/0"), "0.0.0.0/0");
    assert_string_equal(again_cidr("10.0.20.1/32"), "10.0.20.1/32");
    assert_string_equal(again_cidr("10.96.0.0/12"), "10.96.0.0/12");
    assert_string_equal(again_cidr("fd00::/8"), "fd00::/8");
    assert_string_equal(again_cidr("fd00::1/128"), "fd00::1/128");
    assert_null(again_cidr("10.0.20.0"));
    assert_null(again_cidr("10.0.20.0/"));
    assert_null(again_cidr("10.0.20.0/33"));
    assert_null(again_cidr("10.0.20.0/024"));
    assert_null(again_cidr("10.0.20.0/-1"));
    assert_null(again_cidr("fd00::/129"));
    assert_null(again_cidr("/24"));
    assert_null(again_cidr("::ffff:10.0.0.0/24"));
}

static void host_bits_are_refused_with_the_network_meant(void **state)
{
    (void)state;
    struct cidr c = {.prefix = 99}, hint = {0};
    char text[CIDR_TEXT_SIZE];
    assert_false(cidr_parse(STR("10.0.20.7/22"), &c, &hint));
    assert_string_equal(cidr_text(hint, text), "10.0.20.0/22");
    assert_int_equal(c.prefix, 99);
    assert_false(cidr_parse(STR("fd00::1/64"), &c, &hint));
    assert_string_equal(cidr_text(hint, text), "fd00::/64");
    hint = (struct cidr){0};
    assert_false(cidr_parse(STR("10.0.20.7/99"), &c, &hint));
    assert_int_equal(hint.base.family, 0);
}

static void a_network_contains_its_addresses(void **state)
{
    (void)state;
    assert_true(cidr_contains(cidr("10.0.20.0/22"), address("10.0.23.255")));
    assert_false(cidr_contains(cidr("10.0.20.0/22"), address("10.0.24.0")));
    assert_true(cidr_contains(cidr("0.0.0.0/0"), address("255.255.255.255")));
    assert_false(cidr_contains(cidr("0.0.0.0/0"), address("::1")));
    assert_true(cidr_contains(cidr("fd00::/9"), address("fd7f::1")));
    assert_false(cidr_contains(cidr("fd00::/9"), address("fd80::1")));
}

static void networks_overlap_both_ways(void **state)
{
    (void)state;
    assert_true(cidr_overlaps(cidr("10.0.0.0/8"), cidr("10.0.20.0/24")));
    assert_true(cidr_overlaps(cidr("10.0.20.0/24"), cidr("10.0.0.0/8")));
    assert_true(cidr_overlaps(cidr("10.0.20.0/24"), cidr("10.0.20.0/24")));
    assert_false(cidr_overlaps(cidr("10.0.20.0/24"), cidr("10.0.21.0/24")));
    assert_false(cidr_overlaps(cidr("0.0.0.0/0"), cidr("::/0")));
}

static void hosts_are_neither_first_nor_last(void **state)
{
    (void)state;
    assert_true(cidr_has_host(cidr("10.0.20.0/24"), address("10.0.20.1")));
    assert_false(cidr_has_host(cidr("10.0.20.0/24"), address("10.0.20.0")));
    assert_false(cidr_has_host(cidr("10.0.20.0/24"), address("10.0.20.255")));
    assert_false(cidr_has_host(cidr("10.0.20.0/24"), address("10.0.21.1")));
    assert_true(cidr_has_host(cidr("10.0.20.0/22"), address("10.0.20.255")));
    assert_true(cidr_has_host(cidr("10.0.20.0/31"), address("10.0.20.0")));
    assert_true(cidr_has_host(cidr("10.0.20.0/31"), address("10.0.20.1")));
    assert_true(cidr_has_host(cidr("10.0.20.1/32"), address("10.0.20.1")));
    assert_false(cidr_has_host(cidr("fd00::/64"), address("fd00::")));
    assert_true(cidr_has_host(cidr("fd00::/64"), address("fd00::ffff:ffff:ffff:ffff")));
    assert_true(cidr_has_host(cidr("fd00::/127"), address("fd00::")));
}

static void endpoints_are_read_and_written(void **state)
{
    (void)state;
    assert_string_equal(again_endpoint("10.0.10.5:8080"), "10.0.10.5:8080");
    assert_string_equal(again_endpoint("[::]:0"), "[::]:0");
    assert_string_equal(again_endpoint("[fd00::1]:65535"), "[fd00::1]:65535");
    static const char *const wrong[] = {
        "",         "8080",       ":8080",       "10.0.10.5", "10.0.10.5:",    "10.0.10.5:65536",
        "::1:8080", "[::1]",      "[::1]8080",   "[::1:8080", "[10.0.0.1]:80", "localhost:80",
        "[::1]:",   "[::1]18080", "[::1]]:8080", "[]:8080",   "10.0.0.1:08",   "10.0.0.1:-1",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (again_endpoint(wrong[i]))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

UNIT_MAIN(cmocka_unit_test(addresses_are_read_and_written),
          cmocka_unit_test(other_texts_are_no_addresses),
          cmocka_unit_test(networks_are_read_and_written),
          cmocka_unit_test(host_bits_are_refused_with_the_network_meant),
          cmocka_unit_test(a_network_contains_its_addresses),
          cmocka_unit_test(networks_overlap_both_ways),
          cmocka_unit_test(hosts_are_neither_first_nor_last),
          cmocka_unit_test(endpoints_are_read_and_written))
