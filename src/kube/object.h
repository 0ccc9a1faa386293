/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: what counts of the nodes and certificate requests of a cluster.
 *
 * Read from the items of a list (apiresponse.h) or the object of an event (apiwatch.h); texts lie
 * where those do. What they say is foreign text.
 */
#ifndef CLOUDSEED_KUBE_OBJECT_H
#define CLOUDSEED_KUBE_OBJECT_H

#include "base/value.h"
#include "model/address.h"

#define OBJECT_ADDRESSES_MAX 32

struct object_node {
    struct str name, uid, version;
    bool ready;
    struct str reason;  /* why it is not ready, in the cluster's words: "KubeletNotReady: …" */
    struct str kubelet; /* "v1.29.15"; empty: not known yet */
    struct address addresses[OBJECT_ADDRESSES_MAX]; /* those of type InternalIP */
    uint32_t addresses_n;
};

/* False where it is not a node: it has no name. */
bool object_node(struct value v, struct arena *a, struct object_node *ret);

#define OBJECT_USAGES_MAX 16
#define OBJECT_GROUPS_MAX 32

struct object_csr {
    struct str name, uid, version;
    struct str signer;                    /* "kubernetes.io/kubelet-serving" */
    struct str username;                  /* who asks: "system:bootstrap:cs4xk2" */
    struct str groups[OBJECT_GROUPS_MAX]; /* and in which groups: "system:nodes" */
    struct str usages[OBJECT_USAGES_MAX]; /* "digital signature" */
    uint32_t groups_n, usages_n;
    struct str pem; /* the PKCS#10 request */
    bool decided;   /* somebody has approved or denied it, or it has failed */
};

/* False where it is not one that can be judged: a text is missing or not what it should be, or
 * there are more usages or groups than any kubelet has. */
bool object_csr(struct value v, struct arena *a, struct object_csr *ret);

#endif
