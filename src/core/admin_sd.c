/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes as Prometheus finds its targets: HTTP service discovery (docs/metrics.md). It wants all
 * of them in one answer, which is sent piece by piece. */
#include "core/internal.h"

#include "core/answer.h"
#include "render/values.h"

#define PORT_DEFAULT 9100 /* of node_exporter */
#define PIECE_BYTES ((size_t)32 * 1024)

enum { PORT, STATE, ROLE, CLUSTER, PARAMS };

struct targets {
    const struct core *core;
    struct admin_param params[PARAMS];
    uint64_t port;
    struct str after;
    bool has_begun;
};

/* Its first address; of a node that gets its addresses by DHCP, its name. */
static struct str target_of(const struct targets *t, const struct node *n, struct arena *a)
{
    char text[ADDRESS_TEXT_SIZE];
    struct str host = values_fqdn(n, a);
    if (n->addresses_n)
        host = arena_str(a, str_from(address_text(n->addresses[0], text)));
    bool is_ipv6 = n->addresses_n && n->addresses[0].family == 6;
    return arena_printf(a, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(host), (unsigned)t->port);
}

static bool is_wanted(const struct admin_param *p, struct str value)
{
    return !p->value.p || str_eq(p->value, value);
}

static struct value group_of(const struct targets *t, const struct node *n, struct str state,
                             struct arena *a)
{
    struct value *targets = ARENA_NEW(a, struct value);
    *targets = value_str(target_of(t, n, a));
    struct value labels =
        JSON_MAP(a, JSON_STR("__meta_cloudseed_node", n->name),
                 JSON_STR("__meta_cloudseed_fqdn", values_fqdn(n, a)),
                 JSON_STR("__meta_cloudseed_role", n->role->name),
                 JSON_STR("__meta_cloudseed_cluster", n->cluster ? n->cluster->name : STR("")),
                 JSON_STR("__meta_cloudseed_state", state));
    return JSON_MAP(a, JSON_VALUE("targets", value_list(targets, 1)), JSON_VALUE("labels", labels));
}

static void write_node(struct exchange *x, struct targets *t, const struct node *n)
{
    struct arena a;
    struct str state = str_from(node_state_names[fleet_look(t->core->fleet, n->uid).state]);
    struct str cluster = n->cluster ? n->cluster->name : STR("");
    if (!is_wanted(&t->params[STATE], state) || !is_wanted(&t->params[ROLE], n->role->name) ||
        !is_wanted(&t->params[CLUSTER], cluster))
        return;
    arena_init(&a, 1024);
    buf_str(&x->body, t->has_begun ? STR(",\n") : STR("[\n"));
    t->has_begun = true;
    json_write(&x->body, group_of(t, n, state, &a), false);
    arena_done(&a);
}

/* The exchange pins its snapshot: the nodes stay as they are, while their states may change. */
static enum exchange_verdict go_on(struct exchange *x, void *state)
{
    struct targets *t = state;
    const struct node *n = NULL;
    while (x->body.n < PIECE_BYTES && (n = snapshot_next(x->snapshot, t->after))) {
        t->after = n->name;
        write_node(x, t, n);
    }
    x->out.more = n != NULL;
    if (n)
        return exchange_wait(x, go_on, t);
    buf_str(&x->body, t->has_begun ? STR("\n]\n") : STR("[]\n"));
    return EXCHANGE_DONE;
}

enum exchange_verdict admin_list_targets(struct exchange *x, struct request_ctx *rq)
{
    struct targets *t = ARENA_NEW(&x->arena, struct targets);
    *t = (struct targets){.core = rq->core,
                          .params = {[PORT] = {.name = "port"},
                                     [STATE] = {.name = "state"},
                                     [ROLE] = {.name = "role"},
                                     [CLUSTER] = {.name = "cluster"}}};
    if (!admin_params(x, t->params, PARAMS) ||
        !admin_number(x, &t->params[PORT], 1, UINT16_MAX, PORT_DEFAULT, &t->port) ||
        (t->params[STATE].value.p && !admin_state(x, t->params[STATE].value)))
        return EXCHANGE_DONE;
    buf_clear(&x->body);
    x->out.status = 200;
    x->out.type = "application/json";
    x->out.cache = "no-store";
    x->out.stream = true;
    return x->in.method == METHOD_HEAD ? EXCHANGE_DONE : go_on(x, t);
}
