/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/tftp.h"

static struct tftp_packet parsed(struct str bytes)
{
    struct tftp_packet p;
    assert_true(tftp_parse(bytes, &p));
    return p;
}

#define PARSED(literal) parsed(STR(literal))

static void what_real_clients_ask(void **state)
{
    (void)state;
    struct tftp_packet p =
        PARSED("\0\1ipxe.efi\0octet\0tsize\0000\0blksize\0001468\0windowsize\0004\0");
    assert_int_equal(p.opcode, TFTP_RRQ);
    assert_str(p.file, "ipxe.efi");
    assert_int_equal(p.mode, TFTP_OCTET);
    assert_int_equal(p.options.has, TFTP_HAS_TSIZE | TFTP_HAS_BLKSIZE | TFTP_HAS_WINDOWSIZE);
    assert_int_equal(p.options.blksize, 1468);
    assert_int_equal(p.options.windowsize, 4);
    assert_int_equal(p.options.tsize, 0);
    p = PARSED("\0\1/grub/grub.cfg\0octet\0blksize\0001024\0tsize\0000\0");
    assert_str(p.file, "/grub/grub.cfg");
    p = PARSED("\0\1a\0netascii\0");
    assert_int_equal(p.mode, TFTP_NETASCII);
    assert_int_equal(p.options.has, 0);
    p = PARSED("\0\2up\0OCTET\0timeout\0006\0");
    assert_int_equal(p.opcode, TFTP_WRQ);
    assert_int_equal(p.mode, TFTP_OCTET);
    assert_int_equal(p.options.timeout_s, 6);
    assert_int_equal(PARSED("\0\1a\0mail\0").mode, TFTP_MODE_OTHER);
}

static void options_are_read_leniently(void **state)
{
    (void)state;
    struct tftp_options o =
        PARSED("\0\1a\0octet\0BlkSize\00000512\0multicast\0\0TSIZE\0007\0").options;
    assert_int_equal(o.has, TFTP_HAS_BLKSIZE | TFTP_HAS_TSIZE);
    assert_int_equal(o.blksize, 512);
    assert_int_equal(o.tsize, 7);
    o = PARSED("\0\1a\0octet\0blksize\00065535\0windowsize\000100000\0").options;
    assert_int_equal(o.blksize, 65464);
    assert_int_equal(o.windowsize, 65535);
    o = PARSED("\0\1a\0octet\0blksize\000512\0blksize\0001024\0").options;
    assert_int_equal(o.blksize, 512);
    o = PARSED("\0\1a\0octet\0blksize\0008\0timeout\000255\0windowsize\0001\0").options;
    assert_int_equal(o.has, TFTP_HAS_BLKSIZE | TFTP_HAS_TIMEOUT | TFTP_HAS_WINDOWSIZE);
}

static void values_without_sense_are_not_there(void **state)
{
    (void)state;
    assert_int_equal(PARSED("\0\1a\0octet\0blksize\0007\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0blksize\000-1\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0blksize\0\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0blksize\00099999999999999999999\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0timeout\0000\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0timeout\000256\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0windowsize\0000\0").options.has, 0);
    assert_int_equal(PARSED("\0\1a\0octet\0blksize\000512").options.has, 0); /* cut off */
    assert_int_equal(PARSED("\0\1a\0octet\0\0\0\0\0\0").options.has, 0);     /* padded */
}

static void what_is_no_packet(void **state)
{
    static const struct str bad[] = {
        STR(""),
        STR("\0"),
        STR("\0\1"),
        STR("\0\1a"),
        STR("\0\1a\0"),
        STR("\0\1a\0octet"),
        STR("\0\1\0octet\0"),
        STR("\0\3\0"),
        STR("\0\4\0"),
        STR("\0\5"),
        STR("\0\0\0\0"),
        STR("\0\7\0\0"),
        STR("\1\1a\0octet\0"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tftp_packet p = {.number = 77};
        assert_false(tftp_parse(bad[i], &p));
        assert_int_equal(p.number, 77);
    }
}

static void blocks_and_errors(void **state)
{
    (void)state;
    struct tftp_packet p = PARSED("\0\3\xFF\xFE"
                                  "abc");
    assert_int_equal(p.opcode, TFTP_DATA);
    assert_int_equal(p.number, 0xFFFE);
    assert_str(p.rest, "abc");
    assert_str(PARSED("\0\3\0\1").rest, "");
    p = PARSED("\0\4\1\2padding");
    assert_int_equal(p.opcode, TFTP_ACK);
    assert_int_equal(p.number, 258);
    assert_str(p.rest, "");
    p = PARSED("\0\5\0\10User aborted the transfer\0");
    assert_int_equal(p.number, TFTP_OPTIONS);
    assert_str(p.rest, "User aborted the transfer");
    assert_str(PARSED("\0\5\0\1no NUL").rest, "no NUL");
    assert_int_equal(PARSED("\0\6blksize\0001428\0tsize\0005\0").options.blksize, 1428);
    assert_int_equal(PARSED("\0\6").options.has, 0);
}

static void is_written(const struct tftp_packet *p, struct str want)
{
    struct buf b;
    buf_init(&b, 128);
    assert_true(tftp_write(&b, p));
    assert_str_equal(buf_view(&b), want);
    buf_done(&b);
    buf_init(&b, want.n - 1);
    assert_false(tftp_write(&b, p));
    assert_int_equal(b.n, 0);
    buf_done(&b);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    struct tftp_packet p = {.opcode = TFTP_RRQ, .file = STR("a/b"), .mode = TFTP_NETASCII};
    is_written(&p, STR("\0\1a/b\0netascii\0"));
    p.mode = TFTP_OCTET;
    p.options = (struct tftp_options){15, 1428, 3, 16, 99};
    is_written(
        &p, STR("\0\1a/b\0octet\0blksize\0001428\0timeout\0003\0tsize\00099\0windowsize\00016\0"));
    p = (struct tftp_packet){.opcode = TFTP_OACK, .options = {.has = TFTP_HAS_TSIZE, .tsize = 0}};
    is_written(&p, STR("\0\6tsize\0000\0"));
    p = (struct tftp_packet){.opcode = TFTP_ACK, .number = 0x102, .rest = STR("never sent")};
    is_written(&p, STR("\0\4\1\2"));
    p = (struct tftp_packet){.opcode = TFTP_ERROR, .number = 1, .rest = STR("no")};
    is_written(&p, STR("\0\5\0\1no\0"));
    p = (struct tftp_packet){.opcode = TFTP_DATA, .number = 9, .rest = STR("x\0y")};
    is_written(&p, STR("\0\3\0\11x\0y"));
    char header[TFTP_HEADER_BYTES];
    tftp_data_header(header, 0x1234);
    assert_memory_equal(header, "\0\3\x12\x34", 4);
}

/* Cut at each place, in blocks of each size, the text comes out the same. */
static void netascii_at_every_boundary(void **state)
{
    static const struct str text = STR("one\ntwo\r\n\r\r\n\n\nend\r");
    static const struct str want = STR("one\r\ntwo\r\0\r\n\r\0\r\0\r\n\r\n\r\nend\r\0");
    (void)state;
    for (size_t cut = 0; cut <= text.n; cut++) {
        for (size_t room = 1; room <= want.n; room++) {
            struct tftp_netascii s = {0};
            struct str parts[2] = {{text.p, cut}, {text.p + cut, text.n - cut}};
            char out[64];
            size_t n = 0;
            for (int i = 0; i < 2; i++) {
                size_t got = room;
                while (got == room) {
                    got = tftp_netascii(&s, &parts[i], out + n, room);
                    n += got;
                }
                assert_int_equal(parts[i].n, 0);
            }
            assert_str_equal(((struct str){out, n}), want);
            assert_false(s.owes);
        }
    }
}

UNIT_MAIN(cmocka_unit_test(what_real_clients_ask), cmocka_unit_test(options_are_read_leniently),
          cmocka_unit_test(values_without_sense_are_not_there), cmocka_unit_test(what_is_no_packet),
          cmocka_unit_test(blocks_and_errors), cmocka_unit_test(writes_what_it_reads),
          cmocka_unit_test(netascii_at_every_boundary))
