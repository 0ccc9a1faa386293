/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/render/tmptree.h"

#include "render/definition.h"
#include "render/scope.h"
#include "tree/extend.h"

#include <errno.h>

static struct tmptree files;
static struct tree *base;
static struct faults faults;

static int start(void **state)
{
    (void)state;
    tmptree_init(&files);
    tmptree_put(&files, "seed/site.yaml",
                "name: lab\nurl: http://site:1\nvariables: {zone: site}\n"
                "networks: {a: {cidr: 10.0.0.0/16, gateway: 10.0.0.1}}\n");
    tmptree_put(&files, "seed/clusters/c.yaml",
                "c: {version: 1.29.3, endpoint: 'k8s.lab:6443', pods: 192.168.0.0/16,\n"
                "    services: 10.96.0.0/12}\n");
    tmptree_put(&files, "seed/roles/r.yaml",
                "r: {templates: {user-data: t}}\nw: {bootstrap: worker}\n");
    tmptree_put(&files, "seed/nodes/n.yaml",
                "n1: {role: r, macs: [bc:24:11:00:00:01], serial: S1, addresses: [10.0.0.5],\n"
                "     uuid: 4c4c4544-0042-4810-8054-b4c04f4d5132}\n"
                "n3: {role: r}\n");
    tmptree_put(&files, "templates/t", "{{ zone }} {{ rack | default('-') }} {{ node.name }}");
    base = tmptree_load(&files);
    faults_init(&faults);
    return 0;
}

static int end(void **state)
{
    (void)state;
    faults_done(&faults);
    tree_free(base);
    tmptree_done(&files);
    return 0;
}

static struct tree_definition defined(const char *uid, uint64_t revision, const char *json)
{
    return (struct tree_definition){str_from(uid), str_from(json), revision};
}

#define EXTEND(previous, ...)                                                    \
    tree_extend(base, (previous), (const struct tree_definition[]){__VA_ARGS__}, \
                sizeof((const struct tree_definition[]){__VA_ARGS__}) /          \
                    sizeof(struct tree_definition),                              \
                &faults)

static void fault_is(size_t i, const char *file, const char *msg)
{
    assert_true(i < faults.kept);
    assert_string_equal(faults.list[i].msg, msg);
    assert_string_equal(faults.list[i].at.file, file);
}

/* BEFORE, the place of a declared node, BEHIND. */
static const char *around(const char *before, unsigned line, const char *behind)
{
    static char text[512];
    snprintf(text, sizeof(text), "%s%s:%u%s", before, tmptree_path(&files, "seed/nodes/n.yaml"),
             line, behind);
    return text;
}

/* --- What comes of a definition ----------------------------------------------------------------
 */

static void a_node_like_a_declared_one(void **state)
{
    (void)state;
    struct tree *t = EXTEND(
        NULL, defined("r-b", 2, "{\"name\":\"n2\",\"role\":\"w\",\"cluster\":\"c\"}"),
        defined(
            "r-a", 1,
            "{\"name\": \"n0\", \"role\": \"r\", \"macs\": [\"BC-24-11-00-00-02\"], \"serial\": "
            "\"S 2\", \"uuid\": \"4c4c4544-0042-4810-8054-b4c04f4d5133\", \"addresses\": "
            "[\"10.0.0.6\"], \"variables\": {\"rack\": 7, \"x\": [null, true, \"\\u00e9\"]}, "
            "\"key_epoch\": 3}"));
    assert_int_equal(faults.errors, 0);
    assert_int_equal(tree_node_count(t), 2);
    const struct node *n = tree_node(t, 0); /* by name */
    assert_str(n->name, "n0");
    assert_str(n->uid, "r-a");
    assert_str(n->serial, "S 2");
    assert_int_equal(n->key_epoch, 3);
    assert_ptr_equal(n->role, tree_find_role(base, STR("r")));
    assert_ptr_equal(n->networks[0], &tree_site(base)->networks[0]);
    assert_int_equal(variables_find(n->variables, STR("rack"))->value.i, 7);
    assert_string_equal(n->at.file, "registered node 'n0'");
    assert_int_equal(n->at.line, 0);
    assert_ptr_equal(tree_find_name(t, STR("n0")), n);
    assert_ptr_equal(tree_find_uid(t, STR("r-a")), n);
    assert_ptr_equal(tree_find_mac(t, n->macs[0]), n);
    assert_ptr_equal(tree_find_uuid(t, *n->uuid), n);
    assert_ptr_equal(tree_find_serial(t, STR("S 2")), n);
    assert_null(tree_find_uid(t, STR("n0")));
    assert_ptr_equal(tree_node(t, 1)->cluster, tree_find_cluster(base, STR("c")));
    assert_true(tree_has(t, n) && !tree_has(base, n));
    assert_ptr_equal(tree_next(t, STR("n0")), tree_node(t, 1));
    assert_ptr_equal(tree_next(t, STR("")), n);
    assert_null(tree_next(t, STR("n2")));
    tree_free(t);
}

static void nobody(void **state)
{
    (void)state;
    struct tree *t = tree_extend(base, NULL, NULL, 0, &faults);
    assert_int_equal(tree_node_count(t), 0);
    assert_null(tree_next(t, STR("")));
    assert_null(tree_find_uid(t, STR("r-a")));
    struct tree *next = tree_extend(base, t, NULL, 0, &faults);
    tree_free(t);
    tree_free(next);
}

/* --- What has no place -------------------------------------------------------------------------
 */

static void a_name_is_declared(void **state)
{
    (void)state;
    struct tree *t = EXTEND(NULL, defined("r-a", 1, "{\"name\": \"n1\", \"role\": \"r\"}"),
                            defined("r-b", 2, "{\"name\": \"n2\", \"role\": \"r\"}"));
    assert_int_equal(faults.errors, 1);
    fault_is(0, "registered node 'n1'",
             around("a node 'n1' is declared at ", 1,
                    ": take it out there, or delete the one that was registered"));
    assert_int_equal(tree_node_count(t), 1);
    assert_non_null(tree_find_name(t, STR("n2")));
    tree_free(t);
}

static void what_a_declared_node_has(void **state)
{
    (void)state;
    struct tree *t = EXTEND(
        NULL, defined("r-a", 1,
                      "{\"name\": \"x\", \"role\": \"r\", \"macs\": [\"bc:24:11:00:00:01\"], "
                      "\"serial\": \"S1\", \"uuid\": \"4c4c4544-0042-4810-8054-b4c04f4d5132\", "
                      "\"addresses\": [\"10.0.0.5\"]}"));
    static const char *const members[] = {"macs", "uuid", "serial", "addresses"};
    assert_int_equal(faults.errors, 4);
    for (size_t i = 0; i < 4; i++) {
        char before[64];
        snprintf(before, sizeof(before), "%s: node 'n1' at ", members[i]);
        fault_is(i, "registered node 'x'", around(before, 1, " has it already"));
    }
    assert_int_equal(tree_node_count(t), 0);
    assert_null(tree_find_serial(t, STR("S1")));
    tree_free(t);
}

/* The first one stays. */
static void what_a_registered_node_has(void **state)
{
    (void)state;
    struct tree *t = EXTEND(
        NULL, defined("r-a", 1, "{\"name\": \"x\", \"role\": \"r\", \"addresses\": \"10.0.0.7\"}"),
        defined("r-b", 2, "{\"name\": \"y\", \"role\": \"r\", \"addresses\": [\"10.0.0.7\"]}"),
        defined("r-c", 3, "{\"name\": \"x\", \"role\": \"r\"}"));
    fault_is(0, "registered node 'y'", "addresses: the registered node 'x' has it already");
    fault_is(1, "registered node 'x'", "a node 'x' is registered already");
    assert_int_equal(faults.errors, 2);
    assert_int_equal(tree_node_count(t), 1);
    assert_str(tree_node(t, 0)->uid, "r-a");
    tree_free(t);
}

static void faults_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *json, *file, *msg;
    } cases[] = {
        {"{\"name\": \"x\", \"role\": \"rr\"}", "registered node 'x'",
         "role: there is no role 'rr'"},
        {"{\"name\": \"x\", \"role\": \"w\"}", "registered node 'x'",
         "node: its role 'w' bootstraps a worker; say of which cluster"},
        {"{\"name\": \"x\", \"role\": \"r\", \"addresses\": [\"10.0.0.1\"]}", NULL, NULL},
        {"{\"role\": \"r\"}", "registered node r-a", NULL},
        {"[1]", "registered node r-a", NULL},
        {"{\"name\": [], \"role\": \"r\"}", "registered node r-a", NULL},
        {"{", "registered node r-a", NULL},
        {"", "registered node r-a", NULL},
        {"{\"name\": \"x\", \"role\": \"r\", \"key_epoch\": 0}", "registered node 'x'", NULL},
        {"{\"name\": \"x\", \"role\": \"r\", \"uid\": \"r-x\"}", "registered node 'x'", NULL},
        {"{\"name\": \"A\", \"role\": \"r\"}", "registered node 'A'", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tree *t = EXTEND(NULL, defined("r-a", 1, cases[i].json));
        assert_int_equal(faults.errors, 1);
        if (cases[i].msg)
            assert_string_equal(faults.list[0].msg, cases[i].msg);
        if (cases[i].file)
            assert_string_equal(faults.list[0].at.file, cases[i].file);
        assert_int_equal(tree_node_count(t), 0);
        tree_free(t);
        faults_done(&faults);
        faults_init(&faults);
    }
}

/* What its state is kept under would be two nodes'. */
static void a_uid_that_is_a_declared_name(void **state)
{
    (void)state;
    tree_free(EXTEND(NULL, defined("n3", 1, "{\"name\": \"x\", \"role\": \"r\"}")));
    fault_is(0, "registered node 'x'",
             around("its uid 'n3' is the name of the node that is declared at ", 3, ""));
}

/* --- From one to the next ----------------------------------------------------------------------
 */

static void what_is_the_same_is_taken_over(void **state)
{
    (void)state;
    struct tree *t = EXTEND(NULL, defined("r-a", 1, "{\"name\": \"x\", \"role\": \"r\"}"),
                            defined("r-b", 2, "{\"name\": \"y\", \"role\": \"r\"}"),
                            defined("r-c", 3, "{\"name\": \"z\", \"role\": \"r\"}"));
    const char *name = tree_find_uid(t, STR("r-b"))->name.p;
    struct tree *next = EXTEND(t, defined("r-d", 5, "{\"name\": \"a\", \"role\": \"r\"}"),
                               defined("r-b", 2, ""), /* not looked into */
                               defined("r-c", 4, "{\"name\": \"z\", \"role\": \"r\"}"));
    assert_int_equal(faults.errors, 0);
    assert_int_equal(tree_node_count(next), 3);
    assert_int_equal(tree_taken_from(next, 0, t), UINT32_MAX);
    assert_int_equal(tree_taken_from(next, 1, t), 1);
    assert_int_equal(tree_taken_from(next, 2, t), UINT32_MAX);
    assert_int_equal(tree_taken_from(next, 1, NULL), UINT32_MAX);
    tree_free(t);
    assert_ptr_equal(tree_find_name(next, STR("y"))->name.p, name);
    assert_null(tree_find_name(next, STR("x")));
    tree_free(next);
}

static void new_ones_are_held_against_those(void **state)
{
    (void)state;
    struct tree *t = EXTEND(
        NULL, defined("r-b", 2, "{\"name\": \"y\", \"role\": \"r\", \"serial\": \"CZC1234ABC\"}"));
    struct tree *next = EXTEND(
        t, defined("r-a", 3, "{\"name\": \"x\", \"role\": \"r\", \"serial\": \"CZC1234ABC\"}"),
        defined("r-b", 2, ""));
    fault_is(0, "registered node 'x'", "serial: the registered node 'y' has it already");
    assert_int_equal(tree_node_count(next), 1);
    tree_free(t);
    tree_free(next);
}

static void trying_one(void **state)
{
    (void)state;
    static const char mine[] = "{\"name\": \"x\", \"role\": \"r\", \"serial\": \"CZC1234ABC\"}";
    struct tree *t = EXTEND(NULL, defined("r-a", 1, mine));
    assert_int_equal(tree_try(base, NULL, defined("r-a", 2, mine), &faults), 0);
    assert_int_equal(tree_try(base, t, defined("r-a", 2, mine), &faults), 0); /* itself */
    assert_int_equal(faults.errors, 0);
    assert_int_equal(tree_try(base, t, defined("r-b", 2, mine), &faults), -EEXIST);
    fault_is(0, "registered node 'x'", "a node 'x' is registered already");
    static const char other[] = "{\"name\": \"y\", \"role\": \"r\", \"serial\": \"CZC1234ABC\"}";
    assert_int_equal(tree_try(base, t, defined("r-b", 2, other), &faults), -EEXIST);
    fault_is(1, "registered node 'y'", "serial: the registered node 'x' has it already");
    static const char worse[] = "{\"name\": \"y\", \"role\": \"q\", \"serial\": \"CZC1234ABC\"}";
    assert_int_equal(tree_try(base, t, defined("r-b", 2, worse), &faults), -EINVAL);
    static const char twice[] = "{\"name\": \"y\", \"role\": \"r\", \"macs\": "
                                "[\"bc:24:11:00:00:09\", \"bc:24:11:00:00:09\"]}";
    assert_int_equal(tree_try(base, t, defined("r-b", 2, twice), &faults), -EINVAL);
    tree_free(t);
}

/* --- Rendering ---------------------------------------------------------------------------------
 */

static void renders(const struct scope_tables *tables, const struct tree *t, const char *name,
                    const char *text)
{
    const struct render_env env = {.seed_url = {"u", 1}};
    struct template_fault fault;
    struct arena a;
    struct buf out;
    arena_init(&a, 1024);
    buf_init(&out, 1024);
    assert_int_equal(document_render(tables, tree_find_name(t, str_from(name)),
                                     (struct document){DOCUMENT_SEED, SEED_USER_DATA}, &env, &a,
                                     &out, NULL, &fault),
                     0);
    assert_true(str_is(buf_view(&out), text));
    buf_done(&out);
    arena_done(&a);
}

/* The tables are the base's, and some of what they wrote out is what this node sets. */
static void templates_see_them(void **state)
{
    (void)state;
    struct scope_tables *tables = scope_tables_new(base);
    struct tree *t = EXTEND(
        NULL, defined("r-a", 1, "{\"name\": \"plain\", \"role\": \"r\"}"),
        defined("r-b", 2, "{\"name\": \"more\", \"role\": \"r\", \"variables\": {\"rack\": 7}}"),
        defined("r-c", 3, "{\"name\": \"own\", \"role\": \"r\", \"variables\": {\"zone\": \"z\"}}"),
        defined("r-d", 4, "{\"name\": \"pair\", \"role\": \"r\", \"cluster\": \"c\"}"));
    renders(tables, base, "n1", "site - n1");
    renders(tables, t, "plain", "site - plain");
    renders(tables, t, "more", "site 7 more");
    renders(tables, t, "own", "z - own");
    renders(tables, t, "pair", "site - pair"); /* no declared node has both */
    tree_free(t);
    scope_tables_free(tables);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

/* Its lists of MACs and addresses are those of its interfaces. */
static void a_node_with_interfaces(void **state)
{
    (void)state;
    struct tree *t = EXTEND(
        NULL, defined("r-a", 1,
                      "{\"name\": \"n0\", \"role\": \"r\", \"interfaces\": {"
                      "\"lan1\": {\"mac\": \"bc:24:11:00:00:02\"}, "
                      "\"lan2\": {\"mac\": \"bc:24:11:00:00:03\", \"addresses\": \"10.0.0.7\"}, "
                      "\"v20\": {\"vlan\": 20, \"link\": \"lan1\", \"addresses\": [\"10.0.0.6\"]}, "
                      "\"br0\": {\"bridge\": [\"lan2\"]}}}"));
    assert_int_equal(faults.errors, 1); /* a member with addresses */
    faults.errors = 0;
    tree_free(t);
    t = EXTEND(
        NULL, defined("r-a", 2,
                      "{\"name\": \"n0\", \"role\": \"r\", \"interfaces\": {"
                      "\"lan1\": {\"mac\": \"bc:24:11:00:00:02\"}, "
                      "\"lan2\": {\"mac\": \"bc:24:11:00:00:03\"}, "
                      "\"v20\": {\"vlan\": 20, \"link\": \"lan1\", \"addresses\": [\"10.0.0.6\"]}, "
                      "\"br0\": {\"bridge\": [\"lan2\"], \"addresses\": \"10.0.0.7\"}}}"));
    assert_int_equal(faults.errors, 0);
    const struct node *n = tree_find_name(t, STR("n0"));
    assert_int_equal(n->macs_n, 2);
    assert_int_equal(n->addresses_n, 2);
    assert_ptr_equal(tree_find_mac(t, n->macs[1]), n);
    assert_ptr_equal(tree_find_address(t, n->addresses[1]), n);
    assert_str(node_interface_of(n, 1)->name, "br0");
    assert_int_equal(node_mac_of(n, 0), 0); /* by DHCP: the VLAN's link */
    assert_int_equal(node_mac_of(n, 1), 1); /* the bridge's first card */
    assert_int_equal(node_access_vlan(n), 0);
    assert_true(node_interface_is_base(n, node_find_interface(n, STR("lan2"))));
    tree_free(t);
}

/* What is printed of a definition can be read again, and is the same. */
static void interfaces_printed_and_read(void **state)
{
    static const char json[] =
        "{\"lan1\":{\"mac\":\"bc:24:11:00:00:02\"},\"lan2\":{\"mac\":\"bc:24:11:00:00:03\"},"
        "\"bond0\":{\"mtu\":9000,\"bond\":[\"lan1\",\"lan2\"],\"mode\":\"802.3ad\","
        "\"lacp_rate\":\"fast\",\"hash_policy\":\"layer3+4\"},"
        "\"v20\":{\"addresses\":[\"10.0.0.6\"],\"dhcp\":\"ipv6\",\"optional\":\"false\","
        "\"default_route\":\"true\",\"dns\":[\"10.0.0.53\"],\"search\":[\"a.test\"],"
        "\"routes\":[{\"to\":\"10.9.0.0/16\",\"via\":\"10.7.0.1\",\"metric\":5,\"on_link\":true}],"
        "\"vlan\":20,\"link\":\"bond0\"},"
        "\"oob\":{\"mac\":\"bc:24:11:00:00:04\",\"dhcp\":\"none\"},"
        "\"br0\":{\"bridge\":[\"oob\"],\"stp\":true}}";
    struct value_pair pairs[DEFINITION_PAIRS];
    struct arena a;
    struct buf out;
    (void)state;
    arena_init(&a, 4096);
    buf_init(&out, 1 << 16);
    const char *text =
        arena_printf(&a, "{\"name\":\"n0\",\"role\":\"r\",\"interfaces\":%s}", json).p;
    struct tree *t = EXTEND(NULL, defined("r-a", 1, text));
    assert_int_equal(faults.errors, 0);
    size_t n = definition_pairs(tree_node(t, 0), &a, pairs);
    json_write(&out, value_get(value_map(pairs, n), STR("interfaces")), false);
    assert_str(buf_view(&out), json);
    tree_free(t);
    buf_done(&out);
    arena_done(&a);
}

UNIT_MAIN(TEST(a_node_like_a_declared_one), TEST(interfaces_printed_and_read),
          TEST(a_node_with_interfaces), TEST(nobody), TEST(a_name_is_declared),
          TEST(what_a_declared_node_has), TEST(what_a_registered_node_has), TEST(faults_of_its_own),
          TEST(a_uid_that_is_a_declared_name), TEST(what_is_the_same_is_taken_over),
          TEST(new_ones_are_held_against_those), TEST(trying_one), TEST(templates_see_them))
