/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/storm/ask.h"

#include <errno.h>
#include <netinet/in.h>

static void heads_are_read(void **state)
{
    struct ask_head h;
    struct str whole = STR("HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\n"
                           "Content-Length: 12\r\n\r\nbody");
    (void)state;
    assert_int_equal(ask_read_head(whole, &h), whole.n - 4);
    assert_int_equal(h.status, 503);
    assert_int_equal(h.retry_after_s, 7);
    assert_true(h.has_length);
    assert_int_equal(h.body_bytes, 12);
}

static void heads_without_fields_are_read(void **state)
{
    struct ask_head h;
    (void)state;
    assert_int_equal(ask_read_head(STR("HTTP/1.1 200 OK\r\n\r\n"), &h), 19);
    assert_int_equal(h.status, 200);
    assert_false(h.has_length);
    assert_int_equal(h.retry_after_s, 0);
}

static void parts_of_a_head_are_awaited(void **state)
{
    static char much[ASK_HEAD_MAX_BYTES];
    struct ask_head h;
    struct str whole = STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    (void)state;
    for (size_t n = 0; n < whole.n; n++)
        assert_int_equal(ask_read_head(str_head(whole, n), &h), 0);
    memset(much, 'x', sizeof(much));
    assert_int_equal(ask_read_head((struct str){much, sizeof(much)}, &h), -EPROTO);
}

static void what_is_not_http_is_refused(void **state)
{
    static const char *const texts[] = {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
                                        "HTTP/1.1\r\n\r\n", "HTTP/1.1 099 \r\n\r\n", "\r\n\r\n"};
    struct ask_head h;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(ask_read_head(str_from(texts[i]), &h), -EPROTO);
}

static void peers_are_read_from_urls(void **state)
{
    struct arena a;
    struct ask_peer p;
    struct err e;
    (void)state;
    arena_init(&a, 4096);
    assert_int_equal(ask_peer_at(STR("http://127.0.0.1:8080/s/key/"), STR(""), &a, &p, &e), 0);
    assert_int_equal(p.kind, ASK_TCP);
    assert_true(str_is(p.host, "127.0.0.1:8080"));
    assert_int_equal(ntohs(((struct sockaddr_in *)&p.address)->sin_port), 8080);
    assert_int_equal(ask_peer_at(STR("http://[::1]"), STR(""), &a, &p, &e), 0);
    assert_int_equal(p.address.ss_family, AF_INET6);
    assert_int_equal(ntohs(((struct sockaddr_in6 *)&p.address)->sin6_port), 80);
    assert_int_equal(ask_peer_at(STR("https://host:8443/"), STR("PEM"), &a, &p, &e), 0);
    assert_int_equal(p.kind, ASK_TLS);
    assert_true(str_is(p.url, "https://host:8443"));
    assert_int_equal(ask_peer_at(STR("ftp://host/"), STR(""), &a, &p, &e), -EINVAL);
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(heads_are_read), cmocka_unit_test(heads_without_fields_are_read),
          cmocka_unit_test(parts_of_a_head_are_awaited),
          cmocka_unit_test(what_is_not_http_is_refused), cmocka_unit_test(peers_are_read_from_urls))
