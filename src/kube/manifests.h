/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifests: the accounts that the server has in a cluster, and their rights.
 *
 * The minter creates bootstrap tokens and sees the nodes; the approver, in hardened clusters only,
 * approves the certificates of kubelets. Each has the rights for that, and renews its own token.
 * The first master applies them with kubectl; the admin's tool applies them to a cluster that runs
 * already, one request for each (server-side apply takes YAML).
 */
#ifndef CLOUDSEED_KUBE_MANIFESTS_H
#define CLOUDSEED_KUBE_MANIFESTS_H

#include "base/buf.h"

#define MANIFESTS_NAMESPACE "kube-system"
#define MANIFESTS_MINTER "cloudseed-minter"
#define MANIFESTS_APPROVER "cloudseed-approver"
/* By this binding kubeadm lets any token get a certificate for any node's name. Hardened clusters
 * have it without subjects; kubeadm's upgrade puts them back. */
#define MANIFESTS_AUTOAPPROVE "kubeadm:node-autoapprove-bootstrap"

struct manifest {
    struct str path; /* of the object, at the API server */
    struct str yaml; /* one document, without "---" */
};

enum manifests_scope {
    MANIFESTS_OF_MINTER,
    MANIFESTS_OF_BOTH,  /* and the approver */
    MANIFESTS_HARDENED, /* and MANIFESTS_AUTOAPPROVE without subjects */
};

/* In the order in which they must be applied. */
const struct manifest *manifests_of(enum manifests_scope scope, size_t *ret_n);

/* The same as one text for kubectl. */
void manifests_write(struct buf *b, enum manifests_scope scope);

#endif
