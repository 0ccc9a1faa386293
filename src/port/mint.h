/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mint: bootstrap tokens that clusters are asked to make.
 *
 * A mint carries out one intent: a token that its caller made up and stored, with its end, before
 * it began. It lasts until nodes can join with the token. However often a request is repeated, and
 * whatever became of it, there is at most this one token. Another id is the caller's to choose, and
 * only after MINT_TAKEN or the end of the first.
 *
 * A mint wakes its waiter when there is something new, and its owner looks at it then. Waiters are
 * only woken on a turn of the loop, never from within the calls below. All of it runs on the loop's
 * thread. The token and the account's token are in no message.
 */
#ifndef CLOUDSEED_PORT_MINT_H
#define CLOUDSEED_PORT_MINT_H

#include "base/err.h"
#include "base/str.h"
#include "model/kubeversion.h"
#include "port/waiter.h"

enum mint_outcome {
    MINT_PENDING,
    MINT_SIGNED,  /* the token is good */
    MINT_REFUSED, /* for the reason in `err`; the same again will be refused again */
    MINT_SKEW,    /* the node's kubeadm cannot join a cluster of this `version` */
    MINT_TAKEN,   /* another token has this id: store another intent */
    MINT_LATE     /* the time is over; `err` says what was missing. Try the same again */
};

/* Whether the cluster has the token. */
enum mint_fate {
    MINT_ABSENT,  /* it was never asked to make it */
    MINT_UNKNOWN, /* it was asked, and may or may not have made it */
    MINT_PRESENT
};

/* All that it points to is copied. */
struct mint_intent {
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str bearer;   /* the minter's account's */
    struct str token;    /* crypto/token.h */
    struct str description;
    int64_t end_wall_ms;
    struct kubeversion kubeadm; /* the node's; major 0: not known */
    enum mint_fate fate;        /* MINT_UNKNOWN where an earlier mint may have asked for it */
    uint32_t within_ms;
    struct waiter waiter;
};

struct mint_port;

struct mint {
    enum mint_outcome outcome; /* anything but MINT_PENDING wakes the waiter and stays */
    enum mint_fate fate;
    struct kubeversion version; /* of the API server; major 0: not known yet */
    /* By how much the API server's clock is ahead of ours, to a second; it ends tokens by its own.
     */
    int64_t ahead_ms;
    bool clock_known;
    /* Why it is not there yet, in one line; a new reason wakes the waiter. Empty: nothing wrong. */
    struct err err;
    const struct mint_port *port;
};

struct mint_port {
    int (*begin)(void *cls, const struct mint_intent *intent, struct mint **ret, struct err *e);
    void (*end)(struct mint *m);
    void *cls;
};

/* Begins one, which lives until mint_end. -EINVAL: the intent is malformed. */
static inline int mint_begin(const struct mint_port *port, const struct mint_intent *intent,
                             struct mint **ret, struct err *e)
{
    return port->begin(port->cls, intent, ret, e);
}

/* Cancels it at any stage; nothing is heard of it afterwards. Where `fate` is not MINT_ABSENT, the
 * cluster may have the token. NULL is fine. */
static inline void mint_end(struct mint *m)
{
    if (m)
        m->port->end(m);
}

#endif
