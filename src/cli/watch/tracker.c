/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/common/api.h"

#include <errno.h>

#define EVENT_ARENA_BYTES 2048

#define STAGE_MAX_BYTES 95
#define MESSAGE_MAX_BYTES 255

/* There may be 100,000 nodes, most of them without a stage and a message. */
static char no_text[1];

static void drop_text(char *text)
{
    if (text != no_text)
        free(text);
}

static void set_text(char **to, size_t max_bytes, struct str text)
{
    struct str head = str_head(text, max_bytes);
    char *copy = head.n ? mem_copy(head.p, head.n) : no_text;
    drop_text(*to);
    *to = copy;
}

static void set_stage(struct node_view *s, struct str text)
{
    set_text(&s->stage, STAGE_MAX_BYTES, text);
}

static void set_message(struct node_view *s, struct str text)
{
    set_text(&s->message, MESSAGE_MAX_BYTES, text);
}

static void set_state(struct node_view *s, struct str text)
{
    struct str head = str_head(text, sizeof(s->state) - 1);
    memcpy(s->state, head.p, head.n);
    s->state[head.n] = '\0';
}

static void clear(struct node_view *s)
{
    drop_text(s->name);
    drop_text(s->role);
    drop_text(s->stage);
    drop_text(s->message);
}

void fleetview_done(struct fleetview *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        clear(&v->list[i]);
    free(v->list);
    *v = (struct fleetview){0};
}

/* The index where the name is, or would be inserted. */
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

static struct node_view *insert(struct fleetview *v, struct str name)
{
    uint32_t at = place_of(v, name);
    v->list = mem_grow(v->list, v->n, &v->room, sizeof(*v->list));
    memmove(v->list + at + 1, v->list + at, (v->n - at) * sizeof(*v->list));
    v->n++;
    struct node_view *s = &v->list[at];
    *s = (struct node_view){.name = no_text, .role = no_text, .stage = no_text, .message = no_text};
    set_text(&s->name, SIZE_MAX, name);
    return s;
}

/* Its reason was in an event, which may be long past. */
static void take_failed_step(struct node_view *s, struct str step)
{
    struct arena a;
    if (!step.n || s->step_failed)
        return;
    arena_init(&a, EVENT_ARENA_BYTES);
    set_message(s,
                arena_printf(&a, "%.*s failed: see cloud-init's log on the node", STR_ARG(step)));
    arena_done(&a);
    s->step_failed = true;
}

static void take_boot(struct node_view *s, struct value boot)
{
    struct value finished = value_get(boot, STR("finished")),
                 reboot = value_get(boot, STR("reboot"));
    if (s->began_ms != api_time(boot, "began"))
        s->step_failed = false;
    s->began_ms = api_time(boot, "began");
    s->ended_ms = finished.kind == VALUE_BOOL && finished.b ? api_time(boot, "last") : -1;
    s->reboot = reboot.kind == VALUE_BOOL && reboot.b;
    take_failed_step(s, api_text(boot, "failed"));
    set_stage(s, api_text(boot, "stage"));
    s->stage_ended = false;
}

static void take_failure(struct node_view *s, struct value failure)
{
    if (api_text(failure, "stage").n)
        set_stage(s, api_text(failure, "stage"));
}

/* A token is being minted, or why it is not there yet. */
static struct str take_mint(struct node_view *s, struct value mint)
{
    if (!str_is(api_text(mint, "phase"), "intended"))
        return STR("");
    set_stage(s, STR("minting"));
    return api_text(mint, "reason");
}

/* For what it waits, until there is a token for it. */
static struct str take_waits(struct node_view *s, struct value mint, struct value node)
{
    struct str what = api_text(node, "waits");
    if (mint.kind == VALUE_MAP || !what.n)
        return STR("");
    set_stage(s, STR("waits"));
    return what;
}

/* Why its Node is not Ready, once nothing else holds it up. */
static struct str take_kubernetes(struct node_view *s, struct value node)
{
    struct value k = value_get(node, STR("kubernetes"));
    if (strcmp(s->state, "joining") != 0 || k.kind != VALUE_MAP || api_is(k, "ready") ||
        strcmp(s->stage, "minting") == 0 || strcmp(s->stage, "waits") == 0)
        return STR("");
    set_stage(s, STR("not Ready"));
    return api_text(k, "reason");
}

struct node_view *fleetview_put(struct fleetview *v, struct value node)
{
    struct str name = api_text(node, "name");
    struct value failure = value_get(node, STR("failure"));
    struct node_view *s = fleetview_find(v, name);
    if (!s)
        s = insert(v, name);
    set_text(&s->role, SIZE_MAX, api_text(node, "role"));
    s->bootstraps = !str_is(api_text(node, "bootstrap"), "none");
    s->since_ms = api_time(node, "since");
    set_state(s, api_text(node, "state"));
    take_boot(s, value_get(node, STR("boot")));
    struct str reason = take_mint(s, value_get(node, STR("mint")));
    if (failure.kind == VALUE_MAP)
        reason = api_text(failure, "reason");
    bool kept = s->step_failed && !reason.n;
    struct str waits = take_waits(s, value_get(node, STR("mint")), node);
    struct str kubernetes = take_kubernetes(s, node);
    s->bad = reason.n > 0 || kept;
    if (!kept)
        set_message(s, reason.n ? reason : waits.n ? waits : kubernetes);
    take_failure(s, failure);
    if (!reason.n && api_text(node, "alarm").n) {
        set_message(s, api_text(node, "alarm"));
        s->bad = true;
    }
    return s;
}

/* The state after an event of that kind; NULL: unchanged. */
static const char *state_after(struct str kind)
{
    static const char *const same[] = {"armed", "installing", "booting",    "up", "joining",
                                       "ready", "failed",     "registered", NULL};
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
    s->step_failed = false;
    s->reboot = reboot;
    set_stage(s, STR(""));
    s->stage_ended = false;
}

static void take_progress(struct node_view *s, struct value data, int64_t at_ms)
{
    if (s->began_ms < 0)
        begin_boot(s, at_ms, value_get(data, STR("reboot")).kind == VALUE_BOOL);
    set_stage(s, api_text(data, "stage"));
    s->stage_ended = str_is(api_text(data, "type"), "finish");
    s->step_failed |= str_is(api_text(data, "result"), "FAIL");
    if (s->stage_ended && strcmp(s->stage, "modules-final") == 0)
        s->ended_ms = at_ms;
}

static void take_state(struct node_view *s, const char *state, int64_t at_ms)
{
    set_state(s, str_from(state));
    s->since_ms = at_ms;
    if (strcmp(state, "booting") == 0 || strcmp(state, "installing") == 0)
        begin_boot(s, at_ms, false);
    else if (strcmp(state, "armed") == 0 || strcmp(state, "registered") == 0)
        s->began_ms = -1;
    else if ((strcmp(state, "ready") == 0 || strcmp(state, "failed") == 0) && s->ended_ms < 0)
        s->ended_ms = at_ms;
}

/* The message: state and stage have columns of their own. What a step failed for is not replaced by
 * steps that went well. */
static void take_message(struct node_view *s, struct str kind, struct value event)
{
    struct value data = value_get(event, STR("data"));
    bool progress = str_is(kind, "progress"), bad = event_is_bad(event);
    struct str text = api_text(data, progress ? "description" : "reason");
    struct arena a;
    if (s->step_failed && !bad)
        return;
    arena_init(&a, EVENT_ARENA_BYTES);
    if (!text.n && !progress)
        text = event_text(event, &a);
    if (progress && bad)
        text = arena_printf(&a, "%s failed%s%.*s", s->stage, text.n ? ": " : "", STR_ARG(text));
    set_message(s, text);
    arena_done(&a);
    s->bad = bad;
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
    else if (str_is(kind, "waits") || str_is(kind, "minting") || str_is(kind, "minted"))
        set_stage(s, kind);
    if (str_is(kind, "failed"))
        take_failure(s, data);
    take_message(s, kind, event);
    return s;
}

#define ALL_NODES STR("/v1/nodes?limit=1000")
#define ANSWER_BYTES (256 * 1024)
#define HISTORY_PAGES 5 /* of 1000 events each: a few dozen boots */

static int put_node(void *cls, struct value node)
{
    struct tracker *t = cls;
    fleetview_put(&t->view, node);
    return 0;
}

static int load_named(struct tracker *t)
{
    const struct cli *c = t->api.cli;
    for (size_t i = 0; i < c->operands_n; i++) {
        struct value node;
        if (api_get(&t->api, api_node(&t->api, c->operands[i], ""), &node) != CLI_OK)
            return CLI_FAILED;
        fleetview_put(&t->view, node);
    }
    return CLI_OK;
}

static int load(struct tracker *t)
{
    arena_reset(&t->arena);
    t->news++;
    fleetview_done(&t->view);
    if (t->api.cli->operands_n)
        return load_named(t);
    return api_each(&t->api, ALL_NODES, "nodes", put_node, t);
}

static bool is_tracked(const struct tracker *t, struct str name)
{
    const struct cli *c = t->api.cli;
    for (size_t i = 0; i < c->operands_n; i++) {
        if (str_is(name, c->operands[i]))
            return true;
    }
    return c->operands_n == 0;
}

/* --- What earlier boots took ---------------------------------------------------------------- */

static void learn(struct learn *l, const struct node_view *s, struct value event)
{
    struct str kind = api_text(event, "kind");
    int64_t after_ms = api_time(event, "at") - s->began_ms;
    if (s->began_ms < 0 || s->reboot)
        return;
    if (str_is(kind, "progress"))
        learn_mark(l, s->role, s->stage, s->stage_ended, after_ms);
    if (str_is(kind, "progress") && s->ended_ms >= 0)
        learn_end(l, s->role, after_ms);
}

/* Replays the journal's newest pages, beginning with the oldest event. */
static void replay(struct learn *l, struct fleetview *past, const struct value *pages, size_t n)
{
    for (size_t p = n; p > 0; p--) {
        struct value list = value_get(pages[p - 1], STR("events"));
        for (uint32_t i = list.kind == VALUE_LIST ? list.n : 0; i > 0; i--) {
            const struct node_view *s = fleetview_event(past, list.items[i - 1]);
            if (s && *s->role)
                learn(l, s, list.items[i - 1]);
        }
    }
}

static int get_history(struct tracker *t, struct value *pages, size_t *ret_n)
{
    size_t n = 0;
    int64_t before = 0;
    do {
        struct str target = STR("/v1/events?order=newest&limit=1000");
        if (before)
            target =
                arena_printf(&t->arena, "%.*s&before=%lld", STR_ARG(target), (long long)before);
        if (api_get(&t->api, target, &pages[n]) != CLI_OK)
            return CLI_FAILED;
        before = api_number(pages[n++], "next", 0);
    } while (before && n < HISTORY_PAGES);
    *ret_n = n;
    return CLI_OK;
}

/* Only the nodes that the events are about need to be known; their roles come with put_past. */
static void note_names(struct fleetview *past, const struct value *pages, size_t n)
{
    for (size_t p = 0; p < n; p++) {
        struct value list = value_get(pages[p], STR("events"));
        for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
            struct str name = api_text(list.items[i], "node");
            if (name.n && !fleetview_find(past, name))
                insert(past, name);
        }
    }
}

/* Before these events no boot is in progress. */
static int put_past(void *cls, struct value node)
{
    if (!fleetview_find(cls, api_text(node, "name")))
        return 0;
    struct node_view *s = fleetview_put(cls, node);
    s->began_ms = s->ended_ms = -1;
    return 0;
}

/* Learns from the boots of all nodes, tracked or not. */
static int learn_history(struct tracker *t)
{
    struct value pages[HISTORY_PAGES];
    struct fleetview past = {.n = 0};
    size_t n = 0;
    int status = get_history(t, pages, &n);
    note_names(&past, pages, n);
    if (past.n && status == CLI_OK)
        status = api_each(&t->api, ALL_NODES, "nodes", put_past, &past);
    replay(&t->learn, &past, pages, n);
    fleetview_done(&past);
    return status;
}

/* --- What happens now ----------------------------------------------------------------------- */

static void on_sse(void *cls, const struct sse_event *got)
{
    struct tracker *t = cls;
    struct value event;
    arena_reset(&t->arena);
    if (json_read(got->data, &t->arena, &event, NULL) < 0)
        return;
    struct str name = api_text(event, "node");
    if (str_is(got->kind, "lost") || (str_is(got->kind, "created") && is_tracked(t, name)) ||
        (str_is(got->kind, "changed") && is_tracked(t, name))) {
        t->missed = true;
        return;
    }
    const struct node_view *s = fleetview_event(&t->view, event);
    if (!s)
        return;
    t->news++;
    learn(&t->learn, s, event);
    if (t->on_event)
        t->on_event(t->cls, event, s);
    if (str_is(got->kind, "deleted"))
        fleetview_drop(&t->view, name);
}

/* The stream begins before the nodes are loaded: an event may be seen twice, but none is missed. */
static int open_stream(struct tracker *t)
{
    char text[STR_U64_SIZE];
    struct str last;
    int status = api_last_event(&t->api, text, &last);
    if (status == CLI_OK)
        t->stream = client_stream_new(t->api.client, STR("/v1/events"), last, on_sse, t);
    return status;
}

int tracker_open(struct cli *c, bool learns, struct tracker *ret)
{
    *ret = (struct tracker){.missed = false};
    int status = api_open(c, &ret->api);
    arena_init(&ret->arena, ANSWER_BYTES);
    ret->api.arena = &ret->arena;
    if (status == CLI_OK)
        status = open_stream(ret);
    if (status == CLI_OK)
        status = load(ret);
    if (status == CLI_OK && learns)
        status = learn_history(ret);
    return status;
}

void tracker_close(struct tracker *t)
{
    client_stream_free(t->stream);
    api_close(&t->api);
    fleetview_done(&t->view);
    learn_done(&t->learn);
    arena_done(&t->arena);
}

/* Why a joining node is not Ready changes without an event. */
#define LOOK_MS 5000
#define JOINING_NODES STR("/v1/nodes?state=joining&limit=1000")

static int put_joining(void *cls, struct value node)
{
    struct tracker *t = cls;
    if (fleetview_find(&t->view, api_text(node, "name")))
        fleetview_put(&t->view, node);
    return 0;
}

static bool any_joins(const struct fleetview *v)
{
    uint32_t i = 0;
    while (i < v->n && strcmp(v->list[i].state, "joining") != 0)
        i++;
    return i < v->n;
}

/* A server that does not answer now is the stream's trouble. */
static void look_at_joining(struct tracker *t)
{
    uint64_t now = clock_boot_ms();
    if (now - t->looked_ms < LOOK_MS || client_stream_trouble(t->stream) || !any_joins(&t->view))
        return;
    t->looked_ms = now;
    arena_reset(&t->arena);
    api_each(&t->api, JOINING_NODES, "nodes", put_joining, t);
    t->news++;
}

int tracker_wait(struct tracker *t, int timeout_ms, int fd)
{
    if (client_stream_wait(t->stream, timeout_ms, fd, &t->why) < 0)
        return CLI_FAILED;
    look_at_joining(t);
    if (!t->missed || client_stream_trouble(t->stream))
        return CLI_OK;
    t->missed = false;
    int status = load(t);
    if (status != CLI_OK)
        err_set(&t->why, -EIO, "the nodes cannot be loaded again");
    return status;
}

double tracker_fraction(const struct tracker *t, const struct node_view *s, int64_t now_ms)
{
    if (s->began_ms < 0)
        return -1;
    if (s->ended_ms >= 0)
        return strcmp(s->state, "failed") == 0 ? -1 : 1;
    return learn_fraction(&t->learn, s->role, s->stage, s->stage_ended, now_ms - s->began_ms);
}
