/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkup: what a cluster's API server shows of itself: version, certificate and clock.
 *
 * A checkup is one attempt, on a connection of its own. It wakes its waiter once it is done, on a
 * turn of the loop and never from within the calls below; its owner looks at it then. All of it
 * runs on the loop's thread. The account's token is in no message.
 */
#ifndef CLOUDSEED_PORT_CHECKUP_H
#define CLOUDSEED_PORT_CHECKUP_H

#include "base/err.h"
#include "base/str.h"
#include "model/kubeversion.h"
#include "port/waiter.h"

/* All that it points to is copied. */
struct checkup_target {
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str bearer;   /* the minter's account's */
    struct waiter waiter;
};

struct checkup_port;

struct checkup {
    bool done;
    struct kubeversion version;      /* major 0: it failed, for the reason in `err` */
    int64_t certificate_end_wall_ms; /* 0: not known */
    int64_t ahead_ms;                /* by how much its clock is ahead of ours, to a second */
    bool clock_known;
    struct err err;
    const struct checkup_port *port;
};

struct checkup_port {
    int (*begin)(void *cls, const struct checkup_target *t, struct checkup **ret, struct err *e);
    void (*end)(struct checkup *c);
    void *cls;
};

/* Begins one, which lives until checkup_end. -EINVAL: the target is malformed; -EBUSY: too many
 * requests are under way. */
static inline int checkup_begin(const struct checkup_port *port, const struct checkup_target *t,
                                struct checkup **ret, struct err *e)
{
    return port->begin(port->cls, t, ret, e);
}

/* NULL is fine. */
static inline void checkup_end(struct checkup *c)
{
    if (c)
        c->port->end(c);
}

#endif
