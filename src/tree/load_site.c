/* SPDX-License-Identifier: Apache-2.0 */
/* The steps for site.yaml and for clusters/. */
#include "tree/load.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

static const char *cidr_in(struct load *l, struct cidr c)
{
    char text[CIDR_TEXT_SIZE];
    return arena_str(&l->tree->arena, str_from(cidr_text(c, text))).p;
}

/* The range of `a` that overlaps one of `b`; NULL: none does. */
static const struct cidr *overlapping(const struct network *a, const struct network *b,
                                      const struct cidr **ret_theirs)
{
    static const uint8_t families[] = {4, 6};
    for (size_t i = 0; i < sizeof(families); i++) {
        const struct cidr *ours = network_range(a, families[i]);
        *ret_theirs = network_range(b, families[i]);
        if (ours && *ret_theirs && cidr_overlaps(*ours, **ret_theirs))
            return ours;
    }
    return NULL;
}

static void check_networks(struct load *l, const struct site *s)
{
    for (uint32_t i = 0; i < s->networks_n; i++) {
        const struct network *b = &s->networks[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct network *a = &s->networks[j];
            const struct cidr *theirs, *ours = overlapping(a, b, &theirs);
            if (ours)
                fault_add(l->faults, b->at, "network '%s' (%s) overlaps '%s' (%s) of line %u",
                          b->name.p, cidr_in(l, *theirs), a->name.p, cidr_in(l, *ours), a->at.line);
        }
    }
}

/* If a faulty network was dropped, an address in it is not reported as outside all networks. */
static bool has_all_networks(const struct yaml_node *site, uint32_t n)
{
    const struct yaml_node *written = yaml_get(site, STR("networks"));
    return !written || (written->kind == YAML_MAPPING ? written->n == n : yaml_is_null(written));
}

/* The host of the site's URL, with cloudseedd's default port for TLS. */
static struct str default_node_url(struct arena *a, struct str url)
{
    struct str host = url;
    str_cut(&host, ':');
    host = str_skip(host, 2);
    const char *port = host.p[0] == '[' ? memchr(host.p, ']', host.n) : host.p;
    port = port ? memchr(port, ':', (size_t)(host.p + host.n - port)) : NULL;
    if (port)
        host.n = (size_t)(port - host.p);
    return ARENA_JOIN(a, STR("https://"), host, STR(":8443"));
}

void load_site_node(struct load *l, const struct yaml_node *y)
{
    struct site_draft draft = {0};
    schema_read(&l->reader, &format_site, y, &draft);
    for (uint32_t i = 0; i < draft.evidence_n; i++)
        draft.site.evidence[draft.evidence[i]] = true;
    if (l->url.n)
        draft.site.url = l->url;
    else if (str_starts(draft.site.url, STR("https://")))
        fault_warn(l->faults, schema_place(&l->reader, y, "url", 0),
                   "url: machines that boot are answered over HTTP only: https needs a proxy in "
                   "front, with a certificate that their firmware and images trust");
    if (draft.site.url.n && !draft.site.node_url.n)
        draft.site.node_url = default_node_url(&l->tree->arena, draft.site.url);
    l->tree->site = draft.site;
    l->networks_whole = has_all_networks(y, draft.site.networks_n);
    check_networks(l, &draft.site);
}

void load_site(struct load *l, const char *path)
{
    if (access(path, F_OK) < 0) {
        fault_add(
            l->faults, (struct place){.file = path},
            "there is no such file; a seed tree begins with it: the site's name, its url, its "
            "networks");
        return;
    }
    const struct yaml_node *root = load_file(l, path);
    if (root)
        load_site_node(l, root);
}

static struct str cluster_name(const void *clusters, uint32_t i)
{
    return ((const struct cluster *)clusters)[i].name;
}

/* Pods and services of a cluster, with words for messages. */
struct range {
    struct cidr cidr;
    const char *key;
    uint32_t item;
};

static void check_range(struct load *l, const struct yaml_node *y, const struct range *ranges,
                        uint32_t i)
{
    const struct site *s = &l->tree->site;
    const struct range *r = &ranges[i];
    struct place at = schema_place(&l->reader, y, r->key, r->item);
    for (uint32_t j = 0; j < s->networks_n; j++) {
        const struct network *net = &s->networks[j];
        const struct cidr *range = network_range(net, r->cidr.base.family);
        if (range && cidr_overlaps(r->cidr, *range))
            fault_add(l->faults, at, "%s: %s overlaps the site's network '%s' (%s) at %s:%u",
                      r->key, cidr_in(l, r->cidr), net->name.p, cidr_in(l, *range), net->at.file,
                      net->at.line);
    }
    for (uint32_t j = 0; j < i; j++) {
        struct place other = schema_place(&l->reader, y, ranges[j].key, ranges[j].item);
        bool same_key = ranges[j].key == r->key;
        if (cidr_overlaps(r->cidr, ranges[j].cidr))
            fault_add(l->faults, at, "%s: %s overlaps %s (%s) of line %u", r->key,
                      cidr_in(l, r->cidr), ranges[j].key, cidr_in(l, ranges[j].cidr), other.line);
        else if (same_key && r->cidr.base.family == ranges[j].cidr.base.family)
            fault_add(l->faults, at, "%s: two networks are for dual stack: one IPv4, one IPv6",
                      r->key);
    }
}

static void check_cluster(struct load *l, const struct yaml_node *y, const struct cluster *c)
{
    struct range ranges[4];
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->pods_n; i++)
        ranges[n++] = (struct range){c->pods[i], "pods", i};
    for (uint32_t i = 0; i < c->services_n; i++)
        ranges[n++] = (struct range){c->services[i], "services", i};
    for (uint32_t i = 0; i < n; i++)
        check_range(l, y, ranges, i);
}

static void report_twice(struct load *l, const struct addon *addon, const struct addon *other)
{
    fault_add(l->faults, addon->at, "addon: '%s' is in the list already, in line %u", addon->name.p,
              other->at.line);
}

/* Resolves where the manifest of each addon comes from. */
static void find_manifests(struct load *l, const struct yaml_node *y, struct addon *addons,
                           uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct addon *addon = &addons[i];
        const struct yaml_node *item = y->kind == YAML_SEQUENCE ? y->items[i] : y;
        addon->template = load_find_template(l, item, "template", addon->template_name);
        if (addon->asset.n)
            addon->url =
                ARENA_JOIN(&l->tree->arena, l->tree->site.url, STR("/assets/"), addon->asset);
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq(addons[j].name, addon->name))
                report_twice(l, addon, &addons[j]);
        }
    }
}

void load_cluster(struct load *l, const struct yaml_pair *pair)
{
    struct tree *t = l->tree;
    struct cluster_draft d = {0};
    schema_read_named(&l->reader, &format_cluster, pair, &d);
    if (d.addons_n)
        find_manifests(l, yaml_get(pair->value, STR("addons")), d.addons, d.addons_n);
    struct cluster c = d.cluster;
    c.addons = d.addons;
    c.addons_n = d.addons_n;
    check_cluster(l, pair->value, &c);
    t->clusters = mem_grow(t->clusters, t->clusters_n, &l->clusters_room, sizeof(c));
    t->clusters[t->clusters_n] = c;
    uint32_t holder = map_put(&l->names, cluster_name, t->clusters, t->clusters_n);
    if (holder == MAP_NONE)
        t->clusters_n++;
    else
        fault_add(l->faults, c.at, "a cluster '%s' is declared already, at %s:%u", c.name.p,
                  t->clusters[holder].at.file, t->clusters[holder].at.line);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct cluster *)a)->name, ((const struct cluster *)b)->name);
}

void load_clusters(struct load *l, const char *folder)
{
    struct tree *t = l->tree;
    l->clusters_whole = load_folder(l, folder, load_cluster);
    map_done(&l->names);
    if (t->clusters_n)
        qsort(t->clusters, t->clusters_n, sizeof(*t->clusters), by_name);
}
