/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/apirequest.h"

#include "base/clock.h"
#include "base/json.h"
#include "crypto/token.h"
#include "wire/uri.h"

#include <assert.h>

#define JSON_TYPE "application/json"
#define BODY_MAX_BYTES                                                        \
    ((size_t)2 << 20) /* an API server takes no more than 3 MiB, etcd 1.5 MiB \
                       */
#define PAGE 100      /* a node is 10 to 30 KB, and all of a page are read at once */

#define MAP(...)                                        \
    value_map((const struct value_pair[]){__VA_ARGS__}, \
              sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair))

static struct apirequest get(struct str path)
{
    return (struct apirequest){.method = "GET", .path = path};
}

static struct apirequest send(const char *method, struct str path, struct value body,
                              struct arena *a)
{
    struct buf text = {.max_bytes = BODY_MAX_BYTES, .secret = a->secret};
    json_write(&text, body, false);
    assert(!text.full);
    struct apirequest r = {method, path, JSON_TYPE, arena_str(a, buf_view(&text))};
    buf_done(&text);
    return r;
}

struct apirequest apirequest_version(void)
{
    return get(STR("/version"));
}

struct apirequest apirequest_mint(struct str token, struct str description, int64_t end_wall_ms,
                                  struct arena *a)
{
    char end[CLOCK_TEXT_SIZE];
    /* RFC 3339 without the fraction, as kubeadm writes it. */
    struct str seconds = str_from(clock_text(end_wall_ms, end));
    struct str expiration = ARENA_JOIN(a, str_head(seconds, seconds.n - STR(".000Z").n), STR("Z"));
    struct str name = ARENA_JOIN(a, STR("bootstrap-token-"), token_id(token));
    struct value secret =
        MAP(JSON_STR("apiVersion", STR("v1")), JSON_STR("kind", STR("Secret")),
            JSON_VALUE("metadata", MAP(JSON_STR("name", name))),
            JSON_STR("type", STR("bootstrap.kubernetes.io/token")),
            JSON_VALUE("stringData",
                       MAP(JSON_STR("token-id", token_id(token)),
                           JSON_STR("token-secret", token_secret(token)),
                           JSON_STR("expiration", expiration), JSON_STR("description", description),
                           /* kubeadm finds a JWS only with the one, and kubelet gets in only with
                              the other. */
                           JSON_STR("usage-bootstrap-signing", STR("true")),
                           JSON_STR("usage-bootstrap-authentication", STR("true")),
                           JSON_STR("auth-extra-groups",
                                    STR("system:bootstrappers:kubeadm:default-node-token")))));
    return send("POST", STR("/api/v1/namespaces/" MANIFESTS_NAMESPACE "/secrets"), secret, a);
}

struct apirequest apirequest_cluster_info(void)
{
    return get(STR("/api/v1/namespaces/kube-public/configmaps/cluster-info"));
}

struct apirequest apirequest_renew(struct str account, unsigned seconds, struct arena *a)
{
    struct value request = MAP(JSON_STR("apiVersion", STR("authentication.k8s.io/v1")),
                               JSON_STR("kind", STR("TokenRequest")),
                               JSON_VALUE("spec", MAP(JSON_INT("expirationSeconds", seconds))));
    struct str path =
        ARENA_JOIN(a, STR("/api/v1/namespaces/" MANIFESTS_NAMESPACE "/serviceaccounts/"), account,
                   STR("/token"));
    return send("POST", path, request, a);
}

static struct str path_of(enum apirequest_kind kind)
{
    return kind == APIREQUEST_NODES
               ? STR("/api/v1/nodes")
               : STR("/apis/certificates.k8s.io/v1/certificatesigningrequests");
}

struct apirequest apirequest_list(enum apirequest_kind kind, struct str from, struct arena *a)
{
    char page[STR_U64_SIZE];
    return get(ARENA_JOIN(a, path_of(kind), STR("?limit="), str_of_u64(PAGE, page),
                          from.n ? STR("&continue=") : STR(""), uri_encode_segment(from, a)));
}

struct apirequest apirequest_watch(enum apirequest_kind kind, struct str version, unsigned seconds,
                                   struct arena *a)
{
    char timeout[STR_U64_SIZE];
    return get(ARENA_JOIN(a, path_of(kind), STR("?watch=true&allowWatchBookmarks=true"),
                          STR("&timeoutSeconds="), str_of_u64(seconds, timeout),
                          STR("&resourceVersion="), uri_encode_segment(version, a)));
}

/* Name and version are enough: the API server takes nothing but the conditions from it. */
struct apirequest apirequest_approve(struct str name, struct str version, struct str why,
                                     struct arena *a)
{
    const struct value approved =
        MAP(JSON_STR("type", STR("Approved")), JSON_STR("status", STR("True")),
            JSON_STR("reason", STR(APIREQUEST_APPROVED)), JSON_STR("message", why));
    struct value csr = MAP(
        JSON_STR("apiVersion", STR("certificates.k8s.io/v1")),
        JSON_STR("kind", STR("CertificateSigningRequest")),
        JSON_VALUE("metadata", MAP(JSON_STR("name", name), JSON_STR("resourceVersion", version))),
        JSON_VALUE("status", MAP(JSON_VALUE("conditions", value_list(&approved, 1)))));
    struct str path = ARENA_JOIN(a, path_of(APIREQUEST_CSRS), STR("/"), uri_encode_segment(name, a),
                                 STR("/approval"));
    return send("PUT", path, csr, a);
}

struct apirequest apirequest_autoapprove(void)
{
    return get(
        STR("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/" MANIFESTS_AUTOAPPROVE));
}

struct apirequest apirequest_apply(const struct manifest *m, bool dry, struct arena *a)
{
    struct str path = ARENA_JOIN(a, m->path, STR("?fieldManager=cloudseed&force=true"),
                                 dry ? STR("&dryRun=All") : STR(""));
    return (struct apirequest){"PATCH", path, "application/apply-patch+yaml", m->yaml};
}
