/* SPDX-License-Identifier: Apache-2.0 */
/*
 * approver: certificate requests of kubelets, which a hardened cluster leaves to its admins.
 *
 * An approver follows the requests of one cluster until approver_end, and approves those that its
 * owner's nodes may send; its owner is asked what is known of a node. It also sees whether the
 * cluster approves requests by itself again. It wakes its waiter when there is something new;
 * waiters are only woken on a turn of the loop, never from within the calls below. All of it runs
 * on the loop's thread. The account's token is in no message; texts are foreign, escaped where they
 * are in a reason.
 */
#ifndef CLOUDSEED_PORT_APPROVER_H
#define CLOUDSEED_PORT_APPROVER_H

#include "base/arena.h"
#include "base/err.h"
#include "model/address.h"
#include "port/waiter.h"

/* What is known of the node that a request is for. */
struct approver_node {
    struct str name;     /* as declared */
    struct str token_id; /* minted for its open window; empty: none */
    bool joined;         /* it has become ready, in this window, long ago, or before an adoption */
    bool locked;         /* after an alarm */
    const struct address *declared;
    const struct address *reported; /* in its Node; they count only where none is declared */
    const struct cidr *networks;    /* the site's, in which a reported address must be */
    uint32_t declared_n, reported_n, networks_n;
};

/* All that it points to is copied. */
struct approver_target {
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str bearer;   /* the approver's account's */
    struct waiter waiter;
    /* False: the cluster is to have no such node. Texts in the arena. `ref` is the waiter's. */
    bool (*look_up)(void *cls, struct slot_ref ref, struct str name, struct arena *a,
                    struct approver_node *ret);
    void *cls;
};

/* What has become of a request. */
struct approver_news {
    struct str request; /* its name in the cluster */
    struct str node;    /* that it is for; empty: it names none */
    bool serving;       /* for its own port; else by which it gets into the cluster */
    bool approved;
    struct str reason; /* why it stays pending, in one line */
};

struct approver_port;

struct approver {
    bool in_step;     /* all requests have been listed */
    uint32_t pending; /* of kubelets, neither approved nor denied */
    /* Whether the cluster approves for itself, by kubeadm's binding, any name that a token asks
     * for. */
    bool autoapproves, autoapproves_known;
    struct err err; /* why it does not follow or cannot approve them now; empty: it does */
    const struct approver_port *port;
};

struct approver_port {
    int (*begin)(void *cls, const struct approver_target *t, struct approver **ret, struct err *e);
    void (*set_bearer)(struct approver *p, struct str bearer);
    void (*look)(struct approver *p);
    bool (*next)(struct approver *p, struct arena *a, struct approver_news *ret);
    void (*end)(struct approver *p);
    void *cls;
};

/* -EINVAL: the target is malformed. */
static inline int approver_begin(const struct approver_port *port, const struct approver_target *t,
                                 struct approver **ret, struct err *e)
{
    return port->begin(port->cls, t, ret, e);
}

/* The account has another token. */
static inline void approver_set_bearer(struct approver *p, struct str bearer)
{
    p->port->set_bearer(p, bearer);
}

/* Something else may be known of nodes now: those that are pending are judged again. */
static inline void approver_look(struct approver *p)
{
    p->port->look(p);
}

/* What was not reported yet, with its texts in the arena; false: no more. */
static inline bool approver_next(struct approver *p, struct arena *a, struct approver_news *ret)
{
    return p->port->next(p, a, ret);
}

/* NULL is fine. */
static inline void approver_end(struct approver *p)
{
    if (p)
        p->port->end(p);
}

#endif
