/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/step.h"

#include "fleet/event.h"

void step_event(struct step *s, const char *kind, struct value data)
{
    struct outcome *out = s->out;
    out->verdict = OUTCOME_WRITE;
    if (out->events_n < EVENTS_MAX)
        out->events[out->events_n++] = (struct event){kind, data};
}

void step_refuse(struct step *s, int status, const char *reason)
{
    s->out->status = status;
    s->out->reason = reason;
}

void step_enter(struct step *s, enum node_state to, struct value data)
{
    enum node_state from = s->r->state;
    s->r->state = to;
    s->r->since_wall_ms = s->c->at.wall_ms;
    s->r->stage = s->r->reason = s->r->log = s->r->waits = (struct str){"", 0};
    step_event(s, node_state_names[to], event_with_from(data, from, s->arena));
}

void step_drop_old_key(struct step *s)
{
    s->r->boot.window_key = s->r->boot.key_boot_id = (struct str){"", 0};
    s->r->boot.key_closed_wall_ms = 0;
    s->r->boot.key_ends_boot_ms = 0;
}

void step_fail(struct step *s, struct str stage, struct str reason, struct str log)
{
    step_enter(s, STATE_FAILED, event_failed(stage, reason, log, s->arena));
    s->r->stage = stage;
    s->r->reason = reason;
    s->r->log = log;
    step_drop_old_key(s);
}

bool step_is_booting(const struct step *s)
{
    return s->r->has_boot && !s->r->boot.finished;
}

void step_close_window(struct step *s)
{
    if (step_is_booting(s) && s->r->state != STATE_FAILED) {
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

void step_alarm(struct step *s, const char *what, struct str detail)
{
    if (!was_just_noted(s, str_from(what), detail)) {
        s->r->burst++;
        s->r->alarm = str_from(what);
        s->r->alarm_detail = detail;
        s->r->alarm_wall_ms = s->c->at.wall_ms;
        s->r->alarms++;
        step_event(s, "alarm", event_alarm(str_from(what), detail, s->arena));
    }
    /* The one that was noted may have come from a peer that must not lock. */
    if (s->c->lock_on_alarm && !s->r->locked) {
        s->r->locked = true;
        step_event(s, "locked", event_reason(str_from(what), s->arena));
    }
}
