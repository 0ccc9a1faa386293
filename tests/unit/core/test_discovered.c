/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "core/discovered.h"

static struct discovered *table;

static int start(void **state)
{
    (void)state;
    table = discovered_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    discovered_free(table);
    return 0;
}

static struct machine machine(uint32_t number)
{
    struct machine m = {.has_mac = true, .mac = {{0xBC, 0x24}}};
    for (size_t i = 0; i < 4; i++)
        m.mac.octet[2 + i] = (uint8_t)(number >> (24 - 8 * i));
    return m;
}

static struct address peer(uint8_t host)
{
    return (struct address){4, {10, 0, 20, host}};
}

static bool note(uint32_t number, int64_t wall_ms)
{
    struct machine m = machine(number);
    return discovered_note(table, &m, peer((uint8_t)number), wall_ms);
}

static uint32_t number_at(uint32_t i)
{
    const struct discovered_machine *d = discovered_at(table, i);
    assert_non_null(d);
    const uint8_t *o = d->said.mac.octet;
    return (uint32_t)o[2] << 24 | (uint32_t)o[3] << 16 | (uint32_t)o[4] << 8 | o[5];
}

static void nobody_at_first(void **state)
{
    (void)state;
    assert_null(discovered_at(table, 0));
    assert_null(discovered_at(table, UINT32_MAX));
    discovered_free(NULL);
}

static void what_is_kept_of_one(void **state)
{
    (void)state;
    struct machine m = machine(7);
    m.has_uuid = true;
    m.uuid = (struct uuid){{1, 2, 3}};
    m.manufacturer = STR("QEMU");
    m.product = STR("Standard PC (Q35 + ICH9, 2009)");
    m.platform = STR("efi");
    m.arch = STR("x86_64");
    assert_true(discovered_note(table, &m, peer(14), 1000));
    const struct discovered_machine *d = discovered_at(table, 0);
    assert_non_null(d);
    assert_true(d->said.has_mac);
    assert_memory_equal(&d->said.mac, &m.mac, sizeof(m.mac));
    assert_true(d->said.has_uuid);
    assert_memory_equal(&d->said.uuid, &m.uuid, sizeof(m.uuid));
    assert_str(d->said.manufacturer, "QEMU");
    assert_str(d->said.product, "Standard PC (Q35 + ICH9, 2009)");
    assert_str(d->said.platform, "efi");
    assert_str(d->said.arch, "x86_64");
    assert_true(address_same(d->peer, peer(14)));
    assert_int_equal(d->first_wall_ms, 1000);
    assert_int_equal(d->last_wall_ms, 1000);
    assert_int_equal(d->times, 1);
    assert_null(discovered_at(table, 1));
}

static void one_that_asks_again(void **state)
{
    (void)state;
    struct machine m = machine(7);
    m.product = STR("first");
    m.arch = STR("i386");
    assert_true(discovered_note(table, &m, peer(14), 1000));
    m.has_uuid = true;
    m.uuid.octet[0] = 9;
    m.product = STR("second");
    m.arch = STR("");
    assert_false(discovered_note(table, &m, peer(15), 3000));
    m.has_uuid = false;
    assert_false(discovered_note(table, &m, peer(16), 2000)); /* the clock was set back */
    const struct discovered_machine *d = discovered_at(table, 0);
    assert_str(d->said.product, "second");
    assert_str(d->said.arch, "i386"); /* what it leaves out stays */
    assert_true(d->said.has_uuid);
    assert_int_equal(d->said.uuid.octet[0], 9);
    assert_true(address_same(d->peer, peer(16)));
    assert_int_equal(d->first_wall_ms, 1000);
    assert_int_equal(d->last_wall_ms, 2000);
    assert_int_equal(d->times, 3);
    assert_null(discovered_at(table, 1));
}

static void without_a_mac_nothing(void **state)
{
    (void)state;
    struct machine m = {.has_uuid = true, .product = STR("p")};
    assert_false(discovered_note(table, &m, peer(14), 1000));
    assert_null(discovered_at(table, 0));
}

static void the_one_seen_last_is_first(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 4; i++)
        assert_true(note(i, 5000 - i)); /* even if the wall clock goes back */
    assert_false(note(2, 1));
    assert_false(note(2, 1));
    assert_false(note(1, 1));
    static const uint32_t want[] = {1, 2, 4, 3};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(number_at(i), want[i]);
    assert_null(discovered_at(table, 4));
}

static void the_one_seen_longest_ago_goes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < DISCOVERED_MAX; i++)
        assert_true(note(i, i));
    assert_false(note(0, 1000)); /* it is there still, and the newest now */
    for (uint32_t i = DISCOVERED_MAX; i < DISCOVERED_MAX + 10; i++)
        assert_true(note(i, i));
    assert_null(discovered_at(table, DISCOVERED_MAX));
    assert_int_equal(number_at(0), DISCOVERED_MAX + 9);
    assert_int_equal(number_at(10), 0);
    assert_int_equal(number_at(DISCOVERED_MAX - 1), 11);
    assert_true(note(1, 2000)); /* one that went comes as a new one */
    assert_int_equal(discovered_at(table, 0)->times, 1);
}

static void many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20000; i++)
        assert_true(note(i * 2654435761U, i));
    assert_non_null(discovered_at(table, DISCOVERED_MAX - 1));
    assert_null(discovered_at(table, DISCOVERED_MAX));
}

/* Foreign texts are the table's own, and no longer than said; no sequence of UTF-8 is cut. */
static void texts_are_copied_and_cut(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof(text));
    memcpy(text + MACHINE_TEXT_MAX_BYTES - 1, "\u00e4", 2);
    struct machine m = machine(7);
    m.manufacturer = (struct str){text, sizeof(text)};
    m.product = (struct str){text, MACHINE_TEXT_MAX_BYTES - 1};
    m.platform = (struct str){"efi\0forged", 10};
    m.arch = (struct str){"\0", 1};
    discovered_note(table, &m, peer(14), 1000);
    memset(text, 'y', sizeof(text));
    const struct machine *said = &discovered_at(table, 0)->said;
    assert_int_equal(said->manufacturer.n, MACHINE_TEXT_MAX_BYTES - 1);
    assert_int_equal(said->manufacturer.p[0], 'x');
    assert_int_equal(said->product.n, MACHINE_TEXT_MAX_BYTES - 1);
    assert_int_equal(said->product.p[0], 'x');
    assert_str(said->platform, "efi");
    assert_str(said->arch, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(nobody_at_first), TEST(what_is_kept_of_one), TEST(one_that_asks_again),
          TEST(without_a_mac_nothing), TEST(the_one_seen_last_is_first),
          TEST(the_one_seen_longest_ago_goes), TEST(many), TEST(texts_are_copied_and_cut))
