/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an exchange, without a network: what goes into the port, and what comes out. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/core.h"
#include "wire/form.h"

#include <sys/stat.h>

#define TEXT "text/plain; charset=utf-8"
#define GZIP_MIN_BYTES 14600
#define URL "http://10.0.10.5:8080"

static const struct secrets secrets = {
    .list = {{.kid = 'n', .bytes = {1, 2, 3}}, {.kid = 'o', .bytes = {4, 5, 6}}}, .n = 2};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct exchange x;
static unsigned woken;
static char big_template[GZIP_MIN_BYTES + 1];

static struct snapshot *world(const char *evidence)
{
    char site[256];
    snprintf(site, sizeof(site), "name: lab\nurl: " URL "\nevidence: %s\n", evidence);
    tmptree_put(&files, "seed/site.yaml", site);
    return snapshot_new(tmptree_load(&files), &secrets);
}

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    assert_int_equal(who.slot, 4711);
    woken++;
}

#define WINDOW_KEY "wabcdefghijklmnopqrstuvwxyz"

static void change(struct change c)
{
    fleet_forget(fleet, fleet_change(fleet, STR("n1"), STR("n1"), &c, (struct waiter){0}));
    fleet_on_store(fleet);
}

static void arm(void)
{
    change((struct change){.kind = CHANGE_ARM, .arm = {1000, STR("join"), STR(WINDOW_KEY)}});
}

static enum node_state state_of_n1(void)
{
    fleet_on_store(fleet);
    return fleet_look(fleet, STR("n1")).state;
}

static int start(void **state)
{
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/roles/r.yaml",
                "r: {templates: {user-data: url, vendor-data: broken}}\n"
                "big: {templates: {user-data: big, vendor-data: less}}\n");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "n1: {role: r, macs: ['bc:24:11:00:20:0b'], serial: 'S 1',"
                " uuid: 4c4c4544-0042-4810-8054-b4c04f4d5132}\n"
                "n2: {role: big}\n"
                "n3: {role: r, key_epoch: 3}\n");
    tmptree_put(&files, "templates/url", "{{ seed.url }}");
    tmptree_put(&files, "templates/broken", "one\n  {{ nothing }}");
    memset(big_template, 'x', GZIP_MIN_BYTES);
    big_template[GZIP_MIN_BYTES] = '\0';
    tmptree_put(&files, "templates/big", big_template);
    tmptree_put(&files, "templates/less", big_template + 1);
    static const struct core_host host = {.cls = NULL};
    fleet = openfleet_start();
    core = core_new(world("[mac, uuid, serial, name]"), fleet, NULL, &host);
    return 0;
}

static void done(void)
{
    if (x.magic)
        exchange_end(&x);
    arena_done(&x.arena);
    buf_done(&x.body);
    x = (struct exchange){.in = {.method = METHOD_GET}, .waiter = {{on_wake, NULL}, {4711, 1}}};
    woken = 0;
}

static int end(void **state)
{
    (void)state;
    done();
    core_free(core);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

static void begin(enum exchange_method method, const char *path)
{
    done();
    x.in.method = method;
    x.in.path = str_from(path);
    arena_init(&x.arena, 8192);
    buf_init(&x.body, 1 << 20);
    exchange_begin(&x, core_port(core));
    assert_non_null(x.snapshot);
}

static enum exchange_verdict take_a_step(void)
{
    exchange_wake(&x);
    return exchange_step(&x);
}

/* As a listener does: what was answered at the beginning is not asked for again. */
static void step(void)
{
    if (!x.out.status)
        assert_int_equal(take_a_step(), EXCHANGE_DONE);
}

static void ask(enum exchange_method method, const char *path)
{
    begin(method, path);
    step();
}

static void get(const char *path)
{
    ask(METHOD_GET, path);
}

/* "/s/KEY/FILE" of a node by the secret of that number. */
static const char *seed_path(const char *node, unsigned epoch, size_t secret, const char *file)
{
    static char path[128];
    char key[SEED_KEY_LEN + 1];
    struct keyer *k = keyer_new(&secrets.list[secret]);
    keyer_seed_key(k, str_from(node), epoch, key);
    keyer_free(k);
    snprintf(path, sizeof(path), "/s/%s/%s", key, file);
    return path;
}

static void is_document(const char *node, enum seed_file file)
{
    assert_int_equal(x.out.status, 200);
    assert_string_equal(x.out.type, TEXT);
    assert_string_equal(x.out.cache, "private, no-cache");
    assert_string_equal(x.out.event, "served");
    assert_str_equal(x.out.node, str_from(node));
    assert_str_equal(x.out.file, str_from(seed_file_names[file]));
    assert_null(x.out.reason);
    assert_int_equal(x.out.etag[0], '"');
    assert_int_equal(strlen(x.out.etag), x.out.encoding ? 23 : 18);
}

static void is_refusal(int status, const char *reason)
{
    assert_int_equal(x.out.status, status);
    assert_string_equal(x.out.type, TEXT);
    assert_string_equal(x.out.cache, "no-store");
    assert_string_equal(x.out.event, "refused");
    assert_contains(x.out.reason, reason);
    assert_null(x.out.etag);
    size_t n = strlen(x.out.reason);
    assert_int_equal(x.out.body.n, n + 1); /* the reason and a line end */
    assert_memory_equal(x.out.body.p, x.out.reason, n);
    assert_int_equal(x.out.body.p[n], '\n');
}

static void files_by_key(void **state)
{
    (void)state;
    get(seed_path("n1", 1, 0, "meta-data"));
    is_document("n1", SEED_META_DATA);
    assert_str(x.out.body, "instance-id: \"n1-1\"\nlocal-hostname: \"n1\"\n");
    get(seed_path("n1", 1, 0, "network-config"));
    is_document("n1", SEED_NETWORK_CONFIG);
    assert_str(x.out.body, "");
    get(seed_path("n3", 3, 0, "meta-data"));
    is_document("n3", SEED_META_DATA);
}

static void both_secrets_open(void **state)
{
    (void)state;
    for (size_t secret = 0; secret < 2; secret++) {
        char want[128];
        const char *path = seed_path("n1", 1, secret, "user-data");
        snprintf(want, sizeof(want), "%s%.31s", URL, path); /* up to the key's slash */
        get(path);
        is_document("n1", SEED_USER_DATA);
        assert_str_equal(x.out.body, str_from(want));
    }
}

static void keys_that_open_nothing(void **state)
{
    (void)state;
    get(seed_path("n1", 2, 0, "meta-data"));
    is_refusal(404, "no node has this seed key");
    get(seed_path("n3", 1, 0, "meta-data"));
    is_refusal(404, "no node has this seed key");
    get(seed_path("n4", 1, 0, "meta-data"));
    is_refusal(404, "no node has this seed key");
    assert_str(x.out.file, "meta-data");
    get("/s/short/meta-data");
    is_refusal(404, "no seed key");
    get("/");
    is_refusal(404, "no such path");
}

static void evidence(void **state)
{
    (void)state;
    get("/nocloud/mac/BC-24-11-00-20-0B/user-data");
    is_refusal(403, "cloudseed node arm");
    arm();
    assert_int_equal(state_of_n1(), STATE_ARMED);
    get("/nocloud/mac/BC-24-11-00-20-0B/user-data");
    is_document("n1", SEED_USER_DATA);
    assert_str(x.out.body, URL "/s/" WINDOW_KEY "/");
    assert_int_equal(state_of_n1(), STATE_BOOTING);
    get("/nocloud/uuid/4C4C4544-0042-4810-8054-B4C04F4D5132/user-data");
    is_document("n1", SEED_USER_DATA);
    get("/nocloud/serial/S%201/user-data");
    is_document("n1", SEED_USER_DATA);
    assert_str(x.out.body, URL "/s/" WINDOW_KEY "/");
    get("/nocloud/name/n1/meta-data");
    is_document("n1", SEED_META_DATA);
}

static void a_windows_key_ends_with_it(void **state)
{
    (void)state;
    get("/s/" WINDOW_KEY "/user-data");
    is_refusal(404, "no node has this seed key");
    arm();
    get("/s/" WINDOW_KEY "/user-data");
    is_document("n1", SEED_USER_DATA);
    assert_str(x.out.body, URL "/s/" WINDOW_KEY "/");
    change((struct change){.kind = CHANGE_DISARM});
    get("/s/" WINDOW_KEY "/user-data");
    is_refusal(404, "no node has this seed key");
}

static void a_locked_node(void **state)
{
    (void)state;
    arm();
    change((struct change){
        .kind = CHANGE_CLAIM, .bootstraps = true, .claim = {STR("join"), STR("one")}});
    change((struct change){.kind = CHANGE_CLAIM,
                           .bootstraps = true,
                           .lock_on_alarm = true,
                           .claim = {STR("join"), STR("two")}});
    get("/nocloud/name/n1/user-data");
    is_refusal(403, "locked");
    get(seed_path("n1", 1, 0, "user-data")); /* its own key is its own */
    is_document("n1", SEED_USER_DATA);
}

/* Anyone on the network can make such a request. */
static void weak_evidence_locks_no_node(void **state)
{
    (void)state;
    tmptree_put(&files, "seed/site.yaml",
                "name: lab\nurl: " URL "\nevidence: [name]\nalarms: lock\n");
    core_replace(core, snapshot_new(tmptree_load(&files), &secrets));
    get("/nocloud/name/n1/user-data");
    is_refusal(403, "cloudseed node arm");
    fleet_on_store(fleet);
    assert_false(fleet_look(fleet, STR("n1")).locked);
}

static void a_new_generation(void **state)
{
    (void)state;
    change((struct change){.kind = CHANGE_REPROVISION, .arm = {1000, STR("j"), STR("w")}});
    get(seed_path("n1", 1, 0, "meta-data"));
    assert_str(x.out.body, "instance-id: \"n1-2\"\nlocal-hostname: \"n1\"\n");
}

/* --- Callbacks ------------------------------------------------------------------------------ */

static void post(const char *file, const char *body)
{
    begin(METHOD_POST, seed_path("n1", 1, 0, file));
    assert_true(x.body_max_bytes >= 65536);
    x.in.body = str_from(body);
}

static void is_told_once_it_is_written(void)
{
    assert_int_equal(take_a_step(), EXCHANGE_WAIT);
    assert_int_equal(woken, 0);
    assert_int_equal(take_a_step(), EXCHANGE_WAIT);
    fleet_on_store(fleet);
    assert_int_equal(woken, 1);
    assert_int_equal(take_a_step(), EXCHANGE_DONE);
    assert_int_equal(x.out.status, 200);
    assert_str(x.out.body, "ok\n");
    assert_str(x.out.node, "n1");
}

static void reports(void **state)
{
    (void)state;
    arm();
    post("report", "{\"name\": \"init-network\", \"event_type\": \"start\", \"new\": [1]}");
    is_told_once_it_is_written();
    assert_string_equal(x.out.event, "reported");
    assert_int_equal(state_of_n1(), STATE_BOOTING);
}

/* The URL says that it is an installer's, whatever the role. */
static void reports_of_an_installer(void **state)
{
    (void)state;
    arm();
    post("install/report", "{\"name\": \"modules-final\", \"event_type\": \"finish\"}");
    is_told_once_it_is_written();
    assert_string_equal(x.out.event, "reported");
    assert_int_equal(state_of_n1(), STATE_INSTALLING);
    assert_true(fleet_look(fleet, STR("n1")).installer);
}

static void calls_home(void **state)
{
    struct record r;
    uint64_t revision;
    (void)state;
    arm();
    const char *body = "pub_key_ed25519=ssh-ed25519+AAAA+root%40n1%0A&pub_key_rsa=N%2FA"
                       "&hostname=n1&fqdn=n1.lab&instance_id=n1-1";
    post("phone-home", body);
    is_told_once_it_is_written();
    assert_string_equal(x.out.event, "phoned-home");
    assert_int_equal(state_of_n1(), STATE_UP);
    post("phone-home", body); /* nothing new, nothing to wait for */
    step();
    assert_int_equal(x.out.status, 200);
    fleet_record(fleet, STR("n1"), &x.arena, &r, &revision);
    assert_int_equal(r.host_keys_n, 1);
    assert_str(r.host_keys[0].key, "ssh-ed25519 AAAA root@n1");
    assert_str(r.fqdn, "n1.lab");
}

/* An installer's events change no state; what is not a form is not taken for one. */
static void other_events(void **state)
{
    struct record r;
    uint64_t revision;
    (void)state;
    arm();
    post("report",
         "{\"name\": \"curtin\", \"event_type\": \"log\", \"files\": [{\"path\": \"/l\"}]}");
    is_told_once_it_is_written();
    post("report", "{\"name\": \"modules-final\", \"event_type\": \"result\"}");
    is_told_once_it_is_written();
    assert_int_equal(state_of_n1(), STATE_BOOTING);
    fleet_record(fleet, STR("n1"), &x.arena, &r, &revision);
    assert_int_equal(r.boot.events, 2);
    assert_false(r.boot.finished);
}

static void calls_of_other_types(void **state)
{
    static const struct {
        const char *type, *body;
        int status;
    } calls[] = {
        {NULL, "", 400},
        {NULL, "&&", 400},
        {NULL, "{\"hostname\": \"n1\"}", 400},
        {FORM_TYPE, "{\"hostname\": \"n1\"}", 400},
        {FORM_TYPE, "name=n1&pub_key=x", 400},
        {"application/json", "{\"hostname\": \"n1\"}", 415},
        {"multipart/form-data; boundary=b", "--b--", 415},
        {"text/plain", "hostname=n1", 415},
        {"", "hostname=n1", 415},
        {FORM_TYPE "x", "hostname=n1", 415},
        {"Application/X-WWW-Form-Urlencoded ;charset=UTF-8", "hostname=n1", 200},
        {FORM_TYPE, "hostname=N%2FA", 200},
        {NULL, "pub_key_dsa=N%2FA", 200},
    };
    (void)state;
    arm();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        post("phone-home", calls[i].body);
        if (calls[i].type)
            x.in.content_type = str_from(calls[i].type);
        if (take_a_step() == EXCHANGE_WAIT) {
            fleet_on_store(fleet);
            take_a_step();
        }
        assert_int_equal(x.out.status, calls[i].status);
    }
}

static const char *const odd_types[] = {"1", "\"\"", "\"a b\"", "\"abcdefghijklmnopq\"", "null"};

static void bodies_that_are_none(void **state)
{
    (void)state;
    post("report", "{");
    step();
    is_refusal(400, "not JSON");
    post("report", "{\"name\": \"x\"}");
    step();
    is_refusal(400, "event_type");
    post("phone-home", "pub_key_rsa=not+a+key");
    step();
    is_refusal(400, "not one of ssh's");
    for (size_t i = 0; i < sizeof(odd_types) / sizeof(odd_types[0]); i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"name\": \"x\", \"event_type\": %s}", odd_types[i]);
        post("report", body);
        step();
        is_refusal(400, "event_type");
    }
    begin(METHOD_POST, "/s/nabcdefghijklmnopqrstuvwxyz/report");
    assert_int_equal(x.body_max_bytes, 0); /* no body is waited for */
    is_refusal(404, "no node has this seed key");
    assert_int_equal(state_of_n1(), STATE_REGISTERED);
}

/* --- Machines that are installed ------------------------------------------------------------- */

#define MINUTE_MS ((uint64_t)60 * 1000)

/* n1 is armed, and its machine has got its script. */
static void installs(void)
{
    assert_int_equal(mkdir(tmptree_path(&files, "templates/ipxe"), 0700), 0);
    tmptree_put(&files, "templates/ipxe/node", "{{ boot.refusal or \"installs\" }}");
    tmptree_put(&files, "seed/roles/r.yaml",
                "r: {templates: {user-data: url}, documents: {ks.cfg: {template: url}},"
                " boot: {kind: install, kernel: vmlinuz}}\nbig: {}\n");
    core_replace(core, world("[mac, name]"));
    change((struct change){.kind = CHANGE_ARM,
                           .arm = {300 * MINUTE_MS, STR("join"), STR(WINDOW_KEY)}});
}

static void asks_what_to_boot(const char *want)
{
    get("/ipxe/mac/bc:24:11:00:20:0b");
    assert_non_null(strstr(arena_str(&x.arena, x.out.body).p, want));
    fleet_on_store(fleet);
}

static void its_installer_falls_silent(void)
{
    openfleet_passed_ms += 60 * MINUTE_MS;
    change((struct change){.kind = CHANGE_DEADLINE});
    assert_int_equal(state_of_n1(), STATE_FAILED);
}

static void only_a_key_is_heard_as_an_installer(void **state)
{
    (void)state;
    installs();
    get("/nocloud/mac/bc:24:11:00:20:0b/ks.cfg");
    asks_what_to_boot("installs");
    assert_int_equal(state_of_n1(), STATE_INSTALLING);
    get("/s/" WINDOW_KEY "/ks.cfg");
    fleet_on_store(fleet);
    asks_what_to_boot("was installed in this build window");
    assert_int_equal(state_of_n1(), STATE_BOOTING);
}

static void what_a_machine_fetches_after_it_was_silent(void **state)
{
    (void)state;
    installs();
    asks_what_to_boot("installs");
    its_installer_falls_silent();
    asks_what_to_boot("installs"); /* its kernel was not there */
    get("/s/" WINDOW_KEY "/ks.cfg");
    assert_int_equal(state_of_n1(), STATE_INSTALLING);
    its_installer_falls_silent();
    asks_what_to_boot("was installed in this build window");
    assert_int_equal(state_of_n1(), STATE_BOOTING);
    its_installer_falls_silent();
    get("/s/" WINDOW_KEY "/user-data");
    assert_int_equal(state_of_n1(), STATE_BOOTING);
}

static void the_disk_is_heard_by_what_it_fetches(void **state)
{
    static const char end[] = "{\"name\": \"modules-final\", \"event_type\": \"finish\"}";
    (void)state;
    installs();
    get("/s/" WINDOW_KEY "/ks.cfg");
    fleet_on_store(fleet);
    post("report", end);
    is_told_once_it_is_written();
    assert_int_equal(state_of_n1(), STATE_INSTALLING);
    post("install/report", "{\"name\": \"install\", \"event_type\": \"finish\"}");
    is_told_once_it_is_written();
    assert_int_equal(state_of_n1(), STATE_BOOTING);
    post("install/report", end);
    is_told_once_it_is_written();
    assert_int_equal(state_of_n1(), STATE_BOOTING);
    get(seed_path("n1", 1, 0, "user-data"));
    fleet_on_store(fleet);
    post("report", "{\"name\": \"modules-final\", \"event_type\": \"finish\", "
                   "\"result\": \"SUCCESS\"}");
    is_told_once_it_is_written();
    assert_int_equal(state_of_n1(), STATE_READY);
}

/* The store gets the change all the same. */
static void who_leaves_before_the_answer(void **state)
{
    (void)state;
    arm();
    post("report", "{\"name\": \"init-network\", \"event_type\": \"start\"}");
    assert_int_equal(take_a_step(), EXCHANGE_WAIT);
    done();
    fleet_on_store(fleet);
    assert_int_equal(woken, 0);
    assert_int_equal(state_of_n1(), STATE_BOOTING);
}

static void evidence_of_nobody(void **state)
{
    (void)state;
    get("/nocloud/mac/bc:24:11:00:20:0c/user-data");
    is_refusal(404, "no node has that value");
    get("/nocloud/mac/none/user-data");
    is_refusal(404, "no node has that value");
    get("/nocloud/serial/S%202/user-data");
    is_refusal(404, "no node has that value");
    get("/nocloud/name/n4/user-data");
    is_refusal(404, "no node has that value");
}

static void evidence_that_does_not_count(void **state)
{
    (void)state;
    core_replace(core, world("[uuid]"));
    get("/nocloud/mac/bc:24:11:00:20:0b/user-data");
    is_refusal(403, "evidence");
    get("/nocloud/mac/none/user-data"); /* an unknown one gets no other answer */
    is_refusal(403, "evidence");
    assert_str(x.out.node, "");
    arm();
    get("/nocloud/uuid/4c4c4544-0042-4810-8054-b4c04f4d5132/user-data");
    is_document("n1", SEED_USER_DATA);
}

static void a_known_tag_needs_no_body(void **state)
{
    (void)state;
    char etag[32];
    const char *path = seed_path("n1", 1, 0, "user-data");
    get(path);
    snprintf(etag, sizeof(etag), "%s", x.out.etag);
    size_t n = x.out.body.n;
    begin(METHOD_GET, path);
    x.in.if_none_match = str_from(etag);
    step();
    assert_int_equal(x.out.status, 304);
    assert_string_equal(x.out.etag, etag);
    assert_string_equal(x.out.event, "served");
    assert_int_equal(x.out.body.n, n); /* the listener sends its length without the body */
    assert_null(x.out.encoding);
    begin(METHOD_GET, path);
    x.in.if_none_match = STR("\"0000000000000000\"");
    step();
    is_document("n1", SEED_USER_DATA);
}

static void head_is_get(void **state)
{
    (void)state;
    ask(METHOD_HEAD, seed_path("n1", 1, 0, "meta-data"));
    is_document("n1", SEED_META_DATA);
    assert_str(x.out.body, "instance-id: \"n1-1\"\nlocal-hostname: \"n1\"\n");
}

static void ask_gzip(const char *path, const char *accept)
{
    begin(METHOD_GET, path);
    x.in.accept_encoding = str_from(accept);
    step();
}

static void gzip_of_what_is_large(void **state)
{
    (void)state;
    char plain_tag[32];
    get(seed_path("n2", 1, 0, "user-data"));
    is_document("n2", SEED_USER_DATA);
    assert_true(x.out.vary_encoding);
    assert_null(x.out.encoding);
    assert_int_equal(x.out.body.n, GZIP_MIN_BYTES);
    snprintf(plain_tag, sizeof(plain_tag), "%s", x.out.etag);
    ask_gzip(seed_path("n2", 1, 0, "user-data"), "gzip, deflate");
    is_document("n2", SEED_USER_DATA);
    assert_true(x.out.vary_encoding);
    assert_string_equal(x.out.encoding, "gzip");
    assert_true(x.out.body.n < GZIP_MIN_BYTES / 10);
    assert_memory_equal(x.out.body.p, "\x1f\x8b", 2);
    assert_memory_equal(x.out.etag, plain_tag, 17); /* but for the mark at its end */
    assert_string_equal(x.out.etag + 17, "-gzip\"");
    begin(METHOD_GET, seed_path("n2", 1, 0, "user-data"));
    x.in.accept_encoding = STR("gzip");
    x.in.if_none_match = STR("*");
    step();
    assert_int_equal(x.out.status, 304);
    assert_true(x.out.vary_encoding);
    assert_null(x.out.encoding);
    assert_string_equal(x.out.etag + 17, "-gzip\"");
    ask_gzip(seed_path("n2", 1, 0, "user-data"), "gzip;q=0");
    assert_null(x.out.encoding);
    assert_true(x.out.vary_encoding);
}

static void no_gzip_of_what_is_small(void **state)
{
    (void)state;
    ask_gzip(seed_path("n2", 1, 0, "vendor-data"), "gzip"); /* one byte less */
    assert_int_equal(x.out.body.n, GZIP_MIN_BYTES - 1);
    assert_null(x.out.encoding);
    assert_false(x.out.vary_encoding);
}

static void a_file_that_cannot_be_rendered(void **state)
{
    (void)state;
    get(seed_path("n1", 1, 0, "vendor-data"));
    assert_int_equal(x.out.status, 500);
    assert_string_equal(x.out.event, "render-failed");
    assert_str(x.out.node, "n1");
    assert_contains(x.out.reason, "templates/broken:2:");
    assert_contains(x.out.reason, "nothing");
    /* What templates say must not appear on a node's console. */
    assert_null(memmem(x.out.body.p, x.out.body.n, "nothing", 7));
    assert_null(memmem(x.out.body.p, x.out.body.n, "one", 3));
}

static void other_methods(void **state)
{
    (void)state;
    ask(METHOD_POST, seed_path("n1", 1, 0, "meta-data"));
    is_refusal(405, "only GET and HEAD");
    assert_string_equal(x.out.allow, "GET, HEAD");
    ask(METHOD_GET, seed_path("n1", 1, 0, "report"));
    is_refusal(405, "only POST");
    assert_string_equal(x.out.allow, "POST");
    ask(METHOD_OTHER, "/healthz");
    is_refusal(405, "only GET and HEAD");
    get("/healthz");
    assert_null(x.out.allow);
}

static void health(void **state)
{
    (void)state;
    get("/healthz");
    assert_int_equal(x.out.status, 200);
    assert_str(x.out.body, "alive\n");
    assert_null(x.out.event); /* a line each second is nothing that anyone wants to read */
    get("/readyz");
    assert_int_equal(x.out.status, 200);
    assert_str(x.out.body, "ready\n");
    assert_int_equal(x.out.retry_after_s, 0);
    core_set_draining(core);
    get("/readyz");
    assert_int_equal(x.out.status, 503);
    assert_int_equal(x.out.retry_after_s, 1);
    get("/healthz");
    assert_int_equal(x.out.status, 200);
    get(seed_path("n1", 1, 0, "meta-data")); /* requests are answered to the last */
    is_document("n1", SEED_META_DATA);
}

static void an_exchange_keeps_its_world(void **state)
{
    (void)state;
    begin(METHOD_GET, seed_path("n1", 1, 0, "user-data"));
    tmptree_put(&files, "templates/url", "new");
    tmptree_put(&files, "seed/nodes/n.yaml", "n1: {role: r}\n");
    const struct snapshot *before = core_snapshot(core);
    core_replace(core, world("[]"));
    assert_ptr_not_equal(core_snapshot(core), before);
    step();
    is_document("n1", SEED_USER_DATA);
    assert_memory_equal(x.out.body.p, URL, strlen(URL));
    get(seed_path("n1", 1, 0, "user-data"));
    assert_str(x.out.body, "new");
    get(seed_path("n2", 1, 0, "user-data"));
    is_refusal(404, "no node has this seed key");
}

static void a_snapshot_lives_as_long_as_it_is_held(void **state)
{
    (void)state;
    struct snapshot *s = world("[]");
    assert_ptr_equal(snapshot_ref(s), s);
    snapshot_unref(s);
    assert_int_equal(tree_node_count(snapshot_tree(s)), 3);
    assert_str(snapshot_url(s), URL);
    const struct node *n = tree_find_name(snapshot_tree(s), STR("n3"));
    struct str key = snapshot_node_key(s, n);
    assert_int_equal(key.p[0], 'n'); /* by the first secret */
    assert_ptr_equal(snapshot_find_key(s, key), n);
    assert_null(snapshot_find_key(s, str_head(key, key.n - 1)));
    assert_null(snapshot_find_key(s, STR("")));
    snapshot_unref(s);
    snapshot_unref(NULL);
}

static void a_world_without_nodes(void **state)
{
    (void)state;
    tmptree_put(&files, "seed/nodes/n.yaml", "");
    core_replace(core, world("[name]"));
    get(seed_path("n1", 1, 0, "meta-data"));
    is_refusal(404, "no node has this seed key");
    get("/nocloud/name/n1/meta-data");
    is_refusal(404, "no node has that value");
    get("/readyz");
    assert_int_equal(x.out.status, 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(files_by_key), TEST(both_secrets_open), TEST(keys_that_open_nothing), TEST(evidence),
          TEST(a_windows_key_ends_with_it), TEST(a_locked_node), TEST(a_new_generation),
          TEST(weak_evidence_locks_no_node), TEST(reports), TEST(reports_of_an_installer),
          TEST(only_a_key_is_heard_as_an_installer),
          TEST(what_a_machine_fetches_after_it_was_silent),
          TEST(the_disk_is_heard_by_what_it_fetches), TEST(calls_home), TEST(other_events),
          TEST(calls_of_other_types), TEST(bodies_that_are_none),
          TEST(who_leaves_before_the_answer), TEST(evidence_of_nobody),
          TEST(evidence_that_does_not_count), TEST(a_known_tag_needs_no_body), TEST(head_is_get),
          TEST(gzip_of_what_is_large), TEST(no_gzip_of_what_is_small),
          TEST(a_file_that_cannot_be_rendered), TEST(other_methods), TEST(health),
          TEST(an_exchange_keeps_its_world), TEST(a_snapshot_lives_as_long_as_it_is_held),
          TEST(a_world_without_nodes))
