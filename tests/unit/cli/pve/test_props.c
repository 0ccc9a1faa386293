/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "base/buf.h"
#include "cli/pve/props.h"

#include <errno.h>

#define UUID "4c4c4544-0042-3510-8052-b4c04f4e4432"

static struct arena arena;

static void is(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("got %.*s, want %s", STR_ARG(got), want);
}

static void what_is_written_again_is_the_same(void **state)
{
    static const char *const texts[] = {
        "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20",
        "local-lvm:vm-100-disk-0,size=4G",
        "enabled=1",
        "",
        "a=,b==c",
    };
    struct props p;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(props_read(str_from(texts[i]), &p, NULL), 0);
        is(props_text(&p, &arena), texts[i]);
    }
}

static void properties_are_found_and_replaced_in_their_place(void **state)
{
    struct props p;
    (void)state;
    assert_int_equal(props_read(STR("local-lvm:x,size=4G,ssd=1"), &p, NULL), 0);
    is(props_get(&p, "size"), "4G");
    assert_null(props_get(&p, "local-lvm:x").p);
    assert_int_equal(props_set(&p, "size", STR("8G"), NULL), 0);
    assert_int_equal(props_set(&p, "discard", STR("on"), NULL), 0);
    is(props_text(&p, &arena), "local-lvm:x,size=8G,ssd=1,discard=on");
}

static void too_many_are_refused(void **state)
{
    struct buf b;
    struct props p;
    (void)state;
    buf_init(&b, 4096);
    for (int i = 0; i < PROPS_MAX; i++)
        buf_printf(&b, "%sk%d=1", i ? "," : "", i);
    assert_int_equal(props_read(buf_view(&b), &p, NULL), 0);
    assert_int_equal(props_set(&p, "other", STR("1"), NULL), -EINVAL);
    buf_printf(&b, ",more=1");
    assert_int_equal(props_read(buf_view(&b), &p, NULL), -EINVAL);
    buf_done(&b);
}

static void sets(const char *before, const char *serial, const char *after)
{
    struct str text;
    struct smbios smbios;
    struct err e;
    assert_int_equal(smbios_set_serial(str_from(before), str_from(serial), &arena, &text, &e), 0);
    is(text, after);
    assert_int_equal(smbios_read(text, &arena, &smbios, &e), 0);
    is(smbios.serial, serial);
    /* again, it changes nothing */
    assert_int_equal(smbios_set_serial(text, str_from(serial), &arena, &text, &e), 0);
    is(text, after);
}

static void a_serial_keeps_everything_else(void **state)
{
    (void)state;
    sets("uuid=" UUID, "ds=nocloud", "uuid=" UUID ",base64=1,serial=ZHM9bm9jbG91ZA==");
    sets("", "a", "base64=1,serial=YQ==");
    sets("base64=1,manufacturer=Ym94,serial=YQ==,uuid=" UUID, "b",
         "base64=1,manufacturer=Ym94,serial=Yg==,uuid=" UUID);
    sets("base64=0,sku=1,uuid=" UUID, "b", "base64=1,sku=MQ==,uuid=" UUID ",serial=Yg==");
    sets("product=box,uuid=" UUID, "b", "product=Ym94,uuid=" UUID ",base64=1,serial=Yg==");
}

static void a_serial_that_does_not_fit_is_refused(void **state)
{
    char serial[400];
    struct str text = STR("untouched");
    struct err e;
    (void)state;
    memset(serial, 'x', sizeof(serial));
    serial[339] = 0; /* what is left beside a uuid */
    assert_int_equal(
        smbios_set_serial(STR("base64=1,uuid=" UUID), str_from(serial), &arena, &text, &e), 0);
    assert_true(text.n <= SMBIOS_MAX);
    serial[339] = 'x';
    serial[342] = 0;
    text = STR("untouched");
    assert_int_equal(
        smbios_set_serial(STR("base64=1,uuid=" UUID), str_from(serial), &arena, &text, &e),
        -EMSGSIZE);
    is(text, "untouched");
    assert_non_null(strstr(e.msg, "Proxmox takes 512"));
}

static void a_serial_is_dropped_alone(void **state)
{
    struct str text;
    (void)state;
    assert_int_equal(
        smbios_drop_serial(STR("base64=1,serial=YQ==,uuid=" UUID), &arena, &text, NULL), 0);
    is(text, "base64=1,uuid=" UUID);
    assert_int_equal(smbios_drop_serial(STR("uuid=" UUID), &arena, &text, NULL), 0);
    is(text, "uuid=" UUID);
}

static void a_serial_in_plain_is_read_as_it_stands(void **state)
{
    struct smbios smbios;
    (void)state;
    assert_int_equal(smbios_read(STR("serial=YQ==,uuid=" UUID), &arena, &smbios, NULL), 0);
    is(smbios.serial, "YQ==");
    is(smbios.uuid, UUID);
    assert_int_equal(smbios_read(STR("serial=x,base64=1"), &arena, &smbios, NULL), -EINVAL);
}

static void a_uuid_is_set_in_plain_and_all_else_stays(void **state)
{
    const struct str other = STR("11111111-2222-4333-8444-555555555555");
    struct str text;
    (void)state;
    assert_int_equal(
        smbios_set_uuid(STR("base64=1,serial=YQ==,uuid=" UUID), other, &arena, &text, NULL), 0);
    is(text, "base64=1,serial=YQ==,uuid=11111111-2222-4333-8444-555555555555");
    assert_int_equal(smbios_set_uuid(STR("serial=a"), other, &arena, &text, NULL), 0);
    is(text, "serial=a,uuid=11111111-2222-4333-8444-555555555555");
    assert_int_equal(smbios_set_uuid(STR("uuid=" UUID), STR(""), &arena, &text, NULL), 0);
    is(text, "uuid=" UUID);
}

static void a_serial_is_not_shown(void **state)
{
    (void)state;
    is(smbios_shown(STR("base64=1,serial=YQ==,uuid=" UUID), &arena),
       "base64=1,serial=(masked),uuid=" UUID);
    is(smbios_shown(STR("uuid=" UUID), &arena), "uuid=" UUID);
}

static void cards_are_read_in_both_spellings(void **state)
{
    struct card card;
    (void)state;
    assert_int_equal(card_read(STR("virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20"), &card, NULL),
                     0);
    is(card.model, "virtio");
    is(card.mac, "BC:24:11:00:00:01");
    is(card.bridge, "vmbr0");
    is(card.tag, "20");
    assert_int_equal(card_read(STR("model=e1000,macaddr=BC:24:11:00:00:02"), &card, NULL), 0);
    is(card.model, "e1000");
    is(card.mac, "BC:24:11:00:00:02");
    is(card.tag, "");
    assert_int_equal(card_read(STR("virtio,bridge=vmbr1"), &card, NULL), 0);
    is(card.model, "virtio");
    is(card.mac, "");
    assert_int_equal(card_read(STR("bridge=vmbr1"), &card, NULL), -EINVAL);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

UNIT_MAIN(TEST(what_is_written_again_is_the_same),
          TEST(properties_are_found_and_replaced_in_their_place), TEST(too_many_are_refused),
          TEST(a_serial_keeps_everything_else), TEST(a_serial_that_does_not_fit_is_refused),
          TEST(a_serial_is_dropped_alone), TEST(a_serial_in_plain_is_read_as_it_stands),
          TEST(a_uuid_is_set_in_plain_and_all_else_stays), TEST(a_serial_is_not_shown),
          TEST(cards_are_read_in_both_spellings))
