/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/dhcp.h"

#define MESSAGE_AT 28
#define OPTIONS_AT (MESSAGE_AT + 240)

static const struct mac some_mac = {{0x02, 1, 2, 3, 4, 5}};

/* Where the option is, behind its length; its length in *ret_n. NULL: it is not there. */
static const char *option(struct str packet, uint8_t code, size_t *ret_n)
{
    for (size_t at = OPTIONS_AT; at + 1 < packet.n && (uint8_t)packet.p[at] != 255;
         at += 2 + (uint8_t)packet.p[at + 1]) {
        *ret_n = (uint8_t)packet.p[at + 1];
        if ((uint8_t)packet.p[at] == code)
            return packet.p + at + 2;
    }
    return NULL;
}

static void has(struct str packet, uint8_t code, struct str want)
{
    size_t n = 0;
    const char *at = option(packet, code, &n);
    assert_non_null(at);
    assert_str_equal(((struct str){at, n}), want);
}

static void asks_as_firmware_does(void **state)
{
    const struct dhcp_discover d = {
        .xid = 0x01020304, .mac = some_mac, .arch = 16, .is_http = true};
    struct buf b;
    size_t n;
    (void)state;
    buf_init(&b, DHCP_PACKET_MAX_BYTES);
    assert_true(dhcp_write_discover(&b, &d));
    struct str p = buf_view(&b);
    assert_memory_equal(p.p, "\x45\0", 2);
    assert_int_equal((uint8_t)p.p[2] << 8 | (uint8_t)p.p[3], (int)p.n);
    uint32_t sum = 0; /* with its checksum a head sums up to all ones */
    for (size_t i = 0; i < 20; i += 2)
        sum += (uint32_t)((uint8_t)p.p[i] << 8 | (uint8_t)p.p[i + 1]);
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    assert_memory_equal(p.p + 12, "\0\0\0\0\xff\xff\xff\xff\0\x44\0\x43", 12);
    assert_memory_equal(p.p + MESSAGE_AT, "\1\1\6\0\1\2\3\4\0\0\x80\0", 12);
    assert_memory_equal(p.p + MESSAGE_AT + 28, &some_mac, 6);
    has(p, 53, STR("\1"));
    has(p, 60, STR("HTTPClient:Arch:00016:UNDI:003000"));
    has(p, 61, STR("\1\2\1\2\3\4\5"));
    has(p, 93, STR("\0\x10"));
    assert_null(option(p, 77, &n));
    buf_done(&b);
}

static void asks_as_ipxe_does(void **state)
{
    const struct dhcp_discover d = {.mac = some_mac, .arch = 7, .is_ipxe = true};
    struct buf b;
    (void)state;
    buf_init(&b, DHCP_PACKET_MAX_BYTES);
    assert_true(dhcp_write_discover(&b, &d));
    has(buf_view(&b), 77, STR("iPXE"));
    has(buf_view(&b), 60, STR("PXEClient:Arch:00007:UNDI:003000"));
    buf_done(&b);
    buf_init(&b, 100);
    assert_false(dhcp_write_discover(&b, &d));
    buf_done(&b);
}

/* An offer for port 68 with these options, and this text in the field for the file. */
static struct str made(char *bytes, struct str options, const char *file)
{
    size_t n = OPTIONS_AT + options.n;
    memset(bytes, 0, DHCP_PACKET_MAX_BYTES);
    bytes[0] = 0x45;
    bytes[2] = (char)(n >> 8);
    bytes[3] = (char)n;
    bytes[9] = 17;
    bytes[23] = 68;
    bytes[24] = (char)((n - 20) >> 8);
    bytes[25] = (char)(n - 20);
    memcpy(bytes + MESSAGE_AT, "\2\1\6\0\1\2\3\4", 8);
    memcpy(bytes + MESSAGE_AT + 16, "\x0a\0\x14\x64\x0a\0\x0a\5", 8);
    memcpy(bytes + MESSAGE_AT + 28, &some_mac, 6);
    strcpy(bytes + MESSAGE_AT + 108, file);
    memcpy(bytes + MESSAGE_AT + 236, "\x63\x82\x53\x63", 4);
    memcpy(bytes + OPTIONS_AT, options.p, options.n);
    return (struct str){bytes, n};
}

static void is_address(struct address a, const char *want)
{
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_text(a, text), want);
}

static void reads_offers(void **state)
{
    char bytes[DHCP_PACKET_MAX_BYTES];
    struct dhcp_offer o;
    (void)state;
    assert_true(
        dhcp_read_offer(made(bytes,
                             STR("\x35\1\2\0\x36\4\x0a\0\x14\1\3\x08\x0a\0\x14\1\x0a\0\x14\2"
                                 "\x3c\x0aHTTPClient\x43\3abc\xff"),
                             "field"),
                        &o));
    assert_int_equal(o.xid, 0x01020304);
    assert_memory_equal(&o.mac, &some_mac, 6);
    is_address(o.server, "10.0.20.1");
    is_address(o.router, "10.0.20.1");
    is_address(o.address, "10.0.20.100");
    is_address(o.next_server, "10.0.10.5");
    assert_str(o.file, "abc");
    assert_str(o.class, "HTTPClient");
    assert_true(dhcp_read_offer(made(bytes, STR("\x35\1\2"), "field"), &o));
    assert_str(o.file, "field");
    assert_int_equal(o.server.family, 0);
    /* Overloaded: the field for the file holds options. */
    assert_true(dhcp_read_offer(made(bytes, STR("\x34\1\1\x35\1\2\xff"), "\x43\2xy\xff"), &o));
    assert_str(o.file, "xy");
}

static void what_is_no_offer(void **state)
{
    char bytes[DHCP_PACKET_MAX_BYTES];
    struct dhcp_offer o;
    struct str good = made(bytes, STR("\x35\1\2\xff"), "");
    static const struct {
        size_t at;
        char byte;
    } changes[] = {{0, 0x65}, {0, 0x44}, {6, 0x20}, {9, 6},   {23, 67}, {25, 0},
                   {28, 1},   {29, 6},   {30, 16},  {264, 0}, {270, 5}};
    (void)state;
    assert_true(dhcp_read_offer(good, &o));
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        good = made(bytes, STR("\x35\1\2\xff"), "");
        bytes[changes[i].at] = changes[i].byte;
        if (dhcp_read_offer(good, &o))
            fail_msg("byte %zu", changes[i].at);
    }
    good = made(bytes, STR("\x35\1\2\xff"), "");
    for (size_t n = 0; n < good.n; n++)
        assert_false(dhcp_read_offer((struct str){bytes, n}, &o));
    assert_false(dhcp_read_offer(made(bytes, STR("\x35"), ""), &o));
    assert_false(dhcp_read_offer(made(bytes, STR("\x35\2\2"), ""), &o));
}

UNIT_MAIN(cmocka_unit_test(asks_as_firmware_does), cmocka_unit_test(asks_as_ipxe_does),
          cmocka_unit_test(reads_offers), cmocka_unit_test(what_is_no_offer))
