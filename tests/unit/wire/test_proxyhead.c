/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/proxyhead.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES_4 "\xC0\0\2\1\xC0\0\2\2\xDC\4\1\xBB" /* 192.0.2.1:56324 to 192.0.2.2:443 */
#define HEAD(literal) ((struct str){(literal), sizeof(literal) - 1})

/* Cut short anywhere it says so; what follows does not matter. */
static void check_whole(struct str bytes, const char *client)
{
    char text[ENDPOINT_TEXT_SIZE];
    char followed[PROXYHEAD_MAX_BYTES + 4];
    struct proxyhead head = {.size = 0};
    for (size_t n = 0; n < bytes.n; n++) {
        assert_int_equal(proxyhead_parse((struct str){bytes.p, n}, &head), PROXYHEAD_MORE);
        assert_int_equal(head.size, 0);
    }
    memcpy(followed, bytes.p, bytes.n);
    memcpy(followed + bytes.n, "GET ", 4);
    for (size_t more = 0; more <= 4; more++) {
        struct str read = {followed, bytes.n + more};
        assert_int_equal(proxyhead_parse(read, &head), PROXYHEAD_WHOLE);
        assert_int_equal(head.size, bytes.n);
        assert_string_equal(head.client.address.family ? endpoint_text(head.client, text) : "none",
                            client);
    }
}

static void check_bad(struct str bytes)
{
    struct proxyhead head = {.size = 7};
    assert_int_equal(proxyhead_parse(bytes, &head), PROXYHEAD_BAD);
    assert_int_equal(head.size, 7);
}

static void reads_lines(void **state)
{
    (void)state;
    check_whole(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"), "192.0.2.1:56324");
    check_whole(HEAD("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"), "[2001:db8::1]:0");
    check_whole(HEAD("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"), "192.0.2.1:1");
    check_whole(HEAD("PROXY UNKNOWN\r\n"), "none");
    /* The longest line that there can be. */
    check_whole(HEAD("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
                "none");
}

static void refuses_other_lines(void **state)
{
    (void)state;
    check_bad(HEAD("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 192.0.2.2 -1 1\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n"));
    check_bad(HEAD("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"));
    check_bad(HEAD("PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("PROXY \r\n"));
    check_bad(HEAD("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    check_bad(HEAD("GET / HTTP/1.1\r\n"));
    check_bad(HEAD("\x16\3\1"));
    /* One byte more than there can be, and its end is not there yet. */
    check_bad(HEAD("PROXY UNKNOWN fffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r"));
}

static void reads_bytes(void **state)
{
    (void)state;
    check_whole(HEAD(V2 "\x21\x11\0\x0C" ADDRESSES_4), "192.0.2.1:56324");
    check_whole(HEAD(V2 "\x21\x11\0\x10" ADDRESSES_4 "\4\0\1\0"), "192.0.2.1:56324");
    check_whole(HEAD(V2 "\x21\x21\0\x24"
                        "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1"
                        "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\2\0\1\0\2"),
                "[2001:db8::1]:1");
    check_whole(HEAD(V2 "\x21\x21\0\x24"
                        "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\1"
                        "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\2\0\1\0\2"),
                "192.0.2.1:1");
    check_whole(HEAD(V2 "\x20\0\0\0"), "none");
    check_whole(HEAD(V2 "\x20\x11\0\x0C" ADDRESSES_4), "none"); /* a look whether we are there */
    check_whole(HEAD(V2 "\x20\x77\0\3abc"), "none");
    check_whole(HEAD(V2 "\x21\0\0\3abc"), "none");
    check_whole(HEAD(V2 "\x21\x31\0\3abc"), "none");
}

static void refuses_other_bytes(void **state)
{
    (void)state;
    check_bad(HEAD(V2 "\x11\x11\0\x0C" ADDRESSES_4));
    check_bad(HEAD(V2 "\x22\x11\0\x0C" ADDRESSES_4));
    check_bad(HEAD(V2 "\x21\x12\0\x0C" ADDRESSES_4));
    check_bad(HEAD(V2 "\x21\x41\0\x0C" ADDRESSES_4));
    check_bad(HEAD(V2 "\x21\x11\0\x0B" ADDRESSES_4));
    check_bad(HEAD(V2 "\x21\x21\0\x0C" ADDRESSES_4));
    check_bad(HEAD(V2 "\x21\x11\x03\xF1")); /* with it PROXYHEAD_MAX_BYTES + 1 */
    check_bad(HEAD("\r\n\r\n\0\r\nQUIT\r"));
}

static void takes_as_much_as_it_says(void **state)
{
    (void)state;
    char bytes[PROXYHEAD_MAX_BYTES] = V2 "\x21\x11\x03\xF0" ADDRESSES_4;
    check_whole((struct str){bytes, sizeof(bytes)}, "192.0.2.1:56324");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(refuses_other_lines),
        cmocka_unit_test(reads_bytes),
        cmocka_unit_test(refuses_other_bytes),
        cmocka_unit_test(takes_as_much_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
