/* SPDX-License-Identifier: Apache-2.0 */
/*
 * renewal: another token for an account that a cluster knows us by, asked for with the one at hand.
 *
 * A renewal is one attempt. It wakes its waiter once it is done, on a turn of the loop and never
 * from within the calls below; its owner looks at it then, and tries again later if it failed. The
 * former token stays good until its own end. All of it runs on the loop's thread. Tokens are in no
 * message.
 */
#ifndef CLOUDSEED_PORT_RENEWAL_H
#define CLOUDSEED_PORT_RENEWAL_H

#include "base/err.h"
#include "base/str.h"
#include "port/waiter.h"

/* All that it points to is copied. */
struct renewal_wish {
    struct str endpoint; /* "https://10.0.0.1:6443" */
    struct str ca;       /* PEM: the API server is verified only by these */
    struct str account;  /* "cloudseed-minter" */
    struct str bearer;   /* its token at hand */
    uint32_t seconds;    /* that the next one should live; the API server may give less, or more */
    struct waiter waiter;
};

struct renewal_port;

struct renewal {
    bool done;
    struct str token; /* valid until renewal_end; empty: it failed, for the reason in `err` */
    int64_t end_wall_ms;
    struct err err;
    const struct renewal_port *port;
};

struct renewal_port {
    int (*begin)(void *cls, const struct renewal_wish *wish, struct renewal **ret, struct err *e);
    void (*end)(struct renewal *r);
    void *cls;
};

/* Begins one, which lives until renewal_end. -EINVAL: the wish is malformed; -EBUSY: too many
 * requests are under way. */
static inline int renewal_begin(const struct renewal_port *port, const struct renewal_wish *wish,
                                struct renewal **ret, struct err *e)
{
    return port->begin(port->cls, wish, ret, e);
}

/* NULL is fine. */
static inline void renewal_end(struct renewal *r)
{
    if (r)
        r->port->end(r);
}

#endif
