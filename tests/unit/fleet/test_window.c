/* SPDX-License-Identifier: Apache-2.0 */
/* Build windows: how they end, and what they let in. */
#include "unit/fleet/life.h"

#define NONE ((struct str){"", 0})

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

static void a_window_ends_by_itself(void **state)
{
    (void)state;
    life_to(&l, STATE_ARMED);
    assert_int_equal(state_due(&l.r, &l.now, l.now.boot_ms), l.now.boot_ms + WINDOW_DEFAULT_MS);
    life_pass(&l, WINDOW_DEFAULT_MS - 1);
    assert_int_equal(life_do(&l, CHANGE_DEADLINE)->verdict, OUTCOME_SAME);
    life_pass(&l, 1);
    life_do(&l, CHANGE_DEADLINE);
    assert_string_equal(life_told(&l), "expired registered");
    assert_state(&l, STATE_REGISTERED);
    assert_int_equal(state_due(&l.r, &l.now, l.now.boot_ms), UINT64_MAX);
}

static void what_comes_after_its_end_finds_it_closed(void **state)
{
    (void)state;
    life_to(&l, STATE_ARMED);
    life_pass(&l, WINDOW_DEFAULT_MS);
    assert_int_equal(life_fetch(&l, STR("mac"))->status, 403);
    assert_string_equal(life_told(&l), "expired registered alarm");
}

static void another_boot_of_the_server_counts_by_the_wall(void **state)
{
    struct window w = {.opened_wall_ms = LIFE_BEGIN,
                       .length_ms = 100,
                       .ends_boot_ms = 5000,
                       .boot_id = STR("boot-1")};
    (void)state;
    struct moment same = {LIFE_BEGIN + 1000, 4990, STR("boot-1")};
    struct moment later = {LIFE_BEGIN + 60, 10, STR("boot-2")};
    struct moment over = {LIFE_BEGIN + 100, 10, STR("boot-2")};
    struct moment unset = {0, 10, STR("boot-2")}; /* a clock that begins at 1970 */
    assert_int_equal(window_left_ms(&w, &same), 10);
    assert_int_equal(window_left_ms(&w, &later), 40);
    assert_int_equal(window_left_ms(&w, &over), 0);
    assert_int_equal(window_left_ms(&w, &unset), 100);
}

/* What it was given names the window's key: by that it goes on telling. */
static void a_boot_may_outlast_its_window(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    assert_int_equal(l.r.boot.window_key.n, 0);
    life_pass(&l, WINDOW_DEFAULT_MS);
    life_report(&l, "modules-final", false, REPORT_NONE);
    assert_string_equal(life_told(&l), "expired progress");
    assert_false(l.r.has_window);
    assert_str(l.r.boot.window_key, "W");
    life_call(&l, "key-1");
    assert_state(&l, STATE_UP);
    assert_str(l.r.boot.window_key, "W");
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_READY);
    assert_int_equal(l.r.boot.window_key.n, 0);
}

static void the_key_of_a_closed_window_ends(void **state)
{
    (void)state;
    l.by_window_key = true;
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    assert_int_equal(life_report(&l, "modules-config", false, REPORT_NONE)->status, 200);
    life_pass(&l, OLD_KEY_MS - 1);
    assert_int_equal(state_due(&l.r, &l.now, l.now.boot_ms), l.now.boot_ms + 1);
    assert_int_equal(life_call(&l, "key-1")->status, 200); /* the first of this build */
    assert_str(l.r.host_keys[0].key, "key-1");
    life_pass(&l, 1);
    assert_int_equal(life_report(&l, "modules-final", true, REPORT_SUCCESS)->status, 404);
    assert_int_equal(life_call(&l, "key-2")->status, 404);
    assert_state(&l, STATE_UP);
    assert_int_equal(l.r.boot.window_key.n, 0);
}

/* As what an earlier version wrote: there is no saying how long ago the window was closed. */
static void a_key_without_an_end_has_ended(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    l.r.boot.key_boot_id = NONE;
    l.r.boot.key_closed_wall_ms = 0;
    life_do(&l, CHANGE_DEADLINE);
    assert_int_equal(l.r.boot.window_key.n, 0);
    assert_int_equal(l.out.verdict, OUTCOME_WRITE);
}

static void a_boot_that_failed_loses_its_key(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    assert_str(l.r.boot.window_key, "W");
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = BOOTING_SILENT_MS});
    assert_state(&l, STATE_FAILED);
    assert_int_equal(l.r.boot.window_key.n, 0);
}

static void a_boot_that_ended_needs_no_key(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    assert_int_equal(l.r.boot.window_key.n, 0);
    life_to(&l, STATE_FAILED);
    life_do(&l, CHANGE_DISARM);
    assert_int_equal(l.r.boot.window_key.n, 0);
}

static void disarming(void **state)
{
    (void)state;
    assert_int_equal(life_do(&l, CHANGE_DISARM)->verdict, OUTCOME_SAME);
    life_arm(&l);
    life_do(&l, CHANGE_DISARM);
    assert_state(&l, STATE_REGISTERED);
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    assert_string_equal(life_told(&l), "disarmed");
    assert_state(&l, STATE_BOOTING);
}

/* Neither the window's key nor that of a boot that outlasted one; the generation never goes back.
 */
static void a_restore_leaves_no_key(void **state)
{
    const struct change later = {.kind = CHANGE_RESTORE, .generation = 5};
    (void)state;
    life_to(&l, STATE_ARMED);
    life_do(&l, CHANGE_RESTORE);
    assert_string_equal(life_told(&l), "registered");
    assert_false(l.r.has_window);
    assert_int_equal(l.r.window.join_key.n, 0);
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_RESTORE);
    assert_string_equal(life_told(&l), "disarmed");
    assert_false(l.r.has_window);
    assert_int_equal(l.r.boot.window_key.n, 0);
    assert_int_equal(life_do(&l, CHANGE_RESTORE)->verdict, OUTCOME_SAME);
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    assert_str(l.r.boot.window_key, "W");
    life_apply(&l, later);
    assert_string_equal(life_told(&l), "disarmed restored");
    assert_int_equal(l.r.boot.window_key.n, 0);
    assert_int_equal(l.r.generation, 5);
    assert_int_equal(life_do(&l, CHANGE_RESTORE)->verdict, OUTCOME_SAME);
}

static void weak_evidence_wants_a_window(void **state)
{
    (void)state;
    assert_int_equal(life_fetch(&l, NONE)->status, 200);
    struct outcome *o = life_fetch(&l, STR("mac"));
    assert_int_equal(o->status, 403);
    assert_contains(o->reason, "cloudseed node arm");
    assert_string_equal(life_told(&l), "alarm");
    life_arm(&l);
    assert_int_equal(life_fetch(&l, STR("mac"))->status, 200);
    assert_state(&l, STATE_BOOTING);
}

static void the_same_alarm_is_told_once_in_a_while(void **state)
{
    (void)state;
    life_fetch(&l, STR("mac"));
    assert_int_equal(l.r.alarms, 1);
    life_pass(&l, ALARM_QUIET_MS - 1);
    assert_int_equal(life_fetch(&l, STR("mac"))->verdict, OUTCOME_SAME);
    assert_int_equal(l.out.status, 403);
    life_call(&l, "key-1");
    assert_string_equal(life_told(&l), "alarm"); /* another one */
    life_pass(&l, ALARM_QUIET_MS);
    assert_int_equal(life_fetch(&l, STR("mac"))->verdict, OUTCOME_WRITE);
    assert_int_equal(l.r.alarms, 3);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(LIFE(a_window_ends_by_itself), LIFE(what_comes_after_its_end_finds_it_closed),
          LIFE(another_boot_of_the_server_counts_by_the_wall), LIFE(a_boot_may_outlast_its_window),
          LIFE(the_key_of_a_closed_window_ends), LIFE(a_key_without_an_end_has_ended),
          LIFE(a_boot_that_failed_loses_its_key), LIFE(a_boot_that_ended_needs_no_key),
          LIFE(disarming), LIFE(a_restore_leaves_no_key), LIFE(weak_evidence_wants_a_window),
          LIFE(the_same_alarm_is_told_once_in_a_while))
