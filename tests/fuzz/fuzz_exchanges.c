/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_exchanges: the life of two small clusters: admins, nodes, strangers, API servers, clocks and
 * restarts, as the input has them in turn, by whole exchanges over a store that may fail.
 *
 * Each step is a byte that says what happens, and a byte or two of who does it and how; the answers
 * of the store come late where the first byte says so. What is checked:
 * - In an epoch of a cluster `init` goes to one node, never by the key that the network may read,
 *   and once the cluster was reported only to the disk that made it, which knows what is done.
 * - What was answered is stored: it is still so in a server that is started from the records.
 * - A token is told only after its cluster has it, to the boot that it was made for and no other;
 *   one mint at most is under way for a node, and all have ended at the end.
 * - Only a window that is open yields an answer to weak evidence or at bootstrap; a locked node
 * gets none; no document by weak evidence has a seed key, and no answer to a node its join key.
 * - Generations only grow, and only by `reprovision`.
 * - Each answer is one of the statuses that the listener knows, as one whole JSON text where it
 * says so; every exchange ends once nobody is waited for any more.
 */
#include "base/fs.h"
#include "base/json.h"
#include "core/answer.h"
#include "core/core.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "lib/failing_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 200
#define SLOTS 4
#define EPOCHS_MAX 32
#define TOKENS_MAX 64
#define COMMITS_FAILED_MAX 40
#define CLAIM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define UUID "4c4c4544-0042-3510-8052-b4c04f4e443"

enum { M1, M2, M3, W1, W2, E1, E2, PLAIN, NODES };
enum { LAB, EDGE, CLUSTERS };

static const struct {
    const char *name;
    int cluster;
    bool is_master;
} nodes[NODES] = {{"m1", LAB, true},   {"m2", LAB, true},   {"m3", LAB, true},
                  {"w1", LAB, false},  {"w2", LAB, false},  {"e1", EDGE, true},
                  {"e2", EDGE, false}, {"plain", -1, false}};
static const char *const clusters[CLUSTERS] = {"lab", "edge"};

/* What the world outside knows. */
struct outside {
    char serial_join[JOIN_KEY_LEN + 1];
    char window_key[WINDOW_KEY_LEN + 1];
    unsigned boot;
    uint32_t generation;
};

enum asked { ASKED_OTHER, ASKED_BOOTSTRAP, ASKED_CLUSTER, ASKED_WEAK, ASKED_ARM };

struct slot {
    struct exchange x;
    enum asked asked;
    int node, disk;
    unsigned windows_n; /* what the world had when it began */
    bool used, woken, by_window_key;
    char claim[sizeof(CLAIM)];
};

struct minted {
    struct mint mint;
    char token[32];
    struct waiter waiter;
    bool used;
};

/* Who was told to make a cluster, in an epoch of it: which boot of which disk. */
struct lease {
    char uid[8], claim[sizeof(CLAIM)];
    int disk;
    uint32_t generation;
    bool reported;
};

struct told {
    char token[32], claim[DIGEST_TEXT_SIZE];
    bool is_signed;
};

/* Lasts from input to input. */
static struct {
    struct snapshot *trees[2];
    struct sealer *sealer;
    struct str ca; /* of a cluster, in PEM */
    struct arena arena;
} fixed;

/* Of one input. */
static struct {
    struct core *core;
    struct fleet *fleet;
    struct store *store;
    struct arena arena;
    uint64_t passed_ms;
    int64_t wall_off_ms;
    unsigned failures;
    unsigned windows_n; /* how often one may have begun or ended */
    struct outside outside[NODES];
    struct slot slots[SLOTS];
    struct minted mints[NODES];
    struct lease leases[CLUSTERS][EPOCHS_MAX];
    struct told told[TOKENS_MAX];
    unsigned told_n;
} world;

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* --- What core needs -------------------------------------------------------------------------- */

static int64_t wall_ms(void)
{
    return 1795343968000 + (int64_t)world.passed_ms + world.wall_off_ms;
}

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){wall_ms(), 1000000 + world.passed_ms, STR("boot")};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    return sealer_unseal(fixed.sealer, keys_window_purpose(uid, a), sealed, a, ret);
}

static void on_store(void *cls)
{
    (void)cls;
}

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    world.slots[who.slot].woken = true;
}

static uint64_t reload(void *cls)
{
    (void)cls;
    return UINT64_MAX; /* it never ends */
}

static void extend(void *cls)
{
    (void)cls;
}

static struct told *told_of(struct str token)
{
    for (unsigned i = 0; i < world.told_n; i++) {
        if (str_is(token, world.told[i].token))
            return &world.told[i];
    }
    need(world.told_n < TOKENS_MAX);
    struct told *t = &world.told[world.told_n++];
    snprintf(t->token, sizeof(t->token), "%.*s", STR_ARG(token));
    return t;
}

static const struct mint_port mint_port;

static int on_mint(void *cls, const struct mint_intent *intent, struct mint **ret, struct err *e)
{
    (void)cls;
    int free_one = -1;
    for (int i = 0; i < NODES; i++) {
        need(!world.mints[i].used || !str_is(intent->token, world.mints[i].token));
        if (!world.mints[i].used)
            free_one = i;
    }
    need(intent->end_wall_ms > 0 && token_valid(intent->token));
    if (world.told_n == TOKENS_MAX)
        return err_set(e, -EINVAL, "enough tokens");
    need(free_one >= 0);
    struct minted *m = &world.mints[free_one];
    *m = (struct minted){.mint = {.port = &mint_port, .version = {1, 29, 15}},
                         .waiter = intent->waiter,
                         .used = true};
    snprintf(m->token, sizeof(m->token), "%.*s", STR_ARG(intent->token));
    told_of(intent->token);
    *ret = &m->mint;
    return 0;
}

static void on_mint_end(struct mint *m)
{
    struct minted *own = (struct minted *)m;
    need(own->used);
    own->used = false;
}

static const struct mint_port mint_port = {on_mint, on_mint_end, NULL};

/* --- The world's beginning and end ------------------------------------------------------------ */

static void put(const char *folder, const char *name, const char *text)
{
    FILE *f = fopen(arena_printf(&fixed.arena, "%s/%s", folder, name).p, "w");
    need(f != NULL);
    need(fputs(text, f) >= 0 && fclose(f) == 0);
}

static struct snapshot *load(const char *folder, const char *site)
{
    static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};
    struct faults faults;
    struct tree *tree;
    put(folder, "seed/site.yaml", site);
    faults_init(&faults);
    const struct tree_source from = {.seed_dir = arena_printf(&fixed.arena, "%s/seed", folder).p,
                                     .templates_dir =
                                         arena_printf(&fixed.arena, "%s/templates", folder).p};
    need(tree_load(&from, &faults, &tree) == 0);
    faults_done(&faults);
    return snapshot_new(tree, &secrets);
}

static void make_folders(char *folder)
{
    static const char *const names[] = {"seed",       "seed/clusters", "seed/roles",
                                        "seed/nodes", "templates",     "templates/sealed"};
    need(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        need(mkdir(arena_printf(&fixed.arena, "%s/%s", folder, names[i]).p, 0700) == 0);
    put(folder, "seed/clusters/c.yaml",
        "lab: {version: \"1.29.15\", endpoint: \"lab.home.arpa:6443\",\n"
        "  pods: 192.168.0.0/16, services: 10.96.0.0/12}\n"
        "edge: {version: \"1.29.15\", endpoint: \"10.0.20.31:6443\",\n"
        "  pods: 192.168.0.0/16, services: 10.96.0.0/12}\n");
    put(folder, "seed/roles/r.yaml",
        "m: {bootstrap: master, kubeadm: sealed/k, templates: {user-data: u}}\n"
        "w: {bootstrap: worker, kubeadm: sealed/k, templates: {user-data: u}}\n"
        "p: {templates: {user-data: u}}\n");
    put(folder, "seed/nodes/n.yaml",
        "m1: {role: m, cluster: lab, macs: [\"52:54:00:00:00:00\"], uuid: " UUID "0}\n"
        "m2: {role: m, cluster: lab, macs: [\"52:54:00:00:00:01\"]}\n"
        "m3: {role: m, cluster: lab, macs: [\"52:54:00:00:00:02\"], uuid: " UUID "2}\n"
        "w1: {role: w, cluster: lab, macs: [\"52:54:00:00:00:03\"], uuid: " UUID "3}\n"
        "w2: {role: w, cluster: lab, macs: [\"52:54:00:00:00:04\"]}\n"
        "e1: {role: m, cluster: edge, macs: [\"52:54:00:00:00:05\"], addresses: [10.0.20.31]}\n"
        "e2: {role: w, cluster: edge, macs: [\"52:54:00:00:00:06\"]}\n"
        "plain: {role: p, macs: [\"52:54:00:00:00:07\"]}\n");
    put(folder, "templates/sealed/k", "{{ bootstrap.token | default('', true) }}\n");
    put(folder, "templates/u", "#cloud-config\n# {{ node.name }} {{ seed.url }}\n");
}

static void end_fixed(void)
{
    snapshot_unref(fixed.trees[0]);
    snapshot_unref(fixed.trees[1]);
    sealer_free(fixed.sealer);
    arena_done(&fixed.arena);
}

static void read_ca(const char *path)
{
    struct str json;
    struct value v;
    need(fs_read(path, 1 << 20, &fixed.arena, &json, NULL) == 0);
    need(json_read(json, &fixed.arena, &v, NULL) == 0);
    fixed.ca = value_get_text(v, STR("ca"));
}

static void make_fixed(void)
{
    char folder[] = "/tmp/cloudseed-fuzz-XXXXXX";
    const char *source = getenv("CLOUDSEED_SOURCE");
    static const char site[] = "name: lab\nurl: http://10.0.10.5:8080\n"
                               "networks: {n: {cidr: 10.0.20.0/24}}\n";
    arena_init(&fixed.arena, 65536);
    read_ca(arena_printf(&fixed.arena, "%s/tests/golden/bootstrap/requests/cluster.json",
                         source ? source : "..")
                .p);
    make_folders(folder);
    fixed.trees[0] = load(folder, site);
    fixed.trees[1] = load(
        folder, arena_printf(&fixed.arena, "%salarms: lock\nwindow_key_joins: none\n", site).p);
    need(sealer_new(arena_printf(&fixed.arena, "%s/key", folder).p, &fixed.sealer, NULL) == 0);
    need(system(arena_printf(&fixed.arena, "rm -r %s", folder).p) == 0);
    atexit(end_fixed);
}

static void start_server(struct store *s)
{
    static const struct fleet_host fleet_host = {now, unseal, NULL};
    static const struct core_host host = {.reload = reload,
                                          .extend = extend,
                                          .held_beats = 2,
                                          .mint = &mint_port,
                                          .wall_ms = wall_ms};
    struct err e;
    world.store = s;
    need(fleet_open(s, &fleet_host, &world.fleet, &e) == 0);
    need(fleet_start(world.fleet, on_store, NULL, (struct alarm){NULL, NULL}, &e) == 0);
    fleet_on_store(world.fleet);
    world.core = core_new(snapshot_ref(fixed.trees[0]), world.fleet, fixed.sealer, &host);
    const struct core_tls tls = {.ca = fixed.ca,
                                 .pin = STR("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
                                 .until_s = INT32_MAX,
                                 .names = STR("seed.home.arpa")};
    core_set_tls(world.core, &tls);
}

static void leave(struct slot *s)
{
    if (!s->used)
        return;
    exchange_end(&s->x);
    arena_done(&s->x.arena);
    buf_done(&s->x.body);
    *s = (struct slot){.used = false};
}

static void stop_server(void)
{
    for (int i = 0; i < SLOTS; i++)
        leave(&world.slots[i]);
    core_free(world.core);
    for (int i = 0; i < NODES; i++)
        need(!world.mints[i].used);
}

static int copy_record(void *cls, const struct store_record *r, struct err *e)
{
    const struct store_write w = {STORE_PUT, r->kind, r->key, STORE_ABSENT, r->bytes};
    (void)e;
    need(store_commit(cls, &(struct store_txn){.writes = &w, .n_writes = 1}) == 0);
    struct store_notice *n;
    while ((n = store_take(cls)))
        store_notice_free(cls, n);
    return 0;
}

/* As after a crash: all that is left are the records. */
static void restart(void)
{
    uint64_t revision;
    struct store *next = failing_store_new();
    stop_server();
    need(store_load(world.store, copy_record, next, &revision, NULL) == 0);
    fleet_close(world.fleet);
    world.failures = 0;
    start_server(next);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static struct record record_of(int node)
{
    struct record r;
    uint64_t revision;
    fleet_record(world.fleet, str_from(nodes[node].name), &world.arena, &r, &revision);
    return r;
}

static struct cluster_record cluster_of(int cluster)
{
    struct cluster_record r;
    if (!fleet_cluster(world.fleet, str_from(clusters[cluster]), &world.arena, &r))
        cluster_record_init(&r);
    return r;
}

static struct lease *lease_of(int cluster, uint32_t epoch)
{
    return epoch < EPOCHS_MAX ? &world.leases[cluster][epoch] : NULL;
}

static struct str seed_key(int node)
{
    const struct snapshot *s = core_snapshot(world.core);
    return snapshot_node_key(s, snapshot_find_name(s, str_from(nodes[node].name)));
}

static bool has(struct str text, const char *part)
{
    return *part && memmem(text.p, text.n, part, strlen(part));
}

static void check_init(const struct slot *s, const char *digest)
{
    struct cluster_record r = cluster_of(nodes[s->node].cluster);
    struct lease *l = lease_of(nodes[s->node].cluster, r.epoch);
    need(nodes[s->node].is_master && !s->by_window_key);
    need(r.phase == CLUSTER_INIT || r.phase == CLUSTER_STANDING);
    need(str_is(r.holder.uid, nodes[s->node].name));
    need(r.phase == CLUSTER_STANDING || str_is(r.holder.claim, digest));
    if (!l)
        return;
    need(!l->uid[0] || strcmp(l->uid, nodes[s->node].name) == 0);
    if (l->reported)
        need(r.holder.generation == l->generation &&
             (s->disk == l->disk || strcmp(s->claim, l->claim) == 0));
    snprintf(l->uid, sizeof(l->uid), "%s", nodes[s->node].name);
    snprintf(l->claim, sizeof(l->claim), "%s", s->claim);
    l->disk = s->disk;
    l->generation = r.holder.generation;
}

static void check_join(struct value v, const char *digest)
{
    struct str token = str_trim(value_get_text(v, STR("kubeadm")));
    need(token_valid(token));
    struct told *t = told_of(token);
    need(t->is_signed && (!t->claim[0] || strcmp(t->claim, digest) == 0));
    snprintf(t->claim, sizeof(t->claim), "%s", digest);
}

static void check_bootstrap(const struct slot *s, struct value v)
{
    char digest[DIGEST_TEXT_SIZE];
    struct record r = record_of(s->node);
    struct str action = value_get_text(v, STR("action"));
    digest_text(str_from(s->claim), digest);
    if (s->windows_n == world.windows_n)
        need(r.has_window && !r.locked && str_is(r.window.claim, digest));
    need(s->x.is_secret && !has(s->x.out.body, world.outside[s->node].serial_join));
    if (str_is(action, "init"))
        check_init(s, digest);
    else if (str_is(action, "join"))
        check_join(v, digest);
    else
        need(str_is(action, "none"));
}

static void check_cluster(const struct slot *s)
{
    struct cluster_record r = cluster_of(nodes[s->node].cluster);
    struct lease *l = lease_of(nodes[s->node].cluster, r.epoch);
    need(r.phase == CLUSTER_STANDING && str_is(r.holder.uid, nodes[s->node].name));
    if (!l)
        return;
    need(strcmp(l->uid, nodes[s->node].name) == 0);
    l->reported = true;
}

static void check_weak(const struct slot *s)
{
    struct str key = seed_key(s->node);
    need(record_of(s->node).has_window);
    need(!memmem(s->x.out.body.p, s->x.out.body.n, key.p, key.n));
    need(!has(s->x.out.body, world.outside[s->node].serial_join));
}

static void copy_key(char *to, size_t room, struct str from)
{
    snprintf(to, room, "%.*s", STR_ARG(from));
}

/* An admin puts them into the virtual machine. */
static void learn_keys(const struct slot *s, struct value v)
{
    struct outside *o = &world.outside[s->node];
    struct value arm = value_get(v, STR("arm"));
    struct str serial = value_get_text(arm, STR("serial")),
               url = value_get_text(arm, STR("window_url"));
    const char *at = memmem(serial.p, serial.n, "cs=", 3);
    need(at && at + 3 + JOIN_KEY_LEN <= serial.p + serial.n);
    copy_key(o->serial_join, sizeof(o->serial_join), (struct str){at + 3, JOIN_KEY_LEN});
    at = memmem(url.p, url.n, "/s/", 3);
    need(at && at + 3 + WINDOW_KEY_LEN <= url.p + url.n);
    copy_key(o->window_key, sizeof(o->window_key), (struct str){at + 3, WINDOW_KEY_LEN});
}

static void check_form(const struct exchange *x, struct value *ret)
{
    static const int known[] = {200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405,
                                409, 410, 412, 413, 415, 422, 428, 429, 501, 503, 507};
    struct str type = str_from(x->out.type ? x->out.type : "");
    bool is_known = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        is_known |= x->out.status == known[i];
    need(is_known && (!x->out.reason || !strchr(x->out.reason, '\n')));
    *ret = value_none();
    if (str_is(type, "application/json") || str_is(type, "application/problem+json"))
        need(json_read(x->out.body, &world.arena, ret, NULL) == 0);
}

static void check_answer(const struct slot *s)
{
    struct value v;
    check_form(&s->x, &v);
    if (s->x.out.status != 200)
        return;
    switch (s->asked) {
    case ASKED_BOOTSTRAP: check_bootstrap(s, v); break;
    case ASKED_CLUSTER: check_cluster(s); break;
    case ASKED_WEAK: check_weak(s); break;
    case ASKED_ARM: learn_keys(s, v); break;
    case ASKED_OTHER: break;
    }
}

/* --- Exchanges -------------------------------------------------------------------------------- */

/* Where all wait, the client that was first leaves. */
static struct slot *take_slot(enum asked asked, int node)
{
    int i = 0;
    while (i < SLOTS && world.slots[i].used)
        i++;
    if (i == SLOTS) {
        i = 0;
        leave(&world.slots[0]);
    }
    struct slot *s = &world.slots[i];
    *s = (struct slot){.asked = asked, .node = node, .used = true, .windows_n = world.windows_n};
    s->x.waiter = (struct waiter){{on_wake, NULL}, {(uint32_t)i, 1}};
    arena_init(&s->x.arena, 8192);
    buf_init(&s->x.body, 1 << 20);
    return s;
}

static void go_on(struct slot *s)
{
    s->woken = false;
    if (!s->x.out.status && exchange_step(&s->x) == EXCHANGE_WAIT && !s->x.out.status)
        return;
    check_answer(s);
    leave(s);
}

static void begin(struct slot *s, enum exchange_listener listener, enum exchange_method method,
                  struct str path, struct str body)
{
    struct exchange *x = &s->x;
    x->in.listener = listener;
    x->in.method = method;
    x->in.path = arena_str(&x->arena, path);
    x->in.content_type = body.n ? STR("application/json") : (struct str){NULL, 0};
    x->in.principal.kind = listener == LISTENER_SOCKET ? PRINCIPAL_SOCKET : PRINCIPAL_NONE;
    exchange_begin(x, core_port(world.core));
    x->in.body = arena_str(&x->arena, body);
    if (!x->out.status && body.n > x->body_max_bytes)
        exchange_refuse(x, 413, "the body is too large");
    go_on(s);
}

static void pump(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        fleet_on_store(world.fleet);
        for (int i = 0; i < SLOTS; i++) {
            struct slot *s = &world.slots[i];
            if (s->used && s->woken && exchange_wake(&s->x))
                go_on(s);
        }
    }
}

/* --- Steps ------------------------------------------------------------------------------------ */

static uint8_t byte_of(struct str *in)
{
    uint8_t b = in->n ? (uint8_t)in->p[0] : 0;
    *in = str_skip(*in, in->n ? 1 : 0);
    return b;
}

static void admin(enum asked asked, int node, const char *what, const char *body)
{
    struct str path = arena_printf(&world.arena, "/v1/nodes/%s/%s", nodes[node].name, what);
    begin(take_slot(asked, node), LISTENER_SOCKET, METHOD_POST, path, str_from(body));
}

static void change_cluster(uint8_t how)
{
    static const char *const what[] = {"reset", "certs", "harden", "reset"};
    struct str path =
        arena_printf(&world.arena, "/v1/clusters/%s/%s", clusters[how & 1], what[how >> 1 & 3]);
    begin(take_slot(ASKED_OTHER, 0), LISTENER_SOCKET, METHOD_POST, path, STR(""));
}

static const char *claim_of(int node)
{
    char *text = arena_alloc(&world.arena, sizeof(CLAIM));
    memcpy(text, CLAIM, sizeof(CLAIM));
    text[0] = (char)('A' + node);
    text[1] = (char)('A' + world.outside[node].boot % 26);
    return text;
}

/* `how`: 1: by the window's key; 2: the other one's uuid; 4: another claim; 8: a wrong key. */
static struct slot *node_slot(enum asked asked, int node, uint8_t how, const char *what,
                              struct str *path)
{
    struct slot *s = take_slot(asked, node);
    const struct outside *o = &world.outside[node];
    const char *claim = claim_of(node);
    struct str key = how & 1 ? str_from(o->window_key) : seed_key(node);
    s->by_window_key = how & 1;
    snprintf(s->claim, sizeof(s->claim), "%s", claim);
    if (how & 4)
        s->claim[5] ^= 1;
    *path = arena_printf(&world.arena, "/s/%.*s/%s", STR_ARG(key), what);
    s->x.in.bearer = str_from(how & 8 ? "wrong" : how & 1 ? o->window_key : o->serial_join);
    s->x.in.bearer = arena_str(&s->x.arena, s->x.in.bearer);
    return s;
}

static void bootstrap(int node, uint8_t how)
{
    struct str path;
    struct slot *s = node_slot(ASKED_BOOTSTRAP, node, how, "bootstrap", &path);
    bool has_uuid = node == M1 || node == M3 || node == W1 || (how & 16);
    int machine = how & 2 ? 9 : node;
    s->disk = how & 32 ? 15 : node;
    struct str uuid =
        has_uuid ? arena_printf(&world.arena, "\"" UUID "%d\"", machine) : STR("null");
    struct str body = arena_printf(
        &world.arena,
        "{\"claim\":\"%s\",\"uuid\":%.*s,\"machine\":\"5ca43106e415435c8a605bda74a399d%x\","
        "\"hostname\":\"%s\",\"addresses\":[],\"kubeadm\":%s,\"attempt\":1}",
        s->claim, STR_ARG(uuid), s->disk, nodes[node].name,
        how & 64 ? "\"v1.28.1\"" : "\"v1.29.15\"");
    begin(s, LISTENER_NODE, METHOD_POST, path, body);
}

static void report_cluster(int node, uint8_t how)
{
    static const char *const endpoints[CLUSTERS] = {"https://lab.home.arpa:6443",
                                                    "https://10.0.20.31:6443"};
    struct str path;
    struct slot *s = node_slot(ASKED_CLUSTER, node, how, "cluster", &path);
    struct arena *a = &world.arena;
    struct value minter = JSON_MAP(a, JSON_STR("token", STR("aaaaaaaa.bbbbbbbb.cccccccc")),
                                   JSON_STR("expires", STR("2027-02-20T10:04:31Z")));
    struct value v =
        JSON_MAP(a, JSON_STR("claim", str_from(s->claim)),
                 JSON_STR("endpoint", str_from(endpoints[nodes[node].cluster == EDGE])),
                 JSON_STR("ca", fixed.ca), JSON_VALUE("minter", minter), JSON_NONE("approver"));
    struct buf b;
    buf_init(&b, 65536);
    need(json_write(&b, v, false));
    begin(s, LISTENER_NODE, METHOD_POST, path, buf_view(&b));
    buf_done(&b);
}

static void report_result(int node, uint8_t how)
{
    struct str path;
    struct slot *s = node_slot(ASKED_OTHER, node, how, "result", &path);
    struct str body = arena_printf(
        &world.arena, "{\"claim\":\"%s\",\"ok\":%s,\"stage\":\"%s\",\"log\":\"a\\nb\"}", s->claim,
        how & 16 ? "true" : "false", how & 16 ? "done" : "kubeadm");
    begin(s, LISTENER_NODE, METHOD_POST, path, body);
}

/* What cloud-init fetches and posts. */
static void boot(int node, uint8_t how)
{
    static const char *const files[] = {"user-data", "meta-data", "network-config", "vendor-data"};
    const struct outside *o = &world.outside[node];
    struct str key = how & 1 ? str_from(o->window_key) : seed_key(node);
    struct slot *s = take_slot(ASKED_OTHER, node);
    if (how & 2) {
        struct str path = arena_printf(&world.arena, "/s/%.*s/phone-home", STR_ARG(key));
        begin(s, LISTENER_BOOT, METHOD_POST, path, STR("hostname=h&instance_id=i-1"));
    } else if (how & 4) {
        struct str path = arena_printf(&world.arena, "/s/%.*s/report", STR_ARG(key));
        begin(s, LISTENER_BOOT, METHOD_POST, path,
              STR("{\"name\":\"modules-final\",\"event_type\":\"finish\",\"origin\":\"cloudinit\","
                  "\"description\":\"d\",\"timestamp\":1.5,\"result\":\"SUCCESS\"}"));
    } else {
        struct str path =
            arena_printf(&world.arena, "/s/%.*s/%s", STR_ARG(key), files[how >> 3 & 3]);
        begin(s, LISTENER_BOOT, METHOD_GET, path, STR(""));
    }
}

static void weak(int node, uint8_t how)
{
    struct str path =
        how & 1 ? arena_printf(&world.arena, "/nocloud/name/%s/user-data", nodes[node].name)
                : arena_printf(&world.arena, "/nocloud/mac/52:54:00:00:00:0%d/user-data", node);
    begin(take_slot(ASKED_WEAK, node), LISTENER_BOOT, METHOD_GET, path, STR(""));
}

/* What API servers do with the tokens. */
static void mint(uint8_t how)
{
    static const enum mint_outcome outcomes[] = {MINT_SIGNED, MINT_REFUSED, MINT_SKEW,
                                                 MINT_TAKEN,  MINT_LATE,    MINT_PENDING,
                                                 MINT_SIGNED, MINT_SIGNED};
    for (int i = 0; i < NODES; i++) {
        struct minted *m = &world.mints[i];
        if (!m->used || m->mint.outcome != MINT_PENDING)
            continue;
        m->mint.outcome = outcomes[how & 7];
        m->mint.fate =
            m->mint.outcome == MINT_SIGNED ? MINT_PRESENT : (enum mint_fate)(how >> 3 & 1);
        if (m->mint.outcome == MINT_SIGNED)
            told_of(str_from(m->token))->is_signed = true;
        else
            err_set(&m->mint.err, -EPROTO, "HTTP 4%02u", how);
        waiter_wake(m->waiter);
        return;
    }
}

static void pass_time(uint8_t how)
{
    static const uint64_t steps_ms[] = {1000, 30000, 61000, 300000, 960000, 7300000, 10, 86400000};
    world.passed_ms += steps_ms[how & 7];
    if (how & 8)
        world.wall_off_ms += how & 16 ? 3600000 : -3600000;
    fleet_on_alarm(world.fleet);
    fleet_rouse(world.fleet);
    core_on_beat(world.core);
}

static void fail(uint8_t how)
{
    static const enum store_result results[] = {STORE_CONFLICT, STORE_FULL, STORE_UNAVAILABLE,
                                                STORE_UNKNOWN};
    if (world.failures++ < COMMITS_FAILED_MAX)
        failing_store_script(world.store, results[how & 3], how & 4);
}

static void step(struct str *in)
{
    uint8_t what = byte_of(in), who = byte_of(in), how = who >> 3;
    int node = who & 7;
    /* A request that was admitted while its store was slow may be answered after that. */
    world.windows_n += (what & 15) <= 2 || (what & 15) == 11;
    switch (what & 15) {
    case 0: admin(ASKED_ARM, node, "arm", "{}"); break;
    case 1: admin(ASKED_OTHER, node, how & 1 ? "disarm" : "unlock", ""); break;
    case 2: admin(ASKED_ARM, node, "reprovision", ""); break;
    case 3: world.outside[node].boot++; break;
    case 4:
    case 5:
    case 6: bootstrap(node, byte_of(in)); break;
    case 7: report_cluster(node, how & 13); break;
    case 8: report_result(node, byte_of(in)); break;
    case 9: change_cluster(who); break;
    case 10: mint(who); break;
    case 11: pass_time(who); break;
    case 12: leave(&world.slots[who % SLOTS]); break;
    case 13:
        who & 1 ? restart() : core_replace(world.core, snapshot_ref(fixed.trees[who >> 1 & 1]));
        break;
    case 14: fail(who); break;
    case 15: who & 64 ? weak(node, who >> 3) : boot(node, byte_of(in)); break;
    }
    if (!(what & 16))
        pump(8);
}

static void check_nodes(bool reprovisioned)
{
    for (int i = 0; i < NODES; i++) {
        uint32_t g = fleet_look(world.fleet, str_from(nodes[i].name)).generation;
        need(g >= world.outside[i].generation);
        need(reprovisioned || g == world.outside[i].generation || !world.outside[i].generation);
        world.outside[i].generation = g;
    }
}

/* Everybody is let go at last. */
static void end_waits(void)
{
    for (int i = 0; i < 10; i++) {
        pass_time(0);
        pump(8);
        for (int j = 0; j < NODES; j++)
            mint(4);
        pump(8);
    }
    for (int i = 0; i < SLOTS; i++)
        need(!world.slots[i].used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    bool reprovisioned = false;
    if (!fixed.sealer)
        make_fixed();
    memset(&world, 0, sizeof(world));
    arena_init(&world.arena, 65536);
    start_server(failing_store_new());
    for (int i = 0; i < STEPS_MAX && in.n; i++) {
        reprovisioned |= (data[size - in.n] & 15) == 2;
        step(&in);
        check_nodes(reprovisioned);
    }
    restart();
    check_nodes(reprovisioned);
    end_waits();
    stop_server();
    fleet_close(world.fleet);
    arena_done(&world.arena);
    return 0;
}
