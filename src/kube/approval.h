/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approval: which certificate requests of kubelets are approved, in a hardened cluster.
 *
 * A bootstrap token gets a certificate for exactly the node that it was minted for, and a node gets
 * a serving certificate for exactly its own name and addresses. Everything else is left pending,
 * with the reason. Pure: the caller looks up the node between the two steps.
 */
#ifndef CLOUDSEED_KUBE_APPROVAL_H
#define CLOUDSEED_KUBE_APPROVAL_H

#include "crypto/csr.h"
#include "kube/object.h"
#include "port/approver.h"

enum approval_kind {
    APPROVAL_CLIENT, /* how a kubelet gets into the cluster */
    APPROVAL_SERVING /* for its own port, which the API server and metrics use */
};

struct approval {
    enum approval_kind kind;
    struct str node;     /* the name that it is for */
    struct str token_id; /* with CLIENT: who asks */
    struct csr csr;
};

/* Whether it is a request that a kubelet of some node would send. -ENOTSUP: it is not ours to
 * judge, but another signer's, or the renewal of a kubelet's client certificate, which kubeadm lets
 * the cluster approve. -EACCES: leave it pending, for the reason in `e`. Texts lie in the arena, or
 * where those of `c` do. */
int approval_read(const struct object_csr *c, struct arena *a, struct approval *ret, struct err *e);

/* 0: approve it. -EAGAIN: its node is not so far yet; judge it again. -ESTALE: the same, for a
 * moment: what the node has reported may not be known yet. -EACCES: leave it pending. Both for the
 * reason in `e`. `n` is NULL if no node has that name. In all reasons foreign text is escaped. */
int approval_judge(const struct approval *r, const struct approver_node *n, struct arena *a,
                   struct err *e);

#endif
