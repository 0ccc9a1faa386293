/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/manifests.h"

#define SYSTEM MANIFESTS_NAMESPACE
#define MINTER MANIFESTS_MINTER
#define APPROVER MANIFESTS_APPROVER

#define RBAC "apiVersion: rbac.authorization.k8s.io/v1\n"
#define RBAC_PATH "/apis/rbac.authorization.k8s.io/v1/"
#define NAMED(name) "metadata:\n  name: \"" name "\"\n"
#define NAMED_IN(name, in) NAMED(name) "  namespace: " in "\n"
#define ROLE_REF(kind, name) \
    "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: " kind "\n  name: \"" name "\"\n"
#define SUBJECT(account)                                               \
    "subjects:\n  - kind: ServiceAccount\n    name: \"" account "\"\n" \
    "    namespace: " SYSTEM "\n"

#define ACCOUNT(name)                                                            \
    {                                                                            \
        STR("/api/v1/namespaces/" SYSTEM "/serviceaccounts/" name),              \
            STR("apiVersion: v1\nkind: ServiceAccount\n" NAMED_IN(name, SYSTEM)) \
    }
#define ROLE(name, in, rules)                                            \
    {                                                                    \
        STR(RBAC_PATH "namespaces/" in "/roles/" name),                  \
            STR(RBAC "kind: Role\n" NAMED_IN(name, in) "rules:\n" rules) \
    }
#define BINDING(name, in)                                                            \
    {                                                                                \
        STR(RBAC_PATH "namespaces/" in "/rolebindings/" name),                       \
            STR(RBAC "kind: RoleBinding\n" NAMED_IN(name, in) ROLE_REF("Role", name) \
                    SUBJECT(name))                                                   \
    }
#define CLUSTER_ROLE(name, rules)                                        \
    {                                                                    \
        STR(RBAC_PATH "clusterroles/" name),                             \
            STR(RBAC "kind: ClusterRole\n" NAMED(name) "rules:\n" rules) \
    }
#define CLUSTER_BINDING(name, role, subjects)                                               \
    {                                                                                       \
        STR(RBAC_PATH "clusterrolebindings/" name),                                         \
            STR(RBAC "kind: ClusterRoleBinding\n" NAMED(name) ROLE_REF("ClusterRole", role) \
                    subjects)                                                               \
    }
#define RULE(group, resources, verbs) \
    "  - apiGroups: [\"" group "\"]\n    resources: [" resources "]\n    verbs: [" verbs "]\n"
#define RULE_FOR(group, resources, names, verbs) \
    RULE(group, resources, verbs) "    resourceNames: [" names "]\n"
#define RENEWS_ITSELF(account) RULE_FOR("", "serviceaccounts/token", "\"" account "\"", "create")
#define APPROVES                                                                                  \
    RULE("certificates.k8s.io", "certificatesigningrequests", "get, list, watch")                 \
    RULE("certificates.k8s.io", "certificatesigningrequests/approval", "update")                  \
    RULE_FOR("certificates.k8s.io", "signers",                                                    \
             "kubernetes.io/kube-apiserver-client-kubelet, kubernetes.io/kubelet-serving",        \
             "approve")                                                                           \
    RULE_FOR("rbac.authorization.k8s.io", "clusterrolebindings", "\"" MANIFESTS_AUTOAPPROVE "\"", \
             "get")

static const struct manifest all[] = {
    ACCOUNT(MINTER),
    /* It may only create Secrets: with get or list it could read all of them; with patch it could
     * make one of them into another account's token, and the answer would hold that token. */
    ROLE(MINTER, SYSTEM, RULE("", "secrets", "create") RENEWS_ITSELF(MINTER)),
    BINDING(MINTER, SYSTEM),
    /* Anyone may get it, unless anonymous requests are forbidden. */
    ROLE(MINTER, "kube-public", RULE_FOR("", "configmaps", "cluster-info", "get")),
    BINDING(MINTER, "kube-public"),
    CLUSTER_ROLE(MINTER, RULE("", "nodes", "list, watch")),
    CLUSTER_BINDING(MINTER, MINTER, SUBJECT(MINTER)),
#define OF_MINTER 7

    ACCOUNT(APPROVER),
    ROLE(APPROVER, SYSTEM, RENEWS_ITSELF(APPROVER)),
    BINDING(APPROVER, SYSTEM),
    CLUSTER_ROLE(APPROVER, APPROVES),
    CLUSTER_BINDING(APPROVER, APPROVER, SUBJECT(APPROVER)),
    CLUSTER_BINDING(MANIFESTS_AUTOAPPROVE,
                    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
                    "subjects: []\n"),
};

#define ALL (sizeof(all) / sizeof(all[0]))

const struct manifest *manifests_of(enum manifests_scope scope, size_t *ret_n)
{
    static const size_t counts[] = {
        [MANIFESTS_OF_MINTER] = OF_MINTER,
        [MANIFESTS_OF_BOTH] = ALL - 1,
        [MANIFESTS_HARDENED] = ALL,
    };
    *ret_n = counts[scope];
    return all;
}

void manifests_write(struct buf *b, enum manifests_scope scope)
{
    size_t n;
    const struct manifest *list = manifests_of(scope, &n);
    for (size_t i = 0; i < n; i++) {
        buf_str(b, i ? STR("---\n") : STR(""));
        buf_str(b, list[i].yaml);
    }
}
