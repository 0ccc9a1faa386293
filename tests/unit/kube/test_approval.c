/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "kube/approval.h"

#include "golden.h"

#include <errno.h>

#define CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define SERVING "kubernetes.io/kubelet-serving"
#define OWN_GROUP "system:bootstrappers:kubeadm:default-node-token"

static struct arena arena;
static struct address declared[2], reported[2];
static struct cidr network;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    assert_true(address_parse(STR("10.0.20.12"), &declared[0]));
    assert_true(address_parse(STR("2001:db8:20::12"), &declared[1]));
    assert_true(address_parse(STR("10.0.20.12"), &reported[0]));
    assert_true(address_parse(STR("2001:db8:20::12"), &reported[1]));
    assert_true(cidr_parse(STR("10.0.20.0/24"), &network, NULL));
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* As a kubelet sends it, by the token or by the node, with a request of tests/golden/kube/csr/. */
static struct object_csr csr(bool serving, const char *name)
{
    const char *path = arena_printf(&arena, "kube/csr/%s.pem", name).p;
    struct object_csr client = {
        .signer = STR(CLIENT),
        .username = STR("system:bootstrap:cs4xk2"),
        .groups = {STR("system:bootstrappers"), STR(OWN_GROUP), STR("system:authenticated")},
        .usages = {STR("digital signature"), STR("key encipherment"), STR("client auth")},
        .groups_n = 3,
        .usages_n = 3,
        .pem = golden_text(&arena, path)};
    struct object_csr server = {.signer = STR(SERVING),
                                .username = STR("system:node:k8s-worker-2"),
                                .groups = {STR("system:nodes"), STR("system:authenticated")},
                                .usages = {STR("digital signature"), STR("server auth")},
                                .groups_n = 2,
                                .usages_n = 2,
                                .pem = client.pem};
    return serving ? server : client;
}

static struct approver_node node(void)
{
    return (struct approver_node){.name = STR("k8s-worker-2"),
                                  .token_id = STR("cs4xk2"),
                                  .joined = true,
                                  .declared = declared,
                                  .declared_n = 2};
}

static struct approval reads(struct object_csr c)
{
    struct approval r;
    struct err e = {0};
    if (approval_read(&c, &arena, &r, &e) < 0)
        fail_msg("%s", e.msg);
    return r;
}

static void not_read(struct object_csr c, int code, const char *why)
{
    struct approval r;
    struct err e = {0};
    assert_int_equal(approval_read(&c, &arena, &r, &e), code);
    assert_contains(e.msg, why);
}

static void approved(struct object_csr c, struct approver_node n)
{
    struct approval r = reads(c);
    struct err e = {0};
    if (approval_judge(&r, &n, &arena, &e) < 0)
        fail_msg("%s", e.msg);
}

static int judged(struct object_csr c, const struct approver_node *n, const char *why)
{
    struct approval r = reads(c);
    struct err e = {0};
    int code = approval_judge(&r, n, &arena, &e);
    assert_contains(e.msg, why);
    return code;
}

static void pending(struct object_csr c, const struct approver_node *n, const char *why)
{
    assert_int_equal(judged(c, n, why), -EACCES);
}

/* What a real kubelet of 1.20 sent. */
static void real_requests_are_approved(void **state)
{
    (void)state;
    struct object_csr c;
    struct value list = value_get(golden_json(&arena, "kube/200-csrs.json"), STR("items"));
    assert_true(object_csr(list.items[0], &arena, &c));
    approved(c, node());
    assert_true(object_csr(golden_json(&arena, "kube/csr-serving.json"), &arena, &c));
    approved(c, node());
}

static void says_for_whom_it_is(void **state)
{
    (void)state;
    struct approval r = reads(csr(false, "client-rsa"));
    assert_int_equal(r.kind, APPROVAL_CLIENT);
    assert_str(r.node, "k8s-worker-2");
    assert_str(r.token_id, "cs4xk2");
    r = reads(csr(true, "serving"));
    assert_int_equal(r.kind, APPROVAL_SERVING);
    assert_str(r.node, "k8s-worker-2");
    assert_str(r.token_id, "");
}

static void tokens_are_for_one_node(void **state)
{
    (void)state;
    struct object_csr c = csr(false, "client");
    struct approver_node n = node();
    approved(c, n);
    pending(c, NULL, "no node k8s-worker-2 is known");
    n.token_id = STR("zzzzz9");
    pending(c, &n, "the token cs4xk2 asks to be k8s-worker-2, but that node's token is zzzzz9");
    n.token_id = STR("");
    pending(c, &n, "the token cs4xk2 asks to be k8s-worker-2, but no token was minted");
}

static void serving_certificates_name_the_node_alone(void **state)
{
    (void)state;
    struct object_csr c = csr(true, "serving");
    struct approver_node n = node();
    approved(c, n);
    approved(csr(true, "serving-mapped"), n);
    pending(csr(true, "client"), &n, "lists neither a name nor an address");
    n.declared_n = 1;
    pending(c, &n, "asks for the address 2001:db8:20::12, which is not declared for the node");
    n.joined = false;
    assert_int_equal(judged(c, &n, "k8s-worker-2 is not ready yet"), -EAGAIN);
    n = node();
    struct approval r = reads(c);
    struct err e;
    r.csr.dns[0] = STR("k8s-worker-2.\033[31m");
    assert_int_equal(approval_judge(&r, &n, &arena, &e), -EACCES);
    assert_string_equal(e.msg, "k8s-worker-2 asks for the DNS name k8s-worker-2.\\x1b[31m");
}

/* With DHCP: what the cluster knows of it, as far as the site has such addresses. */
static void addresses_that_nobody_declared(void **state)
{
    (void)state;
    struct object_csr c = csr(true, "serving-mapped");
    struct approver_node n = node();
    n.declared_n = 0;
    assert_int_equal(judged(c, &n,
                            "the address 10.0.20.12, which the node does not report in its "
                            "status"),
                     -ESTALE);
    n.reported = reported;
    n.reported_n = 2;
    pending(c, &n, "the address 10.0.20.12, which is in none of the site's networks");
    n.networks = &network;
    n.networks_n = 1;
    approved(c, n);
    pending(csr(true, "serving"), &n, "2001:db8:20::12, which is in none of the site's networks");
    n.declared = &declared[1]; /* then only that counts */
    n.declared_n = 1;
    pending(c, &n, "the address 10.0.20.12, which is not declared for the node");
}

static void not_ours_to_judge(void **state)
{
    (void)state;
    struct object_csr c = csr(false, "client");
    c.signer = STR("kubernetes.io/kube-apiserver-client");
    not_read(c, -ENOTSUP, "another signer");
    c = csr(false, "client");
    c.username = STR("system:node:k8s-worker-2");
    not_read(c, -ENOTSUP, "renews its client certificate");
    c.username = STR("system:node:k8s-worker-3");
    not_read(c, -EACCES, "system:node:k8s-worker-3 is not a bootstrap token");
}

static void who_may_not_ask(void **state)
{
    (void)state;
    struct object_csr c = csr(false, "client");
    c.username = STR("system:bootstrap:cs4xk22");
    not_read(c, -EACCES, "is not a bootstrap token");
    c = csr(false, "client");
    c.groups[0] = STR("system:masters");
    not_read(c, -EACCES, "system:bootstrap:cs4xk2 is in the group system:masters");
    c.groups[0] = c.groups[1] = STR("system:bootstrappers");
    not_read(c, -EACCES, "is not in the group " OWN_GROUP);
    c = csr(true, "serving");
    c.username = STR("system:node:k8s-worker-3");
    not_read(c, -EACCES, "system:node:k8s-worker-3 asks for the name system:node:k8s-worker-2");
    c.username = STR("system:bootstrap:cs4xk2");
    not_read(c, -EACCES, "asks for the name");
    c = csr(true, "serving");
    c.groups_n = 0;
    not_read(c, -EACCES, "is not in the group system:nodes");
}

static void what_may_not_be_asked(void **state)
{
    (void)state;
    not_read(csr(false, "serving"), -EACCES, "lists names or addresses");
    not_read(csr(false, "masters"), -EACCES, "its organization (O) is system:masters");
    not_read(csr(false, "two-o"), -EACCES, "more than one organization");
    not_read(csr(true, "two-attributes"), -EACCES, "attributes besides");
    struct object_csr c = csr(false, "client");
    c.usages[1] = STR("server\nauth");
    not_read(c, -EACCES, "asks for the usage server\\nauth");
    c = csr(false, "client");
    c.usages_n = 2;
    not_read(c, -EACCES, "lacks the usage client auth");
    c = csr(true, "serving");
    c.usages[1] = STR("client auth");
    not_read(c, -EACCES, "asks for the usage client auth");
    c = csr(true, "serving");
    c.usages_n = 0;
    not_read(c, -EACCES, "lacks the usage digital signature");
}

/* A NUL behind the name makes it another name. */
static void names_are_compared_to_the_end(void **state)
{
    (void)state;
    struct approval r = reads(csr(false, "nul"));
    assert_str(r.node, "k8s-worker-2\0");
    struct err e;
    assert_int_equal(approval_judge(&r, NULL, &arena, &e), -EACCES);
    assert_string_equal(e.msg, "no node k8s-worker-2\\x00 is known");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(real_requests_are_approved), TEST(says_for_whom_it_is),
          TEST(tokens_are_for_one_node), TEST(serving_certificates_name_the_node_alone),
          TEST(addresses_that_nobody_declared), TEST(not_ours_to_judge), TEST(who_may_not_ask),
          TEST(what_may_not_be_asked), TEST(names_are_compared_to_the_end))
