/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minter: fills port/mint by asking the clusters' API servers.
 *
 * It reads the API server's version, creates the token's Secret, and polls cluster-info until that
 * is signed with the token: only then a node's discovery cannot fail. All mints of a cluster share
 * what is the same for them. They wait while the cluster has too many tokens.
 */
#ifndef CLOUDSEED_KUBE_MINTER_H
#define CLOUDSEED_KUBE_MINTER_H

#include "port/fetch.h"
#include "port/mint.h"

/* At the same time, to one cluster. 14 others make them 50: the watch of its nodes and that of its
 * certificate requests, eight approvals, a look at kubeadm's binding, the renewals of two tokens
 * and a checkup. */
#define MINTER_REQUESTS_MAX 36
#define MINTER_TOKENS_MAX 2000 /* of a cluster, ours and others', at the same time */

struct minter;

struct minter_host {
    const struct fetch_port *fetch;
    struct alarm alarm; /* calls for minter_on_alarm */
    /* The two clocks of base/clock.h. */
    uint64_t (*boot_ms)(void);
    int64_t (*wall_ms)(void);
};

struct minter *minter_new(const struct minter_host *host);
/* Valid as long as the minter. */
const struct mint_port *minter_port(const struct minter *m);
void minter_on_alarm(struct minter *m);
/* All mints have been ended. Not from within a wake. NULL is fine. */
void minter_free(struct minter *m);

#endif
