/* SPDX-License-Identifier: Apache-2.0 */
#include "core/approving.h"

#include "base/clock.h"
#include "core/internal.h"

#define QUOTA 8
#define QUOTA_MS ((uint64_t)10 * 60 * 1000)

/* NULL where it is not of the cluster, or joins none. */
static const struct node *find_node(const struct core *c, struct str cluster, struct str name)
{
    const struct node *n = snapshot_find_name(c->snapshot, name);
    bool is_member = n && n->cluster && n->role->bootstrap != BOOTSTRAP_NONE &&
                     str_eq(n->cluster->name, cluster);
    return is_member ? n : NULL;
}

/* --- What is known of a node ----------------------------------------------------------------- */

static void add_networks(const struct core *c, struct arena *a, struct approver_node *ret)
{
    const struct site *site = tree_site(snapshot_tree(c->snapshot));
    struct cidr *list = ARENA_ARRAY(a, struct cidr, (size_t)site->networks_n * 2);
    uint32_t n = 0;
    for (uint32_t i = 0; i < site->networks_n; i++) {
        list[n++] = site->networks[i].cidr;
        if (site->networks[i].cidr6.base.family)
            list[n++] = site->networks[i].cidr6;
    }
    ret->networks = list;
    ret->networks_n = n;
}

/* Whether the node was in the cluster before an admin adopted that: nobody has made the cluster
 * with what this server gave, the node was never built by it, and its kubelet is there by the
 * cluster's own approval. */
static bool was_there(const struct core *c, const struct node *n, struct str cluster,
                      struct arena *a)
{
    struct cluster_record r;
    struct nodewatch_node seen;
    fleet_cluster(c->fleet, cluster, a, &r);
    return r.phase == CLUSTER_STANDING && !r.holder.uid.n &&
           fleet_look(c->fleet, n->uid).state == STATE_REGISTERED &&
           watchings_find(c->watchings, n, &seen) && seen.ready;
}

bool approving_look_up(struct core *c, struct str cluster, struct str name, struct arena *a,
                       struct approver_node *ret)
{
    const struct node *n = find_node(c, cluster, name);
    struct nodewatch_node seen;
    struct mint_record mint;
    if (!n)
        return false;
    struct fleet_view view = fleet_look(c->fleet, n->uid);
    *ret = (struct approver_node){
        .name = n->name,
        .token_id = STR(""),
        .joined = view.state == STATE_READY || was_there(c, n, cluster, a),
        .locked = view.locked,
        .declared = n->addresses,
        .declared_n = n->addresses_n,
    };
    if (fleet_minted(c->fleet, n->uid, a, &mint) && str_eq(mint.cluster, cluster))
        ret->token_id = mint.token.id;
    if (watchings_find(c->watchings, n, &seen)) {
        ret->reported = seen.addresses;
        ret->reported_n = seen.addresses_n;
    }
    add_networks(c, a, ret);
    return true;
}

/* --- What has become of requests ------------------------------------------------------------- */

static void tell_node(struct core *c, const struct node *n, const struct approver_news *news,
                      struct arena *a)
{
    const struct change change = {
        .kind = CHANGE_CERTIFICATE,
        .cause = STR("cluster"),
        .peer = STR(""),
        .bootstraps = true,
        .certificate = {news->approved, news->serving,
                        ARENA_JOIN(a, news->request, STR(": "), news->reason)},
    };
    fleet_forget(c->fleet, fleet_change(c->fleet, n->uid, n->name, &change, (struct waiter){0}));
}

static bool may_tell(struct approving_quota *q)
{
    uint64_t now = clock_boot_ms();
    if (!q->began_boot_ms || now - q->began_boot_ms >= QUOTA_MS)
        *q = (struct approving_quota){.began_boot_ms = now};
    return q->used++ < QUOTA;
}

static void tell_cluster(struct core *c, struct cluster_change *change)
{
    change->cause = STR("cluster");
    change->peer = STR("");
    fleet_forget(c->fleet, fleet_cluster_change(c->fleet, change, (struct waiter){0}));
}

static void tell_binding(struct core *c, struct str cluster, uint32_t epoch,
                         const struct approver *p, struct arena *a)
{
    struct cluster_record r;
    fleet_cluster(c->fleet, cluster, a, &r);
    if (!p->autoapproves_known || r.autoapproves == p->autoapproves)
        return;
    tell_cluster(c, &(struct cluster_change){.kind = CLUSTER_BINDING,
                                             .cluster = cluster,
                                             .binding = {epoch, p->autoapproves}});
}

void approving_take(struct core *c, struct str cluster, uint32_t epoch, struct approver *p,
                    struct approving_quota *quota)
{
    struct approver_news news;
    struct arena a;
    arena_init(&a, 4096);
    for (; approver_next(p, &a, &news); arena_reset(&a)) {
        const struct node *n = find_node(c, cluster, news.node);
        if (n)
            tell_node(c, n, &news, &a);
        else if (!news.approved && may_tell(quota))
            tell_cluster(c, &(struct cluster_change){
                                .kind = CLUSTER_REQUEST,
                                .cluster = cluster,
                                .request = ARENA_JOIN(&a, news.request, STR(": "), news.reason)});
    }
    tell_binding(c, cluster, epoch, p, &a);
    arena_done(&a);
}
