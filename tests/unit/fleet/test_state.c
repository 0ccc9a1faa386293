/* SPDX-License-Identifier: Apache-2.0 */
/* How a node's life goes, and what it is refused. */
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

static void a_node_without_bootstrap(void **state)
{
    (void)state;
    life_arm(&l);
    assert_state(&l, STATE_ARMED);
    assert_string_equal(life_told(&l), "armed");
    life_fetch(&l, NONE);
    assert_state(&l, STATE_BOOTING);
    assert_string_equal(life_told(&l), "booting");
    assert_int_equal(life_fetch(&l, NONE)->verdict, OUTCOME_SAME);
    life_report(&l, "init-network/activate-datasource", false, REPORT_NONE);
    assert_string_equal(life_told(&l), "progress");
    life_call(&l, "key-1");
    assert_state(&l, STATE_UP);
    assert_string_equal(life_told(&l), "up");
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_READY);
    assert_string_equal(life_told(&l), "progress ready");
    assert_false(l.r.has_window);
    assert_int_equal(l.r.boot.events, 2);
}

static void a_node_that_joins(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_UP);
    assert_int_equal(life_claim(&l, "claim-1")->status, 200);
    assert_state(&l, STATE_JOINING);
    assert_int_equal(life_claim(&l, "claim-1")->verdict, OUTCOME_SAME);
    assert_int_equal(life_result(&l, "claim-1", NULL, "")->status, 200);
    assert_string_equal(life_told(&l), "joined");
    assert_int_equal(life_result(&l, "claim-1", NULL, "")->events_n, 0);
    life_do(&l, CHANGE_NODE_READY);
    assert_state(&l, STATE_READY);
    assert_false(l.r.has_window);
}

static void without_a_call_the_last_stage_makes_it_up(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_BOOTING);
    life_report(&l, "modules-final", true, REPORT_WARN);
    assert_state(&l, STATE_UP);
    assert_int_equal(l.r.boot.warnings, 1);
}

static void a_last_stage_that_failed(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    life_report(&l, "modules-config/config-ntp", true, REPORT_FAIL);
    assert_state(&l, STATE_BOOTING);
    life_report(&l, "modules-final/config-scripts_user", true, REPORT_FAIL);
    life_report(&l, "modules-final", true, REPORT_FAIL);
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.stage, "modules-final/config-scripts_user");
    assert_string_equal(life_told(&l), "progress failed");
    life_report(&l, "init-network", false, REPORT_NONE); /* another try within the window */
    assert_state(&l, STATE_BOOTING);
    assert_int_equal(l.r.stage.n, 0);
}

/* cloud-init goes on behind a step that failed, and its last stage is well. */
static void a_step_that_failed(void **state)
{
    (void)state;
    life_to(&l, STATE_UP);
    life_report(&l, "modules-config/config-timezone", true, REPORT_FAIL);
    life_report(&l, "modules-config", true, REPORT_FAIL);
    assert_state(&l, STATE_UP);
    assert_int_equal(l.r.boot.warnings, 1);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.stage, "modules-config/config-timezone");
    assert_true(l.r.has_window);
    life_end(&l);
    life_begin(&l);
    l.bootstraps = true; /* whether such a node is well is the cluster's to say */
    life_to(&l, STATE_BOOTING);
    life_report(&l, "modules-config", true, REPORT_FAIL);
    assert_int_equal(l.r.boot.warnings, 1);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_UP);
}

static void a_join_that_failed(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    life_result(&l, "claim-1", "kubeadm", "no\nno");
    assert_state(&l, STATE_FAILED);
    assert_string_equal(life_told(&l), "failed");
    assert_str(l.r.stage, "kubeadm");
    assert_str(l.r.log, "no\nno");
    assert_int_equal(life_result(&l, "claim-1", "kubeadm", "no\nno")->verdict, OUTCOME_SAME);
    life_result(&l, "claim-1", "kubeadm", "other");
    assert_string_equal(life_told(&l), "failed");
    assert_int_equal(life_claim(&l, "claim-1")->status, 200); /* it tries again */
    assert_state(&l, STATE_JOINING);
    assert_true(l.r.stage.n == 0 && l.r.log.n == 0);
}

/* It was busy for so long that it counted as failed. */
static void a_late_success_mends_a_failure(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    life_pass(&l, JOINING_MS);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = JOINING_MS});
    assert_state(&l, STATE_FAILED);
    life_result(&l, "claim-1", NULL, "");
    assert_state(&l, STATE_JOINING);
    assert_string_equal(life_told(&l), "joining joined");
}

static void a_result_is_of_the_boot_that_has_the_claim(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    assert_int_equal(life_result(&l, "claim-1", NULL, "")->status, 409);
    assert_int_equal(l.r.alarms, 0);
    life_claim(&l, "claim-1");
    assert_int_equal(life_result(&l, "claim-2", "kubeadm", "no")->status, 409);
    assert_string_equal(life_told(&l), "alarm");
    assert_state(&l, STATE_JOINING);
    assert_false(l.r.joined);
}

static void a_key_of_the_window_before_claims_nothing(void **state)
{
    struct change c = {.kind = CHANGE_CLAIM, .claim = {STR("J"), STR("claim-1")}};
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    life_apply(
        &l, (struct change){.kind = CHANGE_ARM, .arm = {WINDOW_DEFAULT_MS, STR("J2"), STR("W2")}});
    assert_int_equal(life_apply(&l, c)->status, 410);
    assert_true(l.r.window.claim.n == 0 && l.out.verdict == OUTCOME_SAME);
    c.claim.join_key = STR("J2");
    assert_int_equal(life_apply(&l, c)->status, 200);
}

static void a_wrong_join_key_raises_an_alarm(void **state)
{
    (void)state;
    life_to(&l, STATE_ARMED);
    assert_int_equal(life_do(&l, CHANGE_WRONG_KEY)->status, 403);
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.alarm, "a wrong join key");
    assert_int_equal(life_do(&l, CHANGE_WRONG_KEY)->verdict, OUTCOME_SAME);
    assert_state(&l, STATE_ARMED);
}

static struct outcome *ready(bool handed, uint64_t silent_ms)
{
    return life_apply(
        &l, (struct change){.kind = CHANGE_NODE_READY, .handed = handed, .silent_ms = silent_ms});
}

static struct outcome *away(const char *why)
{
    return life_apply(&l, (struct change){.kind = CHANGE_NODE_AWAY, .away = str_from(why)});
}

/* Another machine may have its name. */
static void a_node_that_was_given_nothing_is_not_ready(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    assert_int_equal(ready(false, 0)->verdict, OUTCOME_SAME);
    assert_false(l.r.seen);
    ready(true, 0);
    assert_true(l.r.seen && l.out.verdict == OUTCOME_WRITE);
    assert_state(&l, STATE_JOINING);
    assert_true(l.r.has_window); /* it has not said that it is done, and may ask again */
    life_result(&l, "claim-1", NULL, "");
    assert_string_equal(life_told(&l), "joined ready");
    assert_false(l.r.has_window);
}

static void readiness_that_passes_does_not_count(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    ready(true, 0);
    assert_int_equal(away("KubeletNotReady: no")->verdict, OUTCOME_WRITE);
    assert_int_equal(l.out.events_n, 0);
    life_result(&l, "claim-1", NULL, "");
    assert_state(&l, STATE_JOINING);
    ready(false, 0);
    assert_state(&l, STATE_READY);
}

/* It was killed, or its result is lost for ever. */
static void a_silent_node_is_ready_when_its_cluster_says_so(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    ready(true, 0);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = JOINING_MS});
    assert_state(&l, STATE_READY);
}

static void readiness_mends_a_failure(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = JOINING_MS});
    assert_state(&l, STATE_FAILED);
    ready(true, JOINING_MS + 1);
    assert_string_equal(life_told(&l), "joining ready");
    assert_state(&l, STATE_READY);
}

/* What was given is remembered for longer than the window, and its token with it. */
static void a_node_may_become_ready_after_its_window(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    life_pass(&l, WINDOW_DEFAULT_MS);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .handed = true});
    assert_string_equal(life_told(&l), "expired");
    ready(false, 0);
    assert_true(l.r.seen);
}

static void what_a_cluster_loses_is_told_once(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_READY);
    assert_int_equal(away("NodeStatusUnknown: Kubelet stopped")->events_n, 1);
    assert_string_equal(life_told(&l), "not-ready");
    assert_str(l.r.away, "NodeStatusUnknown: Kubelet stopped");
    assert_state(&l, STATE_READY);
    assert_int_equal(away("it has gone")->verdict, OUTCOME_SAME);
    ready(false, 0);
    assert_string_equal(life_told(&l), "ready-again");
    assert_int_equal(l.r.away.n, 0);
    assert_int_equal(ready(false, 0)->verdict, OUTCOME_SAME);
    away("it has gone");
    life_arm(&l);
    assert_true(!l.r.seen && l.r.away.n == 0);
}

/* --- Certificates ---------------------------------------------------------------------------- */

static struct outcome *asked(bool approved, const char *why)
{
    return life_apply(&l, (struct change){.kind = CHANGE_CERTIFICATE,
                                          .certificate = {approved, true, str_from(why)}});
}

static void certificates_are_events_and_alarms(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    asked(true, "");
    assert_string_equal(life_told(&l), "approved");
    asked(false, "csr-1: the token cs4xk2 asks to be n");
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.alarm_detail, "csr-1: the token cs4xk2 asks to be n");
    assert_int_equal(asked(false, "csr-1: the token cs4xk2 asks to be n")->verdict, OUTCOME_SAME);
    asked(false, "csr-2: another");
    assert_string_equal(life_told(&l), "alarm");
    assert_false(l.r.locked);
}

/* --- A ready node --------------------------------------------------------------------------- */

static void a_reboot_changes_nothing(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    life_pass(&l, 1000 * LIFE_MINUTE);
    assert_int_equal(life_fetch(&l, NONE)->verdict, OUTCOME_SAME);
    life_report(&l, "init-network/activate-datasource", false, REPORT_NONE);
    assert_string_equal(life_told(&l), "rebooted progress");
    life_report(&l, "modules-final", true, REPORT_FAIL);
    assert_string_equal(life_told(&l), "progress");
    assert_state(&l, STATE_READY);
    assert_int_equal(life_call(&l, "key-1")->verdict, OUTCOME_SAME);
    assert_state(&l, STATE_READY);
}

static void other_host_keys_raise_an_alarm(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    assert_int_equal(life_call(&l, "key-2")->status, 200);
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.host_keys[0].key, "key-1");
    life_report(&l, "init-network", false, REPORT_NONE); /* nor do those of a reboot */
    life_call(&l, "key-3");
    assert_str(l.r.host_keys[0].key, "key-1");
    life_arm(&l);
    life_call(&l, "key-2");
    assert_str(l.r.host_keys[0].key, "key-2");
    assert_state(&l, STATE_UP);
}

/* 'cloud-init clean' and a reboot, while the window is open: its first boot once more. */
static void a_first_boot_once_more(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    life_report(&l, "init-network/activate-datasource", false, REPORT_NONE);
    assert_string_equal(life_told(&l), "rebooted progress");
    life_call(&l, "key-2");
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.host_keys[0].key, "key-1");
    life_do(&l, CHANGE_ACCEPT_KEYS);
    assert_string_equal(life_told(&l), "identity");
    assert_str(l.r.host_keys[0].key, "key-2");
    assert_state(&l, STATE_UP);
    life_do(&l, CHANGE_DISARM);
    life_call(&l, "key-3");
    assert_str(l.r.host_keys[0].key, "key-2");
    assert_str(l.r.offered_keys[0].key, "key-3");
}

static void a_part_of_the_call_forgets_nothing(void **state)
{
    (void)state;
    life_to(&l, STATE_UP);
    assert_int_equal(life_call(&l, NULL)->verdict, OUTCOME_SAME);
    assert_str(l.r.host_keys[0].key, "key-1");
    life_call(&l, "key-2"); /* in the same boot of an open window */
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.host_keys[0].key, "key-1");
}

/* Up, joining or ready, within a window or not, by the seed key or by the window's. */
static void nobody_but_an_admin_replaces_host_keys(void **state)
{
    static const enum node_state up[] = {STATE_UP, STATE_JOINING, STATE_READY};
    (void)state;
    for (int i = 0; i < 12; i++) {
        life_end(&l);
        life_begin(&l);
        life_to(&l, up[i / 4]);
        if (i & 1)
            life_do(&l, CHANGE_DISARM);
        l.by_window_key = i & 2;
        bool is_taken = life_call(&l, "key-2")->status == 200;
        assert_true(is_taken || l.by_window_key);
        assert_str(l.r.host_keys[0].key, "key-1");
        if (!is_taken)
            continue;
        assert_string_equal(life_told(&l), "alarm");
        assert_int_equal(life_call(&l, "key-2")->verdict, OUTCOME_SAME);
        life_call(&l, "key-3"); /* so soon after the other no alarm of its own, but offered */
        assert_int_equal(l.out.verdict, OUTCOME_WRITE);
        assert_int_equal(life_do(&l, CHANGE_ACCEPT_KEYS)->status, 200);
        assert_str(l.r.host_keys[0].key, "key-3");
        assert_int_equal(life_do(&l, CHANGE_ACCEPT_KEYS)->status, 409);
    }
}

static struct outcome *on_vm(const char *endpoint, const char *host, uint32_t vmid)
{
    return life_apply(
        &l, (struct change){.kind = CHANGE_VM, .vm = {str_from(endpoint), str_from(host), vmid}});
}

static void a_node_has_one_vm(void **state)
{
    (void)state;
    assert_int_equal(on_vm("home", "pve1", 102)->status, 200);
    assert_string_equal(life_told(&l), "vm");
    assert_int_equal(on_vm("home", "pve1", 102)->verdict, OUTCOME_SAME);
    assert_int_equal(on_vm("home", "pve2", 102)->status, 200); /* it was migrated */
    assert_string_equal(life_told(&l), "vm");
    assert_int_equal(on_vm("home", "pve2", 103)->status, 409);
    assert_int_equal(on_vm("other", "pve2", 102)->status, 409);
    assert_contains(l.out.reason, "it has the VM 102 of home");
    assert_int_equal(l.r.vm.vmid, 102);
    assert_int_equal(on_vm("", "", 0)->status, 200);
    assert_string_equal(life_told(&l), "vm-gone");
    assert_int_equal(on_vm("", "", 0)->verdict, OUTCOME_SAME);
    assert_int_equal(on_vm("other", "pve9", 103)->status, 200);
    assert_state(&l, STATE_REGISTERED);
}

static void a_vm_that_is_given_up_is_kept_in_mind(void **state)
{
    (void)state;
    struct change buried = {.kind = CHANGE_VM_BURIED, .vm = {STR("home"), STR("pve1"), 102}};
    assert_int_equal(life_do(&l, CHANGE_VM_LOST)->status, 409);
    on_vm("home", "pve1", 102);
    assert_int_equal(life_do(&l, CHANGE_VM_LOST)->status, 200);
    assert_string_equal(life_told(&l), "vm-lost");
    assert_int_equal(l.r.vm.endpoint.n, 0);
    assert_int_equal(on_vm("home", "pve2", 103)->status, 200);
    assert_int_equal(life_do(&l, CHANGE_VM_LOST)->status, 200);
    assert_int_equal(l.r.tombstones_n, 2);
    assert_int_equal(l.r.tombstones[0].vm.vmid, 102);
    assert_int_equal(l.r.tombstones[1].vm.vmid, 103);
    assert_int_equal(l.r.tombstones[1].generation, 1);
    assert_int_equal(life_apply(&l, buried)->verdict, OUTCOME_WRITE);
    assert_int_equal(l.r.tombstones_n, 1);
    assert_int_equal(l.r.tombstones[0].vm.vmid, 103);
    assert_int_equal(life_apply(&l, buried)->verdict, OUTCOME_SAME);
    for (uint32_t i = 1; i < RECORD_TOMBSTONES_MAX; i++) {
        on_vm("home", "pve1", 200 + i);
        assert_int_equal(life_do(&l, CHANGE_VM_LOST)->status, 200);
    }
    on_vm("home", "pve1", 300);
    assert_int_equal(life_do(&l, CHANGE_VM_LOST)->status, 409);
    assert_int_equal(l.r.vm.vmid, 300);
}

static void host_keys_end_with_the_build(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    life_arm(&l);
    assert_int_equal(l.r.host_keys_n, 1); /* it may be disarmed again */
    life_fetch(&l, NONE);
    assert_int_equal(l.r.host_keys_n, 0);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_READY);
    assert_int_equal(l.r.host_keys_n, 0);
    life_arm(&l);
    life_call(&l, "key-2"); /* the first that is heard of another build */
    life_arm(&l);
    life_call(&l, NULL);
    assert_int_equal(l.r.host_keys_n, 0);
}

/* --- Alarms and claims ----------------------------------------------------------------------- */

static void an_alarm_may_lock(void **state)
{
    (void)state;
    l.lock_on_alarm = true;
    life_to(&l, STATE_JOINING);
    assert_int_equal(life_claim(&l, "claim-2")->status, 409);
    assert_string_equal(life_told(&l), "alarm locked");
    assert_int_equal(life_claim(&l, "claim-1")->status, 403);
    assert_int_equal(life_fetch(&l, STR("mac"))->status, 403);
    life_do(&l, CHANGE_UNLOCK);
    assert_string_equal(life_told(&l), "unlocked");
    assert_int_equal(life_claim(&l, "claim-1")->status, 200);
}

static void claims(void **state)
{
    (void)state;
    assert_int_equal(life_claim(&l, "c")->status, 410);
    life_arm(&l);
    assert_int_equal(life_claim(&l, "c")->status, 403); /* its role does not bootstrap */
    l.bootstraps = true;
    life_claim(&l, "c");
    assert_string_equal(life_told(&l), "joining");
    assert_int_equal(life_claim(&l, "d")->status, 409);
    life_arm(&l); /* a new window, a new claim */
    assert_int_equal(life_claim(&l, "d")->status, 200);
}

static struct outcome *claims_as(struct str uuid, struct str machine, struct str twin)
{
    return life_apply(&l, (struct change){.kind = CHANGE_CLAIM,
                                          .claim = {STR("J"), STR("c"), uuid, machine},
                                          .twin = twin});
}

/* That of the first machine which has one, until another window is opened. */
static void a_window_pins_the_first_uuid(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_arm(&l);
    assert_int_equal(claims_as(NONE, NONE, NONE)->status, 200);
    assert_int_equal(l.r.window.uuid.n, 0);
    assert_int_equal(claims_as(STR("u1"), NONE, NONE)->status, 200);
    assert_str(l.r.window.uuid, "u1");
    assert_int_equal(claims_as(STR("u1"), NONE, NONE)->verdict, OUTCOME_SAME);
    assert_int_equal(claims_as(STR("u2"), NONE, NONE)->status, 409);
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.window.uuid, "u1");
    life_arm(&l);
    assert_int_equal(claims_as(STR("u2"), NONE, NONE)->status, 200);
}

static void the_machine_of_another_node(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_arm(&l);
    assert_int_equal(claims_as(NONE, STR("m1"), NONE)->status, 200);
    assert_str(l.r.machine, "m1");
    life_arm(&l);
    assert_int_equal(claims_as(NONE, STR("m1"), STR("n2"))->status, 200); /* n2 is the copy */
    assert_int_equal(l.r.alarms, 0);
    assert_int_equal(claims_as(NONE, STR("m2"), STR("n3"))->status, 200);
    assert_int_equal(l.r.alarms, 1);
    assert_contains(l.r.alarm.p, "machine-id of another node");
    assert_str(l.r.alarm_detail, "n3");
    assert_int_equal(claims_as(NONE, NONE, NONE)->status, 200);
    assert_str(l.r.machine, "m2");
    l.lock_on_alarm = true;
    life_arm(&l);
    life_pass(&l, ALARM_QUIET_MS);
    assert_int_equal(claims_as(NONE, STR("m4"), STR("n4"))->status, 403);
    assert_true(l.r.locked && !l.r.window.claim.n);
}

/* Anyone on the network may have the window's key, and send the report of a failure. */
static void an_old_window_key_fails_no_node(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    life_do(&l, CHANGE_DISARM);
    l.by_window_key = true;
    assert_int_equal(life_report(&l, "modules-final", true, REPORT_FAIL)->status, 200);
    assert_state(&l, STATE_BOOTING);
    life_end(&l);
    life_begin(&l);
    life_to(&l, STATE_BOOTING);
    l.by_window_key = true;
    life_report(&l, "modules-final", true, REPORT_FAIL);
    assert_state(&l, STATE_FAILED);
}

static struct outcome *mismatch(const char *what)
{
    return life_apply(&l, (struct change){.kind = CHANGE_MISMATCH, .mismatch = str_from(what)});
}

/* Another detail is another alarm, but a flood of them ends. */
static void mismatches(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    assert_int_equal(mismatch("uuid A instead of B")->status, 403);
    assert_string_equal(life_told(&l), "alarm");
    assert_str(l.r.alarm_detail, "uuid A instead of B");
    assert_int_equal(mismatch("uuid A instead of B")->verdict, OUTCOME_SAME);
    mismatch("uuid C instead of B");
    assert_string_equal(life_told(&l), "alarm");
    for (int i = 0; i < 100; i++)
        mismatch(i % 2 ? "uuid A instead of B" : "uuid C instead of B");
    assert_int_equal(l.r.alarms, ALARM_BURST_MAX);
    life_pass(&l, ALARM_QUIET_MS);
    mismatch("uuid A instead of B");
    assert_string_equal(life_told(&l), "alarm");
    assert_state(&l, STATE_READY);
}

/* --- Reports of those that were not to be built --------------------------------------------- */

static void nobody_asked_for_it(void **state)
{
    (void)state;
    assert_int_equal(life_report(&l, "modules-final", true, REPORT_SUCCESS)->status, 200);
    assert_string_equal(life_told(&l), "alarm");
    assert_state(&l, STATE_REGISTERED);
    life_call(&l, "key-1");
    assert_string_equal(life_told(&l), "alarm");
    assert_int_equal(l.r.host_keys_n, 0);
}

/* --- Time ----------------------------------------------------------------------------------- */

static struct outcome *silent_for(uint64_t ms)
{
    return life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = ms});
}

static void silence_ends_a_boot(void **state)
{
    (void)state;
    life_to(&l, STATE_BOOTING);
    assert_int_equal(state_due(&l.r, &l.now, l.now.boot_ms), l.now.boot_ms + BOOTING_SILENT_MS);
    assert_int_equal(silent_for(BOOTING_SILENT_MS - 1)->verdict, OUTCOME_SAME);
    silent_for(BOOTING_SILENT_MS);
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.stage, "init-network/activate-datasource");
    life_call(&l, "key-1"); /* late, but well */
    assert_state(&l, STATE_UP);
}

static void joining_has_its_time(void **state)
{
    (void)state;
    life_to(&l, STATE_JOINING);
    silent_for(JOINING_MS);
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.stage, "join");
}

static void joining_has_the_time_that_its_claim_says(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    life_apply(&l, (struct change){.kind = CHANGE_CLAIM,
                                   .claim = {STR("J"), STR("claim-1")},
                                   .joining_ms = 3 * JOINING_MS});
    assert_int_equal(state_due(&l.r, &l.now, 0), 3 * JOINING_MS);
    assert_int_equal(silent_for(3 * JOINING_MS - 1)->verdict, OUTCOME_SAME);
    silent_for(3 * JOINING_MS);
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.reason, "it did not join, and nothing was heard of it for 135 minutes");
}

static void no_deadline_where_nothing_is_awaited(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    assert_int_equal(state_due(&l.r, &l.now, 0), UINT64_MAX);
    assert_int_equal(silent_for(UINT64_MAX)->verdict, OUTCOME_SAME);
}

/* --- Reprovisioning ------------------------------------------------------------------------- */

static struct outcome *reprovision(void)
{
    return life_apply(&l, (struct change){.kind = CHANGE_REPROVISION,
                                          .arm = {WINDOW_DEFAULT_MS, STR("J"), STR("W")}});
}

static void reprovisioning_raises_the_generation(void **state)
{
    (void)state;
    life_to(&l, STATE_READY);
    assert_int_equal(reprovision()->status, 200);
    assert_string_equal(life_told(&l), "reprovisioned armed");
    assert_state(&l, STATE_ARMED);
    assert_int_equal(l.r.generation, 2);
    assert_int_equal(l.r.host_keys_n, 0);
}

static void a_standing_master_is_not_reprovisioned(void **state)
{
    (void)state;
    l.is_master = true;
    l.bootstraps = true;
    life_to(&l, STATE_READY);
    assert_int_equal(reprovision()->status, 409);
    assert_int_equal(l.r.generation, 1);
    assert_state(&l, STATE_READY);
}

static struct outcome *waits(const char *what)
{
    return life_apply(&l, (struct change){.kind = CHANGE_WAITS, .waits = str_from(what)});
}

static void what_a_node_waits_for_is_told_once(void **state)
{
    (void)state;
    l.bootstraps = true;
    life_to(&l, STATE_UP);
    assert_int_equal(waits("waits for m1")->verdict, OUTCOME_SAME); /* it has not asked */
    life_to(&l, STATE_JOINING);
    assert_int_equal(waits("waits for m1")->events_n, 1);
    assert_string_equal(l.out.events[0].kind, "waits");
    assert_str(l.r.waits, "waits for m1");
    assert_int_equal(waits("waits for m1")->verdict, OUTCOME_SAME);
    assert_int_equal(waits("waits for m2")->events_n, 1);
    life_apply(&l, (struct change){.kind = CHANGE_NODE_READY, .handed = true});
    assert_int_equal(waits("waits for m1")->verdict, OUTCOME_SAME); /* it was let go */
}

/* --- Installers ------------------------------------------------------------------------------ */

static struct outcome *asks_what_to_boot(void)
{
    return life_apply(
        &l, (struct change){
                .kind = CHANGE_FETCH,
                .fetch = {.file = STR("boot.ipxe"), .evidence = STR("mac"), .what = FETCH_SCRIPT}});
}

static void installer_at_work(void)
{
    l.installs = true;
    life_arm(&l);
    asks_what_to_boot();
    life_fetch_document(&l, NONE);
}

/* At the URL of its own. */
static struct outcome *installer_reports(const char *name, bool finish, enum report_result result)
{
    l.by_installer = true;
    life_report(&l, name, finish, result);
    l.by_installer = false;
    return &l.out;
}

static void falls_silent(void)
{
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = BOOTING_SILENT_MS});
    assert_state(&l, STATE_FAILED);
}

/* The system on the disk, up to its end. */
static void the_disk_boots(void)
{
    life_report(&l, "init-network/activate-datasource", false, REPORT_NONE);
    assert_state(&l, STATE_BOOTING);
    life_call(&l, "key-1");
    assert_state(&l, STATE_UP);
    assert_int_equal(l.r.host_keys_n, 1);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_READY);
    assert_false(l.r.has_window);
}

static void a_node_that_is_installed(void **state)
{
    (void)state;
    l.installs = true;
    life_arm(&l);
    asks_what_to_boot();
    assert_state(&l, STATE_INSTALLING);
    assert_string_equal(life_told(&l), "installing");
    assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME); /* the kernel was not there */
    assert_false(l.r.installer);
    assert_int_equal(life_fetch_document(&l, NONE)->verdict, OUTCOME_WRITE);
    assert_true(l.r.installer);
    assert_int_equal(life_fetch_document(&l, NONE)->verdict, OUTCOME_SAME);
    /* All of the installer's own cloud-init, a step that failed among it. */
    installer_reports("modules-config/config-ntp", true, REPORT_FAIL);
    installer_reports("modules-final", true, REPORT_FAIL);
    assert_string_equal(life_told(&l), "progress");
    assert_state(&l, STATE_INSTALLING);
    assert_true(l.r.has_window);
    installer_reports("install", false, REPORT_NONE);
    assert_state(&l, STATE_INSTALLING);
    installer_reports("install", true, REPORT_SUCCESS);
    assert_state(&l, STATE_BOOTING);
    assert_string_equal(life_told(&l), "progress booting");
    assert_true(l.r.boot.events == 0 && l.r.boot.failed.n == 0);
    assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME);
    assert_int_equal(life_fetch(&l, NONE)->verdict, OUTCOME_WRITE);
    assert_int_equal(life_fetch(&l, NONE)->verdict, OUTCOME_SAME);
    the_disk_boots();
    life_arm(&l);
    assert_false(l.r.installer || l.r.installed);
}

/* It runs until the machine is switched off, and its own boot may end after the installation. */
static void an_installer_that_reports_after_its_end(void **state)
{
    static const char *const names[] = {"init-network/activate-datasource",
                                        "modules-config/config-ntp", "modules-final"};
    (void)state;
    for (int disk = 0; disk < 2; disk++) {
        installer_at_work();
        installer_reports("install", true, REPORT_SUCCESS);
        if (disk)
            life_fetch(&l, NONE);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            installer_reports(names[i], true, REPORT_FAIL);
            installer_reports(names[i], true, REPORT_SUCCESS);
            assert_state(&l, STATE_BOOTING);
            assert_true(l.r.has_window);
            assert_int_equal(l.r.installed, disk);
        }
        installer_reports("install", true, REPORT_SUCCESS);
        assert_state(&l, STATE_BOOTING);
        if (!disk)
            life_fetch(&l, NONE);
        assert_true(l.r.boot.events == 0 && !l.r.boot.failed.n);
        the_disk_boots();
        assert_int_equal(installer_reports("modules-final", true, REPORT_FAIL)->status, 200);
        assert_string_equal(life_told(&l), disk ? "" : "alarm"); /* only once */
        assert_state(&l, STATE_READY);
    }
}

/* Its document was made by an older version, or by a copy of a template of then. */
static void an_installer_that_reports_at_the_url_of_the_disk(void **state)
{
    (void)state;
    installer_at_work();
    life_report(&l, "init-network/activate-datasource", false, REPORT_NONE);
    assert_int_equal(life_call(&l, "live-key")->verdict, OUTCOME_SAME);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_state(&l, STATE_INSTALLING);
    life_report(&l, "install", true, REPORT_SUCCESS);
    assert_state(&l, STATE_BOOTING);
    life_report(&l, "modules-final", true, REPORT_SUCCESS);
    assert_int_equal(life_call(&l, "live-key")->verdict, OUTCOME_SAME);
    assert_state(&l, STATE_BOOTING);
    assert_true(l.r.has_window && l.r.host_keys_n == 0);
    assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME);
    life_fetch(&l, NONE);
    the_disk_boots();
}

/* The installed system was found by its MAC, as a template of one's own may have it. */
static void a_disk_whose_fetches_do_not_count(void **state)
{
    (void)state;
    installer_at_work();
    installer_reports("install", true, REPORT_SUCCESS);
    assert_int_equal(life_fetch(&l, STR("mac"))->verdict, OUTCOME_SAME);
    the_disk_boots();
}

/* The installer said nothing, or it is the installed system that cannot reach us. */
static void an_installation_ends_with_the_next_boot(void **state)
{
    (void)state;
    installer_at_work();
    asks_what_to_boot();
    assert_state(&l, STATE_BOOTING);
    assert_string_equal(life_told(&l), "booting");
    assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME);
    life_fetch(&l, NONE);
    life_report(&l, "modules-final", true, REPORT_FAIL);
    assert_state(&l, STATE_FAILED);
    life_report(&l, "init-network", false, REPORT_NONE); /* it boots again, from its disk */
    assert_state(&l, STATE_BOOTING);
    life_call(&l, "key-1");
    assert_state(&l, STATE_UP);
}

/* Its machine never asks what to boot. */
static void an_installation_ends_with_what_the_disk_fetches(void **state)
{
    (void)state;
    installer_at_work();
    life_fetch(&l, STR("mac"));
    assert_state(&l, STATE_INSTALLING);
    life_fetch(&l, NONE);
    assert_state(&l, STATE_BOOTING);
    assert_string_equal(life_told(&l), "booting");
    assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME);
    the_disk_boots();
}

static void an_installer_that_was_silent_for_too_long(void **state)
{
    (void)state;
    installer_at_work();
    falls_silent();
    life_fetch(&l, NONE);
    the_disk_boots();
    installer_at_work();
    falls_silent();
    asks_what_to_boot();
    assert_state(&l, STATE_BOOTING);
    life_fetch(&l, NONE);
    the_disk_boots();
    installer_at_work();
    falls_silent();
    installer_reports("subiquity/Install", false, REPORT_NONE);
    assert_state(&l, STATE_FAILED);
    installer_reports("install", true, REPORT_SUCCESS);
    assert_state(&l, STATE_BOOTING);
    assert_int_equal(l.r.alarms, 0);
}

/* The kernel was not there, until somebody looked after the machine. */
static void an_installer_that_begins_after_the_time_of_a_boot(void **state)
{
    (void)state;
    l.installs = true;
    life_arm(&l);
    asks_what_to_boot();
    falls_silent();
    assert_int_equal(life_fetch_document(&l, STR("mac"))->verdict, OUTCOME_SAME);
    asks_what_to_boot();
    assert_false(l.r.installer);
    life_fetch_document(&l, NONE);
    assert_state(&l, STATE_INSTALLING);
    assert_true(l.r.installer);
}

static void an_installer_counts_by_a_key(void **state)
{
    (void)state;
    l.installs = true;
    life_arm(&l);
    life_fetch_document(&l, STR("mac"));
    life_fetch_document(&l, STR("mac"));
    life_fetch(&l, STR("mac"));
    asks_what_to_boot();
    assert_state(&l, STATE_INSTALLING);
    assert_false(l.r.installer);
    life_fetch_document(&l, NONE);
    assert_true(l.r.installer);
}

static void an_installation_may_outlast_its_window(void **state)
{
    (void)state;
    installer_at_work();
    life_pass(&l, WINDOW_DEFAULT_MS);
    asks_what_to_boot();
    assert_state(&l, STATE_BOOTING);
    assert_int_equal(l.r.alarms, 0);
}

static void installer_fails(void)
{
    l.by_installer = true;
    life_apply(&l, (struct change){.kind = CHANGE_REPORT,
                                   .report = {.name = STR("install"),
                                              .description = STR("no disk"),
                                              .type = STR("finish"),
                                              .result = REPORT_FAIL,
                                              .duration_s = -1}});
    l.by_installer = false;
}

static void an_installer_that_fails(void **state)
{
    (void)state;
    installer_at_work();
    installer_fails();
    assert_state(&l, STATE_FAILED);
    assert_string_equal(life_told(&l), "progress failed");
    assert_str(l.r.stage, "install");
    assert_str(l.r.reason, "no disk");
    assert_true(l.r.installer);
    installer_reports("init-network", false, REPORT_NONE); /* it was started by hand */
    assert_state(&l, STATE_INSTALLING);
    installer_reports("install", true, REPORT_SUCCESS);
    assert_state(&l, STATE_BOOTING);
    installer_fails(); /* it had not ended */
    assert_state(&l, STATE_FAILED);
    /* Anyone on the network may have the key of a window that is over. */
    installer_at_work();
    l.by_window_key = true;
    life_do(&l, CHANGE_DISARM);
    installer_fails();
    assert_state(&l, STATE_INSTALLING);
}

/* What boots from the disk then is no node, whether it had been silent before or not. */
static void the_disk_of_an_installer_that_failed(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        installer_at_work();
        if (silent)
            falls_silent();
        installer_fails();
        assert_int_equal(asks_what_to_boot()->verdict, OUTCOME_SAME);
        assert_int_equal(life_fetch(&l, NONE)->verdict, OUTCOME_SAME);
        life_report(&l, "init-network", false, REPORT_NONE);
        life_call(&l, "old-key");
        life_report(&l, "modules-final", true, REPORT_SUCCESS);
        assert_state(&l, STATE_FAILED);
        assert_true(l.r.has_window && l.r.host_keys_n == 0);
    }
}

/* Somebody has the machine installed by hand, after its first system has failed to boot. */
static void an_installer_after_a_boot_that_failed(void **state)
{
    (void)state;
    installer_at_work();
    installer_reports("install", true, REPORT_SUCCESS);
    life_fetch(&l, NONE);
    life_report(&l, "modules-final", true, REPORT_FAIL);
    assert_state(&l, STATE_FAILED);
    installer_reports("init-network", false, REPORT_NONE);
    assert_state(&l, STATE_INSTALLING);
    installer_reports("install", true, REPORT_SUCCESS);
    assert_state(&l, STATE_BOOTING);
    life_fetch(&l, NONE);
    the_disk_boots();
}

static void an_installer_has_the_time_of_its_role(void **state)
{
    (void)state;
    l.boot_ms = 90 * LIFE_MINUTE;
    installer_at_work();
    assert_int_equal(state_due(&l.r, &l.now, l.now.boot_ms), l.now.boot_ms + 90 * LIFE_MINUTE);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = 89 * LIFE_MINUTE});
    assert_state(&l, STATE_INSTALLING);
    life_apply(&l, (struct change){.kind = CHANGE_DEADLINE, .silent_ms = 90 * LIFE_MINUTE});
    assert_state(&l, STATE_FAILED);
    assert_str(l.r.reason, "nothing was heard of its installer for 90 minutes");
}

/* It has its address from elsewhere, and the server hears of it only now. */
static void an_installer_that_is_heard_of_late(void **state)
{
    (void)state;
    l.installs = true;
    life_arm(&l);
    life_call(&l, "live-key");
    assert_state(&l, STATE_INSTALLING);
    assert_true(l.r.installer && l.r.host_keys_n == 0);
    for (int own_url = 0; own_url < 2; own_url++) {
        life_arm(&l);
        l.by_installer = own_url;
        life_report(&l, "init-network", false, REPORT_NONE);
        assert_state(&l, STATE_INSTALLING);
        assert_true(l.r.installer);
    }
}

/* It was cleaned, and does its first boot again without an installer. */
static void a_disk_in_a_window_of_an_installer(void **state)
{
    (void)state;
    l.installs = true;
    life_arm(&l);
    life_fetch(&l, NONE);
    assert_state(&l, STATE_BOOTING);
    assert_true(l.r.installer); /* it is not installed over that */
    the_disk_boots();
}

/* --- Every change in every state ------------------------------------------------------------ */

/* The state that each change leads to, by its first letter (R: ready), in the order of enum
 * change_kind: arm, disarm, unlock, reprovision, accept keys, VM, VM lost, VM buried; fetch (by a
 * key), mismatch, wrong key, report, phone home, claim, result (it failed), node ready (long after
 * it was given a token), node away, waits, unrendered, certificate (not approved), deadline,
 * restore. The node's role bootstraps. */
static const char *const cells[STATE_COUNT] = {
    [STATE_REGISTERED] = "arrarrrr rrrrrrrrrrrrrr", [STATE_ARMED] = "araaaaaa baabujaaaaaaar",
    [STATE_INSTALLING] = "aiiaiiii biiiijiiiiiifi", [STATE_BOOTING] = "abbabbbb bbbbujbbbbbbfb",
    [STATE_UP] = "auuauuuu uuuuujuuuuuuuu",         [STATE_JOINING] = "ajjajjjj jjjjjjfRjjjjfj",
    [STATE_READY] = "aRRaRRRR RRRRRRRRRRRRRR",      [STATE_FAILED] = "affaffff ffffujfRffffff",
};

static struct change sample(enum change_kind kind)
{
    struct change c = {.kind = kind};
    switch (kind) {
    case CHANGE_ARM:
    case CHANGE_REPROVISION: c.arm.length_ms = WINDOW_DEFAULT_MS; break;
    case CHANGE_REPORT: c.report.name = STR("modules-config/config-ntp"); break;
    case CHANGE_CLAIM: c.claim = (struct claim){STR("J"), STR("claim-1")}; break;
    case CHANGE_RESULT: c.result.by = (struct claim){STR("J"), STR("claim-1")}; break;
    case CHANGE_NODE_READY:
        c.handed = true;
        c.silent_ms = JOINING_MS;
        break;
    case CHANGE_DEADLINE: c.silent_ms = JOINING_MS; break;
    default: break;
    }
    return c;
}

static void every_change_in_every_state(void **state)
{
    static const char letters[] = "raibujRf";
    (void)state;
    for (int from = 0; from < STATE_COUNT; from++) {
        for (int kind = 0; kind < CHANGE_COUNT; kind++) {
            life_end(&l);
            life_begin(&l);
            l.bootstraps = true;
            life_to(&l, (enum node_state)from);
            assert_state(&l, (enum node_state)from);
            life_apply(&l, sample((enum change_kind)kind));
            char got = letters[l.r.state], want = cells[from][kind < 8 ? kind : kind + 1];
            if (got != want)
                fail_msg("from %s by change %d: %c, not %c", node_state_names[from], kind, got,
                         want);
            assert_true(l.out.verdict == OUTCOME_WRITE || l.out.events_n == 0);
        }
    }
}

#define LIFE(name) cmocka_unit_test_setup_teardown(name, begin, end)

UNIT_MAIN(LIFE(a_node_that_is_installed), LIFE(an_installation_ends_with_the_next_boot),
          LIFE(an_installation_may_outlast_its_window), LIFE(an_installer_that_fails),
          LIFE(an_installer_has_the_time_of_its_role), LIFE(an_installer_that_is_heard_of_late),
          LIFE(an_installer_that_reports_after_its_end),
          LIFE(an_installer_that_reports_at_the_url_of_the_disk),
          LIFE(a_disk_whose_fetches_do_not_count), LIFE(an_installer_counts_by_a_key),
          LIFE(an_installation_ends_with_what_the_disk_fetches),
          LIFE(an_installer_that_was_silent_for_too_long),
          LIFE(an_installer_that_begins_after_the_time_of_a_boot),
          LIFE(the_disk_of_an_installer_that_failed), LIFE(an_installer_after_a_boot_that_failed),
          LIFE(a_disk_in_a_window_of_an_installer), LIFE(a_node_without_bootstrap),
          LIFE(a_node_that_joins), LIFE(without_a_call_the_last_stage_makes_it_up),
          LIFE(a_last_stage_that_failed), LIFE(a_step_that_failed), LIFE(a_join_that_failed),
          LIFE(a_late_success_mends_a_failure), LIFE(certificates_are_events_and_alarms),
          LIFE(a_node_that_was_given_nothing_is_not_ready),
          LIFE(readiness_that_passes_does_not_count),
          LIFE(a_silent_node_is_ready_when_its_cluster_says_so), LIFE(readiness_mends_a_failure),
          LIFE(a_node_may_become_ready_after_its_window), LIFE(what_a_cluster_loses_is_told_once),
          LIFE(joining_has_the_time_that_its_claim_says),
          LIFE(a_result_is_of_the_boot_that_has_the_claim),
          LIFE(a_key_of_the_window_before_claims_nothing), LIFE(a_wrong_join_key_raises_an_alarm),
          LIFE(a_reboot_changes_nothing), LIFE(other_host_keys_raise_an_alarm),
          LIFE(a_first_boot_once_more), LIFE(a_part_of_the_call_forgets_nothing),
          LIFE(nobody_but_an_admin_replaces_host_keys), LIFE(a_node_has_one_vm),
          LIFE(a_vm_that_is_given_up_is_kept_in_mind), LIFE(host_keys_end_with_the_build),
          LIFE(an_alarm_may_lock), LIFE(claims), LIFE(a_window_pins_the_first_uuid),
          LIFE(the_machine_of_another_node), LIFE(an_old_window_key_fails_no_node),
          LIFE(mismatches), LIFE(nobody_asked_for_it), LIFE(silence_ends_a_boot),
          LIFE(joining_has_its_time), LIFE(no_deadline_where_nothing_is_awaited),
          LIFE(reprovisioning_raises_the_generation), LIFE(a_standing_master_is_not_reprovisioned),
          LIFE(what_a_node_waits_for_is_told_once), LIFE(every_change_in_every_state))
