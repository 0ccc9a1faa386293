/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes that join are answered, in the words of tests/golden/bootstrap/. */
#include "unit/core/openfleet.h"
#include "unit/kube/golden.h"
#include "unit/render/tmptree.h"

#include "core/internal.h"

#include <errno.h>

#define JOIN_KEY "jjjjjjjjjjjjjjjjjjjjjjjjj7"
#define WINDOW_KEY "wabcdefghijklmnopqrstuvwxyz"
#define WORKER "k8s-worker-2"
#define UUID "4c4c4544-0042-3510-8052-b4c04f4e4432"
#define SWAPPED "44454c4c-4200-1035-8052-b4c04f4e4432"
#define OTHER_UUID "4c4c4544-0042-3510-8052-000000000002"
#define OTHER_CLAIM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhA"

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct sealer *sealer;
static struct exchange x;
static struct arena texts;
static struct str content_type;
static bool time_passes; /* while an exchange waits */

/* A cluster that makes tokens as the test says. */
static struct {
    struct mint_port port;
    enum mint_outcome outcome; /* of those that begin */
    enum mint_fate fate;
    const char *why;
    struct kubeversion version;
    struct mint *mint; /* that began last, and has not ended */
    struct mint_intent intent;
    unsigned begun, ended;
} cluster;

static int on_mint(void *cls, const struct mint_intent *intent, struct mint **ret, struct err *e)
{
    (void)cls;
    (void)e;
    cluster.mint = calloc(1, sizeof(*cluster.mint));
    cluster.intent = *intent;
    cluster.intent.token = arena_str(&texts, intent->token);
    cluster.intent.bearer = arena_str(&texts, intent->bearer);
    cluster.mint->port = &cluster.port;
    cluster.mint->outcome = cluster.outcome;
    cluster.mint->fate = cluster.fate;
    cluster.mint->version = cluster.version;
    if (cluster.why)
        err_set(&cluster.mint->err, -EPROTO, "%s", cluster.why);
    cluster.begun++;
    *ret = cluster.mint;
    return 0;
}

static void on_mint_end(struct mint *m)
{
    if (m == cluster.mint)
        cluster.mint = NULL;
    cluster.ended++;
    free(m);
}

static void end_exchange(struct exchange *e)
{
    if (e->magic)
        exchange_end(e);
    arena_done(&e->arena);
    buf_done(&e->body);
    *e = (struct exchange){0};
}

static void leave(void)
{
    end_exchange(&x);
}

static void load(void)
{
    struct snapshot *s = snapshot_new(tmptree_load(&files), &secrets);
    const struct core_host host = {.held_beats = 3, .mint = &cluster.port};
    if (core)
        core_replace(core, s);
    else
        core = core_new(s, fleet, sealer, &host);
}

static void set_site(const char *key, const char *value)
{
    tmptree_put(&files, "seed/site.yaml",
                arena_printf(&texts, "name: lab\nurl: http://u\n%s: %s\n", key, value).p);
    load();
}

static int start(void **state)
{
    struct err e;
    (void)state;
    tmptree_init(&files);
    arena_init(&texts, 16384);
    content_type = STR("application/json");
    time_passes = true;
    memset(&cluster, 0, sizeof(cluster));
    cluster.port = (struct mint_port){on_mint, on_mint_end, NULL};
    cluster.version = (struct kubeversion){1, 29, 15};
    tmptree_put(&files, "seed/clusters/c.yaml",
                "homelab: {version: \"1.29.15\", endpoint: \"k8s-api.home.arpa:6443\",\n"
                "  pods: 192.168.0.0/16, services: 10.96.0.0/12}\n");
    tmptree_put(&files, "seed/roles/r.yaml",
                "m: {bootstrap: master, kubeadm: sealed/k}\n"
                "w: {bootstrap: worker, kubeadm: sealed/k}\nplain: {}\n");
    assert_int_equal(mkdir(tmptree_path(&files, "templates/sealed"), 0700), 0);
    tmptree_put(&files, "templates/sealed/k", "x");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "k8s-master-1: {role: m, cluster: homelab}\n"
                "k8s-master-2: {role: m, cluster: homelab}\n"
                "other: {role: plain, uuid: 4c4c4544-0042-3510-8052-000000000001}\n"
                "no-uuid: {role: w, cluster: homelab}\n" WORKER
                ": {role: w, cluster: homelab, uuid: " UUID "}\n");
    assert_int_equal(sealer_new(tmptree_path(&files, "sealing.key"), &sealer, &e), 0);
    fleet = openfleet_start();
    set_site("alarms", "note");
    return 0;
}

static int end(void **state)
{
    (void)state;
    leave();
    core_free(core);
    core = NULL;
    assert_int_equal(cluster.begun, cluster.ended);
    fleet_close(fleet);
    sealer_free(sealer);
    arena_done(&texts);
    tmptree_done(&files);
    return 0;
}

static void put_roles(const char *more)
{
    tmptree_put(&files, "seed/roles/r.yaml",
                arena_printf(&texts,
                             "m: {bootstrap: master, kubeadm: sealed/k%s}\n"
                             "w: {bootstrap: worker, kubeadm: sealed/k%s}\nplain: {}\n",
                             more, more)
                    .p);
}

/* --- Doing ----------------------------------------------------------------------------------- */

static void change(const char *node, struct change c)
{
    struct str name = str_from(node);
    fleet_forget(fleet, fleet_change(fleet, name, name, &c, (struct waiter){0}));
    fleet_on_store(fleet);
}

static void arm_with(const char *node, const char *join_key)
{
    struct str purpose = keys_join_purpose(str_from(node), &texts);
    change(node, (struct change){.kind = CHANGE_ARM,
                                 .arm = {WINDOW_DEFAULT_MS,
                                         sealer_seal(sealer, purpose, str_from(join_key), &texts),
                                         STR(WINDOW_KEY)}});
}

static void arm(const char *node)
{
    arm_with(node, JOIN_KEY);
}

static const char *seed_key(const char *node)
{
    static char key[SEED_KEY_LEN + 1];
    struct keyer *k = keyer_new(&secrets.list[0]);
    keyer_seed_key(k, str_from(node), 1, key);
    keyer_free(k);
    return key;
}

static struct record record_of(const char *node)
{
    struct record r;
    uint64_t revision;
    fleet_on_store(fleet);
    fleet_record(fleet, str_from(node), &texts, &r, &revision);
    return r;
}

static void begin_post(struct exchange *e, const char *key, const char *what, const char *bearer)
{
    arena_init(&e->arena, 8192);
    buf_init(&e->body, 1 << 20);
    e->in.method = METHOD_POST;
    e->in.listener = LISTENER_NODE;
    e->in.path = arena_printf(&e->arena, "/s/%s/%s", key, what);
    e->in.content_type = content_type;
    if (bearer)
        e->in.bearer = str_from(bearer);
    exchange_begin(e, core_port(core));
}

/* Posts as the listener does; `what` is "bootstrap", and a NULL bearer is none. */
static void post(const char *key, const char *what, const char *bearer, struct str body)
{
    leave();
    begin_post(&x, key, what, bearer);
    assert_true(x.is_secret || x.out.status);
    if (!x.out.status && body.n > x.body_max_bytes) {
        exchange_refuse(&x, 413, "the body is too large");
        return;
    }
    x.in.body = body;
    while (!x.out.status && exchange_step(&x) == EXCHANGE_WAIT) {
        assert_int_equal(x.out.status, 0);
        fleet_on_store(fleet);
        if (time_passes)
            fleet_rouse(fleet);
        exchange_wake(&x);
    }
}

static struct str request(const char *name)
{
    return golden_text(&texts, arena_printf(&texts, "bootstrap/requests/%s.json", name).p);
}

/* The text with the first `from` made `to`. */
static struct str with(struct str text, const char *from, const char *to)
{
    const char *at = strstr(text.p, from);
    assert_non_null(at);
    struct str head = {text.p, (size_t)(at - text.p)};
    return ARENA_JOIN(&texts, head, str_from(to), str_skip(text, head.n + strlen(from)));
}

static void ask(const char *node, const char *bearer)
{
    struct str body = request("bootstrap");
    if (strcmp(node, WORKER) != 0)
        body = with(body, "\"" UUID "\"", "null");
    post(seed_key(node), "bootstrap", bearer, body);
}

/* --- Seeing ---------------------------------------------------------------------------------- */

static void is_golden(const char *name)
{
    struct value got = {0};
    struct err e = {0};
    struct value want =
        golden_json(&texts, arena_printf(&texts, "bootstrap/answers/%s.json", name).p);
    assert_int_equal(json_read(x.out.body, &texts, &got, &e), 0);
    if (!value_same(got, want))
        fail_msg("%.*s instead of %s", STR_ARG(x.out.body), name);
    for (uint32_t i = 0; i < want.n; i++)
        assert_true(str_eq(value_text(got.pairs[i].key), value_text(want.pairs[i].key)));
    assert_int_equal(x.out.status, value_get(want, STR("status")).i);
    assert_string_equal(x.out.type, "application/problem+json");
    assert_int_equal(x.out.retry_after_s > 0, x.out.status == 503);
}

static void is_refused(int status, const char *reason, const char *detail)
{
    struct value got = {0};
    struct err e = {0};
    assert_int_equal(json_read(x.out.body, &texts, &got, &e), 0);
    struct str text = arena_str(&texts, value_text(value_get(got, STR("detail"))));
    if (x.out.status != status || !str_is(value_text(value_get(got, STR("reason"))), reason) ||
        !strstr(text.p, detail))
        fail_msg("%d %.*s", x.out.status, STR_ARG(x.out.body));
}

/* The answer 200. */
static struct value answered(const char *action)
{
    struct value got = {0};
    struct err e = {0};
    if (x.out.status != 200)
        fail_msg("%d %.*s", x.out.status, STR_ARG(x.out.body));
    assert_int_equal(json_read(x.out.body, &texts, &got, &e), 0);
    assert_str_equal(value_get_text(got, STR("action")), str_from(action));
    assert_string_equal(x.out.type, "application/json");
    assert_string_equal(x.out.cache, "no-store");
    assert_null(x.out.etag);
    return got;
}

/* --- bootstrap ------------------------------------------------------------------------------- */

static void a_worker_waits_for_the_first_master(void **state)
{
    (void)state;
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    assert_string_equal(x.out.event, "waits");
    struct record r = record_of(WORKER);
    assert_int_equal(r.state, STATE_JOINING);
    assert_int_equal(r.window.claim.n, CLAIM_DIGEST_LEN);
    assert_null(strstr(r.window.claim.p, "AAECAwQF"));
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    assert_int_equal(record_of(WORKER).alarms, 0);
}

static void masters_wait(void **state)
{
    (void)state;
    arm("k8s-master-1");
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    answered("init");
    assert_string_equal(x.out.event, "bootstrap-init");
    ask("k8s-master-1", JOIN_KEY);
    is_refused(503, "waits-for-master", "waits for k8s-master-2 to bring up the cluster homelab");
    assert_int_equal(x.out.retry_after_s, 2);
    struct cluster_record r;
    assert_true(fleet_cluster(fleet, STR("homelab"), &texts, &r));
    assert_str(r.holder.uid, "k8s-master-2");
    assert_str(r.holder.machine, "5ca43106e415435c8a605bda74a399da");
    assert_true(str_eq(r.holder.claim, record_of("k8s-master-2").window.claim));
}

/* What anyone on the network may have makes no machine a master. */
static void a_master_needs_the_join_key(void **state)
{
    struct cluster_record r;
    (void)state;
    arm("k8s-master-1");
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, with(request("bootstrap"), "\"" UUID "\"", "null"));
    is_refused(403, "join-key", "k8s-master-1 is a master");
    assert_false(fleet_cluster(fleet, STR("homelab"), &texts, &r));
}

static void a_site_says_what_window_keys_are_good_for(void **state)
{
    struct str unknown = with(request("bootstrap"), "\"" UUID "\"", "null");
    (void)state;
    put_roles(", sealed: {/etc/x: {template: sealed/x}}");
    tmptree_put(&files, "templates/sealed/x", "secret");
    set_site("window_key_joins", "none");
    arm(WORKER);
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    is_refused(403, "join-key", WORKER " is a node of this site, which needs the join key");
    assert_int_equal(record_of(WORKER).window.claim.n, 0);
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    set_site("window_key_joins", "all");
    change(WORKER, (struct change){.kind = CHANGE_DISARM});
    arm("k8s-master-1");
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, unknown);
    assert_int_equal(value_get(answered("init"), STR("files")).n, 1);
    set_site("window_key_joins", "workers"); /* as without the key */
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, unknown);
    is_refused(403, "join-key", "k8s-master-1 is a master");
}

/* Another master would advertise an address that it does not have. */
static void an_endpoint_that_is_a_masters_address(void **state)
{
    (void)state;
    tmptree_put(&files, "seed/clusters/c.yaml",
                "homelab: {version: \"1.29.15\", endpoint: \"10.0.20.12:6443\",\n"
                "  pods: 192.168.0.0/16, services: 10.96.0.0/12}\n");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "k8s-master-1: {role: m, cluster: homelab}\n"
                "k8s-master-2: {role: m, cluster: homelab, addresses: [10.0.20.12]}\n" WORKER
                ": {role: w, cluster: homelab, uuid: " UUID "}\n");
    tmptree_put(&files, "seed/site.yaml",
                "name: lab\nurl: http://u\nnetworks: {n: {cidr: 10.0.20.0/24}}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    is_refused(503, "waits-for-master", "waits for k8s-master-2");
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    answered("init");
}

static void without_a_window(void **state)
{
    (void)state;
    ask(WORKER, JOIN_KEY);
    is_golden("403-window-closed");
    assert_string_equal(x.out.event, "refused");
    assert_str(x.out.node, WORKER);
}

static void keys_that_are_no_join_key(void **state)
{
    const char *const wrong[] = {NULL, "", "jjjjjjjjjjjjjjjjjjjjjjjjjj", WINDOW_KEY, NULL};
    (void)state;
    arm(WORKER);
    for (size_t i = 0; i < 5; i++) {
        ask(WORKER, i == 4 ? seed_key(WORKER) : wrong[i]);
        is_golden("403-join-key");
    }
    struct record r = record_of(WORKER);
    assert_str(r.alarm, "a wrong join key");
    assert_true(r.alarms == 1 && !r.window.claim.n);
}

/* Whoever reads the network knows seed key and window key: they lock no node. */
static void only_a_join_key_may_lock_a_node(void **state)
{
    (void)state;
    set_site("alarms", "lock");
    arm(WORKER);
    ask(WORKER, "wrong");
    assert_false(record_of(WORKER).locked);
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    is_golden("503-waits-for-master");
    struct str other = with(request("bootstrap"), "GBkaGxwdHh8", "GBkaGxwdHhA");
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, other);
    is_golden("409-claim");
    struct record r = record_of(WORKER);
    assert_str(r.alarm, "another claim");
    assert_false(r.locked);
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, other);
    is_golden("409-claim");
    assert_true(record_of(WORKER).locked);
    ask(WORKER, JOIN_KEY);
    is_golden("403-locked");
}

static void the_first_claim_wins(void **state)
{
    (void)state;
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    struct str digest = record_of(WORKER).window.claim;
    post(seed_key(WORKER), "bootstrap", JOIN_KEY,
         with(request("bootstrap"), "GBkaGxwdHh8", "GBkaGxwdHhA"));
    is_golden("409-claim");
    struct record r = record_of(WORKER);
    assert_true(str_eq(r.window.claim, digest) && r.alarms == 1);
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    arm_with(WORKER, "another");
    ask(WORKER, JOIN_KEY);
    is_golden("403-join-key");
    post(seed_key(WORKER), "bootstrap", "another",
         with(request("bootstrap"), "GBkaGxwdHh8", "GBkaGxwdHhA"));
    is_golden("503-waits-for-master");
}

static void a_window_key_stands_for_both(void **state)
{
    (void)state;
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    is_golden("404-unknown-key");
    arm(WORKER);
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    is_golden("503-waits-for-master");
    post(WINDOW_KEY, "bootstrap", JOIN_KEY, request("bootstrap"));
    is_golden("503-waits-for-master");
    post(WINDOW_KEY, "bootstrap", "wrong", request("bootstrap"));
    is_golden("403-join-key");
}

static void a_key_of_a_window_that_has_ended(void **state)
{
    (void)state;
    arm(WORKER);
    change(WORKER, (struct change){.kind = CHANGE_FETCH, .fetch.file = STR("user-data")});
    change(WORKER, (struct change){.kind = CHANGE_DISARM});
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    is_golden("410-window-over");
}

static void machines_of_another_uuid(void **state)
{
    static const char *const junk[] = {"null", "\"00000000-0000-0000-0000-000000000000\"",
                                       "\"03000200-0400-0500-0006-000700080009\""};
    struct str body = request("bootstrap");
    (void)state;
    arm(WORKER);
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, with(body, "4e4432", "4e4433"));
    is_golden("403-clone");
    struct record r = record_of(WORKER);
    assert_str(r.alarm, "a machine fits this node only in part");
    assert_str(r.alarm_detail, "has the key of " WORKER ", but uuid "
                               "4c4c4544-0042-3510-8052-b4c04f4e4433 instead of " UUID);
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, with(body, UUID, SWAPPED));
    is_refused(403, "clone", "the same with the bytes of its first three groups");
    for (size_t i = 0; i < 3; i++) {
        post(seed_key(WORKER), "bootstrap", JOIN_KEY, with(body, "\"" UUID "\"", junk[i]));
        is_refused(403, "clone", "this machine has none");
    }
    assert_int_equal(record_of(WORKER).window.claim.n, 0);
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    /* The uuid decides over the claim. */
    post(seed_key(WORKER), "bootstrap", JOIN_KEY,
         with(with(body, "GBkaGxwdHh8", "GBkaGxwdHhA"), "4e4432", "4e4433"));
    is_golden("403-clone");
}

static void a_node_without_a_uuid(void **state)
{
    (void)state;
    arm("no-uuid");
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY,
         with(request("bootstrap"), UUID, "4c4c4544-0042-3510-8052-000000000001"));
    is_refused(403, "clone", "which is that of other");
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY,
         with(request("bootstrap"), UUID, "4c4c4544-0042-3510-8052-000000000002"));
    is_golden("503-waits-for-master");
}

static void a_node_without_a_uuid_has_that_of_its_first_machine(void **state)
{
    struct str body = request("bootstrap");
    (void)state;
    arm("no-uuid");
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY, with(body, "\"" UUID "\"", "null"));
    is_golden("503-waits-for-master");
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY, with(body, UUID, OTHER_UUID));
    is_golden("503-waits-for-master");
    assert_str(record_of("no-uuid").window.uuid, OTHER_UUID);
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY, with(body, "4e4432", "4e4433"));
    is_refused(403, "clone", "and this machine has another");
    assert_str(record_of("no-uuid").alarm_detail,
               "has the key of no-uuid, but uuid 4c4c4544-0042-3510-8052-b4c04f4e4433 instead "
               "of " OTHER_UUID);
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY, with(body, "\"" UUID "\"", "null"));
    is_refused(403, "clone", "and this machine has none");
    arm("no-uuid");
    post(seed_key("no-uuid"), "bootstrap", JOIN_KEY, with(body, "4e4432", "4e4433"));
    is_golden("503-waits-for-master");
}

static void a_copied_disk_is_an_alarm(void **state)
{
    (void)state;
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    assert_str(record_of(WORKER).machine, "5ca43106e415435c8a605bda74a399da");
    arm("no-uuid");
    ask("no-uuid", JOIN_KEY);
    is_golden("503-waits-for-master");
    assert_str(record_of("no-uuid").alarm_detail, WORKER);
    ask(WORKER, JOIN_KEY);
    ask("no-uuid", JOIN_KEY);
    assert_true(record_of(WORKER).alarms == 0 && record_of("no-uuid").alarms == 1);
}

static void a_role_that_joins_nothing(void **state)
{
    (void)state;
    arm("other");
    post(seed_key("other"), "bootstrap", JOIN_KEY,
         with(request("bootstrap"), UUID, "4c4c4544-0042-3510-8052-000000000001"));
    is_refused(403, "no-bootstrap", "the role of other has no 'bootstrap'");
    assert_int_equal(record_of("other").window.claim.n, 0);
}

static void requests_that_cannot_be_read(void **state)
{
    (void)state;
    arm(WORKER);
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, with(request("bootstrap"), "wdHh8", "wdHh"));
    is_golden("400-malformed");
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, STR(""));
    is_refused(400, "malformed", "it is not JSON");
    char *large = memset(arena_alloc(&texts, 70000), ' ', 70000);
    post(seed_key(WORKER), "bootstrap", JOIN_KEY, (struct str){large, 8193});
    is_golden("413-too-large");
    post(seed_key(WORKER), "cluster", JOIN_KEY, (struct str){large, 65537});
    is_refused(413, "too-large", "larger than 65536 bytes");
    post(seed_key(WORKER), "result", JOIN_KEY, (struct str){large, 16385});
    is_refused(413, "too-large", "larger than 16384 bytes");
    post("nabcdefghijklmnopqrstuvwxyz", "bootstrap", JOIN_KEY, request("bootstrap"));
    is_golden("404-unknown-key");
    post("short", "bootstrap", JOIN_KEY, request("bootstrap"));
    is_golden("404-unknown-key");
}

static void the_body_comes_before_the_window(void **state)
{
    (void)state;
    post(seed_key(WORKER), "bootstrap", NULL, with(request("bootstrap"), "wdHh8", "wdHh"));
    is_golden("400-malformed");
}

static void bodies_are_json(void **state)
{
    static const char *const types[] = {NULL, "", "text/plain", "application/json-seq"};
    (void)state;
    arm(WORKER);
    for (size_t i = 0; i < 4; i++) {
        content_type = types[i] ? str_from(types[i]) : (struct str){NULL, 0};
        ask(WORKER, JOIN_KEY);
        is_refused(400, "malformed", "Content-Type");
    }
    content_type = STR("Application/JSON; charset=utf-8");
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
}

/* --- cluster and result ---------------------------------------------------------------------- */

static void only_the_holder_reports_the_cluster(void **state)
{
    struct str body = request("cluster-hardened");
    (void)state;
    arm("k8s-master-1");
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, body);
    is_refused(409, "claim", "no boot has claimed");
    arm("k8s-master-2");
    ask("k8s-master-1", JOIN_KEY);
    ask("k8s-master-2", JOIN_KEY);
    post(seed_key("k8s-master-2"), "cluster", JOIN_KEY, body);
    is_golden("403-not-lease-holder");
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, with(body, "GBkaGxwdHh8", "GBkaGxwdHhA"));
    is_refused(409, "claim", "another boot");
    assert_int_equal(record_of("k8s-master-1").alarms, 1);
    post(seed_key("k8s-master-1"), "cluster", "wrong", body);
    is_refused(403, "join-key", "");
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, with(body, "\\nMIID", "\\nMIIE"));
    is_refused(400, "malformed", "'ca': certificate 1 cannot be read");
}

static void is_taken(const char *event)
{
    if (x.out.status != 200)
        fail_msg("%d %.*s", x.out.status, STR_ARG(x.out.body));
    assert_str(x.out.body, "{}\n");
    assert_string_equal(x.out.event, event);
}

static void the_cluster_is_written_before_it_is_answered(void **state)
{
    struct cluster_record r;
    struct str token, body = request("cluster-hardened");
    (void)state;
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, with(body, "api.home.arpa", "api.lan"));
    is_golden("403-other-cluster");
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, body);
    is_taken("cluster");
    fleet_cluster(fleet, STR("homelab"), &texts, &r);
    assert_int_equal(r.phase, CLUSTER_STANDING);
    assert_true(str_starts(r.ca, STR("-----BEGIN CERTIFICATE-----\n")));
    struct value read = {0};
    struct err e;
    assert_int_equal(json_read(body, &texts, &read, &e), 0);
    assert_true(
        sealer_unseal(sealer, STR("minter token of homelab"), r.minter.sealed, &texts, &token));
    assert_true(str_eq(token, value_text(value_get(value_get(read, STR("minter")), STR("token")))));
    assert_false(
        sealer_unseal(sealer, STR("minter token of homelab"), r.approver.sealed, &texts, &token));
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, request("cluster"));
    is_taken("cluster");
    fleet_cluster(fleet, STR("homelab"), &texts, &r);
    assert_int_equal(r.approver.sealed.n, 0);
    ask("k8s-master-1", JOIN_KEY);
    answered("init");
    change(
        "k8s-master-1",
        (struct change){.kind = CHANGE_REPROVISION,
                        .arm = {WINDOW_DEFAULT_MS,
                                sealer_seal(sealer, keys_join_purpose(STR("k8s-master-1"), &texts),
                                            STR(JOIN_KEY), &texts),
                                STR(WINDOW_KEY)}});
    ask("k8s-master-1", JOIN_KEY);
    is_golden("403-cluster-exists");
    arm(WORKER);
    cluster.outcome = MINT_SIGNED;
    ask(WORKER, JOIN_KEY);
    answered("join");
}

/* --- What is answered ------------------------------------------------------------------------ */

static const char templates_of_init[] =
    "{{ bootstrap.action }} {{ bootstrap.version }} {{ bootstrap.endpoint }} {{ node.name }} "
    "{{ bootstrap.certificate_key }} {{ bootstrap.token }} {{ bootstrap.ca_hashes | length }}";

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void init_says_all_of_it(void **state)
{
    (void)state;
    put_roles(", sealed: {/etc/x: {template: sealed/x, mode: \"0640\"}}");
    tmptree_put(&files, "templates/sealed/k", templates_of_init);
    tmptree_put(&files, "templates/sealed/x", "file of {{ node.name }}");
    tmptree_put(&files, "templates/addon", "kind: Of {{ cluster.name }}");
    tmptree_put(
        &files, "seed/clusters/c.yaml",
        "homelab: {version: \"1.29.15\", endpoint: \"k8s-api.home.arpa:6443\",\n"
        "  pods: 192.168.0.0/16, services: 10.96.0.0/12, addons: [\n"
        "  {name: one, url: \"http://h/one\", wait: [node]}, {name: two, template: addon}]}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    struct value v = answered("init"), file = value_get(v, STR("files")).items[0];
    const struct value *addons = value_get(v, STR("addons")).items;
    assert_str(value_get_text(v, STR("expires")), "2026-11-22T10:54:28Z");
    struct str rest = value_get_text(v, STR("kubeadm"));
    assert_true(str_starts(rest, STR("init 1.29.15 k8s-api.home.arpa:6443 k8s-master-1 ")));
    assert_true(str_ends(rest, STR(" None 0")));
    assert_int_equal(rest.n,
                     strlen("init 1.29.15 k8s-api.home.arpa:6443 k8s-master-1  None 0") + 64);
    assert_true(value_get(v, STR("upload_certs")).b);
    assert_int_equal(value_get(v, STR("files")).n, 1);
    assert_str(value_get_text(file, STR("path")), "/etc/x");
    assert_str(value_get_text(file, STR("mode")), "0640");
    assert_str(value_get_text(file, STR("owner")), "root:root");
    assert_str(value_get_text(file, STR("content")), "ZmlsZSBvZiBrOHMtbWFzdGVyLTE=");
    assert_int_equal(value_get(v, STR("addons")).n, 2);
    assert_str(value_get_text(addons[0], STR("url")), "http://h/one");
    assert_int_equal(value_get(addons[0], STR("manifest")).kind, VALUE_NONE);
    assert_str(value_text(value_get(addons[0], STR("wait")).items[0]), "node");
    assert_int_equal(value_get(addons[1], STR("url")).kind, VALUE_NONE);
    assert_str(value_get_text(addons[1], STR("manifest")), "kind: Of homelab");
    assert_non_null(strstr(value_get_text(v, STR("manifests")).p, "cloudseed-approver"));
    struct str first = arena_str(&texts, x.out.body);
    ask("k8s-master-1", JOIN_KEY);
    assert_true(str_eq(first, x.out.body));
}

static void one_master_needs_no_certificate_key(void **state)
{
    (void)state;
    tmptree_put(&files, "templates/sealed/k", templates_of_init);
    tmptree_put(&files, "seed/nodes/n.yaml", "k8s-master-1: {role: m, cluster: homelab}\n");
    tmptree_put(&files, "seed/clusters/c.yaml",
                "homelab: {version: \"1.29.15\", endpoint: \"k8s-api.home.arpa:6443\",\n"
                "  pods: 192.168.0.0/16, services: 10.96.0.0/12, hardened: false}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    struct value v = answered("init");
    assert_str(value_get_text(v, STR("kubeadm")),
               "init 1.29.15 k8s-api.home.arpa:6443 k8s-master-1 None None 0");
    assert_false(value_get(v, STR("upload_certs")).b);
    assert_null(strstr(value_get_text(v, STR("manifests")).p, "cloudseed-approver"));
}

/* Nothing of the answer is sent, no value is shown, and the node may ask again. */
static void what_cannot_be_rendered_is_no_answer(void **state)
{
    (void)state;
    tmptree_put(&files, "templates/sealed/k", "{{ {'" ZEROS "': 1}[bootstrap.certificate_key] }}");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    is_refused(503, "busy", "(kubeadm-init)");
    assert_int_equal(x.out.retry_after_s, 30);
    assert_string_equal(x.out.event, "render-failed");
    assert_non_null(strstr(x.out.reason, "templates/sealed/k:1:"));
    for (const char *p = x.out.reason; *p; p++)
        assert_true(strspn(p, "0123456789abcdef") < 16); /* no key */
    tmptree_put(&files, "templates/sealed/k", "");
    load();
    ask("k8s-master-1", JOIN_KEY);
    is_refused(503, "busy", "(kubeadm-init)");
    tmptree_put(&files, "templates/sealed/k", "good");
    load();
    ask("k8s-master-1", JOIN_KEY);
    assert_false(value_get(answered("init"), STR("upload_certs")).b); /* with which key? */
}

/* A window's key, which anyone on the network may have, gets no secrets. */
static void files_are_for_join_keys(void **state)
{
    (void)state;
    tmptree_put(&files, "seed/roles/r.yaml",
                "m: {bootstrap: master, kubeadm: sealed/k}\nplain: {}\n"
                "w: {bootstrap: worker, sealed: {/etc/x: {template: sealed/k}}}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, request("cluster"));
    change("k8s-master-1", (struct change){.kind = CHANGE_DISARM});
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    struct value v = answered("none");
    assert_int_equal(value_get(v, STR("files")).n, 1);
    assert_int_equal(value_get(v, STR("kubeadm")).kind, VALUE_NONE);
    assert_int_equal(value_get(v, STR("manifests")).kind, VALUE_NONE);
    post(WINDOW_KEY, "bootstrap", WINDOW_KEY, request("bootstrap"));
    assert_int_equal(value_get(answered("none"), STR("files")).n, 0);
}

static void a_master_without_a_template_makes_no_cluster(void **state)
{
    struct cluster_record r;
    (void)state;
    tmptree_put(&files, "seed/roles/r.yaml",
                "m: {bootstrap: master}\nplain: {}\nw: {bootstrap: worker}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    is_refused(403, "no-bootstrap", "has no 'kubeadm' template");
    assert_false(fleet_cluster(fleet, STR("homelab"), &texts, &r));
}

static void results(void **state)
{
    (void)state;
    arm(WORKER);
    post(seed_key(WORKER), "result", JOIN_KEY, request("result-ok"));
    is_refused(409, "claim", "no boot has claimed");
    ask(WORKER, JOIN_KEY);
    post(seed_key(WORKER), "result", JOIN_KEY, request("result-failed"));
    is_taken("result");
    struct record r = record_of(WORKER);
    assert_int_equal(r.state, STATE_FAILED);
    assert_str(r.stage, "kubeadm");
    assert_str(r.reason,
               "[ERROR Swap]: running with swap on is not supported. Please disable swap");
    assert_true(str_starts(r.log, STR("[preflight] Running pre-flight checks\n")));
    ask(WORKER, JOIN_KEY);
    is_golden("503-waits-for-master");
    assert_int_equal(record_of(WORKER).state, STATE_JOINING);
    post(seed_key(WORKER), "result", JOIN_KEY, request("result-ok"));
    is_taken("result");
    assert_true(record_of(WORKER).joined);
    post(seed_key(WORKER), "result", JOIN_KEY, request("result-ok"));
    is_taken("result");
    post(seed_key(WORKER), "result", JOIN_KEY,
         with(request("result-failed"), "GBkaGxwdHh8", "GBkaGxwdHhA"));
    is_golden("409-claim");
    assert_int_equal(record_of(WORKER).state, STATE_JOINING);
}

static void check_reason(const char *log, const char *want)
{
    struct str failed = request("result-failed");
    const char *at = strstr(failed.p, "\"log\"");
    struct str head = {failed.p, (size_t)(at - failed.p)};
    post(seed_key(WORKER), "result", JOIN_KEY,
         ARENA_JOIN(&texts, head, STR("\"log\": \""), str_from(log), STR("\"}")));
    is_taken("result");
    assert_string_equal(record_of(WORKER).reason.p, want);
}

static void the_reason_is_the_line_that_says_most(void **state)
{
    (void)state;
    arm(WORKER);
    ask(WORKER, JOIN_KEY);
    check_reason("", "it did not say why");
    check_reason("\\n \\n'kubeadm join' ended with 1\\nmore\\n", "'kubeadm join' ended with 1");
    check_reason("x\\nerror execution phase x: y\\nz", "error execution phase x: y");
    check_reason("x\\nerror execution\\n\\t[ERROR Port-10250]: in use\\nz",
                 "[ERROR Port-10250]: in use");
}

/* What cannot be written was not taken. */
static void nothing_is_answered_before_it_is_written(void **state)
{
    (void)state;
    arm(WORKER);
    leave();
    arena_init(&x.arena, 8192);
    buf_init(&x.body, 1 << 20);
    x.in.method = METHOD_POST;
    x.in.listener = LISTENER_NODE;
    x.in.path = arena_printf(&x.arena, "/s/%s/bootstrap", seed_key(WORKER));
    x.in.content_type = STR("application/json");
    x.in.bearer = STR(JOIN_KEY);
    exchange_begin(&x, core_port(core));
    x.in.body = request("bootstrap");
    assert_int_equal(exchange_step(&x), EXCHANGE_WAIT);
    assert_int_equal(x.out.status, 0);
    while (exchange_wake(&x), exchange_step(&x) == EXCHANGE_WAIT) {
        fleet_on_store(fleet);
        fleet_rouse(fleet);
    }
    is_golden("503-waits-for-master");
}

/* --- Those that are held --------------------------------------------------------------------- */

#define TURNS_MAX 100 /* of the loop, until one that is let go is answered */
#define HELD_MAX 2048 /* as docs/formats/bootstrap.md has it */

static void register_workers(unsigned n)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "k8s-master-1: {role: m, cluster: homelab}\n");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "w%u: {role: w, cluster: homelab}\n", i);
    tmptree_put(&files, "seed/nodes/n.yaml", arena_str(&texts, buf_view(&b)).p);
    buf_done(&b);
    load();
}

static enum exchange_verdict begin_held(struct exchange *e, const char *node)
{
    arm(node);
    begin_post(e, seed_key(node), "bootstrap", JOIN_KEY);
    e->in.body = with(request("bootstrap"), "\"" UUID "\"", "null");
    assert_int_equal(exchange_step(e), EXCHANGE_WAIT);
    fleet_on_store(fleet);
    exchange_wake(e);
    return exchange_step(e);
}

static void so_many_are_held_and_no_more(void **state)
{
    struct exchange *held = calloc(HELD_MAX + 1, sizeof(*held));
    (void)state;
    time_passes = false;
    cluster.outcome = MINT_SIGNED;
    register_workers(HELD_MAX + 1);
    for (unsigned i = 0; i < HELD_MAX; i++)
        assert_int_equal(begin_held(&held[i], arena_printf(&texts, "w%u", i).p), EXCHANGE_WAIT);
    struct exchange *last = &held[HELD_MAX];
    assert_int_equal(begin_held(last, "w2048"), EXCHANGE_DONE);
    assert_int_equal(last->out.status, 503);
    end_exchange(&held[7]); /* its peer has left */
    end_exchange(last);
    assert_int_equal(begin_held(last, "w2048"), EXCHANGE_WAIT);
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, request("cluster"));
    is_taken("cluster");
    for (unsigned i = 0; i <= HELD_MAX; i++) {
        if (i == 7)
            continue;
        for (unsigned turns = 0; exchange_wake(&held[i]), exchange_step(&held[i]) == EXCHANGE_WAIT;
             turns++) {
            assert_true(turns < TURNS_MAX);
            fleet_on_store(fleet);
        }
        assert_int_equal(held[i].out.status, 200);
        end_exchange(&held[i]);
    }
    free(held);
}

enum { MANY = 200, WAVE = 32 };
static struct exchange many[MANY];

static void wake_one_of_many(void *cls, struct slot_ref ref)
{
    (void)cls;
    if (many[ref.slot].magic)
        exchange_wake(&many[ref.slot]);
}

/* As the loop does. */
static bool step_if_woken(struct exchange *e)
{
    if (e->phase != EXCHANGE_WAITING || !e->woken)
        return false;
    exchange_step(e);
    return true;
}

static void begin_one_of_many(uint32_t i)
{
    const char *node = arena_printf(&texts, "w%u", i).p;
    arm(node);
    many[i] = (struct exchange){.waiter = {{wake_one_of_many, NULL}, {i, 1}}};
    begin_post(&many[i], seed_key(node), "bootstrap", JOIN_KEY);
    many[i].in.body = with(request("bootstrap"), "\"" UUID "\"", "null");
    exchange_step(&many[i]);
    fleet_on_store(fleet);
    assert_true(step_if_woken(&many[i]));
}

static uint32_t step_those_woken(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MANY; i++)
        n += step_if_woken(&many[i]);
    return n;
}

static void a_heartbeat_wakes_none_in_vain(void **state)
{
    (void)state;
    register_workers(MANY);
    for (uint32_t i = 0; i < MANY; i++)
        begin_one_of_many(i);
    fleet_rouse(fleet);
    assert_int_equal(step_those_woken(), 0);
    fleet_rouse(fleet);
    fleet_rouse(fleet); /* the third: they have waited for long enough */
    assert_int_equal(step_those_woken(), MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(many[i].out.status, 503);
        end_exchange(&many[i]);
    }
}

/* The first one alone, then waves; and none is forgotten: not even when one leaves that was woken.
 */
static void many_are_let_go_in_waves(void **state)
{
    (void)state;
    time_passes = false;
    cluster.outcome = MINT_SIGNED;
    cluster.version = (struct kubeversion){1, 29, 15};
    register_workers(MANY);
    for (uint32_t i = 0; i < MANY; i++)
        begin_one_of_many(i);
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, request("cluster"));
    assert_true(step_if_woken(&many[0]));
    assert_int_equal(step_those_woken(), 0);
    end_exchange(&many[0]);
    assert_int_equal(core->passing, WAVE);
    assert_int_equal(step_those_woken(), WAVE);
    for (uint32_t i = 7; i < MANY; i += 7)
        end_exchange(&many[i]);
    for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
        fleet_on_store(fleet);
        step_those_woken();
        assert_in_range(core->passing, 0, WAVE);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        if (i % 7)
            assert_int_equal(many[i].out.status, 200);
        end_exchange(&many[i]);
    }
    assert_int_equal(core->passing, 0);
}

/* --- Tokens ---------------------------------------------------------------------------------- */

static void stand(void)
{
    tmptree_put(&files, "templates/sealed/k", "{{ bootstrap.action }} {{ bootstrap.token }}\n");
    load();
    arm("k8s-master-1");
    ask("k8s-master-1", JOIN_KEY);
    post(seed_key("k8s-master-1"), "cluster", JOIN_KEY, request("cluster"));
    is_taken("cluster");
    arm(WORKER);
}

static void cluster_reset(void)
{
    const struct cluster_change reset = {
        .kind = CLUSTER_RESET, .cluster = STR("homelab"), .cause = STR("uid 0"), .peer = STR("")};
    fleet_forget(fleet, fleet_cluster_change(fleet, &reset, (struct waiter){0}));
    fleet_on_store(fleet);
}

static bool is_stuck(void)
{
    struct cluster_record r;
    fleet_cluster(fleet, STR("homelab"), &texts, &r);
    return r.turn_stuck;
}

/* Though no other one asks. */
static void a_further_master_that_fails_is_told_at_once(void **state)
{
    (void)state;
    stand();
    cluster.outcome = MINT_SIGNED;
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    answered("join");
    fleet_rouse(fleet);
    fleet_on_store(fleet);
    assert_false(is_stuck());
    post(seed_key("k8s-master-2"), "result", JOIN_KEY, request("result-failed"));
    is_taken("result");
    for (int i = 0; i < 3; i++)
        fleet_on_store(fleet);
    assert_true(is_stuck());
    ask("k8s-master-2", JOIN_KEY);
    answered("join");
    assert_false(is_stuck());
}

static const char *asks_for_token(void)
{
    ask(WORKER, JOIN_KEY);
    struct value got = answered("join");
    struct str text = value_get_text(got, STR("kubeadm"));
    assert_true(str_starts(text, STR("join ")));
    return arena_str(&texts, str_trim(str_skip(text, 5))).p;
}

static void a_boot_gets_one_token(void **state)
{
    (void)state;
    stand();
    cluster.outcome = MINT_SIGNED;
    const char *token = asks_for_token();
    assert_str_equal(cluster.intent.token, str_from(token));
    assert_int_equal(cluster.intent.fate, MINT_ABSENT);
    assert_true(cluster.intent.bearer.n > 0);
    assert_string_equal(asks_for_token(), token);
    assert_int_equal(cluster.begun, 1);
    assert_true(x.is_secret);
}

static void what_a_mint_waits_for_is_said(void **state)
{
    (void)state;
    stand();
    cluster.why = "the API server is away";
    ask(WORKER, JOIN_KEY);
    is_refused(503, "waits-for-api", "is away");
    cluster.mint->fate = MINT_PRESENT;
    ask(WORKER, JOIN_KEY);
    is_refused(503, "waits-for-token", "is away");
    cluster.mint->outcome = MINT_SIGNED;
    assert_str_equal(cluster.intent.token, str_from(asks_for_token()));
    assert_int_equal(cluster.begun, 1); /* its client had left twice */
}

/* What a further master needs, and no worker may have. */
static void only_further_masters_get_the_certificate_key(void **state)
{
    (void)state;
    stand();
    cluster.outcome = MINT_SIGNED;
    tmptree_put(&files, "templates/sealed/k",
                "{{ bootstrap.control_plane }} {{ bootstrap.certificate_key }}");
    load();
    ask("k8s-master-1", JOIN_KEY);
    struct str init = arena_str(&texts, value_get_text(answered("init"), STR("kubeadm")));
    assert_true(str_starts(init, STR("True ")) && init.n == 5 + 64);
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    struct value v = answered("join");
    assert_str_equal(value_get_text(v, STR("kubeadm")), init);
    assert_false(value_get(v, STR("upload_certs")).b);
    ask(WORKER, JOIN_KEY);
    assert_str(value_get_text(answered("join"), STR("kubeadm")), "False None");
}

static void a_key_that_cannot_be_read_is_no_answer(void **state)
{
    const struct cluster_change certs = {.kind = CLUSTER_CERTS,
                                         .cluster = STR("homelab"),
                                         .cause = STR("uid 0"),
                                         .peer = STR(""),
                                         .certificate = STR("1:00")};
    (void)state;
    stand();
    cluster.outcome = MINT_SIGNED;
    fleet_forget(fleet, fleet_cluster_change(fleet, &certs, (struct waiter){0}));
    fleet_on_store(fleet);
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    is_refused(503, "busy", "run 'cloudseed cluster certs homelab'");
}

static void a_further_master_waits_for_certificates(void **state)
{
    (void)state;
    tmptree_put(&files, "seed/nodes/n.yaml",
                "k8s-master-1: {role: m, cluster: homelab}\n" WORKER
                ": {role: w, cluster: homelab, uuid: " UUID "}\n");
    stand();
    cluster.outcome = MINT_SIGNED;
    tmptree_put(&files, "seed/nodes/n.yaml",
                "k8s-master-1: {role: m, cluster: homelab}\n"
                "k8s-master-2: {role: m, cluster: homelab}\n");
    load();
    arm("k8s-master-2");
    ask("k8s-master-2", JOIN_KEY);
    is_golden("503-waits-for-certificates");
    assert_int_equal(cluster.begun, 0);
}

static void a_refused_mint_is_tried_again(void **state)
{
    (void)state;
    stand();
    cluster.outcome = MINT_REFUSED;
    cluster.why = "HTTP 403";
    ask(WORKER, JOIN_KEY);
    is_refused(503, "waits-for-api", "HTTP 403");
    struct str token = cluster.intent.token;
    cluster.outcome = MINT_SIGNED;
    assert_str_equal(token, str_from(asks_for_token()));
    assert_int_equal(cluster.intent.fate, MINT_UNKNOWN);
    assert_int_equal(cluster.begun, 2);
}

static const char *reason_of_mint(void)
{
    struct mint_record r;
    fleet_on_store(fleet);
    assert_true(fleet_minted(fleet, STR(WORKER), &texts, &r));
    return r.reason.p;
}

/* Though nobody waits for it any more. */
static void why_a_mint_waits_is_written(void **state)
{
    (void)state;
    stand();
    ask(WORKER, JOIN_KEY);
    assert_string_equal(reason_of_mint(), "");
    err_set(&cluster.mint->err, -EPROTO, "HTTP 429");
    waiter_wake(cluster.intent.waiter);
    assert_string_equal(reason_of_mint(), "HTTP 429");
    cluster.mint->outcome = MINT_REFUSED;
    err_set(&cluster.mint->err, -EPROTO, "HTTP 401");
    waiter_wake(cluster.intent.waiter);
    assert_string_equal(reason_of_mint(), "HTTP 401");
    change(WORKER, (struct change){.kind = CHANGE_DISARM});
    waiter_wake(cluster.intent.waiter);
    fleet_on_store(fleet);
}

/* The exchange goes as far as it can while no time passes. */
static bool goes_on(struct exchange *e)
{
    for (int i = 0; i < 20; i++) {
        fleet_on_store(fleet);
        exchange_wake(e);
        if (exchange_step(e) == EXCHANGE_DONE)
            return false;
    }
    return true;
}

static void begin_minting(struct exchange *e)
{
    begin_post(e, seed_key(WORKER), "bootstrap", JOIN_KEY);
    e->in.body = request("bootstrap");
    assert_true(goes_on(e));
}

static void a_newer_request_waits_instead(void **state)
{
    struct exchange older = {0}, newer = {0};
    (void)state;
    stand();
    leave();
    begin_minting(&older);
    begin_minting(&newer);
    assert_int_equal(cluster.begun, 1);
    assert_false(goes_on(&older));
    assert_int_equal(older.out.status, 503);
    assert_non_null(strstr(older.out.body.p, "another request of k8s-worker-2 came later"));
    assert_non_null(strstr(older.out.body.p, "\"busy\""));
    end_exchange(&older);
    assert_true(goes_on(&newer));
    cluster.mint->outcome = MINT_SIGNED;
    cluster.mint->version = cluster.version;
    waiter_wake(cluster.intent.waiter);
    assert_false(goes_on(&newer));
    assert_int_equal(newer.out.status, 200);
    end_exchange(&newer);
}

static void a_mint_ends_with_its_window(void **state)
{
    (void)state;
    stand();
    leave();
    begin_minting(&x);
    change(WORKER, (struct change){.kind = CHANGE_DISARM});
    assert_int_equal(cluster.ended, 1);
    assert_false(goes_on(&x));
    is_golden("410-window-over");
    leave();
    arm(WORKER);
    begin_minting(&x);
    arm_with(WORKER, "another");
    assert_int_equal(cluster.ended, 2);
    assert_false(goes_on(&x));
    assert_int_equal(x.out.status, 410);
}

static void a_mint_ends_with_its_clusters_epoch(void **state)
{
    (void)state;
    stand();
    leave();
    begin_minting(&x);
    assert_int_equal(cluster.begun, 1);
    cluster_reset();
    assert_int_equal(cluster.ended, 1);
    assert_true(goes_on(&x)); /* it is held */
    assert_int_equal(hold_count(core, STR("homelab")), 1);
    assert_int_equal(cluster.begun, 1);
    for (int i = 0; i < 3; i++)
        fleet_rouse(fleet);
    assert_false(goes_on(&x));
    is_golden("503-waits-for-master");
}

static void documents_are_for_the_version_that_runs(void **state)
{
    struct cluster_record r;
    (void)state;
    stand();
    tmptree_put(&files, "templates/sealed/k", "{{ bootstrap.version }}");
    load();
    cluster.outcome = MINT_SIGNED;
    cluster.version = (struct kubeversion){1, 30, 2};
    for (int i = 0; i < 2; i++) {
        ask(WORKER, JOIN_KEY);
        assert_str(value_get_text(answered("join"), STR("kubeadm")), "1.30.2");
        fleet_cluster(fleet, STR("homelab"), &texts, &r);
        assert_str(r.version, "1.30.2");
    }
    assert_int_equal(cluster.begun, 1);
    assert_true(cluster.intent.kubeadm.major == 1 && cluster.intent.kubeadm.minor == 29);
}

static void a_kubeadm_of_another_version(void **state)
{
    struct str old = with(request("bootstrap"), "v1.29.15", "v1.28.1");
    (void)state;
    stand();
    cluster.outcome = MINT_SKEW;
    cluster.version = (struct kubeversion){1, 36, 3};
    ask(WORKER, JOIN_KEY);
    is_golden("403-version");
    cluster.outcome = MINT_SIGNED; /* the admin has installed another one */
    asks_for_token();
    assert_int_equal(cluster.begun, 2);
    arm("k8s-master-1");
    cluster_reset();
    post(seed_key("k8s-master-1"), "bootstrap", JOIN_KEY, with(old, "\"" UUID "\"", "null"));
    is_refused(403, "version",
               "kubeadm on k8s-master-1 is v1.28.1 and the cluster homelab is declared with "
               "v1.29.15: install kubeadm and kubelet 1.29, then start");
    post(seed_key("k8s-master-1"), "bootstrap", JOIN_KEY,
         with(with(old, "\"" UUID "\"", "null"), "\"v1.28.1\"", "null"));
    answered("init");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(a_worker_waits_for_the_first_master), TEST(masters_wait),
          TEST(a_master_needs_the_join_key), TEST(an_endpoint_that_is_a_masters_address),
          TEST(without_a_window), TEST(keys_that_are_no_join_key),
          TEST(only_a_join_key_may_lock_a_node), TEST(the_first_claim_wins),
          TEST(a_window_key_stands_for_both), TEST(a_key_of_a_window_that_has_ended),
          TEST(machines_of_another_uuid), TEST(a_node_without_a_uuid),
          TEST(a_node_without_a_uuid_has_that_of_its_first_machine),
          TEST(a_copied_disk_is_an_alarm), TEST(a_site_says_what_window_keys_are_good_for),
          TEST(a_role_that_joins_nothing), TEST(requests_that_cannot_be_read),
          TEST(the_body_comes_before_the_window), TEST(bodies_are_json),
          TEST(only_the_holder_reports_the_cluster),
          TEST(the_cluster_is_written_before_it_is_answered), TEST(init_says_all_of_it),
          TEST(one_master_needs_no_certificate_key),
          TEST(only_further_masters_get_the_certificate_key),
          TEST(a_key_that_cannot_be_read_is_no_answer),
          TEST(a_further_master_waits_for_certificates), TEST(what_cannot_be_rendered_is_no_answer),
          TEST(files_are_for_join_keys), TEST(a_master_without_a_template_makes_no_cluster),
          TEST(results), TEST(the_reason_is_the_line_that_says_most),
          TEST(nothing_is_answered_before_it_is_written), TEST(so_many_are_held_and_no_more),
          TEST(a_heartbeat_wakes_none_in_vain), TEST(many_are_let_go_in_waves),
          TEST(a_further_master_that_fails_is_told_at_once), TEST(a_boot_gets_one_token),
          TEST(what_a_mint_waits_for_is_said), TEST(a_refused_mint_is_tried_again),
          TEST(why_a_mint_waits_is_written), TEST(a_newer_request_waits_instead),
          TEST(a_mint_ends_with_its_window), TEST(a_mint_ends_with_its_clusters_epoch),
          TEST(documents_are_for_the_version_that_runs), TEST(a_kubeadm_of_another_version))
