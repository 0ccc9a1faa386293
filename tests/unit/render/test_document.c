/* SPDX-License-Identifier: Apache-2.0 */
/* Which documents a node has, what their templates see, and that both ways to render agree. */
#include "unit/render/tmptree.h"

#include "render/document.h"
#include "render/piece.h"
#include "render/scope.h"
#include "template/trace.h"

#include <errno.h>
#include <zlib.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static struct tmptree files;
static struct tree *tree;
static struct scope_tables *tables;
static struct arena arena;
static struct buf out;
static struct piece_sheet sheet;

static const char site_yaml[] = "name: lab\n"
                                "url: http://10.0.10.5:8080\n"
                                "evidence: [mac]\n"
                                "variables: {where: site}\n";

static const char cluster_yaml[] = "k8s:\n  version: '1.29.15'\n  endpoint: api.lab:6443\n"
                                   "  pods: 192.168.0.0/16\n  services: 10.96.0.0/12\n"
                                   "  addons:\n"
                                   "  - {name: calico, asset: k8s/calico.yaml}\n"
                                   "  - {name: storage, template: addons/storage}\n"
                                   "  - {name: dns, url: 'https://x/dns.yaml'}\n"
                                   "  - {name: registry, template: sealed/registry}\n";

static const char roles_yaml[] =
    "base:\n  templates: {user-data: user-data}\n  kubeadm: sealed/kubeadm\n"
    "  sealed:\n    /etc/z: {template: sealed/registry}\n    /etc/a: {template: plain}\n"
    "master: {extends: base, bootstrap: master}\n"
    "worker:\n  extends: base\n  bootstrap: worker\n"
    "  sealed:\n    /etc/m: {template: plain, mode: '0644', owner: 'www-data:www-data'}\n"
    "    /etc/z: {template: plain}\n"
    "storage: {extends: base}\n"
    "metal:\n"
    "  documents:\n    ks.cfg: {template: plain}\n    install/user-data: {template: user-data}\n"
    "  boot:\n    kind: kernel\n    kernel: vmlinuz\n    discovery: none\n"
    "    arguments: >-\n      quiet {% if where %}ks={{ seed.url }}ks.cfg{% endif %} {{ tail }}\n"
    "metal2:\n  extends: metal\n  documents:\n    ks.cfg: {template: user-data}\n"
    "    a: {template: plain}\n";

static int start(void **state)
{
    (void)state;
    tmptree_init(&files);
    assert_int_equal(mkdir(tmptree_path(&files, "templates/sealed"), 0700), 0);
    assert_int_equal(mkdir(tmptree_path(&files, "templates/addons"), 0700), 0);
    tmptree_put(&files, "seed/site.yaml", site_yaml);
    tmptree_put(&files, "seed/clusters/c.yaml", cluster_yaml);
    tmptree_put(&files, "seed/roles/r.yaml", roles_yaml);
    tmptree_put(&files, "seed/nodes/n.yaml",
                "m: {role: master, cluster: k8s, variables: {where: here}}\n"
                "w: {role: worker, cluster: k8s}\n"
                "s: {role: storage}\n"
                "d: {role: metal, variables: {tail: '  b=1'}}\n"
                "e: {role: metal2, variables: {tail: z}}\n");
    assert_int_equal(mkdir(tmptree_path(&files, "templates/ipxe"), 0700), 0);
    tmptree_put(&files, "templates/ipxe/node", "[{{ boot.entry.arguments }}]\n");
    tmptree_put(&files, "templates/user-data", "{{ node.name }} {{ where }}\n");
    tmptree_put(&files, "templates/plain", "{{ role.name }}\n");
    tmptree_put(&files, "templates/sealed/kubeadm", "{{ bootstrap | tojson }}\n");
    tmptree_put(&files, "templates/sealed/registry",
                "{{ secrets.registry_password }} {{ secrets['other'] }} {{ node.name }}\n");
    tmptree_put(&files, "templates/addons/storage", "{{ cluster.name }} {{ where }}\n");
    tree = tmptree_load(&files);
    tables = scope_tables_new(tree);
    arena_init(&arena, 65536);
    buf_init(&out, DOCUMENT_MAX_BYTES);
    piece_sheet_init(&sheet, DOCUMENT_MAX_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scope_tables_free(tables);
    tree_free(tree);
    buf_done(&out);
    piece_sheet_done(&sheet);
    arena_done(&arena);
    tmptree_done(&files);
    return 0;
}

static const struct node *node(const char *name)
{
    const struct node *n = tree_find_name(tree, str_from(name));
    assert_non_null(n);
    return n;
}

/* "meta-data user-data … ", in the order of their numbers. */
static struct str names_of(const struct node *n)
{
    buf_clear(&out);
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct document d = document_at(n, i);
        assert_int_equal(document_number(n, d), i);
        buf_str(&out, document_name(n, d, &arena));
        buf_char(&out, ' ');
    }
    return buf_view(&out);
}

static struct document document(const struct node *n, const char *name)
{
    uint32_t i = 0;
    while (i < document_count(n) && !str_is(document_name(n, document_at(n, i), &arena), name))
        i++;
    if (i == document_count(n))
        fail_msg("no %s", name);
    return document_at(n, i);
}

static struct str rendered(const char *of, const char *name, const struct bootstrap_values *values)
{
    const struct node *n = node(of);
    const struct render_env env = {.seed_url = STR("http://x/"), .bootstrap = values};
    struct template_fault fault;
    buf_clear(&out);
    if (document_render(tables, n, document(n, name), &env, &arena, &out, NULL, &fault) < 0)
        fail_msg("%s:%u: %s", fault.at.file, fault.at.line, fault.msg);
    return buf_view(&out);
}

static void each_kind_of_node_has_its_documents(void **state)
{
    (void)state;
    assert_str(names_of(node("m")),
               "meta-data user-data vendor-data network-config boot.ipxe kubeadm-init "
               "kubeadm-join sealed/etc/a sealed/etc/z addons/storage "
               "addons/registry ");
    assert_str(names_of(node("w")),
               "meta-data user-data vendor-data network-config boot.ipxe kubeadm-join "
               "sealed/etc/a sealed/etc/m sealed/etc/z ");
    assert_str(names_of(node("s")), "meta-data user-data vendor-data network-config boot.ipxe ");
}

static void further_documents_of_a_role(void **state)
{
    (void)state;
    assert_str(names_of(node("d")),
               "meta-data user-data vendor-data network-config boot.ipxe install/meta-data "
               "install/network-config install/user-data install/vendor-data ks.cfg ");
    assert_str(names_of(node("e")),
               "meta-data user-data vendor-data network-config boot.ipxe a install/meta-data "
               "install/network-config install/user-data install/vendor-data ks.cfg ");
    assert_str(rendered("d", "ks.cfg", NULL), "metal\n");
    assert_str(rendered("e", "ks.cfg", NULL), "e site\n");
    assert_str(rendered("d", "install/user-data", NULL), "d site\n");
    assert_str(rendered("d", "install/meta-data", NULL),
               "instance-id: \"d-1\"\nlocal-hostname: \"d\"\n");
    assert_str(rendered("d", "install/vendor-data", NULL), "");
    assert_int_equal(role_find_document(node("d")->role, STR("a")), UINT32_MAX);
    assert_int_equal(role_find_document(node("e")->role, STR("a")), 0);
}

static void arguments_are_the_nodes_own(void **state)
{
    (void)state;
    const struct render_env env = {.seed_url = STR("http://${x}/")};
    struct template_fault fault;
    assert_true(node("d")->role->boot.entry.tells_url);
    assert_str(rendered("d", "boot.ipxe", NULL), "[quiet ks=http://x/ks.cfg b=1]\n");
    assert_str(rendered("e", "boot.ipxe", NULL), "[quiet ks=http://x/ks.cfg z]\n");
    buf_clear(&out);
    assert_int_equal(document_render(tables, node("e"), document(node("e"), "boot.ipxe"), &env,
                                     &arena, &out, NULL, &fault),
                     -EINVAL);
    assert_contains(fault.msg, "arguments: 'quiet ks=http://${x}/ks.cfg z': '${' would be a");
    assert_contains(fault.at.file, "roles/r.yaml");
    assert_int_equal(fault.at.line, node("d")->role->boot.entry.words_at.line);
}

static void a_role_replaces_sealed_files_one_by_one(void **state)
{
    (void)state;
    const struct role *w = node("w")->role;
    assert_int_equal(w->sealed_n, 3);
    assert_str(w->sealed[0].mode, "0600");
    assert_str(w->sealed[0].owner, "root:root");
    assert_str(w->sealed[1].mode, "0644");
    assert_str(w->sealed[1].owner, "www-data:www-data");
    assert_str(rendered("w", "sealed/etc/z", NULL), "worker\n");
    assert_str(rendered("m", "sealed/etc/a", NULL), "master\n");
}

static void secrets_are_shown_by_their_names(void **state)
{
    (void)state;
    assert_str(rendered("m", "sealed/etc/z", NULL), "SECRET-registry_password SECRET-other m\n");
    assert_str(rendered("m", "addons/registry", NULL), "SECRET-registry_password SECRET-other m\n");
    assert_int_equal(tree_secret_count(tree), 2);
    assert_str(tree_secret(tree, 0), "other");
}

static void addons_are_for_the_node_that_applies_them(void **state)
{
    (void)state;
    assert_str(rendered("m", "addons/storage", NULL), "k8s here\n");
    assert_str(node("m")->cluster->addons[0].url, "http://10.0.10.5:8080/assets/k8s/calico.yaml");
    assert_int_equal(node("m")->cluster->addons[1].url.n, 0);
}

static void placeholders_have_the_form_of_real_values(void **state)
{
    (void)state;
    assert_str(rendered("m", "kubeadm-init", NULL),
               "{\"action\": \"init\", \"ca_hashes\": [], \"certificate_key\": \"" ZEROS
               "\", \"control_plane\": true, \"endpoint\": \"api.lab:6443\", \"token\": null, "
               "\"version\": \"1.29.15\"}\n");
    assert_str(
        rendered("m", "kubeadm-join", NULL),
        "{\"action\": \"join\", \"ca_hashes\": [\"sha256:" ZEROS
        "\"], \"certificate_key\": \"" ZEROS "\", \"control_plane\": true, \"endpoint\": "
        "\"api.lab:6443\", \"token\": \"abcdef.0123456789abcdef\", \"version\": \"1.29.15\"}\n");
    assert_str(
        rendered("w", "kubeadm-join", NULL),
        "{\"action\": \"join\", \"ca_hashes\": [\"sha256:" ZEROS
        "\"], \"certificate_key\": null, \"control_plane\": false, \"endpoint\": "
        "\"api.lab:6443\", \"token\": \"abcdef.0123456789abcdef\", \"version\": \"1.29.15\"}\n");
}

static void real_values_take_their_place(void **state)
{
    (void)state;
    const struct str hashes[] = {STR("sha256:1"), STR("sha256:2")};
    const struct bootstrap_values values = {.version = STR("1.29.16"),
                                            .endpoint = STR("10.0.20.11:6443"),
                                            .token = STR("t.t"),
                                            .ca_hashes = hashes,
                                            .ca_hashes_n = 2};
    assert_str(rendered("w", "kubeadm-join", &values),
               "{\"action\": \"join\", \"ca_hashes\": [\"sha256:1\", \"sha256:2\"], "
               "\"certificate_key\": null, \"control_plane\": false, \"endpoint\": "
               "\"10.0.20.11:6443\", \"token\": \"t.t\", \"version\": \"1.29.16\"}\n");
}

/* Nothing of bootstrap's answer is in reach of what cloud-init gets. */
static void seed_files_see_neither_bootstrap_nor_secrets(void **state)
{
    (void)state;
    static const char *const names[] = {"{{ bootstrap.token }}", "{% set n = 'sealed/registry' %}"
                                                                 "{% include n %}"};
    const struct render_env env = {.seed_url = STR("http://x/")};
    for (size_t i = 0; i < 2; i++) {
        struct template_fault fault;
        scope_tables_free(tables);
        tree_free(tree);
        tmptree_put(&files, "templates/user-data", names[i]);
        tree = tmptree_load(&files);
        tables = scope_tables_new(tree);
        buf_clear(&out);
        assert_int_equal(document_render(tables, node("m"), document(node("m"), "user-data"), &env,
                                         &arena, &out, NULL, &fault),
                         -22);
        assert_contains(fault.msg, i ? "'secrets' is undefined" : "'bootstrap' is undefined");
    }
}

static void both_ways_give_the_same_bytes(void **state)
{
    (void)state;
    const struct render_env env = {.seed_url = STR("http://x/")};
    for (uint32_t i = 0; i < tree_node_count(tree); i++) {
        const struct node *n = tree_node(tree, i);
        for (uint32_t k = 0; k < document_count(n); k++) {
            struct document d = document_at(n, k);
            struct template_trace written = {.list = NULL}, specialized = {.list = NULL};
            struct template_fault fault;
            buf_clear(&out);
            assert_int_equal(
                document_render_as_written(tables, n, d, &env, &arena, &out, &written, &fault), 0);
            struct str first = arena_str(&arena, buf_view(&out));
            buf_clear(&out);
            assert_int_equal(
                document_render(tables, n, d, &env, &arena, &out, &specialized, &fault), 0);
            assert_str_equal(buf_view(&out), first);
            if (document_template(n, d)) {
                assert_int_equal(written.list[written.n - 1].end, first.n);
                assert_int_equal(specialized.list[specialized.n - 1].end, first.n);
            }
            template_trace_done(&written);
            template_trace_done(&specialized);
        }
    }
}

static void a_trace_gives_places_in_the_template_as_written(void **state)
{
    (void)state;
    const struct node *n = node("m");
    const struct render_env env = {.seed_url = STR("http://x/")};
    struct template_trace trace = {.list = NULL};
    struct template_fault fault;
    assert_int_equal(document_render_as_written(tables, n, document(n, "addons/storage"), &env,
                                                &arena, &out, &trace, &fault),
                     0);
    assert_str(buf_view(&out), "k8s here\n");
    const struct template_piece *piece = template_trace_find(&trace, 1);
    assert_true(template_piece_is_value(piece));
    assert_int_equal(template_piece_place(&trace, piece, 1).column, 4);
    piece = template_trace_find(&trace, 8);
    assert_false(template_piece_is_value(piece));
    assert_int_equal(template_piece_place(&trace, piece, 8).column, 31);
    template_trace_done(&trace);
}

/* --- Answers ------------------------------------------------------------------------------- */

static void serve(const char *user_data)
{
    scope_tables_free(tables);
    tree_free(tree);
    tmptree_put(&files, "templates/user-data", user_data);
    tree = tmptree_load(&files);
    tables = scope_tables_new_for_answers(tree);
}

/* `head`, a text of about that many bytes, and `tail`. */
static const char *around_text(const char *head, size_t n, const char *tail)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_str(&b, str_from(head));
    for (unsigned i = 0; b.n < n; i++)
        buf_printf(&b, "line %u of what all nodes have\n", i * i);
    buf_str(&b, str_from(tail));
    const char *text = arena_str(&arena, buf_view(&b)).p;
    buf_done(&b);
    return text;
}

static int answered(const char *of, bool gzip, struct document_answer *ret,
                    struct template_fault *fault)
{
    const struct node *n = node(of);
    const struct render_env env = {.seed_url = STR("http://x/")};
    int r = document_render_answer(tables, n, document(n, "user-data"), &env, gzip, &arena, &sheet,
                                   ret, fault);
    if (r == 0)
        ret->body = arena_str(&arena, ret->body);
    return r;
}

static struct str inflated(struct str packed)
{
    size_t max = DOCUMENT_MAX_BYTES + 1;
    char *p = arena_alloc(&arena, max);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n};
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)max;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    struct str ret = {p, z.total_out};
    inflateEnd(&z);
    return ret;
}

/* Both answers are the document; returns the compressed one, or the plain one where that is not. */
static struct document_answer both_answers(const char *of)
{
    struct document_answer plain, packed, again;
    struct template_fault fault;
    struct str want = arena_str(&arena, rendered(of, "user-data", NULL));
    assert_int_equal(answered(of, false, &plain, &fault), 0);
    assert_false(plain.is_gzip);
    assert_str_equal(plain.body, want);
    assert_true(plain.may_be_gzip || want.n < DOCUMENT_GZIP_MIN_BYTES);
    assert_int_equal(answered(of, true, &packed, &fault), 0);
    assert_str_equal(packed.is_gzip ? inflated(packed.body) : packed.body, want);
    assert_int_equal(packed.may_be_gzip, plain.may_be_gzip);
    assert_int_equal(packed.is_gzip, plain.may_be_gzip);
    assert_true(packed.digest == plain.digest);
    assert_int_equal(answered(of, true, &again, &fault), 0);
    assert_str_equal(again.body, packed.body);
    return packed;
}

/* The text that all nodes share is written out when the tree is loaded. */
static void only_what_is_served_has_few_steps(void **state)
{
    (void)state;
    struct template_fault fault;
    const struct node *n;
    serve("{{ ('a' * 800000) | upper | lower | length }}"
          "{% for i in range(2000) %}{% for j in range(50) %}{% if node.name %}{% endif %}"
          "{% endfor %}{% endfor %}");
    n = node("m");
    assert_int_equal(document_render(tables, n, document(n, "user-data"), &(struct render_env){0},
                                     &arena, &out, NULL, &fault),
                     0);
    assert_int_equal(document_render_as_written(tables, n, document(n, "user-data"),
                                                &(struct render_env){0}, &arena, &out, NULL,
                                                &fault),
                     0);
}

static void answers_are_put_together_from_pieces(void **state)
{
    (void)state;
    static const char *const tails[] = {
        "",
        "{{ node.name }}",
        "{{ node.name }} {{ where }} {{ node.name }}\n",
        "{% if node.name == 'm' %}only here{% else %}{{ where }}{% endif %}\n",
        "{% set t %}{{ node.name }} captured{% endset %}{{ t | upper }}{{ t | tojson }}",
        "{% for i in range(300) %}{{ node.name }}{{ i }}{% endfor %}",
        "{% for i in range(3000) %}{{ node.name }}{{ i }}{% endfor %}",
        "{% for i in range(20000) %}{{ node.name }}{{ i }}{% endfor %}",
    };
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
        arena_reset(&arena);
        serve(around_text("#cloud-config\n# {{ node.name }}\n", 40000, tails[i]));
        assert_true(both_answers("m").is_gzip);
        both_answers("w");
        both_answers("s");
    }
}

/* The text stands in a block that is captured, in a loop, in a branch and in an include. */
static void pieces_stand_wherever_texts_do(void **state)
{
    (void)state;
    static const char *const ways[][2] = {
        {"{% set t %}{{ node.name }}", "{% endset %}{{ t }}|{{ t | upper }}"},
        {"{% for i in range(node.name | length + 3) %}{{ i }}", "{% endfor %}"},
        {"{% if node.name != 'x' %}{{ node.name }}", "{% endif %}"},
        {"{% if node.name == 'x' %}{% else %}", "{{ node.name }}{% endif %}{% include 'plain' %}"},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        arena_reset(&arena);
        serve(around_text(ways[i][0], 20000, ways[i][1]));
        assert_true(both_answers("m").is_gzip);
        both_answers("w");
    }
}

static void assert_plain(const char *of)
{
    struct document_answer a;
    struct template_fault fault;
    struct str want = arena_str(&arena, rendered(of, "user-data", NULL));
    assert_int_equal(answered(of, false, &a, &fault), 0);
    assert_str_equal(a.body, want);
}

/* A byte that is changed behind its back shows whether a piece was copied. */
static void a_piece_stays_where_it_lies(void **state)
{
    (void)state;
    struct document_answer a;
    struct template_fault fault;
    serve(around_text("{{ node.name }}{{ '' if node.name == 'm' else 'longer' }}"
                      "{% if node.name == 's' %}{% for i in range(500) %}{{ node.name }}"
                      "{% endfor %}{{ node.missing }}{% endif %}",
                      20000, "{{ where }}"));
    assert_plain("m");
    sheet.buf.p[5000] ^= 1;
    assert_int_equal(answered("m", false, &a, &fault), 0);
    sheet.buf.p[5000] ^= 1;
    assert_str_equal(buf_view(&sheet.buf), rendered("m", "user-data", NULL));
    assert_true(a.body.p[5000] != sheet.buf.p[5000]);
    sheet.buf.p[5000] ^= 1;
    assert_plain("w"); /* elsewhere */
    assert_plain("m");
    assert_true(answered("s", false, &a, &fault) < 0); /* has written over it */
    assert_plain("m");
    assert_int_equal(answered("m", true, &a, &fault), 0);
    assert_plain("m");
    sheet.buf.secret = true;
    assert_plain("m");
    assert_plain("m");
}

static void a_large_document_without_pieces_is_compressed_too(void **state)
{
    (void)state;
    serve("{% for i in range(9000) %}{{ node.name }} {% endfor %}");
    struct document_answer a = both_answers("m");
    assert_true(a.is_gzip);
    assert_true(a.body.n < 1000);
}

/* Where it was written once, compressed, it stays so: it would have to be rendered again. */
static void a_document_with_pieces_may_turn_out_small(void **state)
{
    (void)state;
    serve(around_text("{{ node.name }}{% if node.name == 'm' %}", 20000, "{% endif %}"));
    assert_true(both_answers("m").is_gzip);
    assert_true(both_answers("w").is_gzip);
    serve("{{ node.name }}");
    assert_false(both_answers("w").is_gzip);
}

static void a_digest_follows_pieces_and_values(void **state)
{
    (void)state;
    serve(around_text("{{ node.name }}", 20000, "{{ node.name }}"));
    uint64_t m = both_answers("m").digest, w = both_answers("w").digest;
    assert_true(m != w);
    serve(around_text("{{ node.name }}", 20001, "{{ node.name }}"));
    assert_true(both_answers("m").digest == m); /* the same bytes, loaded again */
    serve(around_text("{{ node.name }}", 20100, "{{ node.name }}"));
    assert_true(both_answers("m").digest != m);
}

static void too_large_is_too_large_in_every_form(void **state)
{
    (void)state;
    serve(around_text("{% for i in range(200) %}{{ node.name }}", 20000, "{% endfor %}"));
    for (int gzip = 0; gzip < 2; gzip++) {
        struct document_answer a;
        struct template_fault fault;
        assert_int_equal(answered("m", gzip, &a, &fault), -22);
        assert_contains(fault.msg, "larger than 1048576 bytes");
        assert_int_equal(fault.at.line, 1);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(each_kind_of_node_has_its_documents), TEST(further_documents_of_a_role),
          TEST(arguments_are_the_nodes_own), TEST(a_role_replaces_sealed_files_one_by_one),
          TEST(secrets_are_shown_by_their_names), TEST(addons_are_for_the_node_that_applies_them),
          TEST(placeholders_have_the_form_of_real_values), TEST(real_values_take_their_place),
          TEST(seed_files_see_neither_bootstrap_nor_secrets), TEST(both_ways_give_the_same_bytes),
          TEST(only_what_is_served_has_few_steps),
          TEST(a_trace_gives_places_in_the_template_as_written),
          TEST(answers_are_put_together_from_pieces), TEST(pieces_stand_wherever_texts_do),
          TEST(a_piece_stays_where_it_lies),
          TEST(a_large_document_without_pieces_is_compressed_too),
          TEST(a_document_with_pieces_may_turn_out_small), TEST(a_digest_follows_pieces_and_values),
          TEST(too_large_is_too_large_in_every_form))
