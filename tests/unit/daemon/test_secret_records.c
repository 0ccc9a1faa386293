/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own records: sealed, written when they change, and again after a failure. */
#include "lib/unit.h"

#include "daemon/secret.h"
#include "lib/failing_store.h"
#include "lib/folder.h"

#include <errno.h>

static struct store *store;
static struct fleet *fleet;
static struct sealer *sealer;
static struct record_writer writer;
static struct sealed_cache cache;
static struct err why;

static void now(void *cls, struct moment *ret)
{
    (void)cls;
    *ret = (struct moment){.wall_ms = 1795343968000, .boot_ms = 1000, .boot_id = STR("boot")};
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

static int begin(void **state)
{
    static const struct fleet_host host = {now, unseal, NULL};
    struct err e;
    if (folder_enter(state) < 0 || sealer_new("key", &sealer, &e) < 0)
        return -1;
    store = failing_store_new();
    assert_int_equal(fleet_open(store, &host, &fleet, &e), 0);
    writer = (struct record_writer){.fleet = fleet};
    sealed_cache_init(&cache, fleet, sealer);
    return fleet_start(fleet, nothing, NULL, (struct alarm){NULL, NULL}, &e);
}

static int end(void **state)
{
    sealed_cache_done(&cache);
    record_writer_done(&writer);
    fleet_close(fleet);
    sealer_free(sealer);
    return folder_leave(state);
}

/* The cache as the next load gets it. */
static void next_load(void)
{
    sealed_cache_done(&cache);
    sealed_cache_init(&cache, fleet, sealer);
}

static bool on_store(void)
{
    fleet_on_store(fleet);
    return record_writer_on_store(&writer, &why);
}

static unsigned changes(void)
{
    struct own_record record;
    unsigned n = 0;
    for (uint32_t at = 0; sealed_cache_change_at(&cache, &at, &record);)
        n++;
    return n;
}

static void what_was_put_is_there_the_next_time(void **state)
{
    struct str text;
    (void)state;
    assert_int_equal(sealed_cache_get(&cache, OWN_SERVER, STR("secret"), &text), -ENOENT);
    sealed_cache_put(&cache, OWN_SERVER, STR("secret"), STR("hunter2"));
    sealed_cache_put(&cache, OWN_SECRET, STR("secret"), STR("other"));
    assert_int_equal(sealed_cache_get(&cache, OWN_SERVER, STR("secret"), &text), 0);
    assert_str(text, "hunter2");
    assert_int_equal(changes(), 2);
    record_writer_write(&writer, &cache);
    assert_true(on_store());
    assert_int_equal(writer.n, 0);
    next_load();
    assert_int_equal(sealed_cache_get(&cache, OWN_SERVER, STR("secret"), &text), 0);
    assert_str(text, "hunter2");
    sealed_cache_put(&cache, OWN_SECRET, STR("secret"), STR("other"));
    sealed_cache_tidy(&cache);
    assert_int_equal(changes(), 0);
    sealed_cache_put(&cache, OWN_SECRET, STR("secret"), STR("changed"));
    assert_int_equal(changes(), 1);
}

static void a_record_opens_only_in_its_own_place(void **state)
{
    struct own_record record;
    struct str text;
    uint32_t at = 0;
    (void)state;
    sealed_cache_put(&cache, OWN_SECRET, STR("a"), STR("hunter2"));
    assert_true(sealed_cache_change_at(&cache, &at, &record));
    assert_null(memmem(record.bytes.p, record.bytes.n, "hunter2", 7));
    record.key = STR("b");
    fleet_own_write(fleet, &record, (struct waiter){0});
    fleet_on_store(fleet);
    next_load();
    assert_int_equal(sealed_cache_get(&cache, OWN_SECRET, STR("b"), &text), -EBADMSG);
}

static void what_others_sealed_is_kept_as_it_is(void **state)
{
    struct own_record record;
    uint32_t at = 0;
    (void)state;
    assert_str(sealed_cache_raw(&cache, OWN_SERVER, OWN_RECOVERY), "");
    sealed_cache_put_raw(&cache, OWN_SERVER, OWN_RECOVERY, STR(""));
    assert_int_equal(changes(), 0);
    sealed_cache_put_raw(&cache, OWN_SERVER, OWN_RECOVERY, STR("a copy"));
    record_writer_write(&writer, &cache);
    assert_true(on_store());
    assert_true(fleet_own_has(fleet, OWN_SERVER, OWN_RECOVERY));
    next_load();
    assert_str(sealed_cache_raw(&cache, OWN_SERVER, OWN_RECOVERY), "a copy");
    sealed_cache_put_raw(&cache, OWN_SERVER, OWN_RECOVERY, STR("a copy"));
    sealed_cache_tidy(&cache);
    assert_int_equal(changes(), 0);
    sealed_cache_put_raw(&cache, OWN_SERVER, OWN_RECOVERY, STR(""));
    assert_true(sealed_cache_change_at(&cache, &at, &record));
    assert_int_equal(record.bytes.n, 0);
    record_writer_write(&writer, &cache);
    assert_true(on_store());
    assert_false(fleet_own_has(fleet, OWN_SERVER, OWN_RECOVERY));
}

static void what_is_not_used_is_deleted(void **state)
{
    struct own_record record;
    uint32_t at = 0;
    (void)state;
    sealed_cache_put(&cache, OWN_SECRET, STR("a"), STR("1"));
    record_writer_write(&writer, &cache);
    assert_true(on_store());
    next_load();
    sealed_cache_tidy(&cache);
    record_writer_write(&writer, &cache);
    assert_true(on_store());
    assert_false(fleet_own_at(fleet, &at, &record));
}

static void what_could_not_be_written_is_when_it_can(void **state)
{
    struct own_record record;
    uint32_t at = 0;
    (void)state;
    failing_store_health(store, STORE_FULL);
    failing_store_script(store, STORE_FULL, false);
    sealed_cache_put(&cache, OWN_SECRET, STR("a"), STR("1"));
    record_writer_write(&writer, &cache);
    assert_false(on_store());
    assert_true(on_store()); /* reported once */
    assert_int_equal(writer.n, 1);
    assert_false(fleet_own_at(fleet, &at, &record));
    failing_store_health(store, STORE_OK);
    assert_true(on_store());
    assert_true(on_store());
    assert_int_equal(writer.n, 0);
    assert_true(fleet_own_at(fleet, &at, &record));
}

static void a_later_one_takes_the_place_of_one_that_waits(void **state)
{
    struct str text;
    (void)state;
    failing_store_health(store, STORE_FULL);
    failing_store_script(store, STORE_FULL, false);
    sealed_cache_put(&cache, OWN_SECRET, STR("a"), STR("1"));
    record_writer_write(&writer, &cache);
    assert_false(on_store());
    next_load();
    sealed_cache_put(&cache, OWN_SECRET, STR("a"), STR("2"));
    record_writer_write(&writer, &cache);
    assert_int_equal(writer.n, 1);
    failing_store_health(store, STORE_OK);
    assert_true(on_store());
    assert_int_equal(writer.n, 0);
    next_load();
    assert_int_equal(sealed_cache_get(&cache, OWN_SECRET, STR("a"), &text), 0);
    assert_str(text, "2");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

UNIT_MAIN(TEST(what_was_put_is_there_the_next_time), TEST(a_record_opens_only_in_its_own_place),
          TEST(what_others_sealed_is_kept_as_it_is), TEST(what_is_not_used_is_deleted),
          TEST(what_could_not_be_written_is_when_it_can),
          TEST(a_later_one_takes_the_place_of_one_that_waits))
