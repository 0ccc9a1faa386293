/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap: what a node sends while it joins its cluster (docs/formats/bootstrap.md), and what an
 * admin's tool sends of a cluster that runs already (docs/formats/api.md).
 *
 * Reads the messages as strictly as the contract has them: every member, no other, each within its
 * limits. It knows neither windows nor clusters, and does not parse certificates.
 */
#ifndef CLOUDSEED_WIRE_BOOTSTRAP_H
#define CLOUDSEED_WIRE_BOOTSTRAP_H

#include "base/arena.h"
#include "base/err.h"
#include "model/address.h"

#define BOOTSTRAP_MAX_BYTES 8192
#define BOOTSTRAP_CLUSTER_MAX_BYTES 65536
#define BOOTSTRAP_RESULT_MAX_BYTES 16384

#define BOOTSTRAP_CLAIM_LEN 43
#define BOOTSTRAP_ADDRESSES_MAX 8
#define BOOTSTRAP_CAS_MAX 4
#define BOOTSTRAP_LOG_MAX_BYTES 4096

/* Texts live in the arena; of those that may be null, empty: null. */

struct bootstrap_request {
    struct str claim;
    struct str uuid;    /* 8-4-4-4-12 digits in lower case, perhaps a placeholder */
    struct str machine; /* hash of machine-id, 32 digits */
    struct str hostname;
    struct address addresses[BOOTSTRAP_ADDRESSES_MAX];
    uint32_t addresses_n;
    struct str kubeadm; /* "v1.29.15" */
    uint32_t attempt;
};

struct bootstrap_token {
    struct str token;
    int64_t expires_ms; /* since 1970 */
};

struct bootstrap_cluster {
    struct str claim;
    struct str endpoint; /* "https://HOST:PORT" */
    struct str ca;       /* 1-4 blocks of PEM, which were not decoded */
    struct bootstrap_token minter, approver;
    bool has_approver;
};

struct bootstrap_adoption {
    struct str endpoint, ca;
    struct bootstrap_token minter, approver;
    bool has_minter; /* else it only asks whether it would be taken */
    bool has_approver, replaces_ca;
};

struct bootstrap_result {
    struct str claim;
    bool ok;
    struct str stage, log;
};

/* -EINVAL with one line that says which member is wrong. It quotes no secret. */
int bootstrap_read_request(struct str body, struct arena *a, struct bootstrap_request *ret,
                           struct err *e);
int bootstrap_read_cluster(struct str body, struct arena *a, struct bootstrap_cluster *ret,
                           struct err *e);
int bootstrap_read_adoption(struct str body, struct arena *a, struct bootstrap_adoption *ret,
                            struct err *e);
int bootstrap_read_result(struct str body, struct arena *a, struct bootstrap_result *ret,
                          struct err *e);

#endif
