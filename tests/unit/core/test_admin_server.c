/* SPDX-License-Identifier: Apache-2.0 */
/* What admins see of machines that belong to no node. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "base/json.h"
#include "core/internal.h"

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct exchange x;

static struct snapshot *world(const char *nodes)
{
    tmptree_put(&files, "seed/nodes/n.yaml", nodes);
    return snapshot_new(tmptree_load(&files), &secrets);
}

static int start(void **state)
{
    static const struct core_host host = {.cls = NULL};
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://u\n");
    tmptree_put(&files, "seed/roles/r.yaml", "r: {}\n");
    fleet = openfleet_start();
    core = core_new(world("n: {role: r, macs: ['bc:24:11:00:20:0b']}\n"), fleet, NULL, &host);
    return 0;
}

static void leave(void)
{
    if (x.magic)
        exchange_end(&x);
    arena_done(&x.arena);
    buf_done(&x.body);
    x = (struct exchange){.in = {.listener = LISTENER_SOCKET, .principal.kind = PRINCIPAL_SOCKET}};
}

static int end(void **state)
{
    (void)state;
    leave();
    core_free(core);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

static void ask(enum exchange_method method, const char *query)
{
    leave();
    x.in.method = method;
    x.in.path = STR("/v1/discovered");
    x.in.query = str_from(query);
    arena_init(&x.arena, 8192);
    buf_init(&x.body, (size_t)1024 * 1024); /* as the listener does */
    exchange_begin(&x, core_port(core));
    if (!x.out.status)
        assert_int_equal(exchange_step(&x), EXCHANGE_DONE);
}

/* The machines in the answer, as a client reads them. */
static struct value list(void)
{
    struct value answer;
    struct err e;
    ask(METHOD_GET, "");
    assert_int_equal(x.out.status, 200);
    assert_string_equal(x.out.type, "application/json");
    assert_int_equal(json_read(x.out.body, &x.arena, &answer, &e), 0);
    struct value machines = value_get(answer, STR("machines"));
    assert_int_equal(machines.kind, VALUE_LIST);
    return machines;
}

static struct machine machine(const char *mac)
{
    struct machine m = {.has_mac = true};
    assert_true(mac_parse(str_from(mac), &m.mac));
    return m;
}

static void note(const struct machine *m, int64_t wall_ms)
{
    struct address peer;
    assert_true(address_parse(STR("10.0.20.99"), &peer));
    discovered_note(core->discovered, m, peer, wall_ms);
}

static void none(void **state)
{
    (void)state;
    assert_int_equal(list().n, 0);
    assert_str(x.out.body, "{\"machines\":[]}\n");
}

static void one(void **state)
{
    (void)state;
    struct machine m = machine("BC-24-11-00-20-0E");
    m.has_uuid = uuid_parse(STR("6F3D9A52-3B53-4C0E-8A51-8DD2B8F4C4F1"), &m.uuid);
    m.manufacturer = STR("QEMU");
    m.product = STR("Standard \"PC\"\n");
    m.platform = STR("efi");
    m.arch = STR("x86_64");
    note(&m, 1795343968000);
    note(&m, 1795343969500);
    list();
    assert_str(x.out.body,
               "{\"machines\":[{\"mac\":\"bc:24:11:00:20:0e\","
               "\"uuid\":\"6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1\",\"manufacturer\":\"QEMU\","
               "\"product\":\"Standard \\\"PC\\\"\\n\",\"platform\":\"efi\",\"arch\":\"x86_64\","
               "\"address\":\"10.0.20.99\",\"first\":\"2026-11-22T10:39:28.000Z\","
               "\"last\":\"2026-11-22T10:39:29.500Z\",\"times\":2}]}\n");
}

static void what_is_not_known_is_null(void **state)
{
    (void)state;
    struct machine m = machine("bc:24:11:00:20:0e");
    discovered_note(core->discovered, &m, (struct address){0}, 0);
    struct value got = list().items[0];
    static const char *const members[] = {"uuid",     "manufacturer", "product",
                                          "platform", "arch",         "address"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_int_equal(value_get(got, str_from(members[i])).kind, VALUE_NONE);
}

static void whose_macs_nodes_have_are_left_out(void **state)
{
    (void)state;
    const struct machine theirs = machine("bc:24:11:00:20:0b"), free = machine("bc:24:11:00:20:0e");
    note(&free, 1);
    note(&theirs, 2);
    struct value machines = list();
    assert_int_equal(machines.n, 1);
    assert_str_equal(value_text(value_get(machines.items[0], STR("mac"))),
                     STR("bc:24:11:00:20:0e"));
    core_replace(core, world("m: {role: r, macs: ['bc:24:11:00:20:0e', 'bc:24:11:00:20:0f']}\n"));
    machines = list();
    assert_int_equal(machines.n, 1);
    assert_str_equal(value_text(value_get(machines.items[0], STR("mac"))),
                     STR("bc:24:11:00:20:0b"));
}

static void the_one_seen_last_comes_first(void **state)
{
    (void)state;
    const struct machine a = machine("bc:24:11:00:20:0e"), b = machine("bc:24:11:00:20:0f");
    note(&a, 1);
    note(&b, 2);
    assert_str(value_text(value_get(list().items[0], STR("mac"))), "bc:24:11:00:20:0f");
    note(&a, 3);
    assert_str(value_text(value_get(list().items[0], STR("mac"))), "bc:24:11:00:20:0e");
}

static void texts_that_are_none(void **state)
{
    (void)state;
    struct machine m = machine("bc:24:11:00:20:0e");
    m.manufacturer = STR("\xFF\xFE");
    m.product = (struct str){"a\0b", 3};
    m.platform = STR("\x1B[2J\xC0\x80");
    m.arch = STR("\xED\xA0\x80");
    note(&m, 1);
    struct value got = list().items[0];
    assert_str(value_text(value_get(got, STR("manufacturer"))), "\uFFFD\uFFFD");
    assert_str(value_text(value_get(got, STR("product"))), "a");
    assert_str(value_text(value_get(got, STR("platform"))), "\x1B[2J\uFFFD\uFFFD");
    assert_str(value_text(value_get(got, STR("arch"))), "\uFFFD\uFFFD\uFFFD");
}

/* Control characters are what is longest in JSON. */
static void a_full_table_is_one_answer(void **state)
{
    (void)state;
    char text[MACHINE_TEXT_MAX_BYTES];
    struct address peer;
    memset(text, 1, sizeof(text));
    struct str longest = {text, sizeof(text)};
    assert_true(address_parse(STR("2001:db8:1111:2222:3333:4444:5555:6666"), &peer));
    struct machine m = machine("bc:24:11:00:00:00");
    m.has_uuid = uuid_parse(STR("6F3D9A52-3B53-4C0E-8A51-8DD2B8F4C4F1"), &m.uuid);
    m.manufacturer = m.product = m.platform = m.arch = longest;
    for (unsigned i = 0; i < DISCOVERED_MAX; i++) {
        m.mac.octet[4] = (uint8_t)(i >> 8);
        m.mac.octet[5] = (uint8_t)i;
        discovered_note(core->discovered, &m, peer, 1795343968000);
    }
    assert_int_equal(list().n, DISCOVERED_MAX);
    assert_true(x.out.body.n < (size_t)1000 * 1000); /* with room for `times` */
}

static void what_is_refused(void **state)
{
    (void)state;
    ask(METHOD_GET, "limit=1");
    assert_int_equal(x.out.status, 400);
    ask(METHOD_POST, "");
    assert_int_equal(x.out.status, 405);
    assert_string_equal(x.out.allow, "GET, HEAD");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(none), TEST(one), TEST(what_is_not_known_is_null),
          TEST(whose_macs_nodes_have_are_left_out), TEST(the_one_seen_last_comes_first),
          TEST(texts_that_are_none), TEST(a_full_table_is_one_answer), TEST(what_is_refused))
