/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "core/machine.h"

static struct machine said(const char *query, struct arena *a)
{
    return machine_of_query(str_from(query), a);
}

static void all_that_ipxe_tells(void **state)
{
    (void)state;
    struct arena a;
    char text[UUID_TEXT_SIZE];
    arena_init(&a, 4096);
    struct machine m = said("mac=bc-24-11-00-20-0e&uuid=6F3D9A52-3B53-4C0E-8A51-8DD2B8F4C4F1&"
                            "manufacturer=QEMU&product=Standard%20PC%20(i440FX%20+%20PIIX,%201996)&"
                            "platform=pcbios&arch=i386",
                            &a);
    assert_true(m.has_mac && m.has_uuid);
    assert_string_equal(mac_text(m.mac, text), "bc:24:11:00:20:0e");
    assert_string_equal(uuid_text(m.uuid, text), "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1");
    assert_str(m.manufacturer, "QEMU");
    assert_str(m.product, "Standard PC (i440FX   PIIX, 1996)"); /* iPXE leaves a + as it is */
    assert_str(m.platform, "pcbios");
    assert_str(m.arch, "i386");
    arena_done(&a);
}

static void what_is_none_is_not_told(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct machine m = said("mac=&uuid=00000000-0000-0000-0000-000000000000&serial=x&=y", &a);
    assert_false(m.has_mac || m.has_uuid);
    assert_int_equal(m.manufacturer.n + m.product.n + m.platform.n + m.arch.n, 0);
    m = said("mac=ff:ff:ff:ff:ff:ff", &a);
    assert_false(m.has_mac);
    m = said("", &a);
    assert_false(m.has_mac);
    arena_done(&a);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    char query[256] = "product=";
    memset(query + 8, 'x', 200);
    assert_int_equal(said(query, &a).product.n, MACHINE_TEXT_MAX_BYTES);
    arena_done(&a);
}

static struct machine of_value(enum evidence kind, const char *value, const char *query,
                               struct arena *a)
{
    return machine_of_request(kind, str_from(value), str_from(query), a);
}

static void of_a_path(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    assert_true(of_value(EVIDENCE_MAC, "bc:24:11:00:20:0e", "", &a).has_mac);
    assert_false(of_value(EVIDENCE_MAC, "bc:24:11:00:20", "", &a).has_mac);
    struct machine m = of_value(EVIDENCE_UUID, "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1", "", &a);
    assert_true(m.has_uuid && !m.has_mac);
    m = of_value(EVIDENCE_NAME, "bc:24:11:00:20:0e", "", &a);
    assert_false(m.has_mac || m.has_uuid);
    m = of_value(EVIDENCE_UUID, "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1", "mac=bc-24-11-00-20-0e",
                 &a);
    assert_true(m.has_uuid && m.has_mac);
    arena_done(&a);
}

static void all_macs_are_kept(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct machine m = said("mac=bc-24-11-00-20-0e&mac=bc-24-11-00-20-0f", &a);
    assert_int_equal(m.macs_n, 2);
    assert_null(m.unreadable_mac.p);
    m = said("mac=bc-24-11-00-20-0e&mac=garbage", &a);
    assert_int_equal(m.macs_n, 1);
    assert_str(m.unreadable_mac, "garbage");
    arena_done(&a);
}

static void a_placeholder_is_no_uuid(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct machine m = said("uuid=03000200-0400-0500-0006-000700080009", &a);
    assert_false(m.has_uuid);
    assert_str(m.placeholder_uuid, "03000200-0400-0500-0006-000700080009");
    arena_done(&a);
}

static void a_uuid_that_cannot_be_read_is_kept(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct machine m = said("uuid=%20garbage%20", &a);
    assert_false(m.has_uuid);
    assert_str(m.reported_uuid, "garbage");
    assert_null(m.placeholder_uuid.p);
    m = said("uuid=%20", &a);
    assert_null(m.reported_uuid.p);
    m = said("uuid=00000000000000000000000000000000", &a);
    assert_false(m.has_uuid);
    assert_str(m.placeholder_uuid, "00000000-0000-0000-0000-000000000000");
    arena_done(&a);
}

static void another_uuid_is_kept(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    struct machine m = said("uuid=&uuid=6F3D9A523B534C0E8A518DD2B8F4C4F1&"
                            "uuid=6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1",
                            &a);
    assert_true(m.has_uuid);
    assert_null(m.other_uuid.p);
    m = said("uuid=6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1&uuid=garbage&uuid=", &a);
    assert_true(m.has_uuid);
    assert_str(m.other_uuid, "garbage");
    m = of_value(EVIDENCE_UUID, "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1",
                 "uuid=03000200-0400-0500-0006-000700080009", &a);
    assert_true(m.has_uuid);
    assert_str(m.other_uuid, "03000200-0400-0500-0006-000700080009");
    arena_done(&a);
}

UNIT_MAIN(cmocka_unit_test(all_that_ipxe_tells), cmocka_unit_test(what_is_none_is_not_told),
          cmocka_unit_test(long_texts_are_cut), cmocka_unit_test(of_a_path),
          cmocka_unit_test(all_macs_are_kept), cmocka_unit_test(a_placeholder_is_no_uuid),
          cmocka_unit_test(a_uuid_that_cannot_be_read_is_kept),
          cmocka_unit_test(another_uuid_is_kept))
