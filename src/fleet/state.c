/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/state.h"

#include "fleet/build.h"
#include "fleet/event.h"
#include "fleet/step.h"

/* --- What admins do -------------------------------------------------------------------------- */

static void open_window(struct step *s)
{
    const struct change *c = s->c;
    s->r->has_window = true;
    s->r->window = (struct window){
        .opened_wall_ms = c->at.wall_ms,
        .length_ms = c->arm.length_ms,
        .ends_boot_ms = c->at.boot_ms + c->arm.length_ms,
        .boot_id = c->at.boot_id,
        .join_key = c->arm.join_key,
        .window_key = c->arm.window_key,
        .claim = {"", 0},
        .uuid = {"", 0},
        .pin = c->arm.pin,
    };
    s->r->locked = s->r->joined = s->r->handed = s->r->seen = false;
    s->r->installer = s->r->installed = false;
    s->r->away = (struct str){"", 0};
    s->r->joined_claim = (struct str){"", 0};
    s->r->joining_ms = 0;
    s->r->has_boot = false;
    step_enter(s, STATE_ARMED, event_armed(c->arm.length_ms, s->r->generation, s->arena));
}

static void disarm(struct step *s)
{
    if (!s->r->has_window)
        return;
    step_close_window(s);
    if (s->r->state == STATE_ARMED)
        step_enter(s, STATE_REGISTERED, value_none());
    else
        step_event(s, "disarmed", value_none());
}

static void unlock(struct step *s)
{
    if (!s->r->locked)
        return;
    s->r->locked = false;
    step_event(s, "unlocked", value_none());
}

static void reprovision(struct step *s)
{
    if (s->c->is_master && (s->r->state == STATE_READY || s->r->state == STATE_JOINING)) {
        step_refuse(s, 409,
                    "a master is not built again while its etcd member stands: remove it from the "
                    "cluster first, then disarm, reset and arm it");
        return;
    }
    if (s->r->generation < UINT32_MAX) /* generation 0 could not be read again */
        s->r->generation++;
    s->r->host_keys_n = s->r->offered_keys_n = 0;
    step_event(s, "reprovisioned", event_generation(s->r->generation, s->arena));
    open_window(s);
}

static void accept_keys(struct step *s)
{
    struct record *r = s->r;
    if (!r->offered_keys_n) {
        step_refuse(s, 409, "it has not offered other ssh host keys than those that are known");
        return;
    }
    memcpy(r->host_keys, r->offered_keys, sizeof(r->host_keys));
    r->host_keys_n = r->offered_keys_n;
    r->offered_keys_n = 0;
    step_event(s, "identity", event_identity(r, s->arena));
}

/* Two VMs of one node must never run: the one that is known is forgotten first. It may be on
 * another host by now. */
static void set_vm(struct step *s)
{
    struct vm *known = &s->r->vm;
    const struct vm *now = &s->c->vm;
    bool same_vm = str_eq(known->endpoint, now->endpoint) && known->vmid == now->vmid;
    if (same_vm && str_eq(known->host, now->host))
        return;
    if (known->endpoint.n && now->endpoint.n && !same_vm) {
        step_refuse(s, 409,
                    arena_printf(s->arena,
                                 "it has the VM %u of %.*s: remove or unregister that first",
                                 known->vmid, STR_ARG(known->endpoint))
                        .p);
        return;
    }
    step_event(s, now->endpoint.n ? "vm" : "vm-gone",
               event_vm(now->endpoint.n ? now : known, s->arena));
    *known = *now;
}

/* The VM may be there still, and must never run again: what is known of it is kept. */
static void lose_vm(struct step *s)
{
    struct record *r = s->r;
    if (!r->vm.endpoint.n) {
        step_refuse(s, 409, "it has no VM that could be given up");
        return;
    }
    if (r->tombstones_n == RECORD_TOMBSTONES_MAX) {
        step_refuse(s, 409,
                    "too many of its VMs were given up and are not removed yet: remove some");
        return;
    }
    struct tombstone *list = ARENA_ARRAY(s->arena, struct tombstone, r->tombstones_n + 1);
    for (uint32_t i = 0; i < r->tombstones_n; i++)
        list[i] = r->tombstones[i];
    list[r->tombstones_n++] = (struct tombstone){r->vm, r->generation};
    r->tombstones = list;
    step_event(s, "vm-lost", event_vm(&r->vm, s->arena));
    r->vm = (struct vm){STR(""), STR(""), 0};
}

static void bury_vm(struct step *s)
{
    struct record *r = s->r;
    struct tombstone *list = ARENA_ARRAY(s->arena, struct tombstone, r->tombstones_n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->tombstones_n; i++) {
        const struct vm *at = &r->tombstones[i].vm;
        if (str_eq(at->endpoint, s->c->vm.endpoint) && at->vmid == s->c->vm.vmid)
            step_event(s, "vm-gone", event_vm(at, s->arena));
        else
            list[n++] = r->tombstones[i];
    }
    r->tombstones = list;
    r->tombstones_n = n;
}

/* --- Who is not the node -----------------------------------------------------------------------
 */

static void mismatch(struct step *s)
{
    step_refuse(s, 403, "the machine fits this node only in part");
    step_alarm(s, "a machine fits this node only in part", s->c->mismatch);
}

static void wrong_key(struct step *s)
{
    step_refuse(s, 403, "this is not the join key of the node's build window");
    step_alarm(s, "a wrong join key", (struct str){"", 0});
}

/* --- Joining --------------------------------------------------------------------------------- */

/* Another window may have been opened since the asker showed the key of this one. */
static bool refuse_claim(struct step *s, const struct claim *by)
{
    const struct window *w = &s->r->window;
    if (!s->window_open || !str_eq(w->join_key, by->join_key))
        step_refuse(s, 410, "the build window is over: 'cloudseed node arm' opens another one");
    else if (s->r->locked)
        step_refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
    else if (!s->c->bootstraps)
        step_refuse(s, 403, "this node's role does not bootstrap");
    else if ((w->claim.n && !str_eq(w->claim, by->digest)) ||
             (w->uuid.n && by->uuid.n && !str_eq(w->uuid, by->uuid))) {
        step_refuse(s, 409,
                    "another boot has claimed this node: was it cloned, or restarted before it "
                    "had joined? 'cloudseed node arm' lets it begin again");
        step_alarm(s, "another claim", (struct str){"", 0});
    } else {
        return false;
    }
    return true;
}

/* A copy of another node's disk. It is an alarm and no more: an admin may have given a machine
 * another name. */
static void note_machine(struct step *s, struct str machine)
{
    bool is_new = machine.n && !str_eq(s->r->machine, machine);
    if (!is_new)
        return;
    s->r->machine = machine;
    s->out->verdict = OUTCOME_WRITE;
    if (s->c->twin.n)
        step_alarm(s, "the machine-id of another node: its disk was copied", s->c->twin);
}

/* A join that failed may be tried again by the same boot. */
static void claim(struct step *s)
{
    const struct claim *by = &s->c->claim;
    if (refuse_claim(s, by))
        return;
    if (!s->r->window.uuid.n && by->uuid.n) {
        s->r->window.uuid = by->uuid;
        s->out->verdict = OUTCOME_WRITE;
    }
    note_machine(s, by->machine);
    if (s->r->locked) {
        step_refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
        return;
    }
    s->r->window.claim = by->digest;
    s->r->joining_ms = s->c->joining_ms;
    if (s->r->state != STATE_JOINING)
        step_enter(s, STATE_JOINING, value_none());
}

/* It asks again and again: only another reason is news. */
/* It stays in its state, and asks again: an admin mends the template. */
static void unrendered(struct step *s)
{
    struct record *r = s->r;
    struct str why = s->c->unrendered;
    if (r->state != STATE_JOINING || str_eq(r->reason, why))
        return;
    r->stage = why.n ? STR("bootstrap") : STR("");
    r->reason = why;
    s->out->verdict = OUTCOME_WRITE;
    if (why.n)
        step_event(s, "render-failed", event_reason(why, s->arena));
}

static void waits(struct step *s)
{
    if (s->r->state != STATE_JOINING || s->r->handed || str_eq(s->r->waits, s->c->waits))
        return;
    s->r->waits = s->c->waits;
    step_event(s, "waits", event_reason(s->r->waits, s->arena));
}

static bool is_noted(const struct record *r, const struct join_result *j)
{
    return r->state == STATE_FAILED && str_eq(r->stage, j->stage) && str_eq(r->log, j->log);
}

static uint64_t joining_ms(const struct record *r)
{
    return r->joining_ms ? r->joining_ms : JOINING_MS;
}

/* Both must be so: a node that has not said that it is done may still ask for something, as one
 * that applies addons. Where it stays silent, what its cluster says is enough. */
static void settle(struct step *s, uint64_t silent_ms)
{
    if (s->r->state != STATE_JOINING || !s->r->seen ||
        !(s->r->joined || silent_ms >= joining_ms(s->r)))
        return;
    s->r->joined_claim = s->r->window.claim; /* the boot's report may come again */
    step_close_window(s);
    s->r->handed = false;
    s->r->joining_ms = 0;
    step_enter(s, STATE_READY, value_none());
}

/* What comes again changes nothing. A success mends a failure: that may only have been silence. */
static void result(struct step *s)
{
    const struct join_result *j = &s->c->result;
    if (refuse_claim(s, &j->by))
        return;
    if (!s->r->window.claim.n) {
        step_refuse(s, 409, "no boot has claimed this node's build window");
        return;
    }
    if (!j->ok) {
        if (!is_noted(s->r, j))
            step_fail(s, j->stage, j->reason, j->log);
        s->r->joined = false;
        return;
    }
    if (s->r->state != STATE_JOINING)
        step_enter(s, STATE_JOINING, value_none());
    if (!s->r->joined)
        step_event(s, "joined", value_none());
    s->r->joined = true;
    settle(s, 0);
}

/* --- What its cluster says of it ------------------------------------------------------------- */

static bool may_be_seen(const struct record *r)
{
    return r->state == STATE_JOINING || r->state == STATE_FAILED || r->state == STATE_READY;
}

/* Only of a node that was given what it needs to join: another machine may have the name. It mends
 * a failure, which may only have been silence. */
static void node_ready(struct step *s)
{
    struct record *r = s->r;
    bool is_known = r->state == STATE_READY || r->handed || r->joined;
    if (!may_be_seen(r) || !is_known)
        return;
    if (!r->seen)
        s->out->verdict = OUTCOME_WRITE;
    r->seen = true;
    if (r->away.n)
        step_event(s, "ready-again", value_none());
    r->away = (struct str){"", 0};
    if (r->state == STATE_FAILED)
        step_enter(s, STATE_JOINING, value_none());
    settle(s, s->c->silent_ms);
}

static void node_away(struct step *s)
{
    struct record *r = s->r;
    if (!may_be_seen(r))
        return;
    if (r->seen)
        s->out->verdict = OUTCOME_WRITE;
    r->seen = false;
    if (r->state != STATE_READY || r->away.n)
        return;
    r->away = s->c->away;
    r->away_wall_ms = s->c->at.wall_ms;
    step_event(s, "not-ready", event_reason(r->away, s->arena));
}

static void certificate(struct step *s)
{
    if (s->c->certificate.approved)
        step_event(s, "approved", event_approved(s->c->certificate.serving, s->arena));
    else
        step_alarm(s, "a certificate request that is not approved", s->c->certificate.why);
}

/* --- Time ------------------------------------------------------------------------------------ */

static void expire_window(struct step *s)
{
    if (!s->r->has_window || window_left_ms(&s->r->window, &s->c->at))
        return;
    step_close_window(s);
    step_event(s, "expired", value_none());
    if (s->r->state == STATE_ARMED)
        step_enter(s, STATE_REGISTERED, value_none());
}

static void expire_old_key(struct step *s)
{
    if (!s->r->boot.window_key.n || old_key_left_ms(&s->r->boot, &s->c->at))
        return;
    step_drop_old_key(s);
    s->out->verdict = OUTCOME_WRITE;
}

static uint64_t patience_ms(const struct record *r)
{
    switch (r->state) {
    case STATE_INSTALLING:
    case STATE_BOOTING: return r->boot_ms ? r->boot_ms : BOOTING_SILENT_MS;
    case STATE_JOINING: return joining_ms(r);
    default: return UINT64_MAX;
    }
}

static void deadline(struct step *s)
{
    uint64_t patience = patience_ms(s->r);
    if (patience == UINT64_MAX || s->c->silent_ms < patience)
        return;
    unsigned minutes = (unsigned)(patience / 60000);
    if (s->r->state == STATE_BOOTING || s->r->state == STATE_INSTALLING)
        step_fail(s, s->r->boot.stage,
                  arena_printf(s->arena, "nothing was heard of %s for %u minutes",
                               s->r->state == STATE_BOOTING ? "it" : "its installer", minutes),
                  STR(""));
    else if (s->r->seen)
        settle(s, s->c->silent_ms);
    else
        step_fail(s, STR("join"),
                  arena_printf(s->arena,
                               "it did not join, and nothing was heard of it for %u minutes",
                               minutes),
                  STR(""));
}

/* Nobody is in the middle of the boot that the record tells of: no key is left to it. */
static void restore(struct step *s)
{
    if (s->r->has_window || s->r->boot.window_key.n) {
        step_close_window(s);
        step_drop_old_key(s);
        if (s->r->state == STATE_ARMED)
            step_enter(s, STATE_REGISTERED, value_none());
        else
            step_event(s, "disarmed", value_none());
    }
    if (s->c->generation > s->r->generation) {
        s->r->generation = s->c->generation;
        step_event(s, "restored", event_generation(s->r->generation, s->arena));
    }
}

uint64_t state_due(const struct record *r, const struct moment *now, uint64_t heard_boot_ms)
{
    uint64_t window = UINT64_MAX, silence = patience_ms(r);
    if (r->has_window)
        window = now->boot_ms + window_left_ms(&r->window, now);
    if (silence != UINT64_MAX)
        silence += heard_boot_ms;
    if (r->boot.window_key.n)
        window = now->boot_ms + old_key_left_ms(&r->boot, now);
    return window < silence ? window : silence;
}

void state_apply(struct record *r, const struct change *c, struct arena *a, struct outcome *ret)
{
    static void (*const steps[CHANGE_COUNT])(struct step * s) = {
        [CHANGE_ARM] = open_window,
        [CHANGE_DISARM] = disarm,
        [CHANGE_UNLOCK] = unlock,
        [CHANGE_REPROVISION] = reprovision,
        [CHANGE_ACCEPT_KEYS] = accept_keys,
        [CHANGE_VM] = set_vm,
        [CHANGE_VM_LOST] = lose_vm,
        [CHANGE_VM_BURIED] = bury_vm,
        [CHANGE_MISMATCH] = mismatch,
        [CHANGE_WRONG_KEY] = wrong_key,
        [CHANGE_FETCH] = build_fetch,
        [CHANGE_REPORT] = build_report,
        [CHANGE_PHONE_HOME] = build_phone_home,
        [CHANGE_CLAIM] = claim,
        [CHANGE_RESULT] = result,
        [CHANGE_NODE_READY] = node_ready,
        [CHANGE_NODE_AWAY] = node_away,
        [CHANGE_WAITS] = waits,
        [CHANGE_UNRENDERED] = unrendered,
        [CHANGE_CERTIFICATE] = certificate,
        [CHANGE_DEADLINE] = deadline,
        [CHANGE_RESTORE] = restore,
    };
    struct step s = {.r = r, .c = c, .arena = a, .out = ret};
    *ret = (struct outcome){.verdict = OUTCOME_SAME, .status = 200};
    r->handed |= c->handed;
    expire_window(&s);
    expire_old_key(&s);
    s.window_open = r->has_window;
    steps[c->kind](&s);
}
