/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the nodes, compared with what counting all of them gives, after random changes of
 * their records, of the seed tree and of registered nodes. */
#include "unit/core/openfleet.h"
#include "unit/render/tmptree.h"

#include "core/census.h"
#include "model/event.h"

#define NODES 24
#define TURNS 400

static const struct secrets secrets = {.list = {{.kid = 'n', .bytes = {1, 2, 3}}}, .n = 1};
static const char *const roles[] = {"r", "s", "t"};

static struct tmptree files;
static struct fleet *fleet;
static struct census *census;
static struct snapshot *snapshot;
static uint32_t seed;

/* The same on each run. */
static uint32_t pick(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

/* --- Random things --------------------------------------------------------------------------- */

/* Some of the nodes, each of some role, and in a cluster or not. */
static struct snapshot *load(void)
{
    FILE *f = fopen(tmptree_path(&files, "seed/nodes/n.yaml"), "w");
    assert_non_null(f);
    fprintf(f, "one: {role: r}\n");
    for (int i = 0; i < NODES; i++) {
        if (pick(4))
            fprintf(f, "n%d: {role: %s%s}\n", i, roles[pick(3)], pick(2) ? ", cluster: c" : "");
    }
    assert_int_equal(fclose(f), 0);
    return snapshot_new(tmptree_load(&files), &secrets);
}

static struct snapshot *extended(const struct snapshot *s)
{
    struct tree_definition list[NODES];
    char uids[NODES][16], texts[NODES][64];
    struct faults faults;
    uint32_t n = 0;
    faults_init(&faults);
    for (int i = 0; i < NODES; i++) {
        if (pick(3))
            continue;
        snprintf(uids[n], sizeof(uids[n]), "r-%d", i);
        snprintf(texts[n], sizeof(texts[n]), "{\"name\": \"x%d\", \"role\": \"%s\"}", i,
                 roles[pick(3)]);
        list[n] = (struct tree_definition){str_from(uids[n]), str_from(texts[n]), pick(1000) + 1};
        n++;
    }
    struct tree *t = tree_extend(snapshot_tree(s), snapshot_registered(s), list, n, &faults);
    faults_done(&faults);
    return snapshot_extend(s, t, 1);
}

/* By way of a comparison, as the daemon does it, or without one. */
static void replace(struct snapshot *next)
{
    if (pick(4))
        snapshot_compare(next, snapshot);
    census_replace(census, next);
    snapshot_unref(snapshot);
    snapshot = next;
}

static void replace_all(void)
{
    struct snapshot *declared = load();
    replace(extended(declared));
    snapshot_unref(declared);
}

static void change_node(void)
{
    struct change c = {.cause = STR("test"), .peer = STR("10.0.0.1"), .lock_on_alarm = pick(2)};
    char uid[16];
    openfleet_passed_ms += 1 + pick(100);
    snprintf(uid, sizeof(uid), "%s%u", pick(2) ? "n" : "r-", pick(NODES));
    switch (pick(6)) {
    case 0:
        c.kind = CHANGE_ARM;
        c.arm.length_ms = 1000 + pick(5000);
        c.arm.join_key = c.arm.pin = STR("k");
        c.arm.window_key = str_from(uid);
        break;
    case 1: c.kind = CHANGE_DISARM; break;
    case 2:
        c.kind = CHANGE_FETCH;
        c.fetch.file = STR("user-data");
        c.fetch.evidence = STR("");
        c.fetch.placeholder_uuid = STR("");
        break;
    case 3:
        c.kind = CHANGE_PHONE_HOME;
        c.phone_home.hostname = c.phone_home.fqdn = c.phone_home.instance_id = STR("h");
        break;
    case 4:
        c.kind = CHANGE_MISMATCH;
        c.mismatch = STR("has another MAC");
        break;
    default: c.kind = CHANGE_DEADLINE; break;
    }
    fleet_forget(fleet, fleet_change(fleet, str_from(uid), str_from(uid), &c, (struct waiter){0}));
    fleet_on_store(fleet);
}

/* --- Counting -------------------------------------------------------------------------------- */

static uint32_t count(struct str role, struct str cluster, enum node_state state)
{
    const struct node *n;
    uint32_t found = 0;
    for (struct str after = {"", 0}; (n = snapshot_next(snapshot, after)); after = n->name)
        found += str_eq(n->role->name, role) &&
                 str_eq(n->cluster ? n->cluster->name : STR(""), cluster) &&
                 fleet_look(fleet, n->uid).state == state;
    return found;
}

static void compare_states(void)
{
    const struct census_group *g;
    uint32_t all = 0;
    for (uint32_t i = 0; (g = census_at(census, i)); i++) {
        for (int s = 0; s < STATE_COUNT; s++) {
            assert_int_equal(g->nodes[s], count(g->role, g->cluster, (enum node_state)s));
            all += g->nodes[s];
        }
    }
    assert_int_equal(all, snapshot_node_count(snapshot));
}

struct recount {
    uint32_t windows, troubled;
    int64_t oldest;
};

static void count_record(struct recount *c, const char *prefix, int i)
{
    struct record r;
    struct arena a;
    uint64_t revision;
    char uid[16];
    snprintf(uid, sizeof(uid), "%s%d", prefix, i);
    arena_init(&a, 1024);
    fleet_record(fleet, str_from(uid), &a, &r, &revision);
    c->troubled += r.state == STATE_FAILED || r.locked || r.alarms;
    if (r.has_window) {
        c->windows++;
        if (!c->oldest || r.window.opened_wall_ms < c->oldest)
            c->oldest = r.window.opened_wall_ms;
    }
    arena_done(&a);
}

static void compare_records(void)
{
    struct recount c = {0};
    struct fleet_counts kept;
    struct fleet_standing s;
    struct str uid;
    uint32_t listed = 0;
    for (int i = 0; i < NODES; i++) {
        count_record(&c, "n", i);
        count_record(&c, "r-", i);
    }
    fleet_counts(fleet, &kept);
    assert_int_equal(kept.windows, c.windows);
    assert_int_equal(kept.oldest_window_wall_ms, c.oldest);
    assert_int_equal(kept.troubled, c.troubled);
    for (const struct member *at = NULL; fleet_troubled_at(fleet, &at, &uid, &s); listed++)
        assert_int_equal(s.state, fleet_look(fleet, uid).state);
    assert_int_equal(listed, c.troubled);
}

static int start(void **state)
{
    (void)state;
    seed = 1;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml", "name: lab\nurl: http://u\n");
    tmptree_put(&files, "seed/roles/r.yaml", "r: {}\ns: {}\nt: {}\n");
    tmptree_put(&files, "seed/clusters/c.yaml",
                "c: {version: 1.29.0, endpoint: \"c.example:6443\", pods: 10.1.0.0/16,\n"
                "  services: 10.2.0.0/16}\n");
    fleet = openfleet_start();
    snapshot = load();
    census = census_new(fleet, snapshot);
    return 0;
}

static int end(void **state)
{
    (void)state;
    census_free(census);
    snapshot_unref(snapshot);
    fleet_close(fleet);
    tmptree_done(&files);
    return 0;
}

static void kept_is_what_counting_gives(void **state)
{
    uint32_t windows = 0, troubled = 0;
    (void)state;
    for (int i = 0; i < TURNS; i++) {
        struct fleet_counts kept;
        uint32_t what = pick(20);
        if (what == 0)
            replace_all();
        else if (what == 1)
            replace(extended(snapshot));
        else
            change_node();
        compare_states();
        compare_records();
        fleet_counts(fleet, &kept);
        windows = kept.windows > windows ? kept.windows : windows;
        troubled = kept.troubled > troubled ? kept.troubled : troubled;
    }
    assert_true(windows > 3 && troubled > 3); /* else nothing was compared */
}

static void events_are_counted_by_kind(void **state)
{
    struct fleet_counts kept;
    struct change c = {.kind = CHANGE_MISMATCH,
                       .cause = STR("test"),
                       .peer = STR("10.0.0.1"),
                       .mismatch = STR("has another MAC")};
    size_t alarm = (size_t)(event_kind_find(STR("alarm")) - event_kind_at(0));
    (void)state;
    fleet_forget(fleet, fleet_change(fleet, STR("n1"), STR("n1"), &c, (struct waiter){0}));
    fleet_on_store(fleet);
    fleet_counts(fleet, &kept);
    assert_int_equal(kept.events[alarm], 1);
    assert_int_equal(histogram_count(kept.commit_seconds), 1);
}

/* More roles than there are places: the rest is together, and nothing is lost when it goes. */
static void more_groups_than_places(void **state)
{
    uint32_t all = 0, n = 0;
    const struct census_group *g;
    (void)state;
    FILE *r = fopen(tmptree_path(&files, "seed/roles/q.yaml"), "w");
    assert_non_null(r);
    FILE *f = fopen(tmptree_path(&files, "seed/nodes/n.yaml"), "w");
    assert_non_null(f);
    for (int i = 0; i < CENSUS_MAX + 50; i++) {
        fprintf(r, "q%d: {}\n", i);
        fprintf(f, "n%d: {role: q%d}\n", i, i);
    }
    fclose(r);
    fclose(f);
    replace(snapshot_new(tmptree_load(&files), &secrets));
    for (int i = 0; i < 20; i++)
        change_node();
    for (; (g = census_at(census, n)); n++) {
        for (int s = 0; s < STATE_COUNT; s++)
            all += g->nodes[s];
    }
    assert_int_equal(n, CENSUS_MAX + 1);
    assert_str(census_at(census, CENSUS_MAX)->role, "*");
    assert_int_equal(all, CENSUS_MAX + 50);
    replace_all();
    compare_states();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(kept_is_what_counting_gives), TEST(events_are_counted_by_kind),
          TEST(more_groups_than_places))
