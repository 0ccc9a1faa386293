/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/doctor/offers.h"

static struct address address(const char *text)
{
    struct address a;
    assert_true(address_parse(str_from(text), &a));
    return a;
}

static struct dhcp_offer offer(const char *server, const char *address_of, const char *file)
{
    return (struct dhcp_offer){
        .server = address(server),
        .address = address_of ? address(address_of) : (struct address){0},
        .file = str_from(file),
        .class = {"", 0},
    };
}

/* The same server's second answer to a question that was repeated is no other one. */
static void each_server_counts_once(void **state)
{
    static struct offers o;
    struct arena a;
    struct finding_list list = {.arena = &a};
    (void)state;
    arena_init(&a, 4096);
    o = (struct offers){.arena = &a, .interface = "eth0"};
    const struct dhcp_offer one = offer("10.0.20.1", "10.0.20.100", "x"),
                            proxy = offer("10.0.20.1", NULL, "x"),
                            two = offer("10.0.20.2", "10.0.20.101", "x");
    for (int i = 0; i < 2; i++) {
        offers_add(&o, 0, &one);
        offers_add(&o, 0, &proxy);
        offers_add(&o, 1, &one);
    }
    assert_int_equal(o.n, 3);
    offers_judge(&o, &list);
    assert_int_equal(list.list[0].verdict, FINDING_OK);
    assert_int_equal(list.list[1].verdict, FINDING_UNSEEN); /* without a tree */
    offers_add(&o, 0, &two);
    list.n = 0;
    offers_judge(&o, &list);
    assert_int_equal(list.list[0].verdict, FINDING_WRONG);
    assert_int_equal(list.n, 2 + OFFERS_KINDS);
    for (int i = 0; i < OFFERS_MAX * 2; i++) {
        struct dhcp_offer more = one;
        more.server.octet[2] = (uint8_t)i;
        offers_add(&o, 2, &more);
    }
    assert_int_equal(o.n, OFFERS_MAX);
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(each_server_counts_once))
