/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/format.h"

#include "model/kubeversion.h"
#include "tree/types.h"
#include "tree/variables.h"

static bool read_node_url(struct schema_reader *r, const struct schema_field *f,
                          const struct yaml_node *y, void *out)
{
    if (str_starts(yaml_text(y), STR("http://")))
        return schema_fault(r, f, y, "nodes bootstrap only over TLS: it must begin with https://");
    return schema_origin.read(r, f, y, out);
}

static const struct schema_type node_url_type = {
    .what = "a URL without a path, like https://10.0.10.5:8443",
    .size = sizeof(struct str),
    .read = read_node_url};

static const struct schema_field site_fields[] = {
    {.name = "name",
     .type = &schema_label,
     SCHEMA_MEMBER(struct site_draft, site.name),
     .required = true,
     .help = "The site's name.",
     .example = "homelab"},
    {.name = "url",
     .type = &schema_origin,
     SCHEMA_MEMBER(struct site_draft, site.url),
     .required = true,
     .help = "Where machines reach the server; it ends up in their SMBIOS serials.",
     .example = "http://10.0.10.5:8080"},
    {.name = "node_url",
     .type = &node_url_type,
     SCHEMA_MEMBER(struct site_draft, site.node_url),
     .help = "Where machines reach the server over TLS to bootstrap; without it the host of `url`, "
             "port 8443.",
     .example = "https://10.0.10.5:8443"},
    {.name = "evidence",
     .type = &schema_enum,
     .names = evidence_names,
     .shape = SCHEMA_LIST,
     SCHEMA_MEMBER_N(struct site_draft, evidence),
     .help = "Ways to know a machine that count though anyone on the network can forge them.",
     .example = "[mac, uuid]"},
    {.name = "alarms",
     .type = &schema_enum,
     .names = alarms_names,
     SCHEMA_MEMBER(struct site_draft, site.alarms),
     .fallback = "note",
     .help = "What happens when a node does what it should not, such as another machine that "
             "claims its place: it is noted, or, where that machine has the join key, the node is "
             "locked as well until an admin arms or unlocks it.",
     .example = "lock"},
    {.name = "window_key_joins",
     .type = &schema_enum,
     .names = window_key_joins_names,
     SCHEMA_MEMBER(struct site_draft, site.window_key_joins),
     .fallback = "workers",
     .help = "Which nodes may join by the key of their build window, which a machine without a "
             "join key in its serial has and anyone on the network can get: workers, without "
             "sealed files; no node; or all, with all that the join key gives.",
     .example = "none"},
    {.name = "unknown",
     .type = &schema_enum,
     .names = unknown_names,
     SCHEMA_MEMBER(struct site_draft, site.unknown),
     .fallback = "wait",
     .help =
         "What an unregistered machine does: it shows how to register it and asks again until it "
         "is, or boots its disk.",
     .example = "local"},
    {.name = "networks",
     .of = &format_network,
     .shape = SCHEMA_MAP,
     SCHEMA_MEMBER_N(struct site_draft, site.networks),
     .help = "The networks that nodes have addresses in."},
    {.name = "proxmox",
     .of = &format_proxmox,
     SCHEMA_MEMBER(struct site_draft, site.proxmox),
     .help = "The VMs of its nodes in Proxmox VE."},
    {.name = "variables",
     .type = &schema_variables,
     SCHEMA_MEMBER(struct site_draft, site.variables),
     .help = "Values for the templates of all nodes.",
     .example = "{timezone: Europe/Zurich}"},
};

const struct schema format_site = {
    .title = "site",
    .help = "`site.yaml` holds one mapping: what all nodes share.",
    .size = sizeof(struct site_draft),
    SCHEMA_FIELDS(site_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct site_draft, site.at),
};

/* "1.29" or "1.29.15". */
static bool version_valid(struct str s)
{
    uint64_t number;
    for (unsigned parts = 1; s.p; parts++) {
        if (!str_to_u64(str_cut(&s, '.'), 9999, &number) || parts > 3 || (parts == 1 && !s.p))
            return false;
    }
    return true;
}

/* What the templates write for kubeadm is v1beta3 or v1beta4. */
static bool check_kubeadm(struct schema_reader *r, const struct schema_field *f,
                          const struct yaml_node *y, struct kubeversion v)
{
    if (v.major != 1 || v.minor < KUBEVERSION_OLDEST)
        return schema_fault(r, f, y,
                            "kubeadm %d.%d does not read the configuration that nodes are given; "
                            "the oldest that does is 1.%d",
                            v.major, v.minor, KUBEVERSION_OLDEST);
    if (v.minor > KUBEVERSION_NEWEST)
        fault_warn(r->faults, yaml_place(r->file, y),
                   "version: 1.%d is newer than 1.%d, the newest that this cloudseed knows",
                   v.minor, KUBEVERSION_NEWEST);
    return true;
}

static bool read_version(struct schema_reader *r, const struct schema_field *f,
                         const struct yaml_node *y, void *out)
{
    struct str s = yaml_text(y);
    struct kubeversion v;
    if (s.n && s.p[0] == 'v' && version_valid(str_skip(s, 1)))
        return schema_fault(r, f, y, "leave the 'v' out: %s", s.p + 1);
    if (!version_valid(s) || !kubeversion_parse(s, &v))
        return schema_refuse(r, f, y);
    if (!check_kubeadm(r, f, y, v))
        return false;
    *(struct str *)out = intern_str(r->texts, s);
    return true;
}

static const struct schema_type version_type = {.what =
                                                    "a Kubernetes version, like 1.29 or 1.29.15",
                                                .size = sizeof(struct str),
                                                .read = read_version};

static bool read_sha256(struct schema_reader *r, const struct schema_field *f,
                        const struct yaml_node *y, void *out)
{
    struct str s = yaml_text(y);
    if (s.n != 64 || strspn(s.p, "0123456789abcdef") != 64)
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, s);
    return true;
}

static const struct schema_type sha256_type = {
    .what = "64 lower-case hexadecimal digits, as sha256sum prints them",
    .size = sizeof(struct str),
    .read = read_sha256};

/* "node", "crd/NAME", "deployment/NAMESPACE/NAME", …: what a node can wait for
 * (docs/formats/bootstrap.md). */
static bool wait_valid(struct str s)
{
    static const struct {
        const char *kind;
        unsigned names;
    } kinds[] = {{"node", 0},       {"crd", 1},       {"apiservice", 1},
                 {"deployment", 2}, {"daemonset", 2}, {"statefulset", 2}};
    struct str kind = str_cut(&s, '/');
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!str_is(kind, kinds[i].kind))
            continue;
        for (unsigned n = 0; n < kinds[i].names; n++) {
            if (!types_domain_valid(str_cut(&s, '/')))
                return false;
        }
        return !s.p;
    }
    return false;
}

static bool read_wait(struct schema_reader *r, const struct schema_field *f,
                      const struct yaml_node *y, void *out)
{
    if (!wait_valid(yaml_text(y)))
        return schema_refuse(r, f, y);
    *(struct str *)out = intern_str(r->texts, yaml_text(y));
    return true;
}

static const struct schema_type wait_type = {
    .what = "crd/NAME, apiservice/NAME, deployment/NAMESPACE/NAME, the same of a daemonset or "
            "statefulset, or node",
    .size = sizeof(struct str),
    .read = read_wait};

static const struct schema_field addon_fields[] = {
    {.name = "name",
     .type = &schema_label,
     SCHEMA_MEMBER(struct addon, name),
     .required = true,
     .help = "Its name in reports.",
     .example = "calico"},
    {.name = "url",
     .type = &schema_url,
     SCHEMA_MEMBER(struct addon, url),
     .help = "Where the first master gets the manifest.",
     .example = "https://example.org/calico.yaml"},
    {.name = "asset",
     .type = &schema_asset,
     SCHEMA_MEMBER(struct addon, asset),
     .help = "Instead: a file that this server serves below /assets/.",
     .example = "k8s/calico.yaml"},
    {.name = "template",
     .type = &schema_text,
     SCHEMA_MEMBER(struct addon, template_name),
     .help = "Instead: a template that renders the manifest, for the master that applies it.",
     .example = "addons/storage-class"},
    {.name = "sha256",
     .type = &sha256_type,
     SCHEMA_MEMBER(struct addon, sha256),
     .help = "The checksum of what is fetched; any other content is not applied."},
    {.name = "wait",
     .type = &wait_type,
     .shape = SCHEMA_LIST,
     .max = ADDON_WAIT_MAX,
     SCHEMA_MEMBER_N(struct addon, wait),
     .help = "What must be there before the next addon is applied.",
     .example = "[crd/installations.operator.tigera.io]"},
};

static void check_addon(struct schema_reader *r, const struct yaml_node *y, const void *made)
{
    const struct addon *addon = made;
    const struct {
        const char *key;
        bool given;
    } sources[] = {{"url", addon->url.n != 0},
                   {"asset", addon->asset.n != 0},
                   {"template", addon->template_name.n != 0}};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (sources[i].given && first)
            fault_add(r->faults, schema_place(r, y, sources[i].key, 0),
                      "addon: it has '%s' already; keep one of url, asset and template", first);
        else if (sources[i].given)
            first = sources[i].key;
    }
    if (!first)
        fault_add(r->faults, addon->at,
                  "addon: say where its manifest comes from: url, asset or template");
    if (addon->template_name.n && addon->sha256.n)
        fault_add(r->faults, schema_place(r, y, "sha256", 0),
                  "sha256: leave it out; it is for what is fetched, and this manifest is rendered");
}

static const struct schema addon_schema = {
    .title = "addon",
    .help = "A manifest that the first master applies, in the order of the list. It takes one of "
            "`url`, `asset` and `template`.",
    .size = sizeof(struct addon),
    SCHEMA_FIELDS(addon_fields),
    .name_offset = SCHEMA_NOT_KEPT,
    .place_offset = offsetof(struct addon, at),
    .check = check_addon,
};

static const struct schema_field cluster_fields[] = {
    {.name = "version",
     .type = &version_type,
     SCHEMA_MEMBER(struct cluster_draft, cluster.version),
     .required = true,
     .help = "Kubernetes' version, without a 'v'.",
     .example = "1.29"},
    {.name = "endpoint",
     .type = &schema_host_port,
     SCHEMA_MEMBER(struct cluster_draft, cluster.endpoint),
     .required = true,
     .help = "Where the API server is reached: a name or VIP that may outlive any one master.",
     .example = "k8s-api.home.arpa:6443"},
    {.name = "pods",
     .type = &schema_cidr,
     .shape = SCHEMA_LIST,
     .max = 2,
     SCHEMA_MEMBER_N(struct cluster_draft, cluster.pods),
     .required = true,
     .help = "The pods' network, or two for dual stack; it overlaps no other network.",
     .example = "192.168.0.0/16"},
    {.name = "services",
     .type = &schema_cidr,
     .shape = SCHEMA_LIST,
     .max = 2,
     SCHEMA_MEMBER_N(struct cluster_draft, cluster.services),
     .required = true,
     .help = "The services' network, or two for dual stack; it overlaps no other network.",
     .example = "10.96.0.0/12"},
    {.name = "hardened",
     .type = &schema_bool,
     SCHEMA_MEMBER(struct cluster_draft, cluster.hardened),
     .fallback = "true",
     .help =
         "Whether each certificate of a kubelet has to be approved, by this server or an admin, "
         "for the node's own name and addresses. Otherwise the cluster approves any, as kubeadm "
         "sets it up, and only one node may be a master.",
     .example = "false"},
    {.name = "addons",
     .of = &addon_schema,
     .shape = SCHEMA_LIST,
     .max = CLUSTER_ADDONS_MAX,
     SCHEMA_MEMBER_N(struct cluster_draft, addons),
     .help = "Manifests to apply to the new cluster."},
    {.name = "variables",
     .type = &schema_variables,
     SCHEMA_MEMBER(struct cluster_draft, cluster.variables),
     .help = "Values for the templates of its nodes; they win over the site's.",
     .example = "{containerd_version: \"1.7\"}"},
};

const struct schema format_cluster = {
    .title = "cluster",
    .help = "Each file in `clusters/` is a mapping of cluster names to such mappings.",
    .size = sizeof(struct cluster_draft),
    SCHEMA_FIELDS(cluster_fields),
    .name_offset = offsetof(struct cluster_draft, cluster.name),
    .place_offset = offsetof(struct cluster_draft, cluster.at),
};
