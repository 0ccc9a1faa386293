/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minting: the bootstrap tokens of nodes that join now.
 *
 * One mint for each node, whichever of its requests began it: a client that leaves does not cancel
 * it, and a request that is repeated waits for the same one. The intent is in the store before the
 * cluster is asked, and a token is given away only once the cluster has signed with it and that is
 * written, too. A mint ends at once when its window has ended, or its cluster was reset.
 */
#ifndef CLOUDSEED_CORE_MINTING_H
#define CLOUDSEED_CORE_MINTING_H

#include "crypto/sealing.h"
#include "fleet/fleet.h"
#include "port/exchange.h"
#include "port/mint.h"

struct hold;
struct mintings;

/* All of them must outlive it. */
struct mintings *mintings_new(struct fleet *f, const struct sealer *s,
                              const struct mint_port *port);
/* Nobody waits from now on: at the next heartbeat they are told to ask again. */
void mintings_drain(struct mintings *all);
/* How many clusters are asked for now. */
uint32_t mintings_count(const struct mintings *all);
/* Ends all mints. The exchanges that waited have ended. NULL is fine. */
void mintings_free(struct mintings *all);

enum minting_end {
    MINTING_GOOD,
    MINTING_SKEW,  /* the node's kubeadm cannot join a cluster of this version */
    MINTING_API,   /* the API server does not answer, or refuses us */
    MINTING_TOKEN, /* it has the token, which is not good yet */
    MINTING_AGAIN, /* window, claim or cluster are not what they were: decide again */
    MINTING_BUSY   /* it cannot be written now, or a newer request of the node waits instead */
};

struct minting_result {
    enum minting_end end;
    struct str token; /* of MINTING_GOOD; in the exchange's arena, which must be secret */
    int64_t end_wall_ms;
    struct kubeversion version; /* of MINTING_SKEW */
    struct str reason;          /* of the others: one line */
};

struct minting_request {
    struct str uid, name; /* of the node */
    struct str claim;     /* digest */
    struct str cluster;
    struct kubeversion kubeadm; /* major 0: not known */
    struct hold *hold;          /* that has let it go, or NULL */
    unsigned beats;             /* how many heartbeats it waits at most */
};

/* `return minting_await(…)`: goes on with `then` once it has the token, or will not have it now. */
typedef enum exchange_verdict minting_then(struct exchange *x, void *state,
                                           const struct minting_result *result);
enum exchange_verdict minting_await(struct exchange *x, struct mintings *all,
                                    const struct minting_request *q, minting_then *then,
                                    void *state);

#endif
