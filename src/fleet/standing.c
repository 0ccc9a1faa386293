/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of the nodes, kept as their records change: nobody has to look at all of them. */
#include "fleet/internal.h"

#include "base/mem.h"
#include "model/event.h"

#include <stdlib.h>

void standings_init(struct fleet *f)
{
    size_t kinds = 0;
    while (event_kind_at(kinds))
        kinds++;
    f->event_counts = mem_zalloc(kinds, sizeof(*f->event_counts));
    TAILQ_INIT(&f->troubled);
}

void standings_done(struct fleet *f)
{
    free(f->event_counts);
}

static unsigned troubles_of(const struct record *r)
{
    unsigned set = r->state == STATE_FAILED ? TROUBLE_FAILED : 0;
    set |= r->locked ? TROUBLE_LOCKED : 0;
    set |= r->alarms ? TROUBLE_ALARM : 0;
    set |= r->state == STATE_READY && r->away.n ? TROUBLE_NOT_READY : 0;
    set |= r->state == STATE_JOINING && r->reason.n ? TROUBLE_UNRENDERED : 0;
    return set;
}

/* Windows that were opened before, or closed: which one is the oldest must be found again. */
static void count_window(struct fleet *f, int64_t before_ms, int64_t now_ms)
{
    if (!before_ms)
        f->windows_n++;
    else if (!now_ms)
        f->windows_n--;
    if (before_ms && before_ms == f->oldest_window_ms)
        f->oldest_window_ms = 0;
    else if (now_ms && (f->windows_n == 1 || (f->oldest_window_ms && now_ms < f->oldest_window_ms)))
        f->oldest_window_ms = now_ms;
}

static void list(struct fleet *f, struct member *m)
{
    TAILQ_INSERT_TAIL(&f->troubled, m, trouble);
    f->troubled_n++;
}

static void unlist(struct fleet *f, struct member *m)
{
    TAILQ_REMOVE(&f->troubled, m, trouble);
    f->troubled_n--;
}

void standing_set(struct fleet *f, struct member *m, const struct record *r)
{
    const struct fleet_standing before = m->standing;
    const struct fleet_standing now = {
        .state = r->state, .troubles = troubles_of(r), .alarm_wall_ms = r->alarm_wall_ms};
    int64_t opened = r->has_window ? r->window.opened_wall_ms : 0;
    if (opened != m->opened_wall_ms)
        count_window(f, m->opened_wall_ms, opened);
    if (now.troubles && !before.troubles)
        list(f, m);
    else if (before.troubles && !now.troubles)
        unlist(f, m);
    m->standing = now;
    m->opened_wall_ms = opened;
    if (f->on_standing && before.state != now.state)
        f->on_standing(f->standing_cls, str_from(m->uid), before.state, now.state);
}

void standing_count_event(struct fleet *f, struct str kind)
{
    const struct event_kind *k = event_kind_find(kind);
    if (k)
        f->event_counts[k - event_kind_at(0)]++;
}

/* --- What others see ------------------------------------------------------------------------- */

void fleet_follow(struct fleet *f, fleet_on_standing *on, void *cls)
{
    f->on_standing = on;
    f->standing_cls = cls;
}

bool fleet_troubled_at(const struct fleet *f, const struct member **at, struct str *ret_uid,
                       struct fleet_standing *ret)
{
    *at = *at ? TAILQ_NEXT(*at, trouble) : TAILQ_FIRST(&f->troubled);
    if (!*at)
        return false;
    *ret_uid = str_from((*at)->uid);
    *ret = (*at)->standing;
    return true;
}

/* Only after the oldest one was closed. */
static int64_t find_oldest(const struct fleet *f)
{
    int64_t oldest = 0;
    for (uint32_t i = 0; i < f->members_n; i++) {
        int64_t at = f->members[i]->opened_wall_ms;
        if (at && (!oldest || at < oldest))
            oldest = at;
    }
    return oldest;
}

void fleet_counts(struct fleet *f, struct fleet_counts *ret)
{
    if (f->windows_n && !f->oldest_window_ms)
        f->oldest_window_ms = find_oldest(f);
    *ret = (struct fleet_counts){.windows = f->windows_n,
                                 .oldest_window_wall_ms = f->oldest_window_ms,
                                 .troubled = f->troubled_n,
                                 .events = f->event_counts,
                                 .commit_seconds = &f->commit_seconds};
}
