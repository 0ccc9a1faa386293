/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodewatch: the nodes of a cluster, as its API server shows them.
 *
 * A nodewatch follows one cluster until nodewatch_end, whatever happens to the connection. It wakes
 * its waiter when there is something new, and its owner looks at it then. Waiters are only woken on
 * a turn of the loop, never from within the calls below. All of it runs on the loop's thread. The
 * account's token is in no message; texts are foreign, and valid until the next turn of the loop.
 */
#ifndef CLOUDSEED_PORT_NODEWATCH_H
#define CLOUDSEED_PORT_NODEWATCH_H

#include "base/err.h"
#include "base/str.h"
#include "model/address.h"
#include "port/waiter.h"

/* All that it points to is copied. */
struct nodewatch_target {
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str bearer;   /* the minter's account's */
    struct waiter waiter;
};

struct nodewatch_node {
    struct str name;
    bool present; /* else it has gone */
    bool ready;
    struct str reason;               /* why it is not ready, in the cluster's words */
    struct str kubelet;              /* "v1.29.15"; empty: not known yet */
    const struct address *addresses; /* that it reports, of type InternalIP */
    uint32_t addresses_n;
};

struct nodewatch_port;

struct nodewatch {
    bool in_step; /* all nodes have been listed: one that is not known does not exist */
    /* Why it does not follow them now, in one line; a new reason wakes the waiter. Empty: it does.
     */
    struct err err;
    const struct nodewatch_port *port;
};

struct nodewatch_port {
    int (*begin)(void *cls, const struct nodewatch_target *t, struct nodewatch **ret,
                 struct err *e);
    void (*set_bearer)(struct nodewatch *w, struct str bearer);
    bool (*next)(struct nodewatch *w, struct nodewatch_node *ret);
    bool (*find)(const struct nodewatch *w, struct str name, struct nodewatch_node *ret);
    void (*end)(struct nodewatch *w);
    void *cls;
};

/* -EINVAL: the target is malformed. */
static inline int nodewatch_begin(const struct nodewatch_port *port,
                                  const struct nodewatch_target *t, struct nodewatch **ret,
                                  struct err *e)
{
    return port->begin(port->cls, t, ret, e);
}

/* The account has another token. */
static inline void nodewatch_set_bearer(struct nodewatch *w, struct str bearer)
{
    w->port->set_bearer(w, bearer);
}

/* A node that has come, gone, become ready or not ready, or has other addresses since it was given
 * last; false: no more. */
static inline bool nodewatch_next(struct nodewatch *w, struct nodewatch_node *ret)
{
    return w->port->next(w, ret);
}

/* As it is now; false: there is no such node. */
static inline bool nodewatch_find(const struct nodewatch *w, struct str name,
                                  struct nodewatch_node *ret)
{
    return w->port->find(w, name, ret);
}

/* NULL is fine. */
static inline void nodewatch_end(struct nodewatch *w)
{
    if (w)
        w->port->end(w);
}

#endif
