/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong tokens by address: the table is bounded, and forgets. */
#include "lib/unit.h"

#include "core/guard.h"

static struct failures failures;

static uint64_t note(const char *peer, uint64_t now_boot_ms)
{
    struct address a;
    assert_true(address_parse(str_from(peer), &a));
    return failures_note(&failures, a, now_boot_ms);
}

static int start(void **state)
{
    (void)state;
    memset(&failures, 0, sizeof(failures));
    return 0;
}

static void ten_in_a_minute(void **state)
{
    (void)state;
    for (int i = 0; i < FAILURES_MAX; i++)
        assert_int_equal(note("10.0.10.7", 1000 + (uint64_t)i), 0);
    assert_int_equal(note("10.0.10.7", 2000), FAILURES_MS - 1000);
    assert_int_equal(note("10.0.10.8", 2000), 0);
    assert_int_equal(note("10.0.10.7", 1000 + FAILURES_MS - 1), 1);
    assert_int_equal(note("10.0.10.7", 1000 + FAILURES_MS), 0);
    assert_int_equal(note("10.0.10.7", 1001 + FAILURES_MS), 0);
}

/* A host has all addresses of its network of 64 bits. */
static void an_ipv6_network_counts_as_one(void **state)
{
    char text[64];
    (void)state;
    for (int i = 0; i < FAILURES_MAX; i++) {
        snprintf(text, sizeof(text), "2001:db8:0:1::%x", i);
        assert_int_equal(note(text, 5), 0);
    }
    assert_true(note("2001:db8:0:1:ffff::1", 5) > 0);
    assert_int_equal(note("2001:db8:0:2::1", 5), 0);
}

/* However many addresses there are: the slots are used again and again. */
static void any_number_of_addresses(void **state)
{
    char text[64];
    unsigned limited = 0;
    (void)state;
    for (unsigned i = 0; i < 50 * FAILURES_SLOTS; i++) {
        snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        limited += note(text, 5) > 0;
    }
    assert_true(limited > 0);
    for (unsigned i = 0; i < FAILURES_SLOTS; i++)
        assert_true(failures.slots[i].n <= FAILURES_MAX);
}

#define TEST(f) cmocka_unit_test_setup(f, start)

UNIT_MAIN(TEST(ten_in_a_minute), TEST(an_ipv6_network_counts_as_one), TEST(any_number_of_addresses))
