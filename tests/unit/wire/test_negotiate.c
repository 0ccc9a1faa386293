/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/negotiate.h"

static void takes_gzip_where_it_is_named(void **state)
{
    (void)state;
    assert_true(negotiate_gzip(STR("gzip")));
    assert_true(negotiate_gzip(STR("gzip, deflate"))); /* cloud-init */
    assert_true(negotiate_gzip(STR("deflate, gzip, br, zstd")));
    assert_true(negotiate_gzip(STR("GZip")));
    assert_true(negotiate_gzip(STR("x-gzip")));
    assert_true(negotiate_gzip(STR(" \tgzip\t ;\tq=0.5 ")));
    assert_true(negotiate_gzip(STR("identity;q=0, gzip;q=1.0")));
    assert_true(negotiate_gzip(STR("gzip;q=0.001")));
    assert_true(negotiate_gzip(STR("br;q=1.0,gzip;q=0.8,*;q=0.1")));
    assert_true(negotiate_gzip(STR("gzip;a=b;q=1")));
    assert_true(negotiate_gzip(STR("gzip;q="))); /* no weight at all: none of 0 */
    assert_true(negotiate_gzip(STR("gzip;q=0..")));
}

static void leaves_it_where_nobody_asks(void **state)
{
    (void)state;
    assert_false(negotiate_gzip((struct str){NULL, 0}));
    assert_false(negotiate_gzip(STR("")));
    assert_false(negotiate_gzip(STR("identity")));
    assert_false(negotiate_gzip(STR("br, deflate")));
    assert_false(negotiate_gzip(STR("gzipped")));
    assert_false(negotiate_gzip(STR("gzi")));
    assert_false(negotiate_gzip(STR(",,;q=1,")));
}

static void a_weight_of_zero_forbids(void **state)
{
    (void)state;
    assert_false(negotiate_gzip(STR("gzip;q=0")));
    assert_false(negotiate_gzip(STR("gzip;q=0.0")));
    assert_false(negotiate_gzip(STR("gzip; q=0.000, identity")));
    assert_false(negotiate_gzip(STR("gzip;Q=0.")));
    assert_false(negotiate_gzip(STR("gzip;a=b;q=0")));
    assert_false(negotiate_gzip(STR("*;q=0")));
    assert_false(negotiate_gzip(STR("gzip;q=0, *")));
    assert_false(negotiate_gzip(STR("*, gzip;q=0")));
}

static void a_star_stands_for_gzip(void **state)
{
    (void)state;
    assert_true(negotiate_gzip(STR("*")));
    assert_true(negotiate_gzip(STR("br;q=1, *;q=0.5")));
    assert_true(negotiate_gzip(STR("*;q=0, gzip")));
}

static const struct str etag = {"\"0123456789abcdef\"", 18};

static bool listed(struct str if_none_match)
{
    return negotiate_etag_listed(if_none_match, etag);
}

static void finds_the_tag(void **state)
{
    (void)state;
    assert_true(listed(STR("\"0123456789abcdef\"")));
    assert_true(listed(STR("  \"0123456789abcdef\"\t")));
    assert_true(listed(STR("\"a\", \"0123456789abcdef\"")));
    assert_true(listed(STR("\"a\",\"0123456789abcdef\",\"b\"")));
    assert_true(listed(STR("W/\"0123456789abcdef\"")));
    assert_true(listed(STR("*")));
    assert_true(listed(STR("\"a\", *")));
    assert_true(negotiate_etag_listed(STR("\"a\""), STR("W/\"a\"")));
}

static void finds_no_other(void **state)
{
    (void)state;
    assert_false(listed((struct str){NULL, 0}));
    assert_false(listed(STR("")));
    assert_false(listed(STR(",")));
    assert_false(listed(STR("0123456789abcdef"))); /* the quotes belong to it */
    assert_false(listed(STR("\"0123456789abcde\"")));
    assert_false(listed(STR("\"0123456789abcdef-gzip\"")));
    assert_false(listed(STR("\"0123456789ABCDEF\"")));
    assert_false(listed(STR("w/\"0123456789abcdef\"")));
    assert_false(listed(STR("**")));
}

UNIT_MAIN(cmocka_unit_test(takes_gzip_where_it_is_named),
          cmocka_unit_test(leaves_it_where_nobody_asks), cmocka_unit_test(a_weight_of_zero_forbids),
          cmocka_unit_test(a_star_stands_for_gzip), cmocka_unit_test(finds_the_tag),
          cmocka_unit_test(finds_no_other))
