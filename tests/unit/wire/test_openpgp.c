/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "wire/openpgp.h"

#include <errno.h>

static struct arena arena;
static struct str packets;
static struct openpgp_key key;
static struct err err;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Packets by hand: a key made at 1000, and what is said of it. */
#define KEY "\x99\x00\x06\x04\x00\x00\x03\xe8\x01"
#define USER   \
    "\xb4\x03" \
    "Ann"
#define OWN    \
    "\x09\x10" \
    "SELFSELF"
#define OTHER  \
    "\x09\x10" \
    "OTHEROTH"
#define CREATED(s) "\x05\x02\x00\x00\x00" s
#define EXPIRES(s) "\x05\x09\x00\x00\x00" s
/* type, hashed part of 12 bytes, issuer */
#define CERT(type, hashed, issuer) \
    "\x89\x00\x20\x04" type "\x01\x08\x00\x0c" hashed "\x00\x0a" issuer "\x00\x00"
#define SHORT_CERT(type, hashed, issuer) \
    "\x89\x00\x1a\x04" type "\x01\x08\x00\x06" hashed "\x00\x0a" issuer "\x00\x00"

static void read_keys(struct str bytes)
{
    packets = bytes;
    assert_int_equal(openpgp_next(&packets, &key, &err), 1);
}

static void one_that_expires(void **state)
{
    (void)state;
    read_keys(STR(KEY USER CERT("\x13", CREATED("\x10") EXPIRES("\x64"), OWN)));
    assert_int_equal(key.created_s, 1000);
    assert_int_equal(key.expires_s, 1100);
    assert_str(key.user_id, "Ann");
    assert_false(key.revoked);
    assert_int_equal(openpgp_next(&packets, &key, &err), 0);
}

/* A later self-signature without an end takes an earlier end away. */
static void the_newest_counts(void **state)
{
    (void)state;
    read_keys(STR(KEY USER CERT("\x13", CREATED("\x10") EXPIRES("\x64"), OWN)
                      SHORT_CERT("\x13", CREATED("\x20"), OWN)));
    assert_int_equal(key.expires_s, 0);
    read_keys(STR(KEY USER SHORT_CERT("\x13", CREATED("\x20"), OWN)
                      CERT("\x13", CREATED("\x10") EXPIRES("\x64"), OWN)));
    assert_int_equal(key.expires_s, 0);
    read_keys(STR(KEY SHORT_CERT("\x1f", CREATED("\x20"), OWN)
                      USER CERT("\x10", CREATED("\x30") EXPIRES("\x05"), OWN)));
    assert_int_equal(key.expires_s, 1005);
}

static void what_others_sign(void **state)
{
    (void)state;
    read_keys(STR(KEY USER CERT("\x13", CREATED("\x10") EXPIRES("\x64"), OWN) SHORT_CERT(
        "\x10", CREATED("\x50"), OTHER) SHORT_CERT("\x20", CREATED("\x51"), OTHER)));
    assert_int_equal(key.expires_s, 1100);
    assert_false(key.revoked);
    /* The subkey's signature tells whose the key is, wherever it stands. */
    read_keys(STR(KEY USER SHORT_CERT("\x10", CREATED("\x50"), OTHER) CERT(
        "\x13", CREATED("\x10") EXPIRES("\x64"), OWN) SHORT_CERT("\x18", CREATED("\x10"), OWN)));
    assert_int_equal(key.expires_s, 1100);
}

static void a_subkeys_end_is_not_the_keys(void **state)
{
    (void)state;
    read_keys(STR(KEY USER SHORT_CERT("\x13", CREATED("\x10"), OWN)
                      CERT("\x18", CREATED("\x10") EXPIRES("\x64"), OWN)));
    assert_int_equal(key.expires_s, 0);
}

static void revoked(void **state)
{
    (void)state;
    read_keys(STR(KEY SHORT_CERT("\x20", CREATED("\x20"), OWN)
                      USER SHORT_CERT("\x13", CREATED("\x10"), OWN)));
    assert_true(key.revoked);
}

static void several_keys(void **state)
{
    (void)state;
    read_keys(STR(KEY USER CERT("\x13", CREATED("\x10") EXPIRES("\x64"), OWN) KEY));
    assert_int_equal(key.expires_s, 1100);
    assert_int_equal(openpgp_next(&packets, &key, &err), 1);
    assert_int_equal(key.expires_s, 0);
    assert_int_equal(key.user_id.n, 0);
    assert_int_equal(openpgp_next(&packets, &key, &err), 0);
}

static void what_is_no_key(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *why;
    } bad[] = {
        {{"x", 1}, "damaged"},
        {{"\x99\x00", 2}, "damaged"},
        {{"\x99\x00\x06\x04\x00\x00\x03\xe8", 8}, "damaged"},
        {{"\xb4\x03"
          "Ann",
          5},
         "no OpenPGP public key"},
        {{"\x99\x00\x06\x03\x00\x00\x03\xe8\x01", 9}, "version 4"},
        {{"\x99\x00\x02\x04\x00", 5}, "version 4"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        packets = bad[i].bytes;
        assert_int_equal(openpgp_next(&packets, &key, &err), -EINVAL);
        assert_contains(err.msg, bad[i].why);
        assert_int_equal(packets.n, bad[i].bytes.n);
    }
}

/* What follows a key and cannot be read is told when it is come to. */
static void damage_behind_a_key(void **state)
{
    (void)state;
    read_keys(STR(KEY USER "\x89\xff\xff"));
    assert_str(key.user_id, "Ann");
    assert_int_equal(openpgp_next(&packets, &key, &err), -EINVAL);
}

/* --- Armor --------------------------------------------------------------------------------- */

#define HEAD OPENPGP_ARMOR_HEAD "\n"
#define TAIL "-----END PGP PUBLIC KEY BLOCK-----\n"

static void unwrap(const char *text, const char *bytes)
{
    assert_int_equal(openpgp_unwrap(str_from(text), &arena, &packets, &err), 0);
    assert_str_equal(packets, str_from(bytes));
}

static void armor(void **state)
{
    (void)state;
    unwrap(HEAD "\nYWJj\n" TAIL, "abc");
    unwrap(HEAD "Version: x\nComment: y\n\nYWJj\nZA==\n" TAIL, "abcd");
    unwrap("before\r\n  " HEAD "  \r\n  YWJjZGU=\r\n  =10k8\r\n  " TAIL "behind", "abcde");
    unwrap("packets", "packets");
    unwrap("", "");
}

static void armor_that_is_torn(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {HEAD "\nYWJj\n", "does not end"},         {HEAD, "does not end"},
        {OPENPGP_ARMOR_HEAD, "does not end"},      {HEAD "\nYWJj!\n" TAIL, "no base64"},
        {HEAD "\nYWJjZ\n" TAIL, "cut short"},      {HEAD "\nZA==YWJj\n" TAIL, "no base64"},
        {HEAD "\nYWJj\n=AAAA\n" TAIL, "checksum"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(openpgp_unwrap(str_from(bad[i][0]), &arena, &packets, &err), -EINVAL);
        assert_contains(err.msg, bad[i][1]);
    }
    struct str large = {"", OPENPGP_MAX_BYTES + 1};
    assert_int_equal(openpgp_unwrap(large, &arena, &packets, &err), -EFBIG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(one_that_expires), TEST(the_newest_counts), TEST(what_others_sign),
          TEST(a_subkeys_end_is_not_the_keys), TEST(revoked), TEST(several_keys),
          TEST(what_is_no_key), TEST(damage_behind_a_key), TEST(armor), TEST(armor_that_is_torn))
