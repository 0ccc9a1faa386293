/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS presents, with a clock that the test sets. */
#include "lib/unit.h"

#include "daemon/certificates.h"
#include "lib/failing_store.h"
#include "lib/folder.h"
#include "unit/render/tmptree.h"

#define NOW ((int64_t)1830000000) /* December 2027 */

static struct {
    int64_t now_s;
    struct moment moment;
    unsigned used;    /* how often a certificate was presented */
    bool refuses;     /* the TLS library does */
    char chain[8192]; /* the latest */
} world;

static struct tmptree files;
static struct store *store;
static struct state state_of;
static struct core *core;
static uv_loop_t loop;
static struct certificates c;
static struct exchange x;
static struct config config;

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = world.moment;
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)a;
    *ret = sealed;
    return true;
}

static void nothing(void *cls)
{
    (void)cls;
}

static int64_t wall(void *cls)
{
    (void)cls;
    return world.now_s;
}

static int use(void *cls, const struct certificate *made, struct err *e)
{
    (void)cls;
    if (world.refuses)
        return err_set(e, -22, "no");
    world.used++;
    assert_true(made->chain.n < sizeof(world.chain));
    memcpy(world.chain, made->chain.p, made->chain.n + 1);
    return 0;
}

static struct snapshot *snapshot(const char *site)
{
    static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1}}}, .n = 1};
    tmptree_put(&files, "seed/site.yaml", site);
    struct tree *t = tmptree_load(&files);
    return snapshot_new(t, &secrets);
}

#define SITE "name: lab\nurl: http://seed.home.arpa:8080\nnode_url: https://10.0.10.5:8443\n"

static void start_with(struct certificate provided)
{
    static const struct certificates_host host = {wall, use, NULL};
    const struct listeners listeners = {.n = 0};
    struct err e;
    if (certificates_start(&c, &host, core, &state_of, &listeners, &provided, &loop, &e) < 0)
        fail_msg("%s", e.msg);
}

static void start(void)
{
    start_with((struct certificate){.since_s = 0});
}

static void stop(void)
{
    certificates_stop(&c);
    uv_run(&loop, UV_RUN_DEFAULT);
    certificates_done(&c);
    c = (struct certificates){.state = NULL};
}

static int begin(void **state)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct err e;
    memset(&world, 0, sizeof(world));
    world.now_s = NOW;
    world.moment = (struct moment){NOW * 1000, 1000000, STR("boot")};
    tmptree_init(&files);
    tmptree_put(&files, "seed/roles/r.yaml", "r: {}\n");
    if (folder_enter(state) < 0 || sealer_new("key", &state_of.sealer, &e) < 0)
        return -1;
    store = failing_store_new();
    assert_int_equal(fleet_open(store, &host, &state_of.fleet, &e), 0);
    assert_int_equal(fleet_start(state_of.fleet, nothing, NULL, (struct alarm){NULL, NULL}, &e), 0);
    core = core_new(snapshot(SITE), state_of.fleet, NULL, &(const struct core_host){.cls = NULL});
    config = (struct config){.seed_dir = {"", 0}};
    return uv_loop_init(&loop);
}

static void leave(void)
{
    if (x.magic)
        exchange_end(&x);
    arena_done(&x.arena);
    buf_done(&x.body);
    x = (struct exchange){.in = {.method = METHOD_GET}};
}

static int end(void **state)
{
    leave();
    stop();
    uv_loop_close(&loop);
    core_free(core);
    fleet_close(state_of.fleet);
    sealer_free(state_of.sealer);
    tmptree_done(&files);
    return folder_leave(state);
}

/* The store answers, and with it what waited. */
static void on_store(void)
{
    fleet_on_store(state_of.fleet);
}

/* What the server answers to this path. */
static const char *ask(enum exchange_listener listener, const char *path)
{
    leave();
    x = (struct exchange){.in = {.listener = listener, .principal.kind = PRINCIPAL_SOCKET}};
    x.in.method = METHOD_GET;
    x.in.path = str_from(path);
    arena_init(&x.arena, 8192);
    buf_init(&x.body, (size_t)1 << 20);
    exchange_begin(&x, core_port(core));
    if (!x.out.status)
        exchange_step(&x);
    return arena_str(&x.arena, x.out.body).p;
}

static void change(enum core_ca_change what)
{
    const char *reason;
    assert_true(certificates_change_ca(&c, what, &reason) > 0);
    on_store();
}

static void arm(const char *name, const char *pin)
{
    const struct change arming = {.kind = CHANGE_ARM,
                                  .cause = STR("uid 0"),
                                  .arm = {.length_ms = 600000,
                                          .join_key = STR("j"),
                                          .window_key = str_from(name),
                                          .pin = str_from(pin)}};
    fleet_forget(state_of.fleet, fleet_change(state_of.fleet, str_from(name), str_from(name),
                                              &arming, (struct waiter){0}));
    on_store();
}

static void disarm(const char *name)
{
    const struct change c1 = {.kind = CHANGE_DISARM, .cause = STR("uid 0")};
    fleet_forget(state_of.fleet, fleet_change(state_of.fleet, str_from(name), str_from(name), &c1,
                                              (struct waiter){0}));
    on_store();
}

/* --- Our own CA ------------------------------------------------------------------------------ */

static void a_ca_lasts(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    start();
    assert_int_equal(world.used, 1);
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    assert_contains(ask(LISTENER_BOOT, "/ca.pem"), "-----BEGIN CERTIFICATE-----");
    assert_int_equal(x.out.status, 200);
    ask(LISTENER_NODE, "/ca.pem");
    assert_int_equal(x.out.status, 200);
    stop();
    start();
    assert_string_equal(c.served.pin, pin);
}

static void its_text_is_sealed(void **state)
{
    struct own_record record;
    (void)state;
    start();
    on_store();
    uint32_t at = 0, n = 0;
    while (fleet_own_at(state_of.fleet, &at, &record)) {
        n++;
        assert_null(memmem(record.bytes.p, record.bytes.n, "PRIVATE", 7));
    }
    assert_int_equal(n, 1);
    /* A load of the seed tree does not drop it. */
    struct sealed_cache cache;
    sealed_cache_init(&cache, state_of.fleet, state_of.sealer);
    sealed_cache_tidy(&cache);
    at = 0;
    assert_false(sealed_cache_change_at(&cache, &at, &record));
    sealed_cache_done(&cache);
}

/* The first write failed: it is repeated. */
static void a_full_disk_at_the_first_start(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    failing_store_script(store, STORE_FULL, false);
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    assert_true(c.ca.unsaved);
    certificates_look(&c);
    on_store();
    assert_false(c.ca.unsaved);
    stop();
    start();
    assert_string_equal(c.served.pin, pin);
}

static void another_sealing_key_makes_another_ca(void **state)
{
    char pin[PIN_LEN + 1];
    struct err e;
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    stop();
    sealer_free(state_of.sealer);
    assert_int_equal(sealer_new("other-key", &state_of.sealer, &e), 0);
    start();
    on_store();
    assert_string_not_equal(c.served.pin, pin);
}

static void names_are_those_of_the_site(void **state)
{
    const struct certificate_name before = {.address = {4, {10, 0, 10, 5}}},
                                  after = {.dns = STR("new.home.arpa")};
    (void)state;
    start();
    assert_str(c.names, "seed.home.arpa,10.0.10.5");
    assert_true(certificate_covers(&c.served, &before));
    core_replace(core, snapshot("name: lab\nurl: http://[2001:db8::5]:8080\n"
                                "node_url: https://new.home.arpa\n"));
    certificates_reloaded(&c, &(struct certificate){.since_s = 0});
    assert_int_equal(world.used, 2);
    assert_str(c.names, "2001:db8::5,new.home.arpa");
    assert_true(certificate_covers(&c.served, &after));
    certificates_reloaded(&c, &(struct certificate){.since_s = 0});
    assert_int_equal(world.used, 2); /* nothing is new */
}

static void time_passes(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    world.now_s = NOW + 60 * CA_DAY_S - 1;
    certificates_look(&c);
    assert_int_equal(world.used, 1);
    world.now_s += 1;
    certificates_look(&c);
    assert_int_equal(world.used, 2);
    assert_true(c.served.until_s == world.now_s + 90 * CA_DAY_S);
    /* The CA, too, with the same key. */
    int64_t until = ca_until_s(c.ca.in_force);
    world.now_s = NOW + 7 * 365 * CA_DAY_S;
    certificates_look(&c);
    on_store();
    assert_true(ca_until_s(c.ca.in_force) > until);
    assert_string_equal(c.served.pin, pin);
    /* What the TLS library refuses changes nothing. */
    unsigned used = world.used;
    world.refuses = true;
    world.now_s += 80 * CA_DAY_S;
    certificates_look(&c);
    assert_int_equal(world.used, used);
    world.refuses = false;
    certificates_look(&c);
    assert_int_equal(world.used, used + 1);
}

static void a_clock_that_begins_at_1970(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    world.now_s = 12;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    assert_true(c.served.until_s > CLOUDSEED_BUILD_DATE);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "the clock is not set");
    world.now_s = NOW; /* more than 90 days later */
    certificates_look(&c);
    assert_int_equal(world.used, 2);
    assert_true(c.served.until_s == NOW + 90 * CA_DAY_S);
    assert_string_equal(c.served.pin, pin);
    assert_null(strstr(ask(LISTENER_SOCKET, "/v1/ca"), "the clock is not set"));
    world.now_s = 12; /* a restart without the network */
    certificates_look(&c);
    assert_true(c.served.since_s <= CLOUDSEED_BUILD_DATE);
}

/* --- Changes of the CA ------------------------------------------------------------------------ */

static unsigned certificates_in(const char *pem)
{
    unsigned n = 0;
    while ((pem = strstr(pem, "-----BEGIN CERTIFICATE-----"))) {
        pem++;
        n++;
    }
    return n;
}

static void a_renewal_keeps_the_pin(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    world.now_s += CA_DAY_S;
    int64_t until = ca_until_s(c.ca.in_force);
    change(CORE_CA_RENEW);
    assert_true(ca_until_s(c.ca.in_force) == until + CA_DAY_S);
    assert_string_equal(c.served.pin, pin);
    stop();
    start();
    assert_true(ca_until_s(c.ca.in_force) == until + CA_DAY_S);
}

static void a_rotation_lasts_as_long_as_old_windows(void **state)
{
    char pin[PIN_LEN + 1];
    const char *reason = "";
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    arm("a", pin);
    arm("b", pin);
    change(CORE_CA_ROTATE);
    assert_string_not_equal(c.served.pin, pin);
    assert_string_equal(ca_former_pin(c.ca.in_force), pin);
    assert_int_equal(certificates_in(ask(LISTENER_BOOT, "/ca.pem")), 2);
    assert_int_equal(certificates_in(world.chain), 2);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "\"windows\":2");
    assert_int_equal(certificates_change_ca(&c, CORE_CA_ROTATE, &reason), 0);
    assert_contains(reason, "a rotation is under way");
    arm("a", c.served.pin);
    certificates_look(&c);
    on_store();
    assert_non_null(ca_former_pin(c.ca.in_force));
    stop(); /* a restart does not end it */
    start();
    assert_string_equal(ca_former_pin(c.ca.in_force), pin);
    disarm("b");
    certificates_look(&c);
    on_store();
    assert_null(ca_former_pin(c.ca.in_force));
    assert_int_equal(certificates_in(ask(LISTENER_BOOT, "/ca.pem")), 1);
    assert_int_equal(certificates_in(world.chain), 1);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "\"rotation\":null");
}

/* The fleet's events say when a window is closed. */
static void the_end_of_a_window_is_noticed(void **state)
{
    (void)state;
    start();
    on_store();
    arm("a", c.served.pin);
    change(CORE_CA_ROTATE);
    assert_false(uv_is_active((uv_handle_t *)&c.soon));
    disarm("a");
    assert_true(uv_is_active((uv_handle_t *)&c.soon));
    while (uv_is_active((uv_handle_t *)&c.soon))
        uv_run(&loop, UV_RUN_ONCE);
    on_store();
    assert_null(ca_former_pin(c.ca.in_force));
}

static void a_rotation_may_be_at_once(void **state)
{
    char pin[PIN_LEN + 1];
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    arm("a", pin);
    change(CORE_CA_ROTATE_NOW);
    assert_string_not_equal(c.served.pin, pin);
    assert_null(ca_former_pin(c.ca.in_force));
    assert_int_equal(certificates_in(ask(LISTENER_BOOT, "/ca.pem")), 1);
}

static void a_change_that_is_not_stored_is_none(void **state)
{
    char pin[PIN_LEN + 1];
    const char *reason;
    (void)state;
    start();
    on_store();
    snprintf(pin, sizeof(pin), "%s", c.served.pin);
    failing_store_script(store, STORE_FULL, false);
    assert_int_equal(certificates_change_ca(&c, CORE_CA_ROTATE, &reason), 1);
    assert_int_equal(certificates_change_ca(&c, CORE_CA_RENEW, &reason), 0);
    assert_contains(reason, "another change");
    assert_string_equal(c.served.pin, pin);
    on_store();
    assert_string_equal(c.served.pin, pin);
    assert_int_equal(certificates_change_ca(&c, CORE_CA_ROTATE, &reason), 2);
    on_store();
    assert_string_not_equal(c.served.pin, pin);
}

/* --- Provided in files ------------------------------------------------------------------------ */

/* leaf.pem and leaf.key for the names, valid from now for so many days, below root.pem. */
static void provide(const char *names, int days)
{
    char command[1024];
    snprintf(command, sizeof(command),
             "exec >/dev/null 2>&1; set -e; [ -e root.key ] || openssl req -x509 -newkey ec "
             "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -subj /CN=root -days 9 -out "
             "root.pem\n"
             "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key "
             "-subj /CN=leaf -out leaf.csr; echo subjectAltName=%s >ext\n"
             "openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 7 -days %d "
             "-extfile ext -out leaf.pem; chmod 600 leaf.key",
             names, days);
    assert_int_equal(system(command), 0);
    config.tls = (struct config_tls){STR("leaf.pem"), STR("leaf.key"), STR("root.pem")};
}

static int take(struct certificate *ret, const char *message)
{
    struct faults faults;
    faults_init(&faults);
    int r = certificates_read(&config, &faults, ret);
    assert_int_equal(r<0, faults.errors> 0);
    if (faults.errors)
        assert_contains(faults.list[0].msg, message);
    faults_done(&faults);
    return r;
}

static void a_provided_certificate(void **state)
{
    struct certificate made;
    const char *reason;
    (void)state;
    provide("DNS:seed.home.arpa,IP:10.0.10.5", 5);
    assert_int_equal(take(&made, ""), 0);
    world.now_s = made.since_s;
    start_with(made);
    assert_int_equal(c.warnings_n, 0);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "\"provided\":true");
    assert_int_equal(certificates_change_ca(&c, CORE_CA_RENEW, &reason), 0);
    assert_contains(reason, "provided in files");
    assert_int_equal(certificates_in(ask(LISTENER_BOOT, "/ca.pem")), 1);
    /* Its end comes near, and comes. */
    world.now_s = made.until_s - CA_DAY_S / 3;
    certificates_look(&c);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "the certificate ends at");
    world.now_s = made.until_s + 1;
    certificates_look(&c);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "the certificate has ended at");
    world.now_s = made.since_s - 1;
    certificates_look(&c);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "the certificate is not valid before");
    /* Another one, which lacks a name. */
    provide("DNS:seed.home.arpa", 9);
    assert_int_equal(take(&made, ""), 0);
    certificates_reloaded(&c, &made);
    assert_int_equal(world.used, 2);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"), "is not among the names");
}

static void bad_files_are_faults(void **state)
{
    struct certificate made;
    (void)state;
    provide("DNS:seed.home.arpa", 5);
    assert_int_equal(chmod("leaf.key", 0644), 0);
    assert_true(take(&made, "others than its owner and group may use it") < 0);
    assert_int_equal(chmod("leaf.key", 0640), 0);
    assert_int_equal(take(&made, ""), 0);
    certificate_done(&made);
    config.tls.key = STR("root.key");
    assert_true(take(&made, "does not belong to the first certificate") < 0);
    config.tls.certificate = STR("none.pem");
    assert_true(take(&made, "none.pem: No such file") < 0);
    config.tls = (struct config_tls){.key = {"", 0}};
    assert_int_equal(take(&made, ""), 0);
    assert_int_equal(made.chain.n, 0);
}

/* Files that hold what has ended, or has not begun, do not replace what is valid. */
static void one_that_is_not_valid_is_not_taken(void **state)
{
    struct certificate first, second;
    (void)state;
    provide("DNS:seed.home.arpa,IP:10.0.10.5", 5);
    assert_int_equal(take(&first, ""), 0);
    provide("DNS:seed.home.arpa,IP:10.0.10.5", 1);
    assert_int_equal(take(&second, ""), 0);
    world.now_s = second.until_s + 60;
    start_with(first);
    certificates_reloaded(&c, &second);
    assert_int_equal(world.used, 1);
    assert_contains(ask(LISTENER_SOCKET, "/v1/ca"),
                    "the files hold a certificate that is not valid");
    assert_int_equal(take(&second, ""), 0);
    second.since_s = world.now_s + 1;
    second.until_s = world.now_s + CA_DAY_S;
    certificates_reloaded(&c, &second);
    assert_int_equal(world.used, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(a_ca_lasts), TEST(its_text_is_sealed), TEST(a_full_disk_at_the_first_start),
          TEST(another_sealing_key_makes_another_ca), TEST(names_are_those_of_the_site),
          TEST(time_passes), TEST(a_clock_that_begins_at_1970), TEST(a_renewal_keeps_the_pin),
          TEST(a_rotation_lasts_as_long_as_old_windows), TEST(the_end_of_a_window_is_noticed),
          TEST(a_rotation_may_be_at_once), TEST(a_change_that_is_not_stored_is_none),
          TEST(a_provided_certificate), TEST(bad_files_are_faults),
          TEST(one_that_is_not_valid_is_not_taken))
