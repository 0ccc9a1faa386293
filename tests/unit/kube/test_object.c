/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "kube/object.h"

#include "golden.h"

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct value item(const char *name, uint32_t i)
{
    struct value items = value_get(golden_json(&arena, name), STR("items"));
    assert_true(items.kind == VALUE_LIST && i < items.n);
    return items.items[i];
}

static struct value parsed(const char *text)
{
    struct value v;
    assert_int_equal(json_read(str_from(text), &arena, &v, NULL), 0);
    return v;
}

static void a_node_that_is_ready(void **state)
{
    (void)state;
    struct object_node n;
    char text[ADDRESS_TEXT_SIZE];
    assert_true(object_node(item("kube/200-nodes.json", 0), &arena, &n));
    assert_str(n.name, "k8s-worker-2");
    assert_true(n.ready);
    assert_str(n.reason, "");
    assert_str(n.kubelet, "v1.20.2");
    assert_int_equal(n.uid.n, 36);
    assert_true(n.version.n > 0);
    assert_int_equal(n.addresses_n, 1);
    assert_string_equal(address_text(n.addresses[0], text), "10.0.20.12");
}

static void nodes_that_are_not(void **state)
{
    (void)state;
    struct object_node n;
    assert_true(object_node(item("kube/200-nodes.json", 1), &arena, &n)); /* no kubelet runs */
    assert_str(n.name, "master-1");
    assert_false(n.ready);
    assert_str(n.reason, "it has not reported yet");
    assert_int_equal(n.addresses_n, 0);
    assert_true(object_node(
        parsed("{\"metadata\": {\"name\": \"n\"}, \"status\": {\"conditions\": ["
               "{\"type\": \"Ready\", \"status\": \"Unknown\", \"reason\": \"NodeStatusUnknown\","
               " \"message\": \"Kubelet stopped posting node status.\"}]}}"),
        &arena, &n));
    assert_false(n.ready);
    assert_str(n.reason, "NodeStatusUnknown: Kubelet stopped posting node status.");
    assert_false(object_node(parsed("{\"metadata\": {}}"), &arena, &n));
    assert_false(object_node(parsed("[]"), &arena, &n));
}

static void requests_of_a_kubelet(void **state)
{
    (void)state;
    struct object_csr c;
    assert_true(object_csr(item("kube/200-csrs.json", 0), &arena, &c));
    assert_true(str_starts(c.name, STR("csr-")));
    assert_str(c.signer, "kubernetes.io/kube-apiserver-client-kubelet");
    assert_str(c.username, "system:bootstrap:cs4xk2");
    assert_int_equal(c.groups_n, 3);
    assert_str(c.groups[1], "system:bootstrappers:kubeadm:default-node-token");
    assert_int_equal(c.usages_n, 3);
    assert_str(c.usages[2], "client auth");
    assert_true(str_starts(c.pem, STR("-----BEGIN CERTIFICATE REQUEST-----\n")));
    assert_false(c.decided);
    assert_true(object_csr(golden_json(&arena, "kube/csr-serving.json"), &arena, &c));
    assert_str(c.signer, "kubernetes.io/kubelet-serving");
    assert_str(c.username, "system:node:k8s-worker-2");
    assert_false(c.decided);
    assert_true(object_csr(golden_json(&arena, "kube/200-approval.json"), &arena, &c));
    assert_true(c.decided);
}

/* A request of that form, with a list of so many usages. */
static bool readable(const char *request, unsigned usages)
{
    struct buf b = {.max_bytes = 65536};
    struct object_csr c;
    buf_printf(&b,
               "{\"metadata\": {\"name\": \"c\", \"resourceVersion\": \"1\"}, \"spec\": {"
               "\"signerName\": \"s\", \"username\": \"u\", \"request\": %s, \"usages\": [",
               request);
    for (unsigned i = 0; i < usages; i++)
        buf_printf(&b, "%s\"client auth\"", i ? "," : "");
    buf_str(&b, STR("]}}"));
    bool ok = object_csr(parsed(b.p), &arena, &c);
    buf_done(&b);
    return ok;
}

static void requests_that_cannot_be_judged(void **state)
{
    (void)state;
    struct object_csr c;
    assert_true(readable("\"Zm9v\"", OBJECT_USAGES_MAX));
    assert_false(readable("\"Zm9v\"", OBJECT_USAGES_MAX + 1));
    assert_false(readable("\"Zm9v!\"", 1));
    assert_false(readable("7", 1));
    assert_false(object_csr(parsed("{\"metadata\": {\"name\": \"c\"}}"), &arena, &c));
    assert_false(object_csr(parsed("null"), &arena, &c));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(a_node_that_is_ready), TEST(nodes_that_are_not), TEST(requests_of_a_kubelet),
          TEST(requests_that_cannot_be_judged))
