/* SPDX-License-Identifier: Apache-2.0 */
#include "core/turns.h"

#include "core/internal.h"

/* Whether the node of the turn is a master of the cluster yet, as others see that ask. */
static bool is_master(const struct core *c, struct str cluster, const struct cluster_boot *turn)
{
    const struct node *n = snapshot_find_name(c->snapshot, turn->name);
    return n && n->cluster && n->role->bootstrap == BOOTSTRAP_MASTER && str_eq(n->uid, turn->uid) &&
           str_eq(n->cluster->name, cluster);
}

static bool has_failed(const struct core *c, const struct cluster_boot *turn)
{
    struct fleet_view view = fleet_look(c->fleet, turn->uid);
    return view.generation == turn->generation &&
           (view.state == STATE_FAILED || view.state == STATE_REGISTERED);
}

static void look_at(struct core *c, struct str cluster, const struct cluster_record *r)
{
    const struct cluster_change change = {
        .kind = CLUSTER_STUCK,
        .cluster = cluster,
        .cause = STR("cluster"),
        .peer = STR(""),
        .by = r->turn,
        .stuck_epoch = r->epoch,
    };
    if (r->phase == CLUSTER_STANDING && r->turn.uid.n && !r->turn_stuck &&
        has_failed(c, &r->turn) && is_master(c, cluster, &r->turn))
        fleet_forget(c->fleet, fleet_cluster_change(c->fleet, &change, (struct waiter){0}));
}

/* Also at each heartbeat. */
static void on_clusters(void *cls, struct slot_ref ref)
{
    struct core *c = cls;
    struct cluster_record r;
    struct arena a;
    struct str name;
    fleet_watch_clusters(c->fleet, (struct waiter){{on_clusters, c}, ref});
    arena_init(&a, 4096);
    for (uint32_t at = 0; fleet_cluster_at(c->fleet, &at, &name); arena_reset(&a)) {
        fleet_cluster(c->fleet, name, &a, &r);
        look_at(c, name, &r);
    }
    arena_done(&a);
}

void turns_start(struct core *c)
{
    on_clusters(c, (struct slot_ref){0, 0});
}

void turns_stop(struct core *c)
{
    fleet_unwatch_clusters(c->fleet, (struct waiter){{on_clusters, c}, {0, 0}});
}
