/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/pve/endpoint.h"

#include <errno.h>

static void hosts_are_read_as_admins_write_them(void **state)
{
    static const char *const pairs[][2] = {
        {"pve1", "https://pve1:8006"},
        {"pve1:443", "https://pve1:443"},
        {"https://pve1.home.arpa:8006/", "https://pve1.home.arpa:8006"},
        {"https://[2001:db8::5]", "https://[2001:db8::5]:8006"},
        {"[2001:db8::5]:8007", "https://[2001:db8::5]:8007"},
        {"10.0.10.2", "https://10.0.10.2:8006"},
    };
    struct arena a;
    struct err e;
    (void)state;
    arena_init(&a, 1024);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct str got;
        assert_int_equal(pve_endpoint_url(pairs[i][0], &a, &got, &e), 0);
        assert_string_equal(got.p, pairs[i][1]);
    }
    arena_done(&a);
}

static void what_is_no_host_is_refused(void **state)
{
    static const char *const bad[] = {"",          "http://pve1",      "https://",
                                      "pve1/api2", "https://a@pve1/",  "pve 1",
                                      "pve1?x=1",  "https://pve1/#top"};
    struct arena a;
    (void)state;
    arena_init(&a, 1024);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct str got = STR("untouched");
        struct err e;
        assert_int_equal(pve_endpoint_url(bad[i], &a, &got, &e), -EINVAL);
        assert_string_equal(got.p, "untouched");
    }
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(hosts_are_read_as_admins_write_them),
          cmocka_unit_test(what_is_no_host_is_refused))
