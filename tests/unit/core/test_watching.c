/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster's nodes and certificate requests, followed by ports of the test's. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/approving.h"
#include "core/internal.h"
#include "crypto/keys.h"

#define START_MS INT64_C(1795343968000) /* openfleet's */

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};

static struct tmptree files;
static struct core *core;
static struct fleet *fleet;
static struct sealer *sealer;
static struct arena texts;

static struct {
    struct nodewatch_port port;
    struct nodewatch *watch; /* NULL: none is under way */
    struct nodewatch_target target;
    struct nodewatch_node nodes[4], news[4];
    uint32_t n, news_n;
    unsigned begun;
    struct str bearer;
} nodes;

static struct {
    struct approver_port port;
    struct approver *approver;
    struct approver_target target;
    struct approver_news news[20];
    uint32_t n;
    unsigned begun, looks;
    struct str bearer;
} csrs;

/* --- The ports ------------------------------------------------------------------------------- */

static int nodes_begin(void *cls, const struct nodewatch_target *t, struct nodewatch **ret,
                       struct err *e)
{
    (void)cls, (void)e;
    assert_null(nodes.watch);
    nodes.watch = calloc(1, sizeof(*nodes.watch));
    nodes.watch->port = &nodes.port;
    nodes.target = *t;
    nodes.bearer = arena_str(&texts, t->bearer);
    nodes.begun++;
    *ret = nodes.watch;
    return 0;
}

static void nodes_set_bearer(struct nodewatch *w, struct str bearer)
{
    assert_ptr_equal(w, nodes.watch);
    nodes.bearer = arena_str(&texts, bearer);
}

static bool nodes_next(struct nodewatch *w, struct nodewatch_node *ret)
{
    (void)w;
    if (!nodes.news_n)
        return false;
    *ret = nodes.news[--nodes.news_n];
    return true;
}

static bool nodes_find(const struct nodewatch *w, struct str name, struct nodewatch_node *ret)
{
    (void)w;
    for (uint32_t i = 0; i < nodes.n; i++) {
        if (!str_eq(nodes.nodes[i].name, name))
            continue;
        *ret = nodes.nodes[i];
        return true;
    }
    return false;
}

static void nodes_end(struct nodewatch *w)
{
    assert_ptr_equal(w, nodes.watch);
    nodes.watch = NULL;
    free(w);
}

static int csrs_begin(void *cls, const struct approver_target *t, struct approver **ret,
                      struct err *e)
{
    (void)cls, (void)e;
    assert_null(csrs.approver);
    csrs.approver = calloc(1, sizeof(*csrs.approver));
    csrs.approver->port = &csrs.port;
    csrs.target = *t;
    csrs.bearer = arena_str(&texts, t->bearer);
    csrs.begun++;
    *ret = csrs.approver;
    return 0;
}

static void csrs_set_bearer(struct approver *p, struct str bearer)
{
    assert_ptr_equal(p, csrs.approver);
    csrs.bearer = arena_str(&texts, bearer);
}

static void csrs_look(struct approver *p)
{
    assert_ptr_equal(p, csrs.approver);
    csrs.looks++;
}

static bool csrs_next(struct approver *p, struct arena *a, struct approver_news *ret)
{
    (void)p, (void)a;
    if (!csrs.n)
        return false;
    *ret = csrs.news[--csrs.n];
    return true;
}

static void csrs_end(struct approver *p)
{
    assert_ptr_equal(p, csrs.approver);
    csrs.approver = NULL;
    free(p);
}

/* --- The world ------------------------------------------------------------------------------- */

static int start(void **state)
{
    const struct core_host host = {.nodes = &nodes.port, .approver = &csrs.port};
    struct err e;
    (void)state;
    memset(&nodes, 0, sizeof(nodes));
    memset(&csrs, 0, sizeof(csrs));
    nodes.port = (struct nodewatch_port){nodes_begin, nodes_set_bearer, nodes_next,
                                         nodes_find,  nodes_end,        NULL};
    csrs.port =
        (struct approver_port){csrs_begin, csrs_set_bearer, csrs_look, csrs_next, csrs_end, NULL};
    arena_init(&texts, 16384);
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml",
                "name: lab\nurl: http://site:1\nnetworks:\n  nodes: {cidr: 10.0.20.0/24}\n");
    tmptree_put(&files, "seed/clusters/c.yaml",
                "lab: {version: \"1.29.15\", endpoint: \"k:6443\",\n"
                "  pods: 192.168.0.0/16, services: 10.96.0.0/12}\n");
    tmptree_put(&files, "seed/roles/r.yaml",
                "w: {bootstrap: worker, kubeadm: sealed/k}\n"
                "plain: {}\n");
    assert_int_equal(mkdir(tmptree_path(&files, "templates/sealed"), 0700), 0);
    tmptree_put(&files, "templates/sealed/k", "x");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "w1: {role: w, cluster: lab, addresses: [10.0.20.21]}\n"
                "w2: {role: w, cluster: lab}\n"
                "plain: {role: plain}\n");
    assert_int_equal(sealer_new(tmptree_path(&files, "sealing.key"), &sealer, &e), 0);
    fleet = openfleet_start();
    core = core_new(snapshot_new(tmptree_load(&files), &secrets), fleet, sealer, &host);
    return 0;
}

static int end(void **state)
{
    (void)state;
    core_free(core);
    assert_null(nodes.watch);
    assert_null(csrs.approver);
    fleet_close(fleet);
    sealer_free(sealer);
    arena_done(&texts);
    tmptree_done(&files);
    return 0;
}

static struct cluster_token sealed(const char *account, const char *token)
{
    struct str purpose = keys_cluster_purpose(STR("lab"), str_from(account), &texts);
    return (struct cluster_token){sealer_seal(sealer, purpose, str_from(token), &texts),
                                  START_MS + 86400000};
}

static void change(struct cluster_change c)
{
    c.cluster = STR("lab");
    c.cause = STR("uid 0");
    c.peer = STR("");
    fleet_forget(fleet, fleet_cluster_change(fleet, &c, (struct waiter){0}));
    fleet_on_store(fleet);
}

/* With that approver's token; "": the cluster approves for itself. */
static void adopt(const char *minter, const char *approver)
{
    const struct cluster_token none = {.sealed = STR("")};
    change((struct cluster_change){
        .kind = CLUSTER_ADOPT,
        .report = {.endpoint = STR("https://k:6443"),
                   .declared = STR("https://k:6443"),
                   .ca = STR("CA"),
                   .minter = sealed("minter", minter),
                   .approver = *approver ? sealed("approver", approver) : none},
    });
}

static void show(const char *name, bool ready)
{
    const struct nodewatch_node n = {.name = str_from(name),
                                     .present = true,
                                     .ready = ready,
                                     .reason = ready ? STR("") : STR("no network"),
                                     .kubelet = STR("")};
    uint32_t i = 0;
    while (i < nodes.n && !str_eq(nodes.nodes[i].name, n.name))
        i++;
    nodes.nodes[i] = nodes.news[nodes.news_n++] = n;
    nodes.n = i < nodes.n ? nodes.n : i + 1;
    nodes.watch->in_step = true;
    waiter_wake(nodes.target.waiter);
    fleet_on_store(fleet);
}

static void say(const char *request, const char *node, bool approved)
{
    csrs.news[csrs.n++] = (struct approver_news){str_from(request), str_from(node), true, approved,
                                                 approved ? STR("") : STR("why")};
    waiter_wake(csrs.target.waiter);
    fleet_on_store(fleet);
}

static uint32_t events(const char *kind)
{
    const struct store_entry *e;
    uint32_t n = 0;
    for (uint64_t after = 0; (e = fleet_next_event(fleet, after)); after = e->id)
        n += str_is(e->event.kind, kind);
    return n;
}

static struct approver_node look_up(const char *name)
{
    struct approver_node n;
    assert_true(
        csrs.target.look_up(csrs.target.cls, csrs.target.waiter.ref, str_from(name), &texts, &n));
    return n;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void a_cluster_that_stands_is_followed(void **state)
{
    (void)state;
    assert_int_equal(nodes.begun, 0);
    adopt("first", "");
    assert_int_equal(nodes.begun, 1);
    assert_str(nodes.target.endpoint, "https://k:6443");
    assert_str(nodes.bearer, "first");
    assert_int_equal(csrs.begun, 0);
    fleet_rouse(fleet);
    assert_int_equal(nodes.begun, 1);
    adopt("second", "third"); /* the same cluster, with other accounts */
    assert_int_equal(nodes.begun, 1);
    assert_str(nodes.bearer, "second");
    assert_str(csrs.bearer, "third");
    adopt("second", "fourth");
    assert_int_equal(csrs.begun, 1);
    assert_str(csrs.bearer, "fourth");
    adopt("second", "");
    assert_null(csrs.approver);
    change((struct cluster_change){.kind = CLUSTER_RESET});
    assert_null(nodes.watch);
}

static void a_cluster_that_is_not_declared_is_let_go(void **state)
{
    (void)state;
    adopt("first", "second");
    tmptree_put(&files, "seed/nodes/n.yaml", "plain: {role: plain}\n");
    tmptree_put(&files, "seed/clusters/c.yaml", "{}\n");
    core_replace(core, snapshot_new(tmptree_load(&files), &secrets));
    assert_null(nodes.watch);
    assert_null(csrs.approver);
}

static void requests_are_judged_again_when_a_node_changes(void **state)
{
    (void)state;
    adopt("first", "second");
    unsigned before = csrs.looks;
    show("w1", true);
    assert_true(csrs.looks > before);
}

static void what_is_known_of_a_node(void **state)
{
    struct approver_node n;
    (void)state;
    adopt("first", "second");
    n = look_up("w1");
    assert_str(n.name, "w1");
    assert_true(!n.joined && !n.locked && n.token_id.n == 0);
    assert_int_equal(n.declared_n, 1);
    assert_int_equal(n.networks_n, 1);
    for (size_t i = 0; i < 2; i++)
        assert_false(csrs.target.look_up(csrs.target.cls, csrs.target.waiter.ref,
                                         str_from(i ? "plain" : "nobody"), &texts, &n));
    const struct slot_ref gone = {csrs.target.waiter.ref.slot,
                                  csrs.target.waiter.ref.generation + 1};
    assert_false(csrs.target.look_up(csrs.target.cls, gone, STR("w1"), &texts, &n));
}

/* Nobody has made the cluster with what this server gave. */
static void nodes_that_were_there_before_an_adoption(void **state)
{
    (void)state;
    adopt("first", "second");
    show("w1", false);
    assert_false(look_up("w1").joined);
    show("w1", true);
    assert_true(look_up("w1").joined);
    assert_false(look_up("w2").joined);
    show("w1", false);
    assert_false(look_up("w1").joined);
}

static void what_becomes_of_requests_is_told(void **state)
{
    (void)state;
    adopt("first", "second");
    say("csr-1", "w1", true);
    assert_int_equal(events("approved"), 1);
    say("csr-2", "w1", false);
    assert_int_equal(events("alarm"), 1);
    say("csr-3", "nobody", false);
    say("csr-3", "nobody", false);
    assert_int_equal(events("cluster-request"), 1);
    say("csr-4", "plain", true); /* by an admin: it is no business of ours */
    assert_int_equal(events("approved"), 1);
    for (int i = 100; i < 120; i++)
        say(arena_printf(&texts, "csr-%d", i).p, "nobody", false);
    assert_int_equal(events("cluster-request"), 7); /* with that of csr-3, which was told twice */
}

static void a_binding_that_comes_back(void **state)
{
    struct cluster_record r;
    (void)state;
    adopt("first", "second");
    csrs.approver->autoapproves_known = csrs.approver->autoapproves = true;
    for (int i = 0; i < 2; i++) {
        waiter_wake(csrs.target.waiter);
        fleet_on_store(fleet);
    }
    assert_int_equal(events("cluster-autoapproves"), 1);
    change((struct cluster_change){.kind = CLUSTER_HARDEN, .harden = false});
    fleet_cluster(fleet, STR("lab"), &texts, &r);
    assert_int_equal(r.approver.sealed.n, 0);
    assert_null(csrs.approver);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(a_cluster_that_stands_is_followed), TEST(a_cluster_that_is_not_declared_is_let_go),
          TEST(requests_are_judged_again_when_a_node_changes), TEST(what_is_known_of_a_node),
          TEST(nodes_that_were_there_before_an_adoption), TEST(what_becomes_of_requests_is_told),
          TEST(a_binding_that_comes_back))
