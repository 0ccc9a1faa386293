/* SPDX-License-Identifier: Apache-2.0 */
/* cluster: a Kubernetes cluster that nodes belong to. */
#ifndef CLOUDSEED_MODEL_CLUSTER_H
#define CLOUDSEED_MODEL_CLUSTER_H

#include "model/address.h"
#include "model/variable.h"

struct template;

/* A manifest that the first master applies: it fetches it, or this server renders it. */
struct addon {
    struct str name;
    struct str url;    /* empty where it is rendered */
    struct str asset;  /* what `url` was made from: a path below the server's assets, or empty */
    struct str sha256; /* 64 lower-case hexadecimal digits; empty: not checked */
    struct str template_name;
    const struct template *template; /* NULL where it is fetched */
    struct place at;
    const struct str *wait; /* what to wait for, in order: "crd/installations.operator.tigera.io" */
    uint32_t wait_n;
};

#define ADDON_WAIT_MAX 16
#define CLUSTER_ADDONS_MAX 32

struct cluster {
    struct str name;
    struct str version;      /* "1.29.15" or "1.29": Kubernetes' own, without a "v" */
    struct str endpoint;     /* "api.lab.home.arpa:6443": a DNS name or VIP, and a port */
    const struct cidr *pods; /* one, or two for dual stack */
    const struct cidr *services;
    const struct addon *addons; /* in the order in which they are written */
    uint32_t pods_n, services_n, addons_n;
    bool hardened; /* certificates of kubelets are approved one by one, not by the cluster */
    struct variables variables;
    struct place at;
};

#endif
