/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apirequest: what is asked of a cluster's API server, as method, path and body.
 *
 * Pure: who sends it, with which account's token, and what to do with the answer (apiresponse.h) is
 * not known here. Texts lie in the arena, which must be secret where a bootstrap token is in them.
 */
#ifndef CLOUDSEED_KUBE_APIREQUEST_H
#define CLOUDSEED_KUBE_APIREQUEST_H

#include "base/value.h"
#include "kube/manifests.h"

struct apirequest {
    const char *method;
    struct str path;          /* with its query */
    const char *content_type; /* NULL: it has no body */
    struct str body;
};

struct apirequest apirequest_version(void);

/* The minter's. */

/* The Secret that makes `token` (crypto/token.h) a bootstrap token for joining and for discovery,
 * until a time of the wall clock. The cluster shows the description to its admins. */
struct apirequest apirequest_mint(struct str token, struct str description, int64_t end_wall_ms,
                                  struct arena *a);
struct apirequest apirequest_cluster_info(void);

/* Another token for an account of manifests.h; the API server may give it a shorter life. */
struct apirequest apirequest_renew(struct str account, unsigned seconds, struct arena *a);

/* Nodes are the minter's to see, CSRs the approver's. */
enum apirequest_kind { APIREQUEST_NODES, APIREQUEST_CSRS };

/* One page of all objects; `from` is what the page before gave as `next`, empty for the first. */
struct apirequest apirequest_list(enum apirequest_kind kind, struct str from, struct arena *a);
/* What changes from that version on, as a stream (apiwatch.h) that the API server ends. */
struct apirequest apirequest_watch(enum apirequest_kind kind, struct str version, unsigned seconds,
                                   struct arena *a);

/* The approver's. */

#define APIREQUEST_APPROVED "CloudseedApproved" /* the condition's reason */

/* Approves the CertificateSigningRequest of that name in that version: if it has changed since, the
 * answer is 409. `why` stays on it for the cluster's admins. */
struct apirequest apirequest_approve(struct str name, struct str version, struct str why,
                                     struct arena *a);
/* The binding by which kubeadm approves for itself (MANIFESTS_AUTOAPPROVE). */
struct apirequest apirequest_autoapprove(void);

/* A cluster admin's. */

/* Makes the object, or makes it again what the manifest says; `dry`: only answers whether that is
 * possible. */
struct apirequest apirequest_apply(const struct manifest *m, bool dry, struct arena *a);

#endif
