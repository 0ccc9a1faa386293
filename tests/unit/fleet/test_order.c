/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a cluster's nodes in the fleet: what is written before it is answered, what lasts
 * over restarts, and random orders in which one node makes the cluster, nobody is stuck, and each
 * boot is told one token. tests/e2e/test_bootstrap.py kills a real server. */
#include "lib/unit.h"

#include "fleet/fleet.h"
#include "lib/folder.h"
#include "store/memory.h"
#include "store/sqlite/sqlite.h"

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MASTERS 3
#define WORKERS 20
#define NODES (MASTERS + WORKERS)
#define CLUSTER STR("lab")
#define ENDPOINT STR("https://api:6443")
#define SEEDS 50
#define STEPS_MAX 4000
#define STEP_MS 2000
#define TOKENS_MAX 1000
#define TOKEN_LEFT_MS (60 * 1000) /* less is replaced by another one */
#define EPOCHS_MAX 8
#define ANSWER_S 60

static struct fleet *fleet;
static struct arena arena;
static sem_t answered;
static unsigned woken;
static bool unsafe;       /* a store that does not wait for the disk */
static int64_t passed_ms; /* of all clocks */

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){1795343968000 + passed_ms, 1000000 + (uint64_t)passed_ms, STR("boot")};
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)a;
    *ret = sealed;
    return true;
}

static void on_store(void *cls)
{
    (void)cls;
    sem_post(&answered);
}

static void on_wake(void *cls, struct slot_ref who)
{
    (void)cls;
    (void)who;
    woken++;
}

static const struct waiter me = {{on_wake, NULL}, {1, 1}};

static void open_over(struct store *s)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct err e;
    if (fleet_open(s, &host, &fleet, &e) < 0 ||
        fleet_start(fleet, on_store, NULL, (struct alarm){NULL, NULL}, &e) < 0)
        fail_msg("%s", e.msg);
}

static void start_server(void)
{
    const struct sqlite_options options = {.path = "state.db", .unsafe = unsafe};
    struct store *s;
    struct err e;
    if (sqlite_open(&options, &s, &e) < 0)
        fail_msg("%s", e.msg);
    open_over(s);
}

static void restart_server(void)
{
    fleet_close(fleet);
    start_server();
}

static int begin(void **state)
{
    arena_init(&arena, 65536);
    sem_init(&answered, 0, 0);
    woken = 0;
    unsafe = false;
    passed_ms = 0;
    return folder_enter(state);
}

static int end(void **state)
{
    fleet_close(fleet);
    fleet = NULL;
    sem_destroy(&answered);
    arena_done(&arena);
    return folder_leave(state);
}

static int begin_in_memory(void **state)
{
    begin(state);
    open_over(memory_new((struct store_limits){0}, (struct store_retention){0}));
    return 0;
}

/* --- Asking ---------------------------------------------------------------------------------- */

static struct cluster_master masters[MASTERS];

static struct str name_of(unsigned node)
{
    return arena_printf(&arena, "%c%u", node < MASTERS ? 'm' : 'w', node);
}

/* Another one for each boot. */
static unsigned boots[NODES];

static struct str claim_of(unsigned node)
{
    return arena_printf(&arena, "claim %u of %u", boots[node], node);
}

static struct cluster_boot boot_of(unsigned node)
{
    struct str name = name_of(node);
    uint32_t generation = fleet_look(fleet, name).generation;
    return (struct cluster_boot){name, name, generation, claim_of(node), name};
}

static struct cluster_change asking(unsigned node)
{
    for (unsigned i = 0; i < MASTERS; i++)
        masters[i] = (struct cluster_master){.uid = name_of(i), .name = name_of(i)};
    return (struct cluster_change){
        .kind = CLUSTER_ASK,
        .cluster = CLUSTER,
        .cause = STR("node"),
        .peer = STR(""),
        .by = boot_of(node),
        .ask = {.is_master = node < MASTERS,
                .masters = masters,
                .masters_n = MASTERS,
                .only = STR(""),
                .certificate = STR("1:key"),
                .probe = CLUSTER_ABSENT},
    };
}

static struct slot_ref ask(unsigned node)
{
    struct cluster_change c = asking(node);
    return fleet_cluster_change(fleet, &c, me);
}

static struct slot_ref report(unsigned node)
{
    const struct cluster_change c = {
        .kind = CLUSTER_REPORT,
        .cluster = CLUSTER,
        .cause = STR("node"),
        .peer = STR(""),
        .by = boot_of(node),
        .report = {ENDPOINT, ENDPOINT, STR("CA"), {STR("1:aa"), 1}, {STR(""), 0}},
    };
    return fleet_cluster_change(fleet, &c, me);
}

static struct slot_ref reset(void)
{
    const struct cluster_change c = {
        .kind = CLUSTER_RESET, .cluster = CLUSTER, .cause = STR("uid 0"), .peer = STR("")};
    return fleet_cluster_change(fleet, &c, me);
}

static struct fleet_result take(struct slot_ref ticket)
{
    struct fleet_result r;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ANSWER_S;
    fleet_on_store(fleet);
    for (fleet_take(fleet, ticket, &arena, &r); r.answer == FLEET_PENDING;
         fleet_take(fleet, ticket, &arena, &r)) {
        assert_int_equal(sem_timedwait(&answered, &until), 0);
        fleet_on_store(fleet);
    }
    return r;
}

static struct fleet_result done(struct slot_ref ticket)
{
    struct fleet_result r = take(ticket);
    assert_int_equal(r.answer, FLEET_DONE);
    return r;
}

static enum cluster_verdict verdict(struct slot_ref ticket)
{
    struct fleet_result r = done(ticket);
    assert_non_null(r.decision);
    return r.decision->verdict;
}

static struct fleet_result change(unsigned node, struct change c)
{
    c.cause = STR("test");
    c.peer = STR("");
    c.bootstraps = true;
    c.is_master = node < MASTERS;
    return done(fleet_change(fleet, name_of(node), name_of(node), &c, (struct waiter){0}));
}

static void arm(unsigned node)
{
    struct str key = arena_printf(&arena, "J%u", node);
    change(node, (struct change){.kind = CHANGE_ARM, .arm = {WINDOW_DEFAULT_MS, key, key}});
    change(node, (struct change){.kind = CHANGE_CLAIM, .claim = {key, claim_of(node)}});
    assert_int_equal(fleet_look(fleet, name_of(node)).state, STATE_JOINING);
}

static void joins(unsigned node)
{
    change(node,
           (struct change){.kind = CHANGE_RESULT,
                           .result = {.by = {arena_printf(&arena, "J%u", node), claim_of(node)},
                                      .ok = true,
                                      .stage = STR("done"),
                                      .reason = STR(""),
                                      .log = STR("")}});
}

static void becomes_ready(unsigned node)
{
    joins(node);
    change(node, (struct change){.kind = CHANGE_NODE_READY});
    assert_int_equal(fleet_look(fleet, name_of(node)).state, STATE_READY);
}

static struct cluster_record record(void)
{
    struct cluster_record r;
    fleet_on_store(fleet);
    fleet_cluster(fleet, CLUSTER, &arena, &r);
    return r;
}

/* --- One after the other --------------------------------------------------------------------- */

static void nothing_is_known_before_it_is_written(void **state)
{
    (void)state;
    arm(0);
    arm(1);
    uint64_t before;
    assert_true(fleet_newest_event(fleet, &before));
    fleet_watch_clusters(fleet, me);
    struct slot_ref first = ask(1), second = ask(0);
    assert_int_equal(record().phase, CLUSTER_INIT); /* the store has answered */
    assert_int_equal(verdict(first), CLUSTER_DO_INIT);
    assert_int_equal(verdict(second), CLUSTER_DO_WAIT);
    assert_int_equal(woken, 3); /* the watcher once */
    assert_str(record().holder.uid, "m1");
    struct cluster_change c = asking(5);
    struct cluster_decision d;
    fleet_cluster_look(fleet, &c, &arena, &d);
    assert_str(d.of, "m1");
    assert_str(fleet_next_event(fleet, before)->event.kind, "cluster-init");
}

static void watchers_see_the_masters_that_are_waited_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        arm(i);
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
    assert_int_equal(done(report(0)).status, 200);
    assert_int_equal(verdict(ask(1)), CLUSTER_DO_JOIN);
    assert_int_equal(verdict(ask(2)), CLUSTER_DO_WAIT);
    fleet_watch_clusters(fleet, me);
    woken = 0;
    arm(5); /* nobody waits for this one */
    assert_int_equal(woken, 0);
    becomes_ready(1);
    assert_int_equal(woken, 1);
    assert_int_equal(verdict(ask(2)), CLUSTER_DO_JOIN);
    fleet_watch_clusters(fleet, me);
    woken = 0;
    uint64_t beats = fleet_beats(fleet);
    fleet_rouse(fleet);
    assert_true(woken == 1 && fleet_beats(fleet) == beats + 1);
    fleet_watch_clusters(fleet, me);
    fleet_unwatch_clusters(fleet, me);
    fleet_rouse(fleet);
    assert_int_equal(woken, 1);
}

static void a_boot_that_has_joined_has_nothing_to_do(void **state)
{
    (void)state;
    arm(0);
    arm(4);
    verdict(ask(0));
    done(report(0));
    assert_int_equal(verdict(ask(4)), CLUSTER_DO_JOIN);
    joins(4);
    assert_int_equal(verdict(ask(4)), CLUSTER_DO_NONE);
}

/* --- Removal --------------------------------------------------------------------------------- */

static struct slot_ref define(unsigned node, const char *json)
{
    const struct event why = {"changed", value_none()};
    const struct change by = {.cause = STR("uid 0"), .peer = STR("")};
    return fleet_define(fleet, name_of(node), name_of(node), *json ? STORE_ABSENT : STORE_ANY,
                        str_from(json), &why, &by, me);
}

static void the_holder_is_not_removed(void **state)
{
    (void)state;
    done(define(0, "{}"));
    done(define(1, "{}"));
    arm(0);
    struct slot_ref lease = ask(0), removal = define(0, "");
    struct fleet_result r = done(removal);
    assert_int_equal(r.status, 409);
    assert_contains(r.reason, "m0 has begun to make the cluster lab");
    assert_int_equal(verdict(lease), CLUSTER_DO_INIT);
    assert_int_equal(done(define(0, "")).status, 409);
    assert_int_equal(done(define(1, "")).status, 200);
    assert_int_equal(done(reset()).status, 200);
    assert_int_equal(done(define(0, "")).status, 200);
}

/* What is asked after the removal, and decided before it was committed, is decided again. */
static void a_removed_node_gets_no_lease(void **state)
{
    (void)state;
    done(define(0, "{}"));
    arm(0);
    arm(1);
    struct slot_ref removal = define(0, ""), lease = ask(0);
    assert_int_equal(done(removal).status, 200);
    assert_int_equal(done(lease).status, 404);
    assert_int_equal(record().phase, CLUSTER_NONE);
    assert_int_equal(verdict(ask(1)), CLUSTER_DO_INIT);
}

/* What a boot asks before its window is replaced, or while it is, gets no lease after that. */
static void a_boot_whose_window_was_replaced_gets_no_lease(void **state)
{
    (void)state;
    arm(0);
    struct cluster_change former = asking(0);
    boots[0]++;
    arm(0);
    struct fleet_result r = done(fleet_cluster_change(fleet, &former, me));
    assert_int_equal(r.status, 409);
    assert_contains(r.reason, "another boot has claimed it");
    former = asking(0);
    const struct change disarm = {.kind = CHANGE_DISARM, .cause = STR("test"), .peer = STR("")};
    struct slot_ref closing = fleet_change(fleet, name_of(0), name_of(0), &disarm, me);
    r = done(fleet_cluster_change(fleet, &former, me));
    assert_int_equal(r.status, 409);
    assert_int_equal(done(closing).status, 200);
    assert_int_equal(record().phase, CLUSTER_NONE);
    boots[0]++;
    arm(0);
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
}

/* --- Restarts -------------------------------------------------------------------------------- */

static void the_lease_outlives_the_server(void **state)
{
    (void)state;
    start_server();
    arm(0);
    arm(2);
    arm(7);
    fleet_forget(fleet, ask(2)); /* the answer is lost */
    restart_server();
    assert_str(record().holder.uid, "m2");
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_WAIT);
    assert_int_equal(verdict(ask(2)), CLUSTER_DO_INIT);
    assert_int_equal(done(reset()).status, 200);
    restart_server();
    assert_int_equal(record().epoch, 2);
    assert_int_equal(done(report(2)).status, 403);
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
    assert_int_equal(done(report(0)).status, 200);
    restart_server();
    assert_int_equal(verdict(ask(7)), CLUSTER_DO_JOIN);
    uint32_t at = 0;
    struct str name;
    assert_true(fleet_cluster_at(fleet, &at, &name));
    assert_str(name, "lab");
    assert_false(fleet_cluster_at(fleet, &at, &name));
}

/* --- In doubt -------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    assert_true(in && out);
    size_t n = fread(bytes, 1, sizeof(bytes), in);
    assert_true(n < sizeof(bytes) && fwrite(bytes, 1, n, out) == n);
    assert_int_equal(fclose(in) | fclose(out), 0);
}

static void after_a_loss_nobody_begins(void **state)
{
    (void)state;
    start_server();
    done(define(5, "{}"));
    arm(0);
    arm(1);
    fleet_close(fleet);
    copy_file("state.db", "older.db");
    start_server();
    assert_int_equal(verdict(ask(1)), CLUSTER_DO_INIT);
    fleet_close(fleet);
    copy_file("older.db", "state.db");
    start_server();
    struct fleet_loss loss;
    assert_true(fleet_lost(fleet, &loss));
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_WAIT);
    assert_int_equal(verdict(ask(1)), CLUSTER_DO_WAIT);
    assert_int_equal(record().phase, CLUSTER_UNCONFIRMED);
    assert_int_equal(done(reset()).status, 200); /* an admin knows more, of this one */
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
    assert_int_equal(verdict(ask(1)), CLUSTER_DO_WAIT);
    restart_server();
    assert_true(fleet_lost(fleet, &loss));
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
}

static void put_record(struct str key, struct str bytes)
{
    const struct own_record r = {STR("cluster"), key, bytes};
    done(fleet_own_write(fleet, &r, me));
    restart_server();
}

static void a_record_that_cannot_be_read_may_be_a_cluster(void **state)
{
    (void)state;
    start_server();
    arm(0);
    put_record(CLUSTER, STR("{\"v\":2}"));
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_WAIT);
    assert_int_equal(done(report(0)).status, 403);
    assert_int_equal(done(reset()).status, 200);
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
}

static void one_record_stands_for_all_that_have_none(void **state)
{
    (void)state;
    start_server();
    arm(0);
    put_record(CLUSTER_ANY, STR("{\"v\":1,\"phase\":\"unconfirmed\",\"since_ms\":1,\"epoch\":1}"));
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_WAIT);
    uint32_t at = 0;
    struct str name;
    assert_false(fleet_cluster_at(fleet, &at, &name));
    assert_int_equal(done(reset()).status, 200);
    assert_int_equal(verdict(ask(0)), CLUSTER_DO_INIT);
}

/* --- Random orders --------------------------------------------------------------------------- */

static struct {
    uint64_t random;
    enum { OUT, HOLDS, JOINS, IN } nodes[NODES];
    int inits[EPOCHS_MAX]; /* which node got 'init' in the epoch; -1: none yet */
    bool stands, was_reset;
    unsigned in, restarts;
    unsigned order[NODES], on; /* in which they are switched on; how many are */
    bool is_told[NODES];       /* this boot has its token */
} run;

/* What the cluster has. */
static struct {
    struct str id;
    unsigned node, boot;
    int64_t made_ms, end_ms;
    bool is_told;
} tokens[TOKENS_MAX];
static unsigned tokens_n;

static unsigned below(unsigned n)
{
    run.random = run.random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(run.random >> 33) % n;
}

/* The masters in each of their orders, with the seed's number. */
static void shuffle(unsigned seed)
{
    static const unsigned masters_in[6][MASTERS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    unsigned at = 0;
    for (unsigned i = 0; i < NODES; i++) {
        unsigned j = below(i + 1);
        run.order[i] = run.order[j];
        run.order[j] = i;
    }
    for (unsigned i = 0; i < NODES; i++) {
        if (run.order[i] < MASTERS)
            run.order[i] = masters_in[seed % 6][at++];
    }
}

static unsigned one_that_is_on(void)
{
    return run.order[below(run.on)];
}

static void switch_on(void)
{
    if (run.on == NODES || (run.on && below(2)))
        return;
    arm(run.order[run.on++]);
}

static bool is_killed(void)
{
    if (below(8))
        return false;
    run.restarts++;
    restart_server();
    return true;
}

static int64_t now_ms(void)
{
    struct moment at;
    now(NULL, &at);
    return at.wall_ms;
}

static unsigned find_token(struct str id)
{
    unsigned i = 0;
    while (i < tokens_n && !str_eq(tokens[i].id, id))
        i++;
    return i;
}

static unsigned post_token(unsigned node, const struct mint_record *m)
{
    unsigned i = find_token(m->token.id);
    if (i < tokens_n)
        return i;
    assert_true(tokens_n < TOKENS_MAX);
    tokens[tokens_n].id = m->token.id;
    tokens[tokens_n].node = node;
    tokens[tokens_n].boot = boots[node];
    tokens[tokens_n].made_ms = now_ms();
    tokens[tokens_n].end_ms = m->end_wall_ms;
    tokens[tokens_n].is_told = false;
    return tokens_n++;
}

/* The server may be killed before and after each thing that it does. */
static void is_told_a_token(unsigned node)
{
    static unsigned made_up;
    struct str id = arena_printf(&arena, "%06u", made_up++);
    struct mint_record m;
    struct mint_change c = {.kind = MINT_INTEND,
                            .claim = claim_of(node),
                            .cluster = CLUSTER,
                            .epoch = record().epoch,
                            .token = {id, ARENA_JOIN(&arena, STR("1:"), id)},
                            .taken = STR(""),
                            .reason = STR("")};
    assert_int_equal(done(fleet_mint(fleet, name_of(node), &c, me)).status, 200);
    if (is_killed())
        return;
    assert_true(fleet_minted(fleet, name_of(node), &arena, &m));
    unsigned token = post_token(node, &m);
    if (is_killed())
        return;
    c.kind = MINT_CONFIRM;
    c.token = m.token;
    assert_int_equal(done(fleet_mint(fleet, name_of(node), &c, me)).status, 200);
    if (is_killed())
        return;
    tokens[token].is_told = run.is_told[node] = true;
    assert_true(tokens[token].boot == boots[node] && tokens[token].node == node);
}

/* One for each boot, and its next only when the first is nearly over; none that nobody was told of
 * outlives its quarter of an hour. */
static void check_tokens(void)
{
    for (unsigned i = 0; i < tokens_n; i++) {
        assert_true(tokens[i].end_ms - tokens[i].made_ms <= 15 * 60 * 1000);
        assert_true(tokens[i].end_ms - tokens[i].made_ms >= TOKEN_LEFT_MS);
        assert_true(tokens[i].is_told || tokens[i].boot != boots[tokens[i].node] ||
                    tokens[i].end_ms - now_ms() < TOKEN_LEFT_MS);
        for (unsigned k = 0; k < i; k++) {
            if (tokens[k].node == tokens[i].node && tokens[k].boot == tokens[i].boot)
                assert_true(tokens[k].end_ms - tokens[i].made_ms < TOKEN_LEFT_MS);
        }
    }
}

static void on_init(unsigned node)
{
    int *init = &run.inits[record().epoch];
    assert_true(node < MASTERS);
    if (*init >= 0)
        assert_int_equal(*init, (int)node);
    *init = (int)node;
    if (run.nodes[node] == OUT)
        run.nodes[node] = HOLDS;
}

static void on_join(unsigned node)
{
    assert_true(run.stands);
    for (unsigned i = 0; node < MASTERS && i < MASTERS; i++)
        assert_true(i == node || run.nodes[i] != JOINS); /* one master at a time */
    if (run.nodes[node] == OUT)
        run.nodes[node] = JOINS;
    is_told_a_token(node);
}

/* Some ask at the same time; of these the answers may be lost by a restart. */
static void some_ask(void)
{
    unsigned n = 1 + below(4), who[4];
    struct slot_ref tickets[4];
    enum cluster_verdict v[4];
    for (unsigned i = 0; i < n; i++) {
        who[i] = one_that_is_on();
        tickets[i] = ask(who[i]);
    }
    if (is_killed())
        return;
    for (unsigned i = 0; i < n; i++) {
        bool is_over = run.nodes[who[i]] == IN; /* its window was closed */
        v[i] = is_over ? CLUSTER_DO_NONE : verdict(tickets[i]);
        assert_int_not_equal(v[i], CLUSTER_DO_REFUSE);
        if (is_over)
            assert_int_equal(done(tickets[i]).status, 409);
    }
    for (unsigned i = 0; i < n; i++) {
        if (v[i] == CLUSTER_DO_INIT)
            on_init(who[i]);
        else if (v[i] == CLUSTER_DO_JOIN)
            on_join(who[i]);
    }
}

static void holder_reports(void)
{
    for (unsigned i = 0; i < MASTERS; i++) {
        if (run.nodes[i] != HOLDS || below(3))
            continue;
        assert_int_equal(done(report(i)).status, 200);
        run.stands = true;
        run.nodes[i] = IN;
        becomes_ready(i);
    }
}

/* Before it stands: what was given in the former epoch is refused. */
static void admin_resets(void)
{
    struct cluster_record before = record();
    if (run.stands || run.was_reset || before.phase != CLUSTER_INIT || below(20))
        return;
    run.was_reset = true;
    assert_int_equal(done(reset()).status, 200);
    unsigned holder = (unsigned)(before.holder.uid.p[1] - '0');
    run.nodes[holder] = OUT;
    assert_int_equal(done(report(holder)).status, 403);
}

/* With the same disk, in another window. A holder is given 'init' again before it may report. */
static void one_reboots(void)
{
    unsigned node = one_that_is_on();
    if (run.nodes[node] == IN || below(4))
        return;
    boots[node]++;
    arm(node);
    run.is_told[node] = false;
    if (run.nodes[node] != HOLDS)
        return;
    run.nodes[node] = OUT;
    assert_int_equal(done(report(node)).status, 403);
}

static void one_becomes_ready(void)
{
    unsigned node = one_that_is_on();
    if (run.nodes[node] != JOINS || !run.is_told[node])
        return;
    becomes_ready(node);
    run.nodes[node] = IN;
}

static void run_seed(unsigned seed)
{
    memset(&run, 0, sizeof(run));
    memset(run.inits, -1, sizeof(run.inits));
    memset(boots, 0, sizeof(boots));
    run.random = seed;
    tokens_n = 0;
    unsafe = true;
    shuffle(seed);
    start_server();
    unsigned steps = 0, in = 0;
    while (in < NODES && steps++ < STEPS_MAX) {
        passed_ms += STEP_MS;
        switch_on();
        some_ask();
        admin_resets();
        one_reboots();
        holder_reports();
        one_becomes_ready();
        in = 0;
        for (unsigned i = 0; i < NODES; i++)
            in += run.nodes[i] == IN;
    }
    if (in < NODES)
        fail_msg("seed %u: after %u steps only %u nodes have joined", seed, steps, in);
    check_tokens();
    assert_true(run.restarts > 0 && tokens_n >= NODES - 1);
    assert_true(run.inits[record().epoch] >= 0);
}

static void one_init_and_nobody_is_stuck(void **state)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed);
        end(state);
        begin(state);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_in_memory, end)
#define TEST_ON_DISK(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(nothing_is_known_before_it_is_written),
          TEST(watchers_see_the_masters_that_are_waited_for),
          TEST(a_boot_that_has_joined_has_nothing_to_do), TEST(the_holder_is_not_removed),
          TEST(a_removed_node_gets_no_lease), TEST(a_boot_whose_window_was_replaced_gets_no_lease),
          TEST_ON_DISK(the_lease_outlives_the_server), TEST_ON_DISK(after_a_loss_nobody_begins),
          TEST_ON_DISK(a_record_that_cannot_be_read_may_be_a_cluster),
          TEST_ON_DISK(one_record_stands_for_all_that_have_none),
          TEST_ON_DISK(one_init_and_nobody_is_stuck))
