/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON, both ways. */
#include "unit/fleet/life.h"

#include "base/json.h"

#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>

static struct life l;

static int begin(void **state)
{
    (void)state;
    life_begin(&l);
    return 0;
}

static int end(void **state)
{
    (void)state;
    life_end(&l);
    return 0;
}

static const char *json_of(const struct record *r)
{
    struct buf b;
    buf_init(&b, 65536);
    assert_true(json_write(&b, record_value(r, &l.arena), false));
    const char *text = arena_str(&l.arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

/* What is read writes the same text again. */
static void there_and_back(const struct record *r)
{
    struct record again;
    struct err e = {0};
    const char *text = json_of(r);
    if (record_read(str_from(text), &l.arena, &again, &e) < 0)
        fail_msg("%s: %s", e.msg, text);
    assert_string_equal(json_of(&again), text);
}

static void every_state_there_and_back(void **state)
{
    (void)state;
    for (int s = 0; s < STATE_COUNT; s++) {
        life_end(&l);
        life_begin(&l);
        l.bootstraps = s == STATE_JOINING;
        life_to(&l, (enum node_state)s);
        l.r.locked = s % 2;
        there_and_back(&l.r);
    }
    life_call(&l, "other");
    there_and_back(&l.r);
}

static void a_new_one_is_short(void **state)
{
    (void)state;
    assert_string_equal(json_of(&l.r),
                        "{\"v\":1,\"state\":\"registered\",\"since_ms\":0,\"generation\":1}");
}

/* docs/formats/fleet.md shows this one. */
static void the_golden_record(void **state)
{
    struct record r;
    struct str text;
    struct err e;
    char path[4096];
    (void)state;
    const char *source = getenv("CLOUDSEED_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/golden/fleet/record.json", source ? source : ".");
    assert_int_equal(fs_read(path, 65536, &l.arena, &text, &e), 0);
    if (record_read(text, &l.arena, &r, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(json_of(&r), str_trim(text).p ? arena_str(&l.arena, str_trim(text)).p : "");
    assert_int_equal(r.state, STATE_FAILED);
    assert_str(r.stage, "modules-final/config-scripts-user");
    assert_int_equal(r.generation, 3);
    assert_true(r.locked);
    assert_str(r.vm.endpoint, "home");
    assert_str(r.vm.host, "pve1");
    assert_int_equal(r.vm.vmid, 102);
    assert_true(r.installer && r.installed);
    assert_int_equal(r.boot_ms, 5400000);
    assert_int_equal(r.tombstones_n, 1);
    assert_str(r.tombstones[0].vm.host, "pve3");
    assert_int_equal(r.tombstones[0].generation, 2);
    assert_int_equal(r.window.length_ms, 7200000);
    assert_str(r.window.claim, "abcd");
    assert_str(r.window.pin, "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k");
    assert_int_equal(r.boot.warnings, 1);
    assert_str(r.boot.failed, "modules-final/config-scripts-user");
    assert_str(r.boot.window_key, "1:02");
    assert_int_equal(r.boot.key_ends_boot_ms, 70800000);
    assert_true(r.boot.finished && r.boot.reboot);
    assert_int_equal(r.offered_keys_n, 1);
    assert_int_equal(r.host_keys_n, 2);
}

static void refused(const char *json, const char *why)
{
    struct record r = {.generation = 4711};
    struct err e;
    assert_int_equal(record_read(str_from(json), &l.arena, &r, &e), -EINVAL);
    assert_contains(e.msg, why);
    assert_int_equal(r.generation, 4711);
}

/* Before there were installers. */
static void an_older_record(void **state)
{
    static const char text[] = "{\"v\":1,\"state\":\"booting\",\"since_ms\":1,\"generation\":2,"
                               "\"boot\":{\"began_ms\":1,\"last_ms\":2,\"events\":3}}";
    struct record r;
    struct err e;
    (void)state;
    assert_int_equal(record_read(str_from(text), &l.arena, &r, &e), 0);
    assert_int_equal(r.state, STATE_BOOTING);
    assert_false(r.installer || r.installed || r.boot_ms);
    assert_string_equal(json_of(&r), text);
}

static void what_we_never_wrote_is_refused(void **state)
{
    (void)state;
    refused("{", "line 1");
    refused("{\"v\":2,\"state\":\"up\"}", "'v'");
    refused("{\"v\":1,\"state\":\"asleep\"}", "'state'");
    refused("{\"v\":1,\"state\":\"up\",\"generation\":0}", "'generation'");
    refused("{\"v\":1,\"state\":\"up\",\"locked\":1}", "'locked'");
    refused("{\"v\":1,\"state\":\"up\",\"window\":{\"length_ms\":-1}}", "'length_ms'");
    refused("{\"v\":1,\"state\":\"up\",\"boot\":[]}", "'boot'");
    refused("{\"v\":1,\"state\":\"up\",\"host_keys\":{\"rsa\":1}}", "'host_keys'");
    refused("{\"v\":1,\"state\":\"up\",\"host_keys\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\","
            "\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\",\"i\":\"\"}}",
            "'host_keys'");
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(LIFE(every_state_there_and_back), LIFE(a_new_one_is_short), LIFE(the_golden_record),
          LIFE(an_older_record), LIFE(what_we_never_wrote_is_refused))
