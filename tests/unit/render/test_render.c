/* SPDX-License-Identifier: Apache-2.0 */
/* What a template sees of its node, and what is served of it. */
#include "unit/render/tmptree.h"

#include "render/scope.h"

#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char site_yaml[] =
    "name: lab\n"
    "url: http://10.0.10.5:8080\n"
    "networks:\n"
    "  nodes: {cidr: 10.0.20.0/24, vlan: 20, gateway: 10.0.20.1, dns: [10.0.20.1, 1.1.1.1],"
    " search: [lab.home.arpa, home.arpa]}\n"
    "  nodes6: {cidr: 'fd00:20::/64', vlan: 20, gateway: 'fd00:20::1'}\n"
    "  storage: {cidr: 10.0.30.0/24, vlan: 30, gateway: 10.0.30.1}\n"
    "  isolated: {cidr: 10.0.40.0/24, vlan: 40}\n"
    "  flat: {cidr: 10.0.50.0/24}\n"
    "variables: {where: site, only_site: 1, items: [s1, s2]}\n";

static struct tmptree files;
static struct tree *tree;
static struct scope_tables *tables;
static struct arena arena;
static struct buf out;
static uint32_t generation;

/* The tree of each test: the site above, one cluster, and a role whose user-data is `template`. */
static void grow(const char *template, const char *nodes)
{
    tmptree_put(&files, "seed/site.yaml", site_yaml);
    tmptree_put(&files, "seed/clusters/c.yaml",
                "k8s:\n  version: '1.29.15'\n  endpoint: api.lab:6443\n"
                "  pods: [192.168.0.0/16, 'fd01::/64']\n  services: 10.96.0.0/12\n"
                "  addons:\n"
                "  - {name: calico, url: 'https://x/calico.yaml', wait: [crd/a, crd/b]}\n"
                "  - {name: dns, url: 'https://x/dns.yaml', sha256: " SHA256 "}\n"
                "  variables: {where: cluster, only_cluster: 2, items+: c}\n");
    tmptree_put(
        &files, "seed/roles/r.yaml",
        "base: {templates: {user-data: t}, variables: {where: base, only_base: 3, items+: [b]}}\n"
        "r: {extends: base, variables: {where: role, only_role: 4, items+: [r]}}\n"
        "w: {extends: base, bootstrap: worker}\n"
        "bare: {}\n");
    tmptree_put(&files, "seed/nodes/n.yaml", nodes);
    tmptree_put(&files, "templates/t", template);
    tree = tmptree_load(&files);
    tables = scope_tables_new(tree);
}

static int start(void **state)
{
    (void)state;
    tmptree_init(&files);
    arena_init(&arena, 65536);
    buf_init(&out, DOCUMENT_MAX_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scope_tables_free(tables);
    tree_free(tree);
    tables = NULL;
    tree = NULL;
    buf_done(&out);
    arena_done(&arena);
    tmptree_done(&files);
    return 0;
}

static struct str rendered(const char *node, enum seed_file file)
{
    struct template_fault fault = {.msg = ""};
    const struct node *n = tree_find_name(tree, str_from(node));
    assert_non_null(n);
    buf_clear(&out);
    const struct render_env env = {.seed_url = STR("http://x/s/key/"), .generation = generation};
    const struct document d = {DOCUMENT_SEED, file};
    if (document_render(tables, n, d, &env, &arena, &out, NULL, &fault) < 0)
        fail_msg("%s:%u: %s", fault.at.file, fault.at.line, fault.msg);
    return buf_view(&out);
}

/* What user-data's template makes of the one node "n". */
static struct str shown(const char *template, const char *node)
{
    char nodes[1024];
    snprintf(nodes, sizeof(nodes), "n: {role: r%s}\n", node);
    grow(template, nodes);
    return rendered("n", SEED_USER_DATA);
}

static void files_without_template(void **state)
{
    (void)state;
    grow("", "n1: {role: bare}\n");
    assert_str(rendered("n1", SEED_META_DATA), "instance-id: \"n1-1\"\nlocal-hostname: \"n1\"\n");
    assert_str(rendered("n1", SEED_USER_DATA), "");
    assert_str(rendered("n1", SEED_VENDOR_DATA), "");
    assert_str(rendered("n1", SEED_NETWORK_CONFIG), "");
}

static void site_and_networks(void **state)
{
    (void)state;
    assert_str(shown("{{ site.name }} {{ site.url }} {{ networks | length }} "
                     "{{ networks.nodes | tojson }} {{ networks.flat | tojson }}",
                     ""),
               "lab http://10.0.10.5:8080 5 "
               "{\"cidr\": \"10.0.20.0/24\", \"cidr6\": null, \"dns\": [\"10.0.20.1\", "
               "\"1.1.1.1\"], \"gateway\": \"10.0.20.1\", \"gateway6\": null, \"mtu\": null, "
               "\"name\": \"nodes\", \"prefix\": 24, \"routes\": [], "
               "\"search\": [\"lab.home.arpa\", \"home.arpa\"], \"vlan\": 20} "
               "{\"cidr\": \"10.0.50.0/24\", \"cidr6\": null, \"dns\": [], \"gateway\": null, "
               "\"gateway6\": null, \"mtu\": null, \"name\": \"flat\", \"prefix\": 24, "
               "\"routes\": [], \"search\": [], \"vlan\": null}");
}

static void cluster_and_role(void **state)
{
    (void)state;
    grow("{{ cluster.name if cluster else 'none' }} {{ role.name }} {{ role.bootstrap }}",
         "a: {role: w, cluster: k8s}\nb: {role: r}\n");
    assert_str(rendered("a", SEED_USER_DATA), "k8s w worker");
    assert_str(rendered("b", SEED_USER_DATA), "none r none");
}

static void cluster_in_full(void **state)
{
    (void)state;
    assert_str(
        shown("{{ cluster | tojson }}", ", cluster: k8s"),
        "{\"addons\": [{\"name\": \"calico\", \"sha256\": null, \"template\": null, \"url\": "
        "\"https://x/calico.yaml\", \"wait\": [\"crd/a\", \"crd/b\"]}, {\"name\": "
        "\"dns\", \"sha256\": \"" SHA256 "\", \"template\": null, \"url\": \"https://x/dns.yaml\", "
        "\"wait\": []}], \"endpoint\": \"api.lab:6443\", \"hardened\": true, \"name\": \"k8s\", "
        "\"pods\": [\"192.168.0.0/16\", \"fd01::/64\"], \"services\": [\"10.96.0.0/12\"], "
        "\"version\": \"1.29.15\"}");
}

static void the_seed_url(void **state)
{
    (void)state;
    assert_str(shown("{{ seed.url }}", ""), "http://x/s/key/");
}

static void the_nearest_variable_wins(void **state)
{
    (void)state;
    grow("{{ where }} {{ only_site }} {{ only_base }}",
         "a: {role: r, cluster: k8s, variables: {where: node}}\n"
         "b: {role: r, cluster: k8s}\n"
         "c: {role: w, cluster: k8s}\n");
    assert_str(rendered("a", SEED_USER_DATA), "node 1 3");
    assert_str(rendered("b", SEED_USER_DATA), "role 1 3");
    assert_str(rendered("c", SEED_USER_DATA), "base 1 3");
}

static void lists_that_are_added_to(void **state)
{
    (void)state;
    grow("{{ items | join(' ') }}{{ more | default([]) | join(' ') }}",
         "a: {role: r, cluster: k8s, variables: {items+: [n1, n2]}}\n"
         "b: {role: r}\n"
         "c: {role: r, cluster: k8s, variables: {items: [own]}}\n"
         "d: {role: bare, cluster: k8s, variables: {more+: [one]}}\n"
         "e: {role: w, cluster: k8s}\n");
    assert_str(rendered("a", SEED_USER_DATA), "s1 s2 c b r n1 n2");
    assert_str(rendered("b", SEED_USER_DATA), "s1 s2 b r");
    assert_str(rendered("c", SEED_USER_DATA), "own");
    assert_str(rendered("e", SEED_USER_DATA), "s1 s2 c b");
    struct place at;
    const struct node *a = tree_find_name(tree, STR("a"));
    struct value items = scope_variable_value(tree_site(tree), a, STR("items"), &arena);
    const unsigned lines[] = {9, 9, 9, 1, 2, 1, 1};
    assert_int_equal(items.n, 7);
    for (uint32_t i = 0; i < items.n; i++) {
        assert_non_null(scope_source(tree_site(tree), a, items.items[i], &at));
        assert_int_equal(at.line, lines[i]);
    }
}

/* Templates are written out for all nodes of a role and cluster at once: not for these. */
static void a_node_that_differs_from_its_like(void **state)
{
    (void)state;
    grow("{{ where }} {{ only_role }} {{ own | default('-') }} {{ node.name }}",
         "a: {role: r}\n"
         "b: {role: r, variables: {where: here}}\n"
         "c: {role: r, variables: {own: 1}}\n"
         "d: {role: r, cluster: k8s, variables: {only_role: 5}}\n"
         "e: {role: r, cluster: k8s}\n");
    assert_str(rendered("a", SEED_USER_DATA), "role 4 - a");
    assert_str(rendered("b", SEED_USER_DATA), "here 4 - b");
    assert_str(rendered("c", SEED_USER_DATA), "role 4 1 c");
    assert_str(rendered("d", SEED_USER_DATA), "role 5 - d");
    assert_str(rendered("e", SEED_USER_DATA), "role 4 - e");
}

static void where_a_variable_comes_from(void **state)
{
    (void)state;
    grow("", "a: {role: bare, cluster: k8s}\nb: {role: bare}\n");
    const struct node *a = tree_find_name(tree, STR("a")), *b = tree_find_name(tree, STR("b"));
    const struct variable *v = scope_variable(tree_site(tree), a, STR("where"));
    assert_non_null(v);
    assert_str(value_text(v->value), "cluster");
    assert_contains(v->at.file, "clusters/c.yaml");
    v = scope_variable(tree_site(tree), b, STR("where"));
    assert_str(value_text(v->value), "site");
    assert_int_equal(v->at.line, 9);
    assert_null(scope_variable(tree_site(tree), b, STR("only_cluster")));
    assert_null(scope_variable(tree_site(tree), b, STR("node")));
}

static void a_node_with_everything(void **state)
{
    (void)state;
    assert_str(shown("{{ node.name }} {{ node.fqdn }} {{ node.instance_id }} {{ node.macs | tojson "
                     "}} {{ node.uuid }} {{ node.serial }} {{ node.addresses | tojson }}",
                     ", macs: ['BC-24-11-00-20-0B', 'bc241100200c'], serial: S1,"
                     " uuid: 4C4C4544-0042-4810-8054-B4C04F4D5132,"
                     " addresses: [10.0.20.11, 'FD00:20::000B']"),
               "n n.lab.home.arpa n-1 [\"bc:24:11:00:20:0b\", \"bc:24:11:00:20:0c\"] "
               "4c4c4544-0042-4810-8054-b4c04f4d5132 S1 [\"10.0.20.11\", \"fd00:20::b\"]");
}

static void a_node_with_nothing(void **state)
{
    (void)state;
    assert_str(shown("{{ node | tojson }}", ""),
               "{\"addresses\": [], \"cluster_addresses\": [], \"fqdn\": \"n\", \"instance_id\": "
               "\"n-1\", \"interfaces\": [], "
               "\"macs\": [], \"name\": \"n\", \"serial\": null, \"uuid\": null}");
}

static void no_domain_no_fqdn(void **state)
{
    (void)state;
    assert_str(shown("{{ node.fqdn }}", ", addresses: [10.0.30.5, 10.0.20.5]"), "n");
}

#define INTERFACES                                                                          \
    "{% for i in node.interfaces %}{{ i.name }} {{ i.mac }}:{% for a in i.addresses %} {{ " \
    "a.network }}={{ a.cidr }}/{{ a.family }}>{{ a.gateway }}{% endfor %};{% endfor %}"

static void addresses_of_one_vlan_share_an_interface(void **state)
{
    (void)state;
    assert_str(shown(INTERFACES, ", macs: ['bc:24:11:00:20:0b'], addresses: [10.0.20.11, "
                                 "'fd00:20::b', 10.0.20.12]"),
               "eth0 bc:24:11:00:20:0b: nodes=10.0.20.11/24/4>10.0.20.1 "
               "nodes6=fd00:20::b/64/6>fd00:20::1 nodes=10.0.20.12/24/4>None;");
}

static void each_vlan_has_its_interface(void **state)
{
    (void)state;
    assert_str(shown(INTERFACES,
                     ", macs: ['bc:24:11:00:20:0b', 'bc:24:11:00:20:0c', 'bc:24:11:00:20:0d'],"
                     " addresses: [10.0.20.11, 10.0.30.11, 10.0.20.12, 10.0.40.11]"),
               "eth0 bc:24:11:00:20:0b: nodes=10.0.20.11/24/4>10.0.20.1 "
               "nodes=10.0.20.12/24/4>None;"
               "eth1 bc:24:11:00:20:0c: storage=10.0.30.11/24/4>None;"
               "eth2 bc:24:11:00:20:0d: isolated=10.0.40.11/24/4>None;");
}

static void a_mac_without_address_is_dhcp(void **state)
{
    (void)state;
    assert_str(shown(INTERFACES, ", macs: ['bc:24:11:00:20:0b', 'bc:24:11:00:20:0c'],"
                                 " addresses: [10.0.50.11]"),
               "eth0 bc:24:11:00:20:0b: flat=10.0.50.11/24/4>None;eth1 bc:24:11:00:20:0c:;");
}

/* The first address that has a gateway, not the first address. */
static void one_default_route_for_each_family(void **state)
{
    (void)state;
    assert_str(shown(INTERFACES, ", addresses: [10.0.40.11, 10.0.30.11, 10.0.20.11, "
                                 "'fd00:20::b', 'fd00:20::c']"),
               "eth0 None: isolated=10.0.40.11/24/4>None;"
               "eth1 None: storage=10.0.30.11/24/4>10.0.30.1;"
               "eth2 None: nodes=10.0.20.11/24/4>None nodes6=fd00:20::b/64/6>fd00:20::1 "
               "nodes6=fd00:20::c/64/6>None;");
}

static void name_servers_of_the_address(void **state)
{
    (void)state;
    assert_str(shown("{% for i in node.interfaces %}{% for a in i.addresses %}{{ a.address }} {{ "
                     "a.dns | tojson }} {{ a.search | tojson }};{% endfor %}{% endfor %}",
                     ", addresses: [10.0.20.11, 10.0.30.11]"),
               "10.0.20.11 [\"10.0.20.1\", \"1.1.1.1\"] [\"lab.home.arpa\", \"home.arpa\"];"
               "10.0.30.11 [] [];");
}

static void says_where_a_template_stops(void **state)
{
    (void)state;
    struct template_fault fault;
    grow("one\n{{ nothing }}\n", "n: {role: r}\n");
    const struct render_env env = {.seed_url = STR("")};
    const struct document d = {DOCUMENT_SEED, SEED_USER_DATA};
    assert_int_equal(
        document_render(tables, tree_node(tree, 0), d, &env, &arena, &out, NULL, &fault), -22);
    assert_contains(fault.at.file, "templates/t");
    assert_int_equal(fault.at.line, 2);
    assert_contains(fault.msg, "nothing");
}

static void a_generation_is_another_instance(void **state)
{
    (void)state;
    grow("{{ node.instance_id }}", "n: {role: r}\nb: {role: bare}\n");
    generation = 7;
    assert_str(rendered("n", SEED_USER_DATA), "n-7");
    assert_str(rendered("b", SEED_META_DATA), "instance-id: \"b-7\"\nlocal-hostname: \"b\"\n");
    generation = 0;
    assert_str(rendered("n", SEED_USER_DATA), "n-1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(files_without_template), TEST(site_and_networks), TEST(cluster_and_role),
          TEST(cluster_in_full), TEST(the_seed_url), TEST(the_nearest_variable_wins),
          TEST(lists_that_are_added_to), TEST(a_node_that_differs_from_its_like),
          TEST(where_a_variable_comes_from), TEST(a_node_with_everything),
          TEST(a_node_with_nothing), TEST(no_domain_no_fqdn),
          TEST(addresses_of_one_vlan_share_an_interface), TEST(each_vlan_has_its_interface),
          TEST(a_mac_without_address_is_dhcp), TEST(one_default_route_for_each_family),
          TEST(name_servers_of_the_address), TEST(says_where_a_template_stops),
          TEST(a_generation_is_another_instance))
