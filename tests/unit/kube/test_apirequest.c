/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "kube/apirequest.h"

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

static void check(struct apirequest r, const char *method, const char *path, const char *body)
{
    struct value got, want;
    assert_string_equal(r.method, method);
    assert_str_equal(r.path, str_from(path));
    assert_true((body == NULL) == (r.content_type == NULL));
    if (!body)
        return;
    assert_string_equal(r.content_type, "application/json");
    assert_int_equal(json_read(r.body, &arena, &got, NULL), 0);
    assert_int_equal(json_read(str_from(body), &arena, &want, NULL), 0);
    if (!value_same(got, want))
        fail_msg("%.*s", STR_ARG(r.body));
}

static void what_the_minter_asks(void **state)
{
    (void)state;
    check(apirequest_version(), "GET", "/version", NULL);
    check(apirequest_cluster_info(), "GET",
          "/api/v1/namespaces/kube-public/configmaps/cluster-info", NULL);
    check(apirequest_mint(STR("cs4xk2.0f8r7q2m5n1w9t3z"), STR("k8s-\"worker\"-2"), 1795343123999,
                          &arena),
          "POST", "/api/v1/namespaces/kube-system/secrets",
          "{\"apiVersion\": \"v1\", \"kind\": \"Secret\","
          " \"metadata\": {\"name\": \"bootstrap-token-cs4xk2\"},"
          " \"type\": \"bootstrap.kubernetes.io/token\","
          " \"stringData\": {\"token-id\": \"cs4xk2\", \"token-secret\": \"0f8r7q2m5n1w9t3z\","
          "  \"expiration\": \"2026-11-22T10:25:23Z\", \"description\": \"k8s-\\\"worker\\\"-2\","
          "  \"usage-bootstrap-signing\": \"true\", \"usage-bootstrap-authentication\": \"true\","
          "  \"auth-extra-groups\": \"system:bootstrappers:kubeadm:default-node-token\"}}");
    check(apirequest_renew(STR(MANIFESTS_MINTER), 7776000, &arena), "POST",
          "/api/v1/namespaces/kube-system/serviceaccounts/cloudseed-minter/token",
          "{\"apiVersion\": \"authentication.k8s.io/v1\", \"kind\": \"TokenRequest\","
          " \"spec\": {\"expirationSeconds\": 7776000}}");
}

static void lists_and_watches(void **state)
{
    (void)state;
    check(apirequest_list(APIREQUEST_NODES, STR(""), &arena), "GET", "/api/v1/nodes?limit=100",
          NULL);
    check(apirequest_list(APIREQUEST_CSRS, STR("ey/J&2=="), &arena), "GET",
          "/apis/certificates.k8s.io/v1/certificatesigningrequests?limit=100"
          "&continue=ey%2FJ%262%3D%3D",
          NULL);
    check(apirequest_watch(APIREQUEST_NODES, STR("295"), 300, &arena), "GET",
          "/api/v1/nodes?watch=true&allowWatchBookmarks=true&timeoutSeconds=300"
          "&resourceVersion=295",
          NULL);
    check(apirequest_watch(APIREQUEST_CSRS, STR("1&x"), 1, &arena), "GET",
          "/apis/certificates.k8s.io/v1/certificatesigningrequests?watch=true"
          "&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=1%26x",
          NULL);
}

static void what_the_approver_asks(void **state)
{
    (void)state;
    check(apirequest_approve(STR("csr-f2twj"), STR("272"), STR("declared as k8s-worker-2"), &arena),
          "PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/csr-f2twj/approval",
          "{\"apiVersion\": \"certificates.k8s.io/v1\", \"kind\": \"CertificateSigningRequest\","
          " \"metadata\": {\"name\": \"csr-f2twj\", \"resourceVersion\": \"272\"},"
          " \"status\": {\"conditions\": [{\"type\": \"Approved\", \"status\": \"True\","
          "  \"reason\": \"CloudseedApproved\", \"message\": \"declared as k8s-worker-2\"}]}}");
    check(apirequest_autoapprove(), "GET",
          "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"
          "kubeadm:node-autoapprove-bootstrap",
          NULL);
}

static void manifests_are_applied_as_they_are(void **state)
{
    (void)state;
    size_t n;
    const struct manifest *list = manifests_of(MANIFESTS_HARDENED, &n);
    struct apirequest r = apirequest_apply(&list[0], false, &arena);
    assert_string_equal(r.method, "PATCH");
    assert_str(r.path, "/api/v1/namespaces/kube-system/serviceaccounts/cloudseed-minter"
                       "?fieldManager=cloudseed&force=true");
    assert_string_equal(r.content_type, "application/apply-patch+yaml");
    assert_str_equal(r.body, list[0].yaml);
    r = apirequest_apply(&list[0], true, &arena);
    assert_true(str_ends(r.path, STR("&force=true&dryRun=All")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(what_the_minter_asks), TEST(lists_and_watches), TEST(what_the_approver_asks),
          TEST(manifests_are_applied_as_they_are))
