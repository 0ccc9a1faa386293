/* SPDX-License-Identifier: Apache-2.0 */
/* cluster: a Kubernetes cluster that nodes belong to. */
#ifndef CLOUDSEED_MODEL_CLUSTER_H
#define CLOUDSEED_MODEL_CLUSTER_H

#include "model/address.h"
#include "model/variable.h"

struct cluster {
    struct str name;
    struct str version;      /* "1.29.15" or "1.29": Kubernetes' own, without a "v" */
    struct str endpoint;     /* "api.lab.home.arpa:6443": a DNS name or VIP, and a port */
    const struct cidr *pods; /* one, or two for dual stack */
    const struct cidr *services;
    uint32_t pods_n, services_n;
    struct variables variables;
    struct place at;
};

#endif
