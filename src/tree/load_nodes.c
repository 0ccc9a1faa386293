/* SPDX-License-Identifier: Apache-2.0 */
/* The step for nodes/: whatever a node names must exist, and no two nodes may conflict. */
#include "base/mem.h"
#include "tree/load.h"

#include "base/guess.h"
#include "model/placeholder.h"

#include <stdlib.h>

/* What is being read. */
struct reading {
    struct load *l;
    const struct yaml_node *y;
    struct node *node;
    uint32_t number;
};

static void report_taken(struct reading *n, struct place at, const char *what,
                         const struct node *other)
{
    if (!other)
        return;
    n->l->conflicts += other != &n->l->tree->nodes[n->number];
    if (other == &n->l->tree->nodes[n->number])
        fault_add(n->l->faults, at, "%s: this node has it twice", what);
    else if (other->at.line)
        fault_add(n->l->faults, at, "%s: node '%s' at %s:%u has it already", what, other->name.p,
                  other->at.file, other->at.line);
    else
        fault_add(n->l->faults, at, "%s: the registered node '%s' has it already", what,
                  other->name.p);
}

static const struct role *find_role(struct reading *n, struct str name)
{
    const struct tree *t = n->l->tree;
    const struct role *role = tree_find_role(t, name);
    if (role || !name.n || !n->l->roles_whole)
        return role;
    struct guess g;
    guess_init(&g, name);
    for (uint32_t i = 0; i < t->roles_n; i++)
        guess_offer(&g, t->roles[i].name);
    fault_add(n->l->faults, schema_place(&n->l->reader, n->y, "role", 0),
              "role: there is no role '%s'%s", name.p, guess_text(&g));
    return NULL;
}

static const struct cluster *find_cluster(struct reading *n, struct str name)
{
    const struct tree *t = n->l->tree;
    const struct cluster *cluster = tree_find_cluster(t, name);
    if (cluster || !name.n || !n->l->clusters_whole)
        return cluster;
    struct guess g;
    guess_init(&g, name);
    for (uint32_t i = 0; i < t->clusters_n; i++)
        guess_offer(&g, t->clusters[i].name);
    fault_add(n->l->faults, schema_place(&n->l->reader, n->y, "cluster", 0),
              "cluster: there is no cluster '%s'%s", name.p, guess_text(&g));
    return NULL;
}

static void check_bootstrap(struct reading *n, struct str cluster)
{
    const struct role *role = n->node->role;
    if (role && role->bootstrap != BOOTSTRAP_NONE && !cluster.n)
        fault_add(n->l->faults, n->node->at,
                  "node: its role '%s' bootstraps a %s; say of which cluster", role->name.p,
                  bootstrap_names[role->bootstrap]);
}

static void report_outside(struct reading *n, struct place at, const char *text, struct address a)
{
    const struct cluster *c = n->node->cluster;
    const char *range = NULL;
    for (uint32_t i = 0; c && i < c->pods_n; i++)
        range = cidr_contains(c->pods[i], a) ? "pods" : range;
    for (uint32_t i = 0; c && i < c->services_n; i++)
        range = cidr_contains(c->services[i], a) ? "services" : range;
    if (range)
        fault_add(n->l->faults, at, "addresses: %s belongs to the %s of cluster '%s'", text, range,
                  c->name.p);
    else
        fault_add(n->l->faults, at, "addresses: %s lies in none of the site's networks", text);
}

static const struct network *find_network(const struct site *s, struct address a)
{
    for (uint32_t i = 0; i < s->networks_n; i++) {
        if (network_contains(&s->networks[i], a))
            return &s->networks[i];
    }
    return NULL;
}

static const struct network *check_address(struct reading *n, uint32_t i)
{
    struct address a = n->node->addresses[i];
    struct place at = load_address_place(n->l, n->y, n->node, i);
    char text[ADDRESS_TEXT_SIZE];
    address_text(a, text);
    const struct network *net = find_network(&n->l->tree->site, a);
    if (!net)
        report_outside(n, at, text, a);
    else if (address_same(network_gateway(net, a.family), a))
        fault_add(n->l->faults, at, "addresses: %s is the gateway of network '%s' at %s:%u", text,
                  net->name.p, net->at.file, net->at.line);
    else if (!cidr_has_host(*network_range(net, a.family), a))
        fault_add(n->l->faults, at, "addresses: %s is the %s address of '%s' at %s:%u", text,
                  address_same(network_range(net, a.family)->base, a) ? "network" : "broadcast",
                  net->name.p, net->at.file, net->at.line);
    return net;
}

static void find_networks(struct reading *n)
{
    struct node *node = n->node;
    if (!n->l->networks_whole || node->addresses_n == 0)
        return;
    const struct network **list =
        ARENA_ARRAY(&n->l->tree->arena, const struct network *, node->addresses_n);
    for (uint32_t i = 0; i < node->addresses_n; i++)
        list[i] = check_address(n, i);
    node->networks = list;
}

/* Addresses in one VLAN share a card. A VLAN without a card would have no MAC to be matched by. */
static void check_cards(struct reading *n)
{
    const struct node *node = n->node;
    uint32_t vlans = 0;
    if (node->interfaces_n)
        return;
    for (uint32_t i = 0; node->networks && i < node->addresses_n; i++) {
        bool known = !node->networks[i];
        for (uint32_t j = 0; j < i && !known; j++)
            known = node->networks[j] && node->networks[j]->vlan == node->networks[i]->vlan;
        vlans += !known;
    }
    if (node->macs_n && vlans > node->macs_n)
        fault_add(n->l->faults, schema_place(&n->l->reader, n->y, "addresses", 0),
                  "addresses: they lie in %u VLANs, but 'macs' names %u; name a MAC for each card, "
                  "or give networks that share one the same vlan",
                  vlans, (unsigned)node->macs_n);
}

/* --- What no two nodes may share -------------------------------------------------------------- */

/* The node of another tree that has the key; NULL: there is none, except perhaps an earlier
 * definition of this node. */
static const struct node *other(const struct load *l, const struct tree *t, uint32_t number)
{
    if (number == MAP_NONE || str_eq(t->nodes[number].uid, l->uid))
        return NULL;
    return &t->nodes[number];
}

static const struct node *beside(const struct load *l,
                                 uint32_t (*find)(const struct tree *t, const void *key),
                                 const void *key)
{
    const struct node *holder = NULL;
    for (int i = 0; i < LOAD_BESIDE_MAX && l->beside[i] && !holder; i++)
        holder = other(l, l->beside[i], find(l->beside[i], key));
    return holder;
}

static uint32_t find_mac(const struct tree *t, const void *mac)
{
    return index_find_mac(&t->index, *(const struct mac *)mac);
}

static uint32_t find_uuid(const struct tree *t, const void *uuid)
{
    return index_find_uuid(&t->index, t->nodes, *(const struct uuid *)uuid);
}

static uint32_t find_serial(const struct tree *t, const void *serial)
{
    return index_find_serial(&t->index, t->nodes, *(const struct str *)serial);
}

static uint32_t find_address(const struct tree *t, const void *address)
{
    return index_find_address(&t->index, t->nodes, *(const struct address *)address);
}

static uint32_t find_name(const struct tree *t, const void *name)
{
    return index_find_name(&t->index, t->nodes, *(const struct str *)name);
}

/* The node that has the key: of this tree, otherwise of the trees beside it. */
static const struct node *holder(const struct reading *n, uint32_t number,
                                 const struct node *elsewhere)
{
    return number == MAP_NONE ? elsewhere : &n->l->tree->nodes[number];
}

static void put_addresses(struct reading *n)
{
    struct load *l = n->l;
    for (uint32_t i = 0; i < n->node->addresses_n; i++)
        report_taken(n, load_address_place(l, n->y, n->node, i), "addresses",
                     holder(n, index_put_address(&l->tree->index, l->tree->nodes, n->number, i),
                            beside(l, find_address, &n->node->addresses[i])));
}

static void put_keys(struct reading *n)
{
    struct load *l = n->l;
    struct index *ix = &l->tree->index;
    const struct node *nodes = l->tree->nodes;
    const char *what = n->node->interfaces_n ? "mac" : "macs";
    for (uint32_t i = 0; i < n->node->macs_n; i++)
        report_taken(n, load_mac_place(l, n->y, n->node, i), what,
                     holder(n, index_put_mac(ix, n->node->macs[i], n->number),
                            beside(l, find_mac, &n->node->macs[i])));
    if (n->node->uuid)
        report_taken(
            n, schema_place(&l->reader, n->y, "uuid", 0), "uuid",
            holder(n, index_put_uuid(ix, nodes, n->number), beside(l, find_uuid, n->node->uuid)));
    if (n->node->serial.n)
        report_taken(n, schema_place(&l->reader, n->y, "serial", 0), "serial",
                     holder(n, index_put_serial(ix, nodes, n->number),
                            beside(l, find_serial, &n->node->serial)));
    put_addresses(n);
}

static void report_name(struct load *l, const struct node *n, const struct node *taken)
{
    l->conflicts++;
    if (!l->uid.n)
        fault_add(l->faults, n->at, "a node '%s' is declared already, at %s:%u", n->name.p,
                  taken->at.file, taken->at.line);
    else if (taken->at.line)
        fault_add(l->faults, n->at,
                  "a node '%s' is declared at %s:%u: take it out there, or delete the one that was "
                  "registered",
                  n->name.p, taken->at.file, taken->at.line);
    else
        fault_add(l->faults, n->at, "a node '%s' is registered already", n->name.p);
}

static const struct uuid *keep_uuid(struct load *l, struct uuid u)
{
    static const struct uuid none;
    if (memcmp(&u, &none, sizeof(u)) == 0)
        return NULL;
    struct uuid *kept = arena_alloc(&l->tree->arena, sizeof(*kept));
    *kept = u;
    return kept;
}

/* Adds the node to the tree, unless its name is taken. */
static void put_node(struct reading *n)
{
    struct load *l = n->l;
    struct tree *t = l->tree;
    t->nodes = mem_grow(t->nodes, t->nodes_n, &l->nodes_room, sizeof(*t->nodes));
    t->nodes[n->number] = *n->node;
    const struct node *elsewhere = beside(l, find_name, &n->node->name);
    const struct node *taken =
        elsewhere ? elsewhere : holder(n, index_put_name(&t->index, t->nodes, n->number), NULL);
    if (taken) {
        report_name(l, n->node, taken);
        return;
    }
    t->nodes_n++;
    put_keys(n);
}

/* The server takes neither for evidence. */
static void warn_of_placeholders(struct reading *n)
{
    struct load *l = n->l;
    if (n->node->uuid && placeholder_uuid(*n->node->uuid))
        fault_warn(l->faults, schema_place(&l->reader, n->y, "uuid", 0),
                   "uuid: many machines report this one, so that it identifies none; remove it");
    if (n->node->serial.n && placeholder_serial(n->node->serial))
        fault_warn(l->faults, schema_place(&l->reader, n->y, "serial", 0),
                   "serial: many machines report this one, so that it identifies none; remove it");
}

/* etcd knows its members by their addresses, and the certificate of an API server holds its own. */
static void warn_of_address(struct reading *n)
{
    const struct node *node = n->node;
    if (node->role && node->role->bootstrap == BOOTSTRAP_MASTER && !node->addresses_n)
        fault_warn(
            n->l->faults, node->at,
            "a master without 'addresses' has one from DHCP, and is lost to its cluster when "
            "that changes: declare the one that it will always have");
}

/* Most nodes declare nothing of their own and share what their role has, the site's in it. */
static const struct proxmox *merge_proxmox(struct load *l, const struct node *n,
                                           const struct proxmox *own)
{
    const struct proxmox *shared = n->role ? &n->role->proxmox : NULL;
    struct proxmox *kept = NULL;
    if (own->at.line) {
        kept = ARENA_NEW(&l->tree->arena, struct proxmox);
        *kept = *own;
    }
    return proxmox_merge(shared, kept, &l->tree->arena);
}

void load_node(struct load *l, const struct yaml_pair *pair)
{
    struct node_draft d = {0};
    struct reading n = {.l = l, .y = pair->value, .node = &d.node, .number = l->tree->nodes_n};
    schema_read_named(&l->reader, &format_node, pair, &d);
    d.node.uid = l->uid.n ? l->uid : d.node.name;
    if (l->uid.n)
        d.node.at = (struct place){.file = l->reader.file};
    d.node.uuid = keep_uuid(l, d.uuid);
    d.node.role = find_role(&n, d.role);
    d.node.cluster = find_cluster(&n, d.cluster);
    d.node.proxmox = merge_proxmox(l, &d.node, &d.proxmox);
    check_bootstrap(&n, d.cluster);
    load_interfaces(l, n.y, &d);
    find_networks(&n);
    check_cards(&n);
    load_check_interfaces(l, n.y, &d.node);
    warn_of_placeholders(&n);
    warn_of_address(&n);
    put_node(&n);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

/* Sorts the nodes by name. Large trees are mostly generated in that order already. */
static void sort_nodes(struct tree *t)
{
    uint32_t i = 1;
    while (i < t->nodes_n && by_name(&t->nodes[i - 1], &t->nodes[i]) < 0)
        i++;
    if (i >= t->nodes_n)
        return;
    qsort(t->nodes, t->nodes_n, sizeof(*t->nodes), by_name);
    index_done(&t->index);
    index_fill(&t->index, t->nodes, t->nodes_n);
}

/* Warns of what a new cluster would lack. */
static void warn_of_bootstraps(struct load *l)
{
    const struct tree *t = l->tree;
    enum { UNUSED, USED, BEGUN } *clusters = arena_zalloc(&l->file, t->clusters_n, sizeof(int));
    bool *roles = ARENA_ARRAY(&l->file, bool, t->roles_n);
    for (uint32_t i = 0; i < t->nodes_n; i++) {
        const struct node *n = &t->nodes[i];
        roles[n->role - t->roles] = true;
        if (n->role->bootstrap == BOOTSTRAP_MASTER)
            clusters[n->cluster - t->clusters] = BEGUN;
        else if (n->cluster && clusters[n->cluster - t->clusters] == UNUSED)
            clusters[n->cluster - t->clusters] = USED;
    }
    for (uint32_t i = 0; i < t->roles_n; i++) {
        const struct role *r = &t->roles[i];
        if (roles[i] && r->bootstrap != BOOTSTRAP_NONE && !r->kubeadm)
            fault_warn(l->faults, r->at,
                       "role: its nodes join a cluster, but have no kubeadm configuration: name a "
                       "template under 'kubeadm'");
    }
    for (uint32_t i = 0; i < t->clusters_n; i++) {
        if (t->clusters[i].addons_n && clusters[i] == USED)
            fault_warn(l->faults, t->clusters[i].at,
                       "cluster: nothing applies its addons: none of its nodes has a role with "
                       "'bootstrap: master'");
    }
}

/* Without hardening, any worker's token can get the certificate of any node, and with that read
 * what only the certificate key protects: there must be no such key. */
static void check_masters(struct load *l)
{
    const struct tree *t = l->tree;
    const struct node **first = ARENA_ARRAY(&l->file, const struct node *, t->clusters_n);
    for (uint32_t i = 0; i < t->nodes_n; i++) {
        const struct node *n = &t->nodes[i];
        if (n->role->bootstrap != BOOTSTRAP_MASTER || n->cluster->hardened)
            continue;
        const struct node **master = &first[n->cluster - t->clusters];
        if (*master)
            fault_add(l->faults, n->at,
                      "node: cluster '%s' has 'hardened: false' and a master already, '%s' at "
                      "%s:%u: only a hardened cluster may have more",
                      n->cluster->name.p, (*master)->name.p, (*master)->at.file,
                      (*master)->at.line);
        else
            *master = n;
    }
}

void load_nodes(struct load *l, const char *folder)
{
    struct tree *t = l->tree;
    load_folder(l, folder, load_node);
    if (t->nodes_n == 0)
        return;
    if (l->faults->errors == 0) { /* every node has its role */
        warn_of_bootstraps(l);
        check_masters(l);
    }
    t->nodes = mem_resize(t->nodes, t->nodes_n, sizeof(*t->nodes)); /* without spare room */
    sort_nodes(t);
}
