/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/build.h"

#include "fleet/event.h"
#include "fleet/step.h"

static bool is_up(enum node_state state)
{
    return state == STATE_UP || state == STATE_JOINING || state == STATE_READY;
}

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

/* The machine boots what the node will be: without an installer, or after that. */
static void begin_booting(struct step *s, struct value data)
{
    begin_boot(s, false);
    step_enter(s, STATE_BOOTING, data);
}

static void begin_installing(struct step *s, struct value data)
{
    begin_boot(s, false);
    s->r->installed = false;
    step_enter(s, STATE_INSTALLING, data);
}

/* From now on the machine is not installed a second time in this window, whatever it asks for. */
static void hear_installer(struct step *s)
{
    if (!s->r->installer)
        s->out->verdict = OUTCOME_WRITE;
    s->r->installer = true;
}

/* What boots from the disk then is an older system, or an incomplete one. */
static bool installer_failed(const struct record *r)
{
    return r->state == STATE_FAILED && r->boot.finished;
}

/* From now on what comes at the disk's URL is of the system that was installed there. */
static void hear_disk(struct step *s)
{
    struct record *r = s->r;
    r->installer = r->installed = true;
    s->out->verdict = OUTCOME_WRITE;
    if (r->state == STATE_BOOTING)
        begin_boot(s, false);
    else
        begin_booting(s, event_fetch(s->c, s->arena));
}

/* A machine that asks what to boot while its installer should be at work was started again: it gets
 * its disk. An installer that cannot report ends so. */
static void script_again(struct step *s)
{
    const struct record *r = s->r;
    if (r->installer && r->state != STATE_BOOTING && !installer_failed(r))
        begin_booting(s, event_fetch(s->c, s->arena));
}

/* Whether the installer is at work or may begin, or the disk was not heard of yet. */
static bool is_installed(const struct step *s)
{
    const struct record *r = s->r;
    bool may_begin = r->state == STATE_ARMED || (r->state == STATE_FAILED && s->window_open);
    return r->state == STATE_INSTALLING || record_awaits_disk(r) ||
           (may_begin && s->c->installs && !r->installed);
}

/* By a key. Without one anybody on the network could say that the installer has begun. */
static void fetch_of_installed(struct step *s)
{
    const struct record *r = s->r;
    if (s->c->fetch.what == FETCH_SEED) {
        if (!installer_failed(r))
            hear_disk(s);
        return;
    }
    if (r->state == STATE_ARMED || (r->state == STATE_FAILED && !r->installer))
        begin_installing(s, event_fetch(s->c, s->arena));
    hear_installer(s);
}

void build_fetch(struct step *s)
{
    const struct record *r = s->r;
    bool weak = s->c->fetch.evidence.n, is_armed = r->state == STATE_ARMED;
    if (s->c->fetch.what == FETCH_SCRIPT && !is_armed && is_installed(s)) {
        script_again(s); /* whatever it shows, it was answered with its disk */
    } else if (weak && !s->window_open) {
        step_refuse(s, 403,
                    "this node is not to be built now: an admin opens that with 'cloudseed node "
                    "arm'");
        step_alarm(s, "fetch by weak evidence outside of a build window", s->c->fetch.evidence);
    } else if (weak && r->locked) {
        step_refuse(s, 403, "this node is locked after an alarm: 'cloudseed node arm' unlocks it");
    } else if (!weak && is_installed(s)) {
        fetch_of_installed(s);
    } else if (is_armed && s->c->installs) {
        begin_installing(s, event_fetch(s->c, s->arena));
    } else if (is_armed) {
        begin_booting(s, event_fetch(s->c, s->arena));
    }
}

/* --- Reports --------------------------------------------------------------------------------- */

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
    step_drop_old_key(s);
    if (s->r->boot.reboot || state == STATE_READY || state == STATE_JOINING)
        return;
    bool has_failed = went_wrong(p) || (failed.n && !s->c->bootstraps);
    if (has_failed && s->c->by_window_key && !s->window_open)
        return; /* anyone on the network may have that key: silence tells */
    if (has_failed) {
        step_fail(s, failed.n ? failed : p->name,
                  STR("the step failed: cloud-init's log on the node says why"), STR(""));
    } else if (s->c->bootstraps) {
        if (state != STATE_UP)
            step_enter(s, STATE_UP, value_none());
    } else {
        step_close_window(s);
        step_enter(s, STATE_READY, event_finished(p, s->r->boot.warnings, s->arena));
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
    step_event(s, "progress", event_progress(p, s->r->boot.reboot, s->arena));
}

/* The key of a window that has ended is good for the boot that began in it, for OLD_KEY_MS. */
static bool refuse_old_key(struct step *s)
{
    if (!s->c->by_window_key || s->window_open || s->r->boot.window_key.n)
        return false;
    step_refuse(s, 404, "the build window of this key has ended");
    return true;
}

/* What a template has its installer say at its end. */
static bool ends_an_installation(const struct report *p)
{
    return str_is(p->type, "finish") && str_is(p->name, "install");
}

/* By its URL. Installers whose document an older version made, or a copy of its template, report at
 * the disk's: what comes there before the disk was heard of is theirs. A system that begins to boot
 * once they have ended is the disk's. */
static bool is_of_installer(const struct step *s, bool begins_to_boot)
{
    const struct record *r = s->r;
    return s->c->by_installer || r->state == STATE_INSTALLING ||
           (r->state == STATE_ARMED && s->c->installs) ||
           (record_awaits_disk(r) && !(begins_to_boot && r->state == STATE_BOOTING));
}

static void take_end_of_installer(struct step *s)
{
    const struct report *p = &s->c->report;
    struct record *r = s->r;
    if (p->result != REPORT_FAIL) {
        if (r->state != STATE_BOOTING)
            begin_booting(s, value_none());
    } else if (s->window_open || !s->c->by_window_key) {
        if (r->state != STATE_FAILED)
            step_fail(s, p->name,
                      p->description.n ? p->description : STR("its installer has failed"), STR(""));
        r->boot.finished = true;
    }
}

/* An installer may have a cloud-init of its own: neither the end of that nor a step that failed in
 * it says anything of the machine. What it reports once the disk was heard of comes late. */
static void report_of_installer(struct step *s)
{
    const struct report *p = &s->c->report;
    struct record *r = s->r;
    bool again = r->state == STATE_FAILED && s->window_open && begins_a_boot(p) &&
                 (s->c->by_installer || !r->boot.finished);
    if (r->state == STATE_ARMED || again)
        begin_installing(s, value_none());
    if (r->state == STATE_INSTALLING || (r->state == STATE_FAILED && s->window_open))
        hear_installer(s);
    if (record_awaits_disk(r)) {
        note_progress(s);
        if (ends_an_installation(p))
            take_end_of_installer(s);
    } else if (!s->window_open) {
        step_alarm(s, "reports of a node that was not to be built", p->name);
    }
}

void build_report(struct step *s)
{
    const struct report *p = &s->c->report;
    enum node_state state = s->r->state;
    bool begins = begins_a_boot(p);
    if (refuse_old_key(s))
        return;
    if (is_of_installer(s, begins)) {
        report_of_installer(s);
        return;
    }
    if (record_awaits_disk(s->r)) {
        hear_disk(s);
    } else if (state == STATE_ARMED || (state == STATE_FAILED && s->window_open && begins)) {
        begin_booting(s, value_none());
    } else if (is_up(state) && begins && !step_is_booting(s)) {
        begin_boot(s, true);
        step_event(s, "rebooted", value_none());
    } else if (!s->r->has_boot) {
        step_alarm(s, "reports of a node that was not to be built", p->name);
        return;
    }
    note_progress(s);
    if (ends_a_boot(p))
        finish_boot(s);
}

/* --- Calls home ------------------------------------------------------------------------------ */

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
    step_alarm(s, "other ssh host keys than before: 'cloudseed node accept-keys' accepts them",
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
void build_phone_home(struct step *s)
{
    const struct phone_home *p = &s->c->phone_home;
    struct record *r = s->r;
    bool up = is_up(r->state);
    if (refuse_old_key(s))
        return;
    if (!s->window_open && !r->has_boot) {
        step_alarm(s, "a call of a node that was not to be built", p->hostname);
        return;
    }
    if (r->state == STATE_ARMED && s->c->installs)
        begin_installing(s, value_none());
    if (is_of_installer(s, false)) {
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
        step_enter(s, STATE_UP, event_identity(r, s->arena));
    else if (news)
        step_event(s, "identity", event_identity(r, s->arena));
}
