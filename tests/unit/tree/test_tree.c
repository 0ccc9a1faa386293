/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "lib/folder.h"
#include "lib/listing.h"
#include "template/template.h"
#include "tree/tree.h"

#include "base/clock.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>

#define SITE "name: lab\nurl: http://10.0.10.5:8080\nnetworks: {a: {cidr: 10.0.0.0/16}}\n"

/* A tree in the working directory: seed/ and templates/. */
struct world {
    struct tree *tree;
    struct faults faults;
    struct buf said;
};

static void done(struct world *w)
{
    tree_free(w->tree);
    faults_done(&w->faults);
    buf_done(&w->said);
}

#define LOADED(w) __attribute__((cleanup(done))) struct world w = loaded()

static struct world loaded(void)
{
    struct world w = {.tree = NULL};
    faults_init(&w.faults);
    buf_init(&w.said, 65536);
    const struct tree_source from = {.seed_dir = "seed/", .templates_dir = "templates"};
    int r = tree_load(&from, &w.faults, &w.tree);
    assert_int_equal(r, w.faults.errors ? -EINVAL : 0);
    assert_int_equal(w.tree != NULL, r == 0);
    buf_printf(&w.said, "%s", "");
    listing_write(&w.said, &w.faults);
    return w;
}

static int enter(void **state)
{
    if (folder_enter(state) < 0)
        return -1;
    folder_sub(*state, "seed");
    folder_sub(*state, "seed/clusters");
    folder_sub(*state, "seed/roles");
    folder_sub(*state, "seed/nodes");
    folder_sub(*state, "templates");
    folder_file(*state, "seed/site.yaml", SITE);
    return 0;
}

static struct str names_of(const struct tree *t)
{
    static char text[4096];
    size_t n = 0;
    for (uint32_t i = 0; i < tree_node_count(t); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ", tree_node(t, i)->name.p);
    return (struct str){text, n};
}

static void an_empty_site_is_a_tree(void **state)
{
    (void)state;
    LOADED(w);
    assert_string_equal(w.said.p, "");
    assert_int_equal(tree_node_count(w.tree), 0);
    assert_str(tree_site(w.tree)->name, "lab");
    assert_null(tree_find_name(w.tree, STR("x")));
    assert_null(tree_find_role(w.tree, STR("x")));
    assert_null(tree_find_cluster(w.tree, STR("x")));
    assert_null(tree_find_serial(w.tree, STR("x")));
}

static void folders_may_be_missing(void **state)
{
    (void)state;
    assert_int_equal(rmdir("seed/clusters"), 0);
    assert_int_equal(rmdir("seed/roles"), 0);
    assert_int_equal(rmdir("seed/nodes"), 0);
    LOADED(w);
    assert_string_equal(w.said.p, "");
}

static void a_missing_tree_tells_what_is_expected(void **state)
{
    (void)state;
    assert_int_equal(remove("seed/site.yaml"), 0);
    assert_int_equal(rmdir("templates"), 0);
    LOADED(w);
    assert_string_equal(w.said.p, "seed/site.yaml: there is no such file; a seed tree begins with "
                                  "it: the site's name, its url, its networks\n"
                                  "templates: there is no such folder; the templates of the roles "
                                  "are expected in it\n");
}

static void misspelt_neighbours_are_told(void **state)
{
    struct folder *f = *state;
    folder_sub(f, "seed/node");
    folder_file(f, "seed/README.md", "");
    LOADED(w);
    assert_string_equal(w.said.p, "seed/node: warning: this is not read; did you mean 'nodes'?\n");
}

static void nodes_are_sorted_across_files(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/roles/r.yaml", "r: {}\n");
    folder_file(f, "seed/nodes/1.yaml", "c: {role: r}\na: {role: r}\n");
    folder_file(f, "seed/nodes/2.yaml", "b: {role: r}\na-b: {role: r}\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    assert_str(names_of(w.tree), "a a-b b c ");
    for (uint32_t i = 0; i < 4; i++) {
        const struct node *n = tree_node(w.tree, i);
        assert_int_equal(tree_node_number(w.tree, n), i);
        assert_ptr_equal(tree_find_name(w.tree, n->name), n);
    }
    assert_string_equal(tree_node(w.tree, 1)->at.file, "seed/nodes/2.yaml");
    assert_int_equal(tree_node(w.tree, 1)->at.line, 2);
}

static void nodes_are_found_by_what_they_are_known_by(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/roles/r.yaml", "r: {}\n");
    folder_file(f, "seed/nodes/n.yaml",
                "z: {role: r, macs: ['bc:24:11:00:00:01', 'bc:24:11:00:00:02'], serial: S1}\n"
                "a: {role: r, macs: 'bc:24:11:00:00:03',\n"
                "    uuid: 4c4c4544-0042-4810-8054-b4c04f4d5132, addresses: [10.0.0.7]}\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    const struct node *a = tree_find_name(w.tree, STR("a")), *z = tree_find_name(w.tree, STR("z"));
    assert_ptr_equal(tree_find_mac(w.tree, (struct mac){{0xbc, 0x24, 0x11, 0, 0, 2}}), z);
    assert_ptr_equal(tree_find_mac(w.tree, (struct mac){{0xbc, 0x24, 0x11, 0, 0, 3}}), a);
    assert_null(tree_find_mac(w.tree, (struct mac){{0xbc, 0x24, 0x11, 0, 0, 4}}));
    assert_ptr_equal(tree_find_serial(w.tree, STR("S1")), z);
    assert_ptr_equal(tree_find_uuid(w.tree, *a->uuid), a);
    assert_null(z->uuid);
    assert_int_equal(a->key_epoch, 1);
    assert_ptr_equal(a->networks[0], &tree_site(w.tree)->networks[0]);
}

static struct str text_of(struct variables vars, const char *name)
{
    const struct variable *v = variables_find(vars, str_from(name));
    assert_non_null(v);
    return value_text(v->value);
}

static void roles_take_what_they_lack_from_what_they_extend(void **state)
{
    struct folder *f = *state;
    folder_file(f, "templates/m", "m");
    folder_file(f, "templates/u", "u");
    folder_file(f, "seed/roles/z.yaml",
                "leaf: {extends: middle, variables: {c: leaf}}\n"
                "middle: {extends: base, bootstrap: none, variables: {b: middle, c: middle},\n"
                "         templates: {user-data: u}}\n");
    folder_file(f, "seed/roles/a.yaml",
                "base: {bootstrap: worker, templates: {meta-data: m, user-data: m},\n"
                "       variables: {a: base, b: base, list: [1, 2]}}\n"
                "other: {extends: base, variables: {list: [3]}}\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    const struct role *leaf = tree_find_role(w.tree, STR("leaf"));
    assert_ptr_equal(leaf->extends, tree_find_role(w.tree, STR("middle")));
    assert_int_equal(leaf->bootstrap, BOOTSTRAP_NONE);
    assert_str(leaf->template_names[SEED_META_DATA], "m");
    assert_str(leaf->template_names[SEED_USER_DATA], "u");
    assert_non_null(leaf->templates[SEED_USER_DATA]);
    assert_null(leaf->templates[SEED_VENDOR_DATA]);
    assert_str(text_of(leaf->variables, "a"), "base");
    assert_str(text_of(leaf->variables, "b"), "middle");
    assert_str(text_of(leaf->variables, "c"), "leaf");
    assert_string_equal(variables_find(leaf->variables, STR("a"))->at.file, "seed/roles/a.yaml");
    assert_int_equal(variables_find(leaf->variables, STR("a"))->at.line, 2);
    const struct role *other = tree_find_role(w.tree, STR("other"));
    assert_int_equal(other->bootstrap, BOOTSTRAP_WORKER);
    assert_int_equal(variables_find(other->variables, STR("list"))->value.n, 1);
    assert_int_equal(other->variables.n, 3);
}

static void a_long_chain_of_roles_is_followed(void **state)
{
    FILE *file = fopen("seed/roles/r.yaml", "w");
    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 20000; i++)
        fprintf(file, "r%d: {extends: r%d}\n", i, i + 1);
    fprintf(file, "r20000: {bootstrap: none, variables: {a: end}}\n");
    fclose(file);
    LOADED(w);
    assert_string_equal(w.said.p, "");
    assert_str(text_of(tree_find_role(w.tree, STR("r0"))->variables, "a"), "end");
}

static void variables_keep_type_order_and_place(void **state)
{
    folder_file(*state, "seed/site.yaml",
                SITE "variables:\n"
                     "  z: {b: 1, a: [true, 2.5, ~, 'yes']}\n"
                     "  a: |\n"
                     "    two\n"
                     "    lines\n"
                     "  empty:\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    struct variables vars = tree_site(w.tree)->variables;
    assert_int_equal(vars.n, 3);
    assert_str(text_of(vars, "a"), "two\nlines\n");
    assert_int_equal(variables_find(vars, STR("empty"))->value.kind, VALUE_NONE);
    const struct variable *z = variables_find(vars, STR("z"));
    assert_int_equal(z->at.line, 5);
    assert_int_equal(z->at.column, 3);
    assert_str(value_text(z->value.pairs[0].key), "b");
    const struct value *items = z->value.pairs[1].value.items;
    assert_int_equal(items[0].kind, VALUE_BOOL);
    assert_int_equal(items[1].kind, VALUE_FLOAT);
    assert_int_equal(items[2].kind, VALUE_NONE);
    assert_str(value_text(items[3]), "yes");
}

/* One run tells what is wrong with a thing and what is wrong between it and others. */
static void faults_beside_a_thing_do_not_hide_others(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/site.yaml", SITE "nope: 1\n");
    folder_file(f, "seed/nodes/n.yaml", "n: {role: r, addresses: [10.9.9.9]}\n");
    folder_file(f, "seed/roles/r.yaml", "r: {}\n");
    LOADED(w);
    assert_int_equal(w.faults.errors, 2);
    assert_non_null(strstr(w.faults.list[0].msg, "10.9.9.9 lies in none"));
    assert_non_null(strstr(w.faults.list[1].msg, "unknown key 'nope'"));
}

static void files_beyond_the_caps_are_refused(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/nodes/n.yaml", "");
    folder_file(f, "templates/t", "");
    assert_int_equal(truncate("seed/nodes/n.yaml", 16 * 1024 * 1024 + 1), 0);
    assert_int_equal(truncate("templates/t", 1024 * 1024 + 1), 0);
    LOADED(w);
    assert_string_equal(w.said.p, "seed/nodes/n.yaml: larger than 16 MiB\n"
                                  "templates/t: larger than 1 MiB\n");
}

static void each_vlan_wants_a_card(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/roles/r.yaml", "r: {}\n");
    folder_file(f, "seed/site.yaml",
                "name: s\nurl: http://10.0.0.1\nnetworks:\n"
                "  a: {cidr: 10.1.0.0/16, vlan: 1}\n"
                "  a6: {cidr: 'fd00:1::/64', vlan: 1}\n"
                "  b: {cidr: 10.2.0.0/16, vlan: 2}\n");
    folder_file(
        f, "seed/nodes/n.yaml",
        "one-card: {role: r, macs: 'bc:24:11:00:00:01', addresses: [10.1.0.1, 'fd00:1::1']}\n"
        "two-vlans: {role: r, macs: 'bc:24:11:00:00:02', addresses: [10.1.0.2, 10.2.0.2]}\n"
        "no-mac: {role: r, addresses: [10.1.0.3, 10.2.0.3]}\n");
    LOADED(w);
    assert_int_equal(w.faults.errors, 1);
    assert_int_equal(w.faults.list[0].at.line, 2);
    assert_non_null(strstr(w.faults.list[0].msg, "they lie in 2 VLANs, but 'macs' names 1"));
}

static void lost_files_do_not_cause_false_faults(void **state)
{
    struct folder *f = *state;
    folder_link(f, "templates/lost", "nowhere");
    folder_file(f, "seed/roles/q.yaml", "b: {extends: a, templates: {user-data: lost}}\n");
    folder_file(f, "seed/roles/r.yaml", "a: [\n");
    folder_file(f, "seed/clusters/c.yaml", "a: [\n");
    folder_file(f, "seed/site.yaml",
                "name: lab\nurl: http://10.0.10.5:8080\n"
                "networks: {a: {cidr: 10.0.0.0/16}, b: {cidr: 10.9.9.0}}\n");
    folder_file(f, "seed/nodes/n.yaml", "n: {role: r, cluster: c, addresses: [10.9.9.9]}\n");
    LOADED(w);
    if (w.faults.errors != 4)
        fail_msg("%s", w.said.p);
}

#define CLUSTER \
    "{version: '1.29', endpoint: 'api:6443', pods: 192.168.0.0/16, services: 10.96.0.0/12}"

static void clusters_and_roles_may_share_names(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/clusters/c.yaml", "z: " CLUSTER "\nm: " CLUSTER "\na: " CLUSTER "\n");
    folder_file(f, "seed/roles/r.yaml", "z: {}\nm: {}\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    assert_int_equal(tree_cluster_count(w.tree), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct cluster *c = tree_cluster(w.tree, i);
        assert_ptr_equal(tree_find_cluster(w.tree, c->name), c);
    }
    assert_str(tree_cluster(w.tree, 0)->name, "a");
    assert_str(tree_role(w.tree, 1)->name, "z");
}

static void evidence_is_a_set(void **state)
{
    folder_file(*state, "seed/site.yaml", SITE "evidence: [uuid, mac]\n");
    LOADED(w);
    const bool *evidence = tree_site(w.tree)->evidence;
    assert_true(evidence[EVIDENCE_MAC] && evidence[EVIDENCE_UUID]);
    assert_false(evidence[EVIDENCE_SERIAL] || evidence[EVIDENCE_NAME]);
}

static void addons_keep_their_order(void **state)
{
    folder_file(
        *state, "seed/clusters/c.yaml",
        "c:\n  version: 1.29.15\n  endpoint: api:6443\n  pods: [192.168.0.0/16, fd01::/56]\n"
        "  services: 10.96.0.0/12\n  addons:\n"
        "  - {name: b, url: https://a/b, wait: [crd/x, deployment/ns/y]}\n"
        "  - {name: a, url: https://a/a}\n");
    LOADED(w);
    assert_string_equal(w.said.p, "");
    const struct cluster *c = tree_find_cluster(w.tree, STR("c"));
    assert_str(c->version, "1.29.15");
    assert_int_equal(c->pods_n, 2);
    assert_int_equal(c->addons_n, 2);
    assert_str(c->addons[0].name, "b");
    assert_int_equal(c->addons[0].wait_n, 2);
    assert_str(c->addons[0].wait[1], "deployment/ns/y");
    assert_int_equal(c->addons[0].sha256.n, 0);
}

#define WITH_ADDON(name)                                                                           \
    name                                                                                           \
        ": {version: 1.29.15, endpoint: 'a:6443', pods: 192.168.0.0/16, services: 10.96.0.0/12,\n" \
        "    addons: [{name: a, url: 'https://a/a'}]}\n"

static void what_a_new_cluster_would_lack_is_a_warning(void **state)
{
    struct folder *f = *state;
    folder_sub(f, "templates/sealed");
    folder_file(f, "templates/sealed/k", "");
    folder_file(f, "seed/clusters/c.yaml",
                WITH_ADDON("begun") WITH_ADDON("unused") WITH_ADDON("waiting"));
    folder_file(f, "seed/roles/r.yaml",
                "master: {bootstrap: master, kubeadm: sealed/k}\n"
                "worker: {bootstrap: worker}\n"
                "spare: {bootstrap: worker}\n"
                "plain: {}\n");
    folder_file(f, "seed/nodes/n.yaml",
                "m: {role: master, cluster: begun, addresses: [10.0.0.1]}\n"
                "n: {role: master, cluster: begun}\n"
                "w: {role: worker, cluster: begun}\n"
                "v: {role: worker, cluster: waiting}\n"
                "p: {role: plain, cluster: waiting}\n"
                "q: {role: plain}\n");
    LOADED(w);
    assert_string_equal(w.said.p,
                        "seed/clusters/c.yaml:5:1: warning: cluster: nothing applies its "
                        "addons: none of its nodes has a role with 'bootstrap: master'\n"
                        "seed/nodes/n.yaml:2:1: warning: a master without 'addresses' has "
                        "one from DHCP, and is lost to its cluster when that changes: "
                        "declare the one that it will always have\n"
                        "seed/roles/r.yaml:2:1: warning: role: its nodes join a cluster, "
                        "but have no kubeadm configuration: name a template under 'kubeadm'\n");
}

static void says(struct folder *f, const char *version, const char *what)
{
    char text[256];
    snprintf(text, sizeof(text),
             "c:\n  version: \"%s\"\n  endpoint: api:6443\n  pods: 192.168.0.0/16\n"
             "  services: 10.96.0.0/12\n",
             version);
    folder_file(f, "seed/clusters/c.yaml", text);
    LOADED(w);
    assert_string_equal(w.said.p, what);
}

static void versions_that_kubeadm_does_not_know(void **state)
{
    says(*state, "1.22", "");
    says(*state, "1.37.0", "");
    says(*state, "1.38",
         "seed/clusters/c.yaml:2:12: warning: version: 1.38 is newer than 1.37, the newest that "
         "this "
         "cloudseed knows\n");
    says(*state, "1.21.14",
         "seed/clusters/c.yaml:2:12: version: kubeadm 1.21 does not read the configuration that "
         "nodes are given; the oldest that does is 1.22\n");
    says(*state, "2.0",
         "seed/clusters/c.yaml:2:12: version: kubeadm 2.0 does not read the configuration that "
         "nodes are given; the oldest that does is 1.22\n");
}

#define SOFT(name)                                                                               \
    name ": {version: 1.29.15, endpoint: 'a:6443', pods: 192.168.0.0/16, services: 10.96.0.0/12" \
         ", hardened: false}\n"
#define HARD(name)                                                                   \
    name ": {version: 1.29.15, endpoint: 'a:6443', pods: 192.168.0.0/16, services: " \
         "10.96.0.0/12}\n"

static void clusters_are_hardened_unless_they_say_no(void **state)
{
    struct folder *f = *state;
    folder_sub(f, "templates/sealed");
    folder_file(f, "templates/sealed/k", "");
    folder_file(f, "seed/clusters/c.yaml", SOFT("soft") HARD("hard"));
    folder_file(f, "seed/roles/r.yaml", "master: {bootstrap: master, kubeadm: sealed/k}\n");
    folder_file(f, "seed/nodes/n.yaml",
                "h1: {role: master, cluster: hard, addresses: [10.0.0.1]}\n"
                "h2: {role: master, cluster: hard, addresses: [10.0.0.2]}\n"
                "s1: {role: master, cluster: soft, addresses: [10.0.0.3]}\n"
                "s2: {role: master, cluster: soft, addresses: [10.0.0.4]}\n");
    LOADED(w);
    assert_string_equal(w.said.p,
                        "seed/nodes/n.yaml:4:1: node: cluster 'soft' has 'hardened: false' "
                        "and a master already, 's1' at seed/nodes/n.yaml:3: only a "
                        "hardened cluster may have more\n");
}

static void hardened_is_not_a_variable(void **state)
{
    struct folder *f = *state;
    folder_file(f, "seed/clusters/c.yaml",
                "c:\n  version: \"1.29\"\n  endpoint: api:6443\n  pods: 192.168.0.0/16\n"
                "  services: 10.96.0.0/12\n  variables: {hardened: false}\n");
    LOADED(w);
    assert_string_equal(w.said.p,
                        "seed/clusters/c.yaml:6:15: variables: 'hardened' is a key of the "
                        "cluster: write it beside its 'version'\n");
}

static void nodes_bootstrap_at_the_host_of_the_url(void **state)
{
    static const struct {
        const char *site, *node_url;
    } cases[] = {
        {"url: http://10.0.10.5:8080", "https://10.0.10.5:8443"},
        {"url: https://seed.home.arpa", "https://seed.home.arpa:8443"},
        {"url: 'http://[fd00::5]:8080/'", "https://[fd00::5]:8443"},
        {"url: 'http://[fd00::5]'", "https://[fd00::5]:8443"},
        {"url: http://10.0.10.5:8080\nnode_url: https://seed.home.arpa/", "https://seed.home.arpa"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char site[256];
        snprintf(site, sizeof(site), "name: lab\n%s\n", cases[i].site);
        folder_file(*state, "seed/site.yaml", site);
        LOADED(w);
        bool is_https = strstr(cases[i].site, "https://seed.home.arpa") == cases[i].site + 5;
        assert_int_equal(strstr(w.said.p, "answered over HTTP only") != NULL, is_https);
        assert_int_equal(w.faults.warnings, is_https);
        assert_str_equal(tree_site(w.tree)->node_url, str_from(cases[i].node_url));
    }
}

/* 40 of its own and 40 inherited are too many, 40 that replace the same are not. */
static void sealed_files_are_counted_with_inherited_ones(void **state)
{
    FILE *file = fopen("seed/roles/r.yaml", "w");
    folder_file(*state, "templates/t", "");
    assert_non_null(file);
    fprintf(file, "base:\n  bootstrap: worker\n  sealed:\n");
    for (int i = 0; i < 40; i++)
        fprintf(file, "    /etc/%d: {template: t}\n", i);
    fprintf(file, "same: {extends: base, sealed: {/etc/7: {template: t}}}\nmore:\n  extends: base\n"
                  "  sealed:\n");
    for (int i = 40; i < 80; i++)
        fprintf(file, "    /etc/%d: {template: t}\n", i);
    fclose(file);
    LOADED(w);
    assert_string_equal(w.said.p, "seed/roles/r.yaml:45:1: sealed: 80 files are too many, with "
                                  "those it inherits; a role has at most 64\n");
}

/* --- Files that change meanwhile ---------------------------------------------------------------
 */

/* Used instead of libc's: the seed folder itself is listed once in each reading, after the
 * templates and before all else. */
static void (*on_reading)(unsigned reading);
static unsigned readings;

DIR *opendir(const char *path)
{
    DIR *(*real)(const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    if (on_reading && strcmp(path, "seed") == 0)
        on_reading(++readings);
    return real(path);
}

/* One commit of the tree: a role and the template that it needs. */
static void check_out(unsigned n)
{
    char text[128], path[64];
    snprintf(path, sizeof(path), "templates/t%u", n);
    folder_file(NULL, path, "#cloud-config\n");
    snprintf(text, sizeof(text), "r: {templates: {user-data: t%u}}\n", n);
    folder_file(NULL, "seed/roles/r.yaml", text);
    snprintf(path, sizeof(path), "templates/t%u", n - 1);
    unlink(path);
}

static void check_out_once(unsigned reading)
{
    if (reading == 1)
        check_out(2);
}

static void a_tree_that_changes_is_read_again(void **state)
{
    (void)state;
    check_out(1);
    readings = 0;
    on_reading = check_out_once;
    LOADED(w);
    on_reading = NULL;
    assert_string_equal(w.said.p, "");
    assert_int_equal(readings, 2);
    assert_string_equal(tree_role(w.tree, 0)->name.p, "r");
}

static void check_out_each_time(unsigned reading)
{
    check_out(reading + 1);
}

static void a_tree_that_never_rests_is_refused(void **state)
{
    (void)state;
    check_out(1);
    readings = 0;
    on_reading = check_out_each_time;
    uint64_t begin = clock_boot_ms();
    LOADED(w);
    on_reading = NULL;
    assert_in_range(clock_boot_ms() - begin, 1000, 20000);
    assert_in_range(readings, 2, 8);
    assert_string_equal(w.said.p, "seed/: its files, or those of the templates, changed whenever "
                                  "they were read, 8 times: try again when they do not\n");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, folder_leave)

UNIT_MAIN(IN_FOLDER(an_empty_site_is_a_tree), IN_FOLDER(folders_may_be_missing),
          IN_FOLDER(a_missing_tree_tells_what_is_expected), IN_FOLDER(misspelt_neighbours_are_told),
          IN_FOLDER(nodes_are_sorted_across_files),
          IN_FOLDER(nodes_are_found_by_what_they_are_known_by),
          IN_FOLDER(roles_take_what_they_lack_from_what_they_extend),
          IN_FOLDER(a_long_chain_of_roles_is_followed),
          IN_FOLDER(variables_keep_type_order_and_place),
          IN_FOLDER(faults_beside_a_thing_do_not_hide_others),
          IN_FOLDER(files_beyond_the_caps_are_refused), IN_FOLDER(each_vlan_wants_a_card),
          IN_FOLDER(lost_files_do_not_cause_false_faults),
          IN_FOLDER(clusters_and_roles_may_share_names), IN_FOLDER(evidence_is_a_set),
          IN_FOLDER(addons_keep_their_order), IN_FOLDER(what_a_new_cluster_would_lack_is_a_warning),
          IN_FOLDER(versions_that_kubeadm_does_not_know),
          IN_FOLDER(clusters_are_hardened_unless_they_say_no),
          IN_FOLDER(hardened_is_not_a_variable), IN_FOLDER(nodes_bootstrap_at_the_host_of_the_url),
          IN_FOLDER(sealed_files_are_counted_with_inherited_ones),
          IN_FOLDER(a_tree_that_changes_is_read_again),
          IN_FOLDER(a_tree_that_never_rests_is_refused))
