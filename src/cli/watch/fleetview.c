/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/fleetview.h"

#include "base/mem.h"
#include "cli/common/api.h"
#include "cli/watch/event_text.h"

#define EVENT_ARENA_BYTES 2048

static void clear(struct node_view *s)
{
    free(s->name);
    free(s->role);
}

void fleetview_done(struct fleetview *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        clear(&v->list[i]);
    free(v->list);
    *v = (struct fleetview){0};
}

/* Where the name is, or belongs. */
static uint32_t place_of(const struct fleetview *v, struct str name)
{
    uint32_t low = 0, high = v->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (str_cmp(str_from(v->list[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node_view *fleetview_find(const struct fleetview *v, struct str name)
{
    uint32_t at = place_of(v, name);
    return at < v->n && str_is(name, v->list[at].name) ? &v->list[at] : NULL;
}

void fleetview_drop(struct fleetview *v, struct str name)
{
    struct node_view *s = fleetview_find(v, name);
    if (!s)
        return;
    clear(s);
    v->n--;
    memmove(s, s + 1, (size_t)(v->list + v->n - s) * sizeof(*s));
}

static char *copy(struct str s)
{
    char *p = mem_copy(s.p, s.n);
    return p;
}

static void set(char *to, size_t size, struct str text)
{
    struct str head = str_head(text, size - 1);
    memcpy(to, head.p, head.n);
    to[head.n] = '\0';
}

static struct node_view *insert(struct fleetview *v, struct str name)
{
    uint32_t at = place_of(v, name);
    v->list = mem_grow(v->list, v->n, &v->room, sizeof(*v->list));
    memmove(v->list + at + 1, v->list + at, (v->n - at) * sizeof(*v->list));
    v->n++;
    v->list[at] = (struct node_view){.name = copy(name), .role = copy(STR(""))};
    return &v->list[at];
}

static void take_boot(struct node_view *s, struct value boot)
{
    struct value finished = value_get(boot, STR("finished")),
                 reboot = value_get(boot, STR("reboot"));
    s->began_ms = api_time(boot, "began");
    s->ended_ms = finished.kind == VALUE_BOOL && finished.b ? api_time(boot, "last") : -1;
    s->reboot = reboot.kind == VALUE_BOOL && reboot.b;
    set(s->stage, sizeof(s->stage), api_text(boot, "stage"));
    s->stage_ended = false;
}

static void take_failure(struct node_view *s, struct value failure)
{
    if (api_text(failure, "stage").n)
        set(s->stage, sizeof(s->stage), api_text(failure, "stage"));
}

struct node_view *fleetview_put(struct fleetview *v, struct value node)
{
    struct str name = api_text(node, "name");
    struct value failure = value_get(node, STR("failure"));
    struct str reason = api_text(failure, "reason");
    struct node_view *s = fleetview_find(v, name);
    if (!s)
        s = insert(v, name);
    free(s->role);
    s->role = copy(api_text(node, "role"));
    s->since_ms = api_time(node, "since");
    s->bad = reason.n > 0;
    set(s->state, sizeof(s->state), api_text(node, "state"));
    set(s->message, sizeof(s->message), reason);
    take_boot(s, value_get(node, STR("boot")));
    take_failure(s, failure);
    if (!reason.n && api_text(node, "alarm").n) {
        set(s->message, sizeof(s->message), api_text(node, "alarm"));
        s->bad = true;
    }
    return s;
}

/* The state that a kind of event leads to; NULL: it stays. */
static const char *state_after(struct str kind)
{
    static const char *const same[] = {"armed", "booting", "up",         "joining",
                                       "ready", "failed",  "registered", NULL};
    for (size_t i = 0; same[i]; i++) {
        if (str_is(kind, same[i]))
            return same[i];
    }
    return str_is(kind, "disarmed") || str_is(kind, "expired") ? "registered" : NULL;
}

static void begin_boot(struct node_view *s, int64_t at_ms, bool reboot)
{
    s->began_ms = at_ms;
    s->ended_ms = -1;
    s->reboot = reboot;
    s->stage[0] = '\0';
    s->stage_ended = false;
}

static void take_progress(struct node_view *s, struct value data, int64_t at_ms)
{
    if (s->began_ms < 0)
        begin_boot(s, at_ms, value_get(data, STR("reboot")).kind == VALUE_BOOL);
    set(s->stage, sizeof(s->stage), api_text(data, "stage"));
    s->stage_ended = str_is(api_text(data, "type"), "finish");
    if (s->stage_ended && strcmp(s->stage, "modules-final") == 0)
        s->ended_ms = at_ms;
}

static void take_state(struct node_view *s, const char *state, int64_t at_ms)
{
    set(s->state, sizeof(s->state), str_from(state));
    s->since_ms = at_ms;
    if (strcmp(state, "booting") == 0)
        begin_boot(s, at_ms, false);
    else if (strcmp(state, "armed") == 0 || strcmp(state, "registered") == 0)
        s->began_ms = -1;
    else if ((strcmp(state, "ready") == 0 || strcmp(state, "failed") == 0) && s->ended_ms < 0)
        s->ended_ms = at_ms;
}

/* What is told of it beside state and stage, which have columns of their own. */
static void take_message(struct node_view *s, struct str kind, struct value event)
{
    struct value data = value_get(event, STR("data"));
    struct str text = api_text(data, str_is(kind, "progress") ? "description" : "reason");
    struct arena a;
    arena_init(&a, EVENT_ARENA_BYTES);
    if (!text.n && !str_is(kind, "progress"))
        text = event_text(event, &a);
    set(s->message, sizeof(s->message), text);
    arena_done(&a);
    s->bad = event_is_bad(event);
}

struct node_view *fleetview_event(struct fleetview *v, struct value event)
{
    struct node_view *s = fleetview_find(v, api_text(event, "node"));
    struct str kind = api_text(event, "kind");
    struct value data = value_get(event, STR("data"));
    const char *state = state_after(kind);
    int64_t at_ms = api_time(event, "at");
    if (!s)
        return NULL;
    if (str_is(kind, "rebooted"))
        begin_boot(s, at_ms, true);
    else if (str_is(kind, "progress"))
        take_progress(s, data, at_ms);
    else if (state)
        take_state(s, state, at_ms);
    if (str_is(kind, "failed"))
        take_failure(s, data);
    take_message(s, kind, event);
    return s;
}
