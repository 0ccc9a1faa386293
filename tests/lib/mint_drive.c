/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mint_drive: mints, nodewatches and approvers on a real loop, steered by a test in Python
 * (tests/lib/minting.py, tests/lib/watching.py).
 *
 * Commands come as lines of JSON on standard input: {"do": "mint", "id": …}, {"do": "end", "id"},
 * {"do": "pass", "ms"}, which sets the clocks forward; {"do": "nodes", "id": …},
 * {"do": "bearer", "id", "bearer"}; {"do": "approver", "id": …}, {"do": "know", "name": …}, which
 * says what is known of a node. After each wake the state of what was woken goes to standard
 * output the same way. At the end of the input all of them are ended, and the loop must have
 * nothing left.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "kube/csrapprover.h"
#include "kube/minter.h"
#include "kube/nodewatcher.h"
#include "lib/commands.h"
#include "net/fetch/fetcher.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define IDS 4096
#define KNOWN_MAX 64
#define LIST_MAX 8
#define COMMAND_MAX_BYTES (1U << 20)

static struct {
    uv_loop_t loop;
    uv_timer_t timer, watch_timer, approval_timer;
    struct fetcher *fetcher;
    struct minter *minter;
    struct nodewatcher *nodewatcher;
    struct csrapprover *csrapprover;
    uint64_t passed_ms;
    bool inside; /* a call of the minter */
    struct mint *mints[IDS];
    struct nodewatch *nodes[IDS];
    struct approver *approvers[IDS];
    struct arena known_arena;
    struct approver_node known[KNOWN_MAX];
    uint32_t known_n;
} world;

/* --- The minter's world ----------------------------------------------------------------------- */

static uint64_t boot_ms(void)
{
    return clock_boot_ms() + world.passed_ms;
}

static int64_t wall_ms(void)
{
    return clock_wall_ms() + (int64_t)world.passed_ms;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    minter_on_alarm(world.minter);
}

static void set_alarm(void *cls, uint64_t due_boot_ms)
{
    uint64_t now = boot_ms();
    (void)cls;
    if (due_boot_ms == UINT64_MAX)
        uv_timer_stop(&world.timer);
    else
        uv_timer_start(&world.timer, on_timer, due_boot_ms > now ? due_boot_ms - now : 0, 0);
}

static void on_watch_timer(uv_timer_t *timer)
{
    (void)timer;
    nodewatcher_on_alarm(world.nodewatcher);
}

static void set_watch_alarm(void *cls, uint64_t due_boot_ms)
{
    uint64_t now = boot_ms();
    (void)cls;
    if (due_boot_ms == UINT64_MAX)
        uv_timer_stop(&world.watch_timer);
    else
        uv_timer_start(&world.watch_timer, on_watch_timer,
                       due_boot_ms > now ? due_boot_ms - now : 1, 0);
}

static void on_approval_timer(uv_timer_t *timer)
{
    (void)timer;
    csrapprover_on_alarm(world.csrapprover);
}

static void set_approval_alarm(void *cls, uint64_t due_boot_ms)
{
    uint64_t now = boot_ms();
    (void)cls;
    if (due_boot_ms == UINT64_MAX)
        uv_timer_stop(&world.approval_timer);
    else
        uv_timer_start(&world.approval_timer, on_approval_timer,
                       due_boot_ms > now ? due_boot_ms - now : 1, 0);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void tell(const struct value_pair *pairs, size_t n)
{
    struct buf line = {.max_bytes = SIZE_MAX - 1};
    json_write(&line, value_map(pairs, n), false);
    puts(line.p);
    fflush(stdout);
    buf_done(&line);
}

static void on_wake(void *cls, struct slot_ref ref)
{
    static const char *const outcomes[] = {"pending", "signed", "refused", "skew", "taken", "late"};
    char version[KUBEVERSION_TEXT_SIZE];
    static const char *const fates[] = {"absent", "unknown", "present"};
    const struct mint *m = world.mints[ref.slot];
    (void)cls;
    if (world.inside || !m)
        abort();
    const struct value_pair pairs[] = {
        JSON_INT("id", ref.slot),
        JSON_STR("outcome", str_from(outcomes[m->outcome])),
        JSON_STR("fate", str_from(fates[m->fate])),
        JSON_STR("version", str_from(kubeversion_text(m->version, version))),
        JSON_INT("ahead_ms", m->ahead_ms),
        JSON_BOOL("clock_known", m->clock_known),
        JSON_STR("message", str_from(m->err.msg)),
    };
    tell(pairs, sizeof(pairs) / sizeof(pairs[0]));
}

/* Each node's news on a line of its own, behind one of the watch. */
static void on_nodes(void *cls, struct slot_ref ref)
{
    struct nodewatch *w = world.nodes[ref.slot];
    struct nodewatch_node n;
    (void)cls;
    if (world.inside || !w)
        abort();
    const struct value_pair watch[] = {
        JSON_INT("id", ref.slot),
        JSON_BOOL("in_step", w->in_step),
        JSON_STR("message", str_from(w->err.msg)),
    };
    tell(watch, sizeof(watch) / sizeof(watch[0]));
    while (nodewatch_next(w, &n)) {
        char text[ADDRESS_TEXT_SIZE] = "";
        if (n.addresses_n)
            address_text(n.addresses[0], text);
        const struct value_pair node[] = {
            JSON_INT("id", ref.slot),
            JSON_STR("node", n.name),
            JSON_BOOL("present", n.present),
            JSON_BOOL("ready", n.ready),
            JSON_STR("reason", n.reason),
            JSON_STR("kubelet", n.kubelet),
            JSON_STR("address", str_from(text)),
        };
        tell(node, sizeof(node) / sizeof(node[0]));
    }
}

/* What became of each request on a line of its own, behind one of the approver. */
static void on_approver(void *cls, struct slot_ref ref)
{
    struct approver *p = world.approvers[ref.slot];
    struct approver_news news;
    struct arena a;
    (void)cls;
    if (world.inside || !p)
        abort();
    const struct value_pair state[] = {
        JSON_INT("id", ref.slot),
        JSON_BOOL("in_step", p->in_step),
        JSON_INT("pending", p->pending),
        JSON_VALUE("autoapproves",
                   p->autoapproves_known ? value_bool(p->autoapproves) : value_none()),
        JSON_STR("message", str_from(p->err.msg)),
    };
    tell(state, sizeof(state) / sizeof(state[0]));
    arena_init(&a, 4096);
    while (approver_next(p, &a, &news)) {
        const struct value_pair one[] = {
            JSON_INT("id", ref.slot),
            JSON_STR("request", news.request),
            JSON_STR("node", news.node),
            JSON_BOOL("serving", news.serving),
            JSON_BOOL("approved", news.approved),
            JSON_STR("reason", news.reason),
        };
        tell(one, sizeof(one) / sizeof(one[0]));
    }
    arena_done(&a);
}

/* --- Commands --------------------------------------------------------------------------------- */

static int64_t number_of(struct value map, const char *key)
{
    struct value v = value_get(map, str_from(key));
    return v.kind == VALUE_INT ? v.i : 0;
}

static int mint(uint32_t id, struct value c, struct err *e)
{
    struct mint_intent intent = {
        .endpoint = value_get_text(c, STR("endpoint")),
        .ca = value_get_text(c, STR("ca")),
        .bearer = value_get_text(c, STR("bearer")),
        .token = value_get_text(c, STR("token")),
        .description = STR("made by a test"),
        .end_wall_ms = number_of(c, "end_wall_ms"),
        .fate = (enum mint_fate)number_of(c, "fate"),
        .within_ms = (uint32_t)number_of(c, "within_ms"),
        .waiter = {{on_wake, NULL}, {id, 1}},
    };
    kubeversion_parse(value_get_text(c, STR("kubeadm")), &intent.kubeadm);
    return mint_begin(minter_port(world.minter), &intent, &world.mints[id], e);
}

static int watch_nodes(uint32_t id, struct value c, struct err *e)
{
    const struct nodewatch_target t = {
        .endpoint = value_get_text(c, STR("endpoint")),
        .ca = value_get_text(c, STR("ca")),
        .bearer = value_get_text(c, STR("bearer")),
        .waiter = {{on_nodes, NULL}, {id, 1}},
    };
    return nodewatch_begin(nodewatcher_port(world.nodewatcher), &t, &world.nodes[id], e);
}

static bool look_up(void *cls, struct slot_ref ref, struct str name, struct arena *a,
                    struct approver_node *ret)
{
    (void)cls, (void)ref, (void)a;
    for (uint32_t i = world.known_n; i-- > 0;) {
        if (!str_eq(world.known[i].name, name))
            continue;
        *ret = world.known[i];
        return true;
    }
    return false;
}

static int approve(uint32_t id, struct value c, struct err *e)
{
    const struct approver_target t = {
        .endpoint = value_get_text(c, STR("endpoint")),
        .ca = value_get_text(c, STR("ca")),
        .bearer = value_get_text(c, STR("bearer")),
        .waiter = {{on_approver, NULL}, {id, 1}},
        .look_up = look_up,
    };
    return approver_begin(csrapprover_port(world.csrapprover), &t, &world.approvers[id], e);
}

static const struct address *addresses_of(struct value list, uint32_t *ret_n)
{
    struct address *found = arena_alloc(&world.known_arena, LIST_MAX * sizeof(struct address));
    for (uint32_t i = 0; i < list.n && i < LIST_MAX; i++)
        *ret_n += address_parse(value_text(list.items[i]), &found[*ret_n]);
    return found;
}

static void know(struct value c)
{
    static struct cidr network;
    struct approver_node *n = &world.known[world.known_n++ % KNOWN_MAX];
    *n = (struct approver_node){
        .name = arena_str(&world.known_arena, value_get_text(c, STR("name"))),
        .token_id = arena_str(&world.known_arena, value_get_text(c, STR("token_id"))),
        .joined = value_get(c, STR("joined")).b,
        .locked = value_get(c, STR("locked")).b,
        .networks = &network,
        .networks_n = cidr_parse(STR("10.0.20.0/24"), &network, NULL),
    };
    n->declared = addresses_of(value_get(c, STR("declared")), &n->declared_n);
    n->reported = addresses_of(value_get(c, STR("reported")), &n->reported_n);
    bool is_quiet = value_get(c, STR("quiet")).b;
    for (uint32_t i = 0; i < IDS && !is_quiet; i++) {
        if (world.approvers[i])
            approver_look(world.approvers[i]);
    }
}

static void end(uint32_t id)
{
    mint_end(world.mints[id]);
    nodewatch_end(world.nodes[id]);
    approver_end(world.approvers[id]);
    world.mints[id] = NULL;
    world.nodes[id] = NULL;
    world.approvers[id] = NULL;
}

static int obey(struct value c, struct err *e)
{
    struct str what = value_get_text(c, STR("do"));
    uint32_t id = (uint32_t)number_of(c, "id") % IDS;
    if (str_is(what, "mint"))
        return mint(id, c, e);
    if (str_is(what, "nodes"))
        return watch_nodes(id, c, e);
    if (str_is(what, "approver"))
        return approve(id, c, e);
    if (str_is(what, "bearer") && world.nodes[id])
        nodewatch_set_bearer(world.nodes[id], value_get_text(c, STR("bearer")));
    else if (str_is(what, "bearer"))
        approver_set_bearer(world.approvers[id], value_get_text(c, STR("bearer")));
    else if (str_is(what, "know"))
        know(c);
    else if (str_is(what, "end"))
        end(id);
    if (!str_is(what, "pass"))
        return 0;
    world.passed_ms += (uint64_t)number_of(c, "ms");
    set_alarm(NULL, 0);
    set_watch_alarm(NULL, 0);
    set_approval_alarm(NULL, 0);
    return 0;
}

static void on_line(struct str line)
{
    struct arena a;
    struct value c;
    struct err e;
    arena_init(&a, 4096);
    world.inside = true;
    if (json_read(line, &a, &c, &e) < 0 || obey(c, &e) < 0) {
        fprintf(stderr, "mint_drive: %s\n", e.msg);
        exit(1);
    }
    world.inside = false;
    arena_done(&a);
}

static void on_end(void)
{
    for (uint32_t i = 0; i < IDS; i++)
        end(i);
    uv_close((uv_handle_t *)&world.timer, NULL);
    uv_close((uv_handle_t *)&world.watch_timer, NULL);
    uv_close((uv_handle_t *)&world.approval_timer, NULL);
    arena_done(&world.known_arena);
    minter_free(world.minter);
    nodewatcher_free(world.nodewatcher);
    csrapprover_free(world.csrapprover);
    fetcher_free(world.fetcher);
}

int main(void)
{
    const struct fetcher_limits limits = {
        .transfers = 64, .transfers_per_server = 64, .queue = 256};
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&world.loop);
    uv_timer_init(&world.loop, &world.timer);
    uv_timer_init(&world.loop, &world.watch_timer);
    uv_timer_init(&world.loop, &world.approval_timer);
    arena_init(&world.known_arena, 65536);
    world.fetcher = fetcher_new(&world.loop, &limits);
    const struct minter_host host = {
        fetcher_port(world.fetcher), {set_alarm, NULL}, boot_ms, wall_ms};
    const struct nodewatcher_host watch_host = {
        fetcher_port(world.fetcher), {set_watch_alarm, NULL}, boot_ms};
    const struct csrapprover_host approval_host = {
        fetcher_port(world.fetcher), {set_approval_alarm, NULL}, boot_ms};
    world.csrapprover = csrapprover_new(&approval_host);
    world.minter = minter_new(&host);
    world.nodewatcher = nodewatcher_new(&watch_host);
    return commands_run(&world.loop, COMMAND_MAX_BYTES, on_line, on_end);
}
