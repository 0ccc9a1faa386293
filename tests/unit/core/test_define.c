/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that admins register: which request waits for what, and what others see in between. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/core.h"

static const struct secrets secrets = {
    .list = {{.kid = 'n', .bytes = {1, 2, 3}}, {.kid = 'o', .bytes = {4, 5, 6}}}, .n = 2};

#define EXCHANGES 3

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct exchange x[EXCHANGES];
static bool woken[EXCHANGES];
static unsigned extensions; /* that were asked for */

/* --- Without a daemon --------------------------------------------------------------------------
 */

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    if (x[who.slot].waiter.ref.generation == who.generation)
        woken[who.slot] = true;
}

static void on_extend(void *cls)
{
    (void)cls;
    extensions++;
}

/* What the daemon does, and how many definitions have no place. */
static size_t extend(void)
{
    const struct snapshot *s = core_snapshot(core);
    struct tree_definition list[16];
    struct fleet_definition from;
    struct faults faults;
    uint32_t n = 0;
    for (uint32_t at = 0; fleet_definition_at(fleet, &at, &from);)
        list[n++] = (struct tree_definition){from.uid, from.json, from.revision};
    faults_init(&faults);
    struct tree *t = tree_extend(snapshot_tree(s), snapshot_registered(s), list, n, &faults);
    core_replace(core, snapshot_extend(s, t, fleet_definitions_version(fleet)));
    size_t out = n - tree_node_count(t);
    faults_done(&faults);
    return out;
}

static int start(void **state)
{
    static const struct core_host host = {.extend = on_extend};
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://u\n");
    tmptree_put(&files, "seed/roles/r.yaml", "r: {}\n");
    tmptree_put(&files, "seed/nodes/n.yaml", "m: {role: r, serial: M}\n");
    fleet = openfleet_start();
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, NULL, &host);
    extend();
    extensions = 0;
    return 0;
}

static void leave(uint32_t i)
{
    if (x[i].magic)
        exchange_end(&x[i]);
    arena_done(&x[i].arena);
    buf_done(&x[i].body);
    x[i] = (struct exchange){.waiter = {{on_wake, NULL}, {i, x[i].waiter.ref.generation + 1}}};
    woken[i] = false;
}

static int end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < EXCHANGES; i++)
        leave(i);
    core_free(core);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

/* --- Asking ------------------------------------------------------------------------------------
 */

static void begin(uint32_t i, enum exchange_method method, const char *path, const char *body)
{
    leave(i);
    x[i].in.listener = LISTENER_SOCKET;
    x[i].in.principal.kind = PRINCIPAL_SOCKET;
    x[i].in.method = method;
    x[i].in.path = str_from(path);
    x[i].in.body = str_from(body);
    arena_init(&x[i].arena, 8192);
    buf_init(&x[i].body, 1 << 20);
    exchange_begin(&x[i], core_port(core));
}

static enum exchange_verdict step(uint32_t i)
{
    woken[i] = false;
    exchange_wake(&x[i]);
    return exchange_step(&x[i]);
}

#define WAITS(i) assert_int_equal(step(i), EXCHANGE_WAIT)
#define IS_DONE(i, code)                           \
    do {                                           \
        assert_int_equal(step(i), EXCHANGE_DONE);  \
        assert_int_equal(x[i].out.status, (code)); \
    } while (0)

static void says(uint32_t i, const char *part)
{
    struct str body = x[i].out.body;
    assert_non_null(memmem(body.p, body.n, part, strlen(part)));
}

static void store_answers(void)
{
    fleet_on_store(fleet);
}

/* One without others at the same time. */
static void define(enum exchange_method method, const char *path, const char *body, int status)
{
    begin(0, method, path, body);
    enum exchange_verdict v = step(0);
    store_answers();
    if (v == EXCHANGE_WAIT)
        v = step(0);
    extend();
    if (v == EXCHANGE_WAIT)
        v = step(0);
    assert_int_equal(v, EXCHANGE_DONE);
    assert_int_equal(x[0].out.status, status);
}

#define WEB "{\"name\": \"web\", \"role\": \"r\", \"serial\": \"W\"}"

static const struct node *registered(const char *name)
{
    return snapshot_find_name(core_snapshot(core), str_from(name));
}

/* --- The way of one ----------------------------------------------------------------------------
 */

static void the_answer_comes_when_the_node_is_there(void **state)
{
    (void)state;
    begin(0, METHOD_POST, "/v1/nodes", WEB);
    WAITS(0); /* for the disk */
    assert_null(registered("web"));
    assert_true(core_is_defining(core));
    store_answers();
    assert_true(woken[0]);
    assert_int_equal(extensions, 0);
    assert_false(core_is_defining(core));
    WAITS(0); /* for the world */
    assert_int_equal(extensions, 1);
    WAITS(0); /* woken by something else */
    assert_int_equal(extend(), 0);
    assert_true(woken[0]);
    IS_DONE(0, 201);
    says(0, "\"name\":\"web\"");
    says(0, "\"declared\":null");
    assert_string_equal(x[0].out.location, "/v1/nodes/web");
    const struct node *n = registered("web");
    assert_int_equal(n->uid.n, 28);
    assert_true(str_starts(n->uid, STR("r-")));
}

static void all_that_can_be_done_to_it(void **state)
{
    (void)state;
    define(METHOD_POST, "/v1/nodes", WEB, 201);
    char uid[64];
    snprintf(uid, sizeof(uid), "%s", registered("web")->uid.p);
    define(METHOD_PATCH, "/v1/nodes/web", "{\"serial\": null, \"variables\": {\"a\": 1}}", 200);
    assert_int_equal(registered("web")->serial.n, 0);
    assert_int_equal(registered("web")->variables.n, 1);
    define(METHOD_POST, "/v1/nodes/web/rekey", "", 200);
    define(METHOD_POST, "/v1/nodes/web/rekey", "", 200);
    assert_int_equal(registered("web")->key_epoch, 3);
    assert_string_equal(registered("web")->uid.p, uid);
    define(METHOD_DELETE, "/v1/nodes/web", "", 204);
    assert_int_equal(x[0].out.body.n, 0);
    assert_null(registered("web"));
    define(METHOD_DELETE, "/v1/nodes/web", "", 404);
    define(METHOD_POST, "/v1/nodes", WEB, 201);
    assert_string_not_equal(registered("web")->uid.p, uid);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        enum exchange_method method;
        const char *path, *body;
        int status;
        const char *says;
    } cases[] = {
        {METHOD_POST, "/v1/nodes", WEB, 409, "is registered already"},
        {METHOD_POST, "/v1/nodes", "{\"name\": \"m\", \"role\": \"r\"}", 409, "n.yaml:1"},
        {METHOD_POST, "/v1/nodes", "{\"name\": \"x\", \"role\": \"r\", \"serial\": \"W\"}", 409,
         "{\"member\":\"serial\",\"detail\":\"the registered node 'web' has it already\"}"},
        {METHOD_POST, "/v1/nodes", "{\"name\": \"x\", \"role\": null}", 422,
         "{\"member\":null,\"detail\":\"node: 'role' is missing"},
        {METHOD_POST, "/v1/nodes", "{\"name\": \"x\", \"rol\": \"r\"}", 400,
         "did you mean 'role'?"},
        {METHOD_POST, "/v1/nodes", "", 422, "name"},
        {METHOD_POST, "/v1/nodes", "7", 400, "not a JSON object"},
        {METHOD_PATCH, "/v1/nodes/m", "{}", 409, "n.yaml:1"},
        {METHOD_DELETE, "/v1/nodes/m", "", 409, "n.yaml:1"},
        {METHOD_POST, "/v1/nodes/m/rekey", "", 409, "n.yaml:1"},
        {METHOD_PATCH, "/v1/nodes/web", "{\"serial\": \"M\"}", 409, "node 'm' at "},
        {METHOD_PATCH, "/v1/nodes/web", "{\"name\": \"x\"}", 422, "keeps it"},
        {METHOD_PATCH, "/v1/nodes/web", "{\"name\": null}", 422, "keeps it"},
        {METHOD_PATCH, "/v1/nodes/nobody", "{}", 404, "no such node"},
        {METHOD_POST, "/v1/nodes/web/rekey", "{\"a\": 1}", 400, "there is no member"},
        {METHOD_DELETE, "/v1/nodes/web", "{\"a\": 1}", 400, "there is no member"},
    };
    define(METHOD_POST, "/v1/nodes", WEB, 201);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(0, cases[i].method, cases[i].path, cases[i].body);
        IS_DONE(0, cases[i].status);
        says(0, cases[i].says);
    }
    /* None of them keeps the turn, and a node's own serial is not another's. */
    define(METHOD_PATCH, "/v1/nodes/web", "{\"serial\": \"W\", \"name\": \"web\"}", 200);
}

/* --- Several -----------------------------------------------------------------------------------
 */

static void one_at_a_time(void **state)
{
    (void)state;
    begin(0, METHOD_POST, "/v1/nodes", WEB);
    begin(1, METHOD_POST, "/v1/nodes", WEB);
    begin(2, METHOD_POST, "/v1/nodes", "{\"name\": \"x\", \"role\": \"r\"}");
    WAITS(0);
    WAITS(1);
    WAITS(2);
    store_answers();
    assert_true(woken[0] && !woken[1] && !woken[2]);
    WAITS(0);
    extend();
    WAITS(1); /* not yet */
    IS_DONE(0, 201);
    leave(0);
    assert_true(woken[1] && woken[2]);
    IS_DONE(1, 409); /* the first to step */
    WAITS(2);
    leave(1);
    WAITS(2);
    store_answers();
    WAITS(2);
    extend();
    IS_DONE(2, 201);
}

/* What it asked for happens all the same, and the next one waits until it can be checked against
 * that. */
static void one_leaves_while_it_is_written(void **state)
{
    (void)state;
    begin(0, METHOD_POST, "/v1/nodes", WEB);
    WAITS(0);
    begin(1, METHOD_POST, "/v1/nodes", WEB);
    WAITS(1);
    assert_true(core_is_defining(core));
    leave(0);
    assert_true(core_is_defining(core));
    WAITS(1);
    store_answers();
    assert_false(core_is_defining(core));
    assert_true(woken[1]);
    WAITS(1);
    assert_int_equal(extensions, 1);
    extend();
    assert_true(woken[1]);
    IS_DONE(1, 409);
    assert_non_null(registered("web"));
}

/* No other request waits: the next one finds the turn free. */
static void one_leaves_and_no_other_waits(void **state)
{
    (void)state;
    begin(0, METHOD_POST, "/v1/nodes", WEB);
    WAITS(0);
    leave(0);
    store_answers();
    assert_false(core_is_defining(core));
    begin(1, METHOD_DELETE, "/v1/nodes/web", "");
    WAITS(1); /* the node is to be seen first */
    extend();
    WAITS(1);
    store_answers();
    extend();
    IS_DONE(1, 204);
}

static void one_leaves_while_the_world_is_made(void **state)
{
    (void)state;
    begin(0, METHOD_POST, "/v1/nodes", WEB);
    WAITS(0);
    store_answers();
    WAITS(0);
    leave(0);
    begin(1, METHOD_PATCH, "/v1/nodes/web", "{\"serial\": \"V\"}");
    WAITS(1); /* the node is to be seen first */
    extend();
    WAITS(1);
    store_answers();
    WAITS(1);
    extend();
    IS_DONE(1, 200);
    assert_str(registered("web")->serial, "V");
}

/* --- What has no place -------------------------------------------------------------------------
 */

static void define_behind_its_back(const char *uid, const char *name, const char *json)
{
    const struct event why = {"created", value_map(NULL, 0)};
    const struct change by = {.cause = STR("test"), .peer = STR("")};
    fleet_forget(fleet, fleet_define(fleet, str_from(uid), str_from(name), STORE_ABSENT,
                                     str_from(json), &why, &by, (struct waiter){0}));
    store_answers();
}

static void what_was_left_out_can_be_put_right(void **state)
{
    (void)state;
    define_behind_its_back("r-a", "a", "{\"name\": \"a\", \"role\": \"gone\"}");
    define_behind_its_back("r-m", "m", "{\"name\": \"m\", \"role\": \"r\"}");
    assert_int_equal(extend(), 2);
    define(METHOD_PATCH, "/v1/nodes/a", "{\"serial\": \"A\"}", 422);
    says(0, "there is no role 'gone'");
    define(METHOD_PATCH, "/v1/nodes/a", "{\"role\": \"r\"}", 200);
    assert_str(registered("a")->uid, "r-a");
    assert_str(registered("m")->uid, "m");
    define(METHOD_PATCH, "/v1/nodes/m", "{\"serial\": \"A\"}", 409);
    define(METHOD_DELETE, "/v1/nodes/m", "", 204); /* the registered one */
    assert_int_equal(extend(), 0);
    assert_non_null(registered("m"));
    begin(0, METHOD_DELETE, "/v1/nodes/m", "");
    IS_DONE(0, 409);
}

/* --- The snapshot that they stand in -----------------------------------------------------------
 */

static struct str second_key(const struct node *n)
{
    static char key[SEED_KEY_LEN + 1];
    struct keyer *keyer = keyer_new(&secrets.list[1]);
    keyer_seed_key(keyer, n->uid, n->key_epoch, key);
    keyer_free(keyer);
    return str_from(key);
}

static void found_beside_declared_ones(void **state)
{
    (void)state;
    define(METHOD_POST, "/v1/nodes", WEB, 201);
    define(METHOD_POST, "/v1/nodes",
           "{\"name\": \"a\", \"role\": \"r\", \"macs\": [\"bc:24:11:00:00:01\"], \"uuid\": "
           "\"4c4c4544-0042-4810-8054-b4c04f4d5132\"}",
           201);
    define(METHOD_POST, "/v1/nodes", "{\"name\": \"zz\", \"role\": \"r\"}", 201);
    const struct snapshot *s = core_snapshot(core);
    const struct node *a = snapshot_find_name(s, STR("a"));
    const struct node *m = snapshot_find_name(s, STR("m"));
    const struct node *web = snapshot_find_serial(s, STR("W"));
    assert_int_equal(snapshot_node_count(s), 4);
    assert_ptr_equal(snapshot_next(s, STR("")), a);
    assert_ptr_equal(snapshot_next(s, STR("a")), m);
    assert_ptr_equal(snapshot_next(s, STR("lz")), m);
    assert_ptr_equal(snapshot_next(s, STR("m")), web);
    assert_null(snapshot_next(s, STR("zz")));
    assert_ptr_equal(snapshot_find_serial(s, STR("M")), m);
    assert_ptr_equal(snapshot_find_mac(s, a->macs[0]), a);
    assert_ptr_equal(snapshot_find_uuid(s, *a->uuid), a);
    assert_ptr_equal(snapshot_find_uid(s, a->uid), a);
    assert_ptr_equal(snapshot_find_uid(s, STR("m")), m);
    assert_null(snapshot_find_uid(s, STR("a")));
    assert_true(snapshot_is_declared(s, m) && !snapshot_is_declared(s, web));
    const struct node *all[] = {a, m, web};
    for (size_t i = 0; i < 3; i++) {
        struct str key = snapshot_node_key(s, all[i]);
        assert_int_equal(key.p[0], 'n');
        assert_ptr_equal(snapshot_find_key(s, key), all[i]);
        assert_ptr_equal(snapshot_find_key(s, second_key(all[i])), all[i]);
    }
}

/* A key is made once, a verdict holds as long as the node is the same. */
static void what_an_extension_keeps(void **state)
{
    (void)state;
    define(METHOD_POST, "/v1/nodes", WEB, 201);
    struct snapshot *s = core_pin(core);
    const struct node *web = snapshot_find_name(s, STR("web"));
    const struct node *m = snapshot_find_name(s, STR("m"));
    snapshot_set_verdict(s, web, CHECK_OK);
    snapshot_set_verdict(s, m, CHECK_FAULTY);
    define(METHOD_POST, "/v1/nodes", "{\"name\": \"a\", \"role\": \"r\"}", 201);
    const struct snapshot *next = core_snapshot(core);
    assert_ptr_not_equal(next, s);
    assert_true(snapshot_same_base(next, s));
    assert_int_equal(snapshot_verdict(next, registered("web")), CHECK_OK);
    assert_int_equal(snapshot_verdict(next, registered("m")), CHECK_FAULTY);
    assert_int_equal(snapshot_verdict(next, registered("a")), CHECK_UNCHECKED);
    struct str key = snapshot_node_key(next, registered("web"));
    assert_memory_equal(key.p, snapshot_node_key(s, web).p, key.n);
    define(METHOD_PATCH, "/v1/nodes/web", "{\"serial\": \"V\"}", 200);
    assert_int_equal(snapshot_verdict(core_snapshot(core), registered("web")), CHECK_UNCHECKED);
    assert_str(web->serial, "W"); /* in a world of its own */
    snapshot_unref(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(the_answer_comes_when_the_node_is_there), TEST(all_that_can_be_done_to_it),
          TEST(refusals), TEST(one_at_a_time), TEST(one_leaves_while_it_is_written),
          TEST(one_leaves_and_no_other_waits), TEST(one_leaves_while_the_world_is_made),
          TEST(what_was_left_out_can_be_put_right), TEST(found_beside_declared_ones),
          TEST(what_an_extension_keeps))
