/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/state.h"

#include "fleet/event.h"

#include <assert.h>

/* --- One change at work ---------------------------------------------------------------------- */

struct step {
    struct record *r;
    const struct change *c;
    struct arena *arena;
    struct outcome *out;
    bool window_open;
};

static void add_event(struct step *s, const char *kind, struct value data)
{
    struct outcome *out = s->out;
    out->verdict = OUTCOME_WRITE;
    if (out->events_n < EVENTS_MAX)
        out->events[out->events_n++] = (struct event){kind, data};
}

static void refuse(struct step *s, int status, const char *reason)
{
    s->out->status = status;
    s->out->reason = reason;
}

static bool is_up(enum node_state state)
{
    return state == STATE_UP || state == STATE_JOINING || state == STATE_READY;
}

/* Enters another state; the event has the state's name. */
static void enter(struct step *s, enum node_state to, struct value data)
{
    enum node_state from = s->r->state;
    s->r->state = to;
    s->r->since_wall_ms = s->c->at.wall_ms;
    s->r->stage = s->r->reason = s->r->log = s->r->waits = (struct str){"", 0};
    add_event(s, node_state_names[to], event_with_from(data, from, s->arena));
}

static void drop_old_key(struct step *s)
{
    s->r->boot.window_key = s->r->boot.key_boot_id = (struct str){"", 0};
    s->r->boot.key_closed_wall_ms = 0;
    s->r->boot.key_ends_boot_ms = 0;
}

static void fail_with_log(struct step *s, struct str stage, struct str reason, struct str log)
{
    enter(s, STATE_FAILED, event_failed(stage, reason, log, s->arena));
    s->r->stage = stage;
    s->r->reason = reason;
    s->r->log = log;
    drop_old_key(s);
}

static void fail(struct step *s, struct str stage, struct str reason)
{
    fail_with_log(s, stage, reason, (struct str){"", 0});
}

static bool boot_is_under_way(const struct step *s)
{
    return s->r->has_boot && !s->r->boot.finished;
}

/* A boot that knows only the window's key goes on reporting with it for OLD_KEY_MS: each refused
 * report would delay it by seconds. */
static void close_window(struct step *s)
{
    if (boot_is_under_way(s) && s->r->state != STATE_FAILED) {
        s->r->boot.window_key = s->r->window.window_key;
        s->r->boot.key_closed_wall_ms = s->c->at.wall_ms;
        s->r->boot.key_ends_boot_ms = s->c->at.boot_ms + OLD_KEY_MS;
        s->r->boot.key_boot_id = s->c->at.boot_id;
    }
    s->r->has_window = false;
    s->r->window = (struct window){0};
    s->window_open = false;
}

/* --- Alarms ---------------------------------------------------------------------------------- */

static bool is_recent(const struct step *s, int64_t wall_ms)
{
    int64_t passed = s->c->at.wall_ms - wall_ms;
    return passed >= 0 && passed < ALARM_QUIET_MS;
}

/* Anyone on the network can cause some alarms: a repeated one is noted only once in ALARM_QUIET_MS,
 * and no more than ALARM_BURST_MAX of them, so that nobody can fill the journal. Only mismatches
 * and requests differ by their detail: it names the values. */
static bool was_just_noted(struct step *s, struct str what, struct str detail)
{
    struct record *r = s->r;
    bool same = str_eq(r->alarm, what) &&
                ((s->c->kind != CHANGE_MISMATCH && s->c->kind != CHANGE_CERTIFICATE) ||
                 str_eq(r->alarm_detail, detail));
    if (same && is_recent(s, r->alarm_wall_ms))
        return true;
    if (!is_recent(s, r->burst_wall_ms)) {
        r->burst_wall_ms = s->c->at.wall_ms;
        r->burst = 0;
    }
    return r->burst >= ALARM_BURST_MAX;
}

static void alarm_raise(struct step *s, const char *what, struct str detail)
{
    if (!was_just_noted(s, str_from(what), detail)) {
        s->r->burst++;
        s->r->alarm = str_from(what);
        s->r->alarm_detail = detail;
        s->r->alarm_wall_ms = s->c->at.wall_ms;
        s->r->alarms++;
        add_event(s, "alarm", event_alarm(str_from(what), detail, s->arena));
    }
    /* The one that was noted may have come from a peer that must not lock. */
    if (s->c->lock_on_alarm && !s->r->locked) {
        s->r->locked = true;
        add_event(s, "locked", event_reason(str_from(what), s->arena));
    }
}

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
    s->r->joining_ms = 0;
    s->r->has_boot = false;
    enter(s, STATE_ARMED, event_armed(c->arm.length_ms, s->r->generation, s->arena));
}

static void disarm(struct step *s)
{
    if (!s->r->has_window)
        return;
    close_window(s);
    if (s->r->state == STATE_ARMED)
        enter(s, STATE_REGISTERED, value_none());
    else
        add_event(s, "disarmed", value_none());
}

static void unlock(struct step *s)
{
    if (!s->r->locked)
        return;
    s->r->locked = false;
    add_event(s, "unlocked", value_none());
}

static void reprovision(struct step *s)
{
    if (s->c->is_master && (s->r->state == STATE_READY || s->r->state == STATE_JOINING)) {
        refuse(s, 409,
               "a master is not built again while its etcd member stands: remove it from the "
               "cluster first, then disarm, reset and arm it");
        return;
    }
    if (s->r->generation < UINT32_MAX) /* generation 0 could not be read again */
        s->r->generation++;
    s->r->host_keys_n = s->r->offered_keys_n = 0;
    add_event(s, "reprovisioned", event_generation(s->r->generation, s->arena));
    open_window(s);
}

static void accept_keys(struct step *s)
{
    struct record *r = s->r;
    if (!r->offered_keys_n) {
        refuse(s, 409, "it has not offered other ssh host keys than those that are known");
        return;
    }
    memcpy(r->host_keys, r->offered_keys, sizeof(r->host_keys));
    r->host_keys_n = r->offered_keys_n;
    r->offered_keys_n = 0;
    add_event(s, "identity", event_identity(r, s->arena));
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
        refuse(s, 409,
               arena_printf(s->arena, "it has the VM %u of %.*s: remove or unregister that first",
                            known->vmid, STR_ARG(known->endpoint))
                   .p);
        return;
    }
    add_event(s, now->endpoint.n ? "vm" : "vm-gone",
              event_vm(now->endpoint.n ? now : known, s->arena));
    *known = *now;
}

/* The VM may be there still, and must never run again: what is known of it is kept. */
static void lose_vm(struct step *s)
{
    struct record *r = s->r;
    if (!r->vm.endpoint.n) {
        refuse(s, 409, "it has no VM that could be given up");
        return;
    }
    if (r->tombstones_n == RECORD_TOMBSTONES_MAX) {
        refuse(s, 409, "too many of its VMs were given up and are not removed yet: remove some");
        return;
    }
    struct tombstone *list = ARENA_ARRAY(s->arena, struct tombstone, r->tombstones_n + 1);
    for (uint32_t i = 0; i < r->tombstones_n; i++)
        list[i] = r->tombstones[i];
    list[r->tombstones_n++] = (struct tombstone){r->vm, r->generation};
    r->tombstones = list;
    add_event(s, "vm-lost", event_vm(&r->vm, s->arena));
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
            add_event(s, "vm-gone", event_vm(at, s->arena));
        else
            list[n++] = r->tombstones[i];
    }
    r->tombstones = list;
    r->tombstones_n = n;
}

/* --- What nodes do --------------------------------------------------------------------------- */

/* A node that is built again makes new ssh host keys. The former ones would stay if it never phoned
 * home. Where a build fails and begins again within its window, only the node's own key tells that
 * it is the node: the window's key keeps those that are known. */
static void begin_boot(struct step *s, bool reboot)
{
    bool is_known = s->r->state == STATE_ARMED || !s->c->by_window_key;
    if (!reboot && is_known)
        s->r->host_keys_n = s->r->offered_keys_n = 0;
    s->r->boot_ms = s->c->boot_ms;
    s->r->has_boot = true;
    s->r->boot = (struct boot){.began_wall_ms = s->c->at.wall_ms,
                               .last_wall_ms = s->c->at.wall_ms,
                               .stage = {"", 0},
                               .failed = {"", 0},
                               .window_key = {"", 0},
                               .key_boot_id = {"", 0},
                               .reboot = reboot};
}

/* --- Installers ------------------------------------------------------------------------------ */

/* The first that is heard of a machine that is being built. */
static void begin_build(struct step *s, struct value data)
{
    begin_boot(s, false);
    enter(s, s->c->installs && !s->r->installed ? STATE_INSTALLING : STATE_BOOTING, data);
}

/* From now on the machine is not installed a second time in this window, whatever it asks for. */
static void hear_installer(struct step *s)
{
    if (!s->r->installer)
        s->out->verdict = OUTCOME_WRITE;
    s->r->installer = true;
}

static void end_installation(struct step *s, struct value data)
{
    s->r->installer = s->r->installed = true;
    begin_boot(s, false);
    enter(s, STATE_BOOTING, data);
}

/* A machine that asks what to boot while its installer should be at work was started again: it gets
 * its disk. An installer that cannot report ends so. */
static void fetch_of_installer(struct step *s)
{
    if (!s->c->fetch.is_script)
        hear_installer(s);
    else if (s->r->installer)
        end_installation(s, event_fetch(s->c, s->arena));
}

/* Also of one that was silent for so long that it counted as failed. */
static bool is_of_installer(const struct step *s)
{
    const struct record *r = s->r;
    return r->state == STATE_INSTALLING || (r->state == STATE_ARMED && s->c->installs) ||
           (r->state == STATE_FAILED && s->window_open && r->installer && !r->installed);
}

static void fetch(struct step *s)
{
    bool weak = s->c->fetch.evidence.n;
    if (s->c->fetch.is_script && s->r->state == STATE_INSTALLING && !s->window_open) {
        fetch_of_installer(s); /* it was answered with its disk */
    } else if (weak && !s->window_open) {
        refuse(s, 403,
               "this node is not to be built now: an admin opens that with 'cloudseed node "
               "arm'");
        alarm_raise(s, "fetch by weak evidence outside of a build window", s->c->fetch.evidence);
    } else if (weak && s->r->locked) {
        refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
    } else if (s->r->state == STATE_ARMED) {
        begin_build(s, event_fetch(s->c, s->arena));
        if (s->r->state == STATE_INSTALLING)
            fetch_of_installer(s);
    } else if (s->r->state == STATE_INSTALLING) {
        fetch_of_installer(s);
    }
}

static void mismatch(struct step *s)
{
    refuse(s, 403, "the machine fits this node only in part");
    alarm_raise(s, "a machine fits this node only in part", s->c->mismatch);
}

static void wrong_key(struct step *s)
{
    refuse(s, 403, "this is not the join key of the node's build window");
    alarm_raise(s, "a wrong join key", (struct str){"", 0});
}

/* The first report of cloud-init in a boot. */
static bool begins_a_boot(const struct report *p)
{
    return str_is(p->type, "start") &&
           (str_is(p->name, "init-network") || str_is(p->name, "init-network/activate-datasource"));
}

static bool ends_a_boot(const struct report *p)
{
    return str_is(p->type, "finish") && str_is(p->name, "modules-final");
}

static bool went_wrong(const struct report *p)
{
    return p->result == REPORT_FAIL || p->result == REPORT_NONE;
}

/* cloud-init has ended: a node without bootstrap is ready, unless one of its steps failed. cloud-
 * init goes on after such a step, and reports success for the later stages. */
static void finish_boot(struct step *s)
{
    const struct report *p = &s->c->report;
    enum node_state state = s->r->state;
    struct str failed = s->r->boot.failed;
    s->r->boot.finished = true;
    drop_old_key(s);
    if (s->r->boot.reboot || state == STATE_READY || state == STATE_JOINING)
        return;
    bool has_failed = went_wrong(p) || (failed.n && !s->c->bootstraps);
    if (has_failed && s->c->by_window_key && !s->window_open)
        return; /* anyone on the network may have that key: silence tells */
    if (has_failed) {
        fail(s, failed.n ? failed : p->name,
             STR("the step failed: cloud-init's log on the node says why"));
    } else if (s->c->bootstraps) {
        if (state != STATE_UP)
            enter(s, STATE_UP, value_none());
    } else {
        close_window(s);
        enter(s, STATE_READY, event_finished(p, s->r->boot.warnings, s->arena));
    }
}

/* A stage repeats the result of its steps, which were counted already. */
static void note_trouble(struct boot *b, const struct report *p)
{
    bool is_step = memchr(p->name.p, '/', p->name.n);
    if ((p->result != REPORT_WARN && p->result != REPORT_FAIL) || (!is_step && b->warnings))
        return;
    b->warnings++;
    if (p->result == REPORT_FAIL)
        b->failed = p->name;
}

static void note_progress(struct step *s)
{
    const struct report *p = &s->c->report;
    s->r->boot.events++;
    s->r->boot.last_wall_ms = s->c->at.wall_ms;
    s->r->boot.stage = p->name;
    note_trouble(&s->r->boot, p);
    add_event(s, "progress", event_progress(p, s->r->boot.reboot, s->arena));
}

/* The key of a window that has ended is good for the boot that began in it, for OLD_KEY_MS. */
static bool refuse_old_key(struct step *s)
{
    if (!s->c->by_window_key || s->window_open || s->r->boot.window_key.n)
        return false;
    refuse(s, 404, "the build window of this key has ended");
    return true;
}

/* What a template has its installer say at its end. */
static bool ends_an_installation(const struct report *p)
{
    return str_is(p->type, "finish") && str_is(p->name, "install");
}

/* An installer has a cloud-init of its own: neither the end of that nor a step that failed in it
 * says anything of the machine. */
static void report_of_installer(struct step *s)
{
    const struct report *p = &s->c->report;
    if (s->r->state == STATE_ARMED || (s->r->state == STATE_FAILED && begins_a_boot(p)))
        begin_build(s, value_none());
    hear_installer(s);
    note_progress(s);
    if (!ends_an_installation(p))
        return;
    if (p->result != REPORT_FAIL)
        end_installation(s, value_none());
    else if (s->r->state != STATE_FAILED && (s->window_open || !s->c->by_window_key))
        fail(s, p->name, p->description.n ? p->description : STR("its installer has failed"));
}

static void report(struct step *s)
{
    if (refuse_old_key(s))
        return;
    if (is_of_installer(s)) {
        report_of_installer(s);
        return;
    }
    const struct report *p = &s->c->report;
    enum node_state state = s->r->state;
    bool was_up = is_up(state);
    if (state == STATE_ARMED || (state == STATE_FAILED && s->window_open && begins_a_boot(p))) {
        begin_build(s, value_none());
    } else if (was_up && begins_a_boot(p) && !boot_is_under_way(s)) {
        begin_boot(s, true);
        add_event(s, "rebooted", value_none());
    } else if (!s->r->has_boot) {
        alarm_raise(s, "reports of a node that was not to be built", p->name);
        return;
    }
    note_progress(s);
    if (ends_a_boot(p))
        finish_boot(s);
}

static bool has_host_key(const struct phone_home *p, const struct host_key *key)
{
    for (uint32_t i = 0; i < p->host_keys_n; i++) {
        if (str_eq(key->kind, p->host_keys[i].kind))
            return str_eq(key->key, p->host_keys[i].key);
    }
    return false;
}

/* In any order: no two of them are of one kind. */
static bool same_host_keys(const struct host_key *keys, uint32_t n, const struct phone_home *p)
{
    uint32_t same = 0;
    while (same < n && has_host_key(p, &keys[same]))
        same++;
    return same == n && n == p->host_keys_n;
}

static void take_identity(struct record *r, const struct phone_home *p)
{
    r->hostname = p->hostname;
    r->fqdn = p->fqdn;
    r->instance_id = p->instance_id;
    memcpy(r->host_keys, p->host_keys, sizeof(r->host_keys));
    r->host_keys_n = p->host_keys_n;
}

/* They wait for an admin, beside those that are known. */
static void offer_keys(struct step *s)
{
    const struct phone_home *p = &s->c->phone_home;
    struct record *r = s->r;
    alarm_raise(s, "other ssh host keys than before: 'cloudseed node accept-keys' accepts them",
                p->hostname);
    if (same_host_keys(r->offered_keys, r->offered_keys_n, p))
        return;
    memcpy(r->offered_keys, p->host_keys, sizeof(r->offered_keys));
    r->offered_keys_n = p->host_keys_n;
    s->out->verdict = OUTCOME_WRITE;
}

/* A repeated call changes nothing; keys that differ are what matters. Those of a node that is up
 * are replaced only by an admin, whichever key the call came with; nor does a window that has ended
 * let a boot replace any. The window's key never does: anyone who has it could make the node fail
 * first. */
static void phone_home(struct step *s)
{
    const struct phone_home *p = &s->c->phone_home;
    struct record *r = s->r;
    bool up = is_up(r->state);
    if (refuse_old_key(s))
        return;
    if (!s->window_open && !r->has_boot) {
        alarm_raise(s, "a call of a node that was not to be built", p->hostname);
        return;
    }
    if (r->state == STATE_ARMED && s->c->installs)
        begin_build(s, value_none());
    if (r->state == STATE_INSTALLING) {
        hear_installer(s);
        return;
    }
    if (!up && !r->has_boot)
        begin_boot(s, false);
    bool same_keys = same_host_keys(r->host_keys, r->host_keys_n, p);
    if (r->host_keys_n && p->host_keys_n && !same_keys &&
        (up || !s->window_open || s->c->by_window_key)) {
        offer_keys(s);
        return;
    }
    bool news = !str_eq(r->hostname, p->hostname) || !str_eq(r->fqdn, p->fqdn) ||
                !str_eq(r->instance_id, p->instance_id) || !same_keys;
    if (!p->host_keys_n && r->host_keys_n)
        news = false; /* a call without keys does not delete them */
    if (news)
        take_identity(r, p);
    if (!up)
        enter(s, STATE_UP, event_identity(r, s->arena));
    else if (news)
        add_event(s, "identity", event_identity(r, s->arena));
}

/* --- Joining --------------------------------------------------------------------------------- */

/* Another window may have been opened since the asker showed the key of this one. */
static bool refuse_claim(struct step *s, const struct claim *by)
{
    const struct window *w = &s->r->window;
    if (!s->window_open || !str_eq(w->join_key, by->join_key))
        refuse(s, 410, "the build window is over: 'cloudseed node arm' opens another one");
    else if (s->r->locked)
        refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
    else if (!s->c->bootstraps)
        refuse(s, 403, "this node's role does not bootstrap");
    else if ((w->claim.n && !str_eq(w->claim, by->digest)) ||
             (w->uuid.n && by->uuid.n && !str_eq(w->uuid, by->uuid))) {
        refuse(s, 409,
               "another boot has claimed this node: was it cloned, or restarted before it "
               "had joined? 'cloudseed node arm' lets it begin again");
        alarm_raise(s, "another claim", (struct str){"", 0});
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
        alarm_raise(s, "the machine-id of another node: its disk was copied", s->c->twin);
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
        refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
        return;
    }
    s->r->window.claim = by->digest;
    s->r->joining_ms = s->c->joining_ms;
    if (s->r->state != STATE_JOINING)
        enter(s, STATE_JOINING, value_none());
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
        add_event(s, "render-failed", event_reason(why, s->arena));
}

static void waits(struct step *s)
{
    if (s->r->state != STATE_JOINING || s->r->handed || str_eq(s->r->waits, s->c->waits))
        return;
    s->r->waits = s->c->waits;
    add_event(s, "waits", event_reason(s->r->waits, s->arena));
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
    close_window(s);
    s->r->handed = false;
    s->r->joining_ms = 0;
    enter(s, STATE_READY, value_none());
}

/* What comes again changes nothing. A success mends a failure: that may only have been silence. */
static void result(struct step *s)
{
    const struct join_result *j = &s->c->result;
    if (refuse_claim(s, &j->by))
        return;
    if (!s->r->window.claim.n) {
        refuse(s, 409, "no boot has claimed this node's build window");
        return;
    }
    if (!j->ok) {
        if (!is_noted(s->r, j))
            fail_with_log(s, j->stage, j->reason, j->log);
        s->r->joined = false;
        return;
    }
    if (s->r->state != STATE_JOINING)
        enter(s, STATE_JOINING, value_none());
    if (!s->r->joined)
        add_event(s, "joined", value_none());
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
        add_event(s, "ready-again", value_none());
    r->away = (struct str){"", 0};
    if (r->state == STATE_FAILED)
        enter(s, STATE_JOINING, value_none());
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
    add_event(s, "not-ready", event_reason(r->away, s->arena));
}

static void certificate(struct step *s)
{
    if (s->c->certificate.approved)
        add_event(s, "approved", event_approved(s->c->certificate.serving, s->arena));
    else
        alarm_raise(s, "a certificate request that is not approved", s->c->certificate.why);
}

/* --- Time ------------------------------------------------------------------------------------ */

static void expire_window(struct step *s)
{
    if (!s->r->has_window || window_left_ms(&s->r->window, &s->c->at))
        return;
    close_window(s);
    add_event(s, "expired", value_none());
    if (s->r->state == STATE_ARMED)
        enter(s, STATE_REGISTERED, value_none());
}

static void expire_old_key(struct step *s)
{
    if (!s->r->boot.window_key.n || old_key_left_ms(&s->r->boot, &s->c->at))
        return;
    drop_old_key(s);
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
        fail(s, s->r->boot.stage,
             arena_printf(s->arena, "nothing was heard of %s for %u minutes",
                          s->r->state == STATE_BOOTING ? "it" : "its installer", minutes));
    else if (s->r->seen)
        settle(s, s->c->silent_ms);
    else
        fail(s, STR("join"),
             arena_printf(s->arena, "it did not join, and nothing was heard of it for %u minutes",
                          minutes));
}

/* Nobody is in the middle of the boot that the record tells of: no key is left to it. */
static void restore(struct step *s)
{
    if (s->r->has_window || s->r->boot.window_key.n) {
        close_window(s);
        drop_old_key(s);
        if (s->r->state == STATE_ARMED)
            enter(s, STATE_REGISTERED, value_none());
        else
            add_event(s, "disarmed", value_none());
    }
    if (s->c->generation > s->r->generation) {
        s->r->generation = s->c->generation;
        add_event(s, "restored", event_generation(s->r->generation, s->arena));
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
        [CHANGE_FETCH] = fetch,
        [CHANGE_REPORT] = report,
        [CHANGE_PHONE_HOME] = phone_home,
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
