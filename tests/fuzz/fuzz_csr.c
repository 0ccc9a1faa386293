/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_csr: a certificate request in PEM, which nothing but the declared node's own gets through.
 */
#include "kube/approval.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void judge(struct object_csr *c, struct arena *a)
{
    static const struct address declared = {.family = 4, .octet = {10, 0, 20, 12}};
    const struct approver_node n = {.name = STR("k8s-worker-2"),
                                    .token_id = STR("cs4xk2"),
                                    .joined = true,
                                    .declared = &declared,
                                    .declared_n = 1};
    struct approval r;
    if (approval_read(c, a, &r, NULL) < 0)
        return;
    bool named = str_is(r.node, "k8s-worker-2");
    if (approval_judge(&r, named ? &n : NULL, a, NULL) < 0)
        return;
    need(named && str_is(r.csr.common_name, "system:node:k8s-worker-2"));
    need(str_is(r.csr.organization, "system:nodes"));
    for (uint32_t i = 0; i < r.csr.dns_n; i++)
        need(str_is(r.csr.dns[i], "k8s-worker-2"));
    for (uint32_t i = 0; i < r.csr.addresses_n; i++)
        need(address_same(r.csr.addresses[i], declared));
    need((r.csr.dns_n + r.csr.addresses_n > 0) == (r.kind == APPROVAL_SERVING));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 4096);
    struct object_csr c = {
        .signer = STR("kubernetes.io/kube-apiserver-client-kubelet"),
        .username = STR("system:bootstrap:cs4xk2"),
        .groups = {STR("system:bootstrappers:kubeadm:default-node-token")},
        .usages = {STR("digital signature"), STR("client auth")},
        .groups_n = 1,
        .usages_n = 2,
        .pem = {(const char *)data, size},
    };
    judge(&c, &a);
    c.signer = STR("kubernetes.io/kubelet-serving");
    c.username = STR("system:node:k8s-worker-2");
    c.groups[0] = STR("system:nodes");
    c.usages[1] = STR("server auth");
    judge(&c, &a);
    arena_done(&a);
    return 0;
}
