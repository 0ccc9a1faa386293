/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of admins: their record, and what the fleet keeps of them. */
#include "lib/unit.h"

#include "base/fs.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "fleet/fleet.h"
#include "store/memory.h"

#include <errno.h>
#include <stdlib.h>

#define BEGIN 1795343968000
#define MINUTE 60000

static struct moment now;
static struct fleet *fleet;
static struct arena arena;

static const struct change admin = {.cause = {"uid 0", 5}, .peer = {"", 0}};

static void on_now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = now;
}

static bool unseal(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret)
{
    (void)cls;
    (void)uid;
    (void)sealed;
    (void)a;
    (void)ret;
    return false;
}

static void on_store(void *cls)
{
    (void)cls;
}

static int start(void **state)
{
    static const struct fleet_host host = {on_now, unseal, NULL};
    struct store *s = memory_new((struct store_limits){0}, (struct store_retention){0});
    struct err e;
    (void)state;
    now = (struct moment){BEGIN, MINUTE, STR("boot")};
    arena_init(&arena, 4096);
    assert_int_equal(fleet_open(s, &host, &fleet, &e), 0);
    assert_int_equal(fleet_start(fleet, on_store, NULL, (struct alarm){NULL, NULL}, &e), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fleet_close(fleet);
    arena_done(&arena);
    return 0;
}

static void pass(uint64_t ms)
{
    now.wall_ms += (int64_t)ms;
    now.boot_ms += ms;
}

static struct access_token token(const char *name)
{
    char digest[DIGEST_TEXT_SIZE];
    return (struct access_token){
        .name = arena_str(&arena, str_from(name)),
        .digest = arena_str(&arena, str_from(digest_text(str_from(name), digest))),
        .by = STR("uid 0"),
        .access = ACCESS_OPERATOR,
        .created_wall_ms = BEGIN,
        .used_from = STR("")};
}

static struct fleet_result result(struct slot_ref ticket)
{
    struct fleet_result r;
    fleet_on_store(fleet);
    fleet_take(fleet, ticket, &arena, &r);
    return r;
}

static struct fleet_result create(const char *name)
{
    struct access_token t = token(name);
    return result(fleet_access_create(fleet, &t, &admin, (struct waiter){0}));
}

static struct slot_ref revoke(const char *name)
{
    struct access_token t = token(name);
    return fleet_access_revoke(fleet, &t, &admin, (struct waiter){0});
}

/* --- The record ------------------------------------------------------------------------------ */

static const char *json_of(const struct access_token *t)
{
    struct buf b;
    buf_init(&b, 65536);
    json_write(&b, access_token_value(t, &arena), false);
    const char *text = arena_str(&arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

/* docs/formats/tokens.md shows this one. */
static void the_golden_record(void **state)
{
    const char *source = getenv("CLOUDSEED_SOURCE");
    const char *path =
        arena_printf(&arena, "%s/tests/golden/fleet/access.json", source ? source : ".").p;
    struct access_token t;
    struct str text;
    struct err e;
    (void)state;
    assert_int_equal(fs_read(path, 65536, &arena, &text, &e), 0);
    if (access_token_read(text, &arena, &t, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(json_of(&t), arena_str(&arena, str_trim(text)).p);
    assert_true(t.access == ACCESS_OPERATOR && t.ends_wall_ms > t.used_wall_ms);
}

static void what_we_never_wrote_is_refused(void **state)
{
#define DIGEST "\"digest\":\"c2e70aaf366e7bfbfd375c491a390f32be6748c1254466d3edd0489a925e06c8\""
    static const char *const wrong[][2] = {
        {"{", "line 1"},
        {"[]", "'role'"},
        {"{\"v\":1,\"name\":\"a\",\"role\":\"root\"," DIGEST "}", "'role'"},
        {"{\"v\":2,\"name\":\"a\",\"role\":\"admin\"," DIGEST "}", "'v'"},
        {"{\"v\":1,\"name\":\"A b\",\"role\":\"admin\"," DIGEST "}", "'name'"},
        {"{\"v\":1,\"name\":\"a\",\"role\":\"admin\",\"digest\":\"c2\"}", "'digest'"},
        {"{\"v\":1,\"name\":\"a\",\"role\":\"admin\",\"ends_ms\":-1," DIGEST "}", "'ends_ms'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct access_token t;
        struct err e;
        assert_int_equal(access_token_read(str_from(wrong[i][0]), &arena, &t, &e), -EINVAL);
        assert_contains(e.msg, wrong[i][1]);
    }
}

static void it_ends(void **state)
{
    struct access_token t = token("a");
    (void)state;
    assert_true(access_token_is_valid(&t, 0)); /* without an end the clock does not count */
    t.ends_wall_ms = BEGIN + 10;
    assert_true(access_token_is_valid(&t, BEGIN));
    assert_true(access_token_is_valid(&t, BEGIN + 9));
    assert_false(access_token_is_valid(&t, BEGIN + 10));
    assert_false(access_token_is_valid(&t, 0)); /* a clock that began at 1970 revives nothing */
}

/* --- What is kept ---------------------------------------------------------------------------- */

static void one_is_found_by_its_digest_until_it_is_revoked(void **state)
{
    struct access_token a = token("a");
    (void)state;
    assert_int_equal(create("a").answer, FLEET_DONE);
    assert_int_equal(create("b").answer, FLEET_DONE);
    assert_int_equal(create("a").answer, FLEET_CONFLICT);
    assert_str(fleet_access_find(fleet, a.digest)->name, "a");
    assert_null(fleet_access_find(fleet, str_head(a.digest, 63)));
    assert_null(fleet_access_find(fleet, STR("")));
    assert_int_equal(result(revoke("a")).answer, FLEET_DONE);
    assert_null(fleet_access_find(fleet, a.digest));
    assert_null(fleet_access_named(fleet, a.name));
    assert_str(fleet_access_at(fleet, 0)->name, "b");
    assert_null(fleet_access_at(fleet, 1));
    assert_int_equal(create("a").answer, FLEET_DONE);
}

static void there_are_only_so_many(void **state)
{
    char name[16];
    (void)state;
    for (int i = 0; i < ACCESS_TOKENS_MAX; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        assert_int_equal(create(name).status, 200);
    }
    assert_int_equal(create("more").status, 409);
    result(revoke("t7"));
    assert_int_equal(create("more").status, 200);
}

/* --- Its last use ---------------------------------------------------------------------------- */

static void its_last_use_is_written_now_and_then(void **state)
{
    const struct access_token *t;
    struct store_stats before, after;
    (void)state;
    create("a");
    fleet_access_used(fleet, STR("a"), STR("10.0.10.7"));
    fleet_on_store(fleet);
    t = fleet_access_named(fleet, STR("a"));
    assert_true(t->used_wall_ms == BEGIN);
    assert_str(t->used_from, "10.0.10.7");
    fleet_stats(fleet, &before);
    for (int i = 0; i < 4; i++) {
        pass(MINUTE);
        fleet_access_used(fleet, STR("a"), STR("10.0.10.8"));
    }
    fleet_on_store(fleet);
    fleet_stats(fleet, &after);
    assert_int_equal(after.commits, before.commits);
    pass(MINUTE);
    fleet_access_used(fleet, STR("a"), STR("10.0.10.8"));
    fleet_on_store(fleet);
    t = fleet_access_named(fleet, STR("a"));
    assert_true(t->used_wall_ms == BEGIN + 5 * MINUTE);
    assert_str(t->used_from, "10.0.10.8");
    now.wall_ms = BEGIN; /* set back: what is later than now is wrong */
    pass(MINUTE);
    fleet_access_used(fleet, STR("a"), STR("10.0.10.9"));
    fleet_on_store(fleet);
    assert_str(fleet_access_named(fleet, STR("a"))->used_from, "10.0.10.9");
}

/* The store has deleted it, and the fleet has not been told yet. */
static void a_late_note_does_not_bring_it_back(void **state)
{
    (void)state;
    create("a");
    struct slot_ref ticket = revoke("a");
    fleet_access_used(fleet, STR("a"), STR("10.0.10.7"));
    assert_int_equal(result(ticket).answer, FLEET_DONE);
    assert_null(fleet_access_named(fleet, STR("a")));
    fleet_access_used(fleet, STR("a"), STR("10.0.10.7"));
    fleet_on_store(fleet);
    assert_null(fleet_access_named(fleet, STR("a")));
    assert_int_equal(create("a").answer, FLEET_DONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(the_golden_record), TEST(what_we_never_wrote_is_refused), TEST(it_ends),
          TEST(one_is_found_by_its_digest_until_it_is_revoked), TEST(there_are_only_so_many),
          TEST(its_last_use_is_written_now_and_then), TEST(a_late_note_does_not_bring_it_back))
