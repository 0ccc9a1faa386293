/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "lib/listing.h"
#include "model/address.h"
#include "model/mac.h"
#include "model/uuid.h"
#include "tree/types.h"

#include <inttypes.h>

struct inner {
    struct str name;
    struct place at;
    uint16_t port, spare;
};

struct outer {
    struct place at;
    struct str text, label, domain, path, url, origin, host;
    uint8_t small;
    uint16_t medium;
    uint32_t large;
    uint64_t huge;
    bool flag;
    int word;
    const int *words;
    struct mac mac;
    struct uuid uuid;
    const struct address *addresses;
    struct cidr cidr;
    struct endpoint endpoint;
    struct inner one;
    const struct inner *several, *named;
    uint32_t words_n, several_n, named_n;
    uint8_t addresses_n;
};

static const char *const words[] = {"none", "master", "worker", NULL};

static const struct schema_field inner_fields[] = {
    {.name = "port",
     .type = &schema_int,
     SCHEMA_MEMBER(struct inner, port),
     .min = 10,
     .max = 65535,
     .fallback = "80",
     .help = "A port."},
    {.name = "spare",
     .type = &schema_int,
     SCHEMA_MEMBER(struct inner, spare),
     .max = 65535,
     .help = "Another, which has no default."},
};

static void check_inner(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    if (((const struct inner *)made)->port == 666)
        fault_add(r->faults, schema_place(r, y, "port", 0), "port: not that one");
}

static const struct schema inner_schema = {
    .title = "inner",
    .help = "Inner.",
    .size = sizeof(struct inner),
    SCHEMA_FIELDS(inner_fields),
    .name_offset = offsetof(struct inner, name),
    .place_offset = offsetof(struct inner, at),
    .check = check_inner,
};

#define FIELD(key, kind) \
    .name = #key, .type = &schema_##kind, SCHEMA_MEMBER(struct outer, key), .help = "Help."
#define ANY .min = 0, .max = INT64_MAX

static const struct schema_field outer_fields[] = {
    {FIELD(text, text), .required = true, .example = "abc"},
    {FIELD(label, label), .fallback = "fallen-back"},
    {FIELD(domain, domain)},
    {FIELD(path, path)},
    {FIELD(url, url)},
    {FIELD(origin, origin)},
    {FIELD(host, host_port)},
    {FIELD(small, int), .min = 1, .max = 255, .fallback = "7"},
    {FIELD(medium, int), .max = 4094},
    {FIELD(large, int), .max = UINT32_MAX},
    {FIELD(huge, int), ANY},
    {FIELD(flag, bool)},
    {FIELD(word, enum), .names = words},
    {.name = "words",
     .type = &schema_enum,
     .shape = SCHEMA_LIST,
     .names = words,
     SCHEMA_MEMBER_N(struct outer, words)},
    {FIELD(mac, mac)},
    {FIELD(uuid, uuid)},
    {.name = "addresses",
     .type = &schema_address,
     .shape = SCHEMA_LIST,
     .max = 3,
     SCHEMA_MEMBER_N(struct outer, addresses)},
    {FIELD(cidr, cidr)},
    {FIELD(endpoint, endpoint)},
    {.name = "one", .of = &inner_schema, SCHEMA_MEMBER(struct outer, one)},
    {.name = "several",
     .of = &inner_schema,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct outer, several)},
    {.name = "named",
     .of = &inner_schema,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct outer, named)},
};

static const struct schema outer_schema = {
    .title = "outer",
    .help = "Outer.",
    .size = sizeof(struct outer),
    SCHEMA_FIELDS(outer_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct outer, at),
};

/* What a test reads into; `said` holds the faults. */
struct fixture {
    struct arena arena;
    struct faults faults;
    struct outer out;
    bool ok;
    struct buf said;
};

static void done(struct fixture *f)
{
    arena_done(&f->arena);
    faults_done(&f->faults);
    buf_done(&f->said);
}

#define FIXTURE(f, text) __attribute__((cleanup(done))) struct fixture f = read_text(text)

static struct fixture read_text(const char *text)
{
    struct fixture f = {.ok = false};
    struct intern texts;
    const struct yaml_node *y;
    arena_init(&f.arena, 4096);
    faults_init(&f.faults);
    buf_init(&f.said, 65536);
    intern_init(&texts, &f.arena);
    struct schema_reader r = {.file = "f", .arena = &f.arena, .texts = &texts, .faults = &f.faults};
    assert_int_equal(yaml_parse("f", str_from(text), &f.arena, &f.faults, &y), 0);
    f.ok = schema_read(&r, &outer_schema, y, &f.out);
    intern_done(&texts);
    listing_write(&f.said, &f.faults);
    assert_true(f.ok || f.said.n); /* unknown keys leave what is read sound */
    return f;
}

static void assert_fault_is(const char *text, const char *want)
{
    FIXTURE(f, text);
    if (!f.said.n || strcmp(f.said.p, want) != 0)
        fail_msg("%s\ngot  %swant %s", text, f.said.n ? f.said.p : "nothing\n", want);
}

static void assert_sound(const char *text)
{
    FIXTURE(f, text);
    if (!f.ok)
        fail_msg("%s\n%s", text, f.said.p);
}

static void each_type_is_read(void **state)
{
    (void)state;
    FIXTURE(f, "text: 'a b'\n"
               "label: k8s-1\n"
               "domain: Lab.home.arpa\n"
               "path: /etc/x\n"
               "url: https://example.org:8443/a/b.yaml?c=d\n"
               "origin: http://10.0.10.5:8080/\n"
               "host: '[fd00::1]:6443'\n"
               "small: 255\n"
               "medium: 4094\n"
               "large: 4294967295\n"
               "huge: 9223372036854775807\n"
               "flag: true\n"
               "word: worker\n"
               "mac: bc:24:11:0a:14:0b\n"
               "uuid: 4c4c4544-0042-4810-8054-b4c04f4d5132\n"
               "addresses: [10.0.20.11, fd00::1]\n"
               "cidr: 10.0.20.0/24\n"
               "endpoint: '[::]:8080'\n");
    assert_true(f.ok);
    assert_str(f.out.text, "a b");
    assert_str(f.out.label, "k8s-1");
    assert_str(f.out.domain, "Lab.home.arpa");
    assert_str(f.out.path, "/etc/x");
    assert_str(f.out.url, "https://example.org:8443/a/b.yaml?c=d");
    assert_str(f.out.origin, "http://10.0.10.5:8080");
    assert_str(f.out.host, "[fd00::1]:6443");
    assert_int_equal(f.out.small, 255);
    assert_int_equal(f.out.medium, 4094);
    assert_int_equal(f.out.large, 4294967295);
    assert_true(f.out.huge == INT64_MAX);
    assert_true(f.out.flag);
    assert_int_equal(f.out.word, 2);
    assert_int_equal(f.out.mac.octet[0], 0xbc);
    assert_int_equal(f.out.uuid.octet[15], 0x32);
    assert_int_equal(f.out.addresses_n, 2);
    assert_int_equal(f.out.addresses[1].family, 6);
    assert_int_equal(f.out.cidr.prefix, 24);
    assert_int_equal(f.out.endpoint.port, 8080);
}

static void what_is_not_written_has_its_default(void **state)
{
    (void)state;
    FIXTURE(f, "text: x\nlarge:\nwords: ~\nnamed:\none: null\n");
    assert_true(f.ok);
    assert_str(f.out.label, "fallen-back");
    assert_int_equal(f.out.small, 7);
    assert_int_equal(f.out.large, 0);
    assert_int_equal(f.out.words_n, 0);
    assert_int_equal(f.out.one.port, 80);
    assert_int_equal(f.out.named_n, 0);
}

static void declared_text_is_taken_as_written(void **state)
{
    (void)state;
    static const char *const texts[] = {"no", "010", "12:34:56", "2026-11-22", "1_000", "true"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char yaml[64];
        snprintf(yaml, sizeof(yaml), "text: %s\n", texts[i]);
        FIXTURE(f, yaml);
        assert_str_equal(f.out.text, str_from(texts[i]));
    }
    assert_sound("text: x\nmac: 52:54:00:12:34:00\n");
    assert_sound("text: x\nlabel: no\nword: none\n");
}

static void lists_and_maps_know_their_names_and_places(void **state)
{
    (void)state;
    FIXTURE(f, "text: x\nwords: [worker, none]\nseveral:\n- port: 81\n- {}\nnamed:\n  b: {port: 82}"
               "\n  a:\none: {port: 83}\n");
    assert_true(f.ok);
    assert_int_equal(f.out.words_n, 2);
    assert_int_equal(f.out.words[0], 2);
    assert_int_equal(f.out.several_n, 2);
    assert_int_equal(f.out.several[0].port, 81);
    assert_int_equal(f.out.several[1].port, 80);
    assert_int_equal(f.out.named_n, 2);
    assert_str(f.out.named[0].name, "b");
    assert_int_equal(f.out.named[0].at.line, 7);
    assert_int_equal(f.out.named[0].at.column, 3);
    assert_str(f.out.named[1].name, "a");
    assert_int_equal(f.out.named[1].port, 80);
    assert_int_equal(f.out.one.port, 83);
}

static void a_single_value_is_a_list_of_one(void **state)
{
    (void)state;
    FIXTURE(f, "text: x\naddresses: 10.0.0.1\nseveral: {port: 81}\n");
    assert_true(f.ok);
    assert_int_equal(f.out.addresses_n, 1);
    assert_int_equal(f.out.several_n, 1);
}

static void faults_say_what_to_do(void **state)
{
    (void)state;
    assert_fault_is("text: x\nlable: y\n",
                    "f:2:1: outer: unknown key 'lable'; did you mean 'label'?\n");
    assert_fault_is("one: {colour: 1}\ntext: x\n",
                    "f:1:7: inner: unknown key 'colour'; it takes port, spare\n");
    assert_fault_is("small: 1\n", "f:1:1: outer: 'text' is missing; write for example text: abc\n");
    assert_fault_is("text:\n", "f:1:1: outer: 'text' is missing; write for example text: abc\n");
    assert_fault_is("[]", "f:1:1: outer: expected a mapping of keys, not a list\n");
    assert_fault_is("x", "f:1:1: outer: expected a mapping of keys, not a scalar\n");
    assert_fault_is("text: [x]\n", "f:1:7: text: expected a text of one line, not a list\n");
    assert_fault_is("text: x\nsmall: 256\n",
                    "f:2:8: small: '256' is out of range; it goes from 1 to 255\n");
    assert_fault_is("text: x\nsmall: \"20\"\n", "f:2:8: small: '20' is quoted, which makes it a "
                                                "text; leave the quotes out\n");
    assert_fault_is("text: x\nsmall: 1.5\n", "f:2:8: small: '1.5' is not a whole number\n");
    assert_fault_is("text: x\nsmall: 010\n", "f:2:8: small: '010' is not a whole number\n");
    assert_fault_is("text: x\nflag: yes\n",
                    "f:2:7: flag: 'yes' is not true or false, without quotes\n");
    assert_fault_is("text: x\nword: mastr\n", "f:2:7: word: 'mastr' is not one of none, master, "
                                              "worker; did you mean 'master'?\n");
    assert_fault_is("text: x\ncidr: 10.0.20.7/24\n",
                    "f:2:7: cidr: '10.0.20.7/24' has bits set after "
                    "its prefix; the network is 10.0.20.0/24\n");
    assert_fault_is("text: x\norigin: http://a/b\n", "f:2:9: origin: 'http://a/b' has a path; it "
                                                     "must end after the host and its port\n");
    assert_fault_is("text: x\naddresses: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4]\n",
                    "f:2:12: addresses: 4 are too many; it takes at most 3\n");
    assert_fault_is("text: x\naddresses: [10.0.0.1, ~]\n",
                    "f:2:23: addresses: expected an IP address, like 10.0.20.11, not a scalar\n");
    assert_fault_is("text: x\nnamed: [a]\n",
                    "f:2:8: named: expected a mapping of names, not a list\n");
    assert_fault_is("text: x\nnamed: {A: {}}\n",
                    "f:2:9: inner: 'A' is not a valid name; use lower-case letters, digits and '-' "
                    "inside, 63 at most\n");
    assert_fault_is("text: x\none: {port: 666}\n", "f:2:13: port: not that one\n");
}

static void unknown_keys_leave_the_rest_sound(void **state)
{
    (void)state;
    FIXTURE(f, "text: x\nnope: 1\nsmall: 9\n");
    assert_true(f.ok);
    assert_int_equal(f.faults.errors, 1);
    FIXTURE(g, "text: x\nnope: 1\nsmall: 0\n");
    assert_false(g.ok);
}

static void maps_keep_what_is_sound(void **state)
{
    (void)state;
    FIXTURE(
        f,
        "text: x\nnamed:\n  a: {port: 81}\n  b: {spare: 7, port: x}\n  c: {port: 83, nope: 1}\n");
    assert_int_equal(f.faults.errors, 2);
    assert_int_equal(f.out.named_n, 2);
    assert_int_equal(f.out.named[0].port, 81);
    assert_str(f.out.named[1].name, "c");
    assert_int_equal(f.out.named[1].port, 83);
    assert_int_equal(f.out.named[1].spare, 0);
}

static void all_faults_are_reported_at_once(void **state)
{
    (void)state;
    FIXTURE(f, "small: 0\nmac: x\nnope: 1\nseveral: [{port: 1}, {port: x}]\n");
    assert_int_equal(f.faults.errors, 6);
}

static void foreign_text_is_escaped_and_cut_in_faults(void **state)
{
    (void)state;
    FIXTURE(f, "text: x\nmac: \"a\\e[31m\\nb\"\nuuid: 0123456789012345678901234567890123456789012"
               "3456789012345678901234567890123456789\n");
    assert_contains(f.said.p, "mac: 'a\\x1b[31m\\nb' is not");
    assert_contains(f.said.p, "uuid: '0123456789012345678901234567890123456789012345678901234567"
                              "890123…' is not");
}

static void odd_texts_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "text: ''",
        "text: \"a\\nb\"",
        "text: \"a\\x7f\"",
        "label: a.b",
        "domain: a..b",
        "domain: ''",
        "domain: a_b.c",
        "domain: -a.b",
        "path: etc/x",
        "path: ''",
        "url: ftp://a/b",
        "url: http:///b",
        "url: http://",
        "url: 'http://a/b c'",
        "url: http://a:0/",
        "origin: homelab",
        "origin: http://",
        "origin: http://a;b",
        "origin: http://u@a",
        "origin: http://a?b",
        "origin: http://a//",
        "origin: http://[fd00::1",
        "origin: http://[10.0.0.1]",
        "origin: http://fd00::1",
        "origin: http://a:99999",
        "host: a",
        "host: a:0",
        "host: 10.0.20.5:0",
        "host: 'fd00::1:6443'",
        "host: '[fd00::1]'",
        "host: ':6443'",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "%s\n%s", strncmp(wrong[i], "text", 4) ? "text: x" : "",
                 wrong[i]);
        FIXTURE(f, text);
        if (f.faults.errors != 1)
            fail_msg("%s: %zu faults", wrong[i], f.faults.errors);
    }
    assert_sound("text: x\norigin: http://[fd00::1]\n");
    assert_sound("text: x\norigin: https://seed.home.arpa\n");
    assert_sound("text: x\nurl: http://a\n");
    assert_sound("text: x\nhost: api.home.arpa:6443\n");
    assert_sound("text: x\nhost: 10.0.20.5:6443\n");
}

static void types_share_their_word_with_the_command_line(void **state)
{
    (void)state;
    assert_true(types_origin_valid(STR("http://10.0.10.5:8080/")));
    assert_true(types_origin_valid(STR("https://[fd00::1]:8443")));
    assert_false(types_origin_valid(STR("http://10.0.10.5:8080/x")));
    assert_false(types_origin_valid(STR("10.0.10.5:8080")));
    assert_false(types_origin_valid(STR("")));
    assert_false(types_origin_valid(STR("/")));
}

UNIT_MAIN(cmocka_unit_test(each_type_is_read),
          cmocka_unit_test(what_is_not_written_has_its_default),
          cmocka_unit_test(declared_text_is_taken_as_written),
          cmocka_unit_test(lists_and_maps_know_their_names_and_places),
          cmocka_unit_test(a_single_value_is_a_list_of_one),
          cmocka_unit_test(faults_say_what_to_do),
          cmocka_unit_test(unknown_keys_leave_the_rest_sound),
          cmocka_unit_test(maps_keep_what_is_sound),
          cmocka_unit_test(all_faults_are_reported_at_once),
          cmocka_unit_test(foreign_text_is_escaped_and_cut_in_faults),
          cmocka_unit_test(odd_texts_are_refused),
          cmocka_unit_test(types_share_their_word_with_the_command_line))
