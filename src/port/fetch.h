/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: HTTP requests of the daemon to other servers, which never block.
 *
 * A fetch wakes its waiter when there is something new, and its owner looks at it then. Waiters are
 * never woken from within the calls below, only on a turn of the loop. A fetch lives until
 * fetch_end, which cancels it at any stage; nothing is heard of it afterwards. All of it runs on
 * the loop's thread. Neither the messages nor anything that is logged has more of a request than
 * the server's name and port.
 */
#ifndef CLOUDSEED_PORT_FETCH_H
#define CLOUDSEED_PORT_FETCH_H

#include "base/err.h"
#include "base/str.h"
#include "port/waiter.h"

enum fetch_fault {
    FETCH_OK,         /* there is an answer, whatever its status */
    FETCH_UNRESOLVED, /* the name has no address; nothing was sent */
    FETCH_UNREACHED,  /* no connection; nothing was sent */
    FETCH_TLS,        /* not trusted, or the handshake failed; nothing was sent */
    FETCH_LATE,       /* one of the time-outs has passed */
    FETCH_TOO_LARGE,  /* the body or the headers exceed their caps */
    FETCH_CUT_OFF,    /* the connection ended before the answer did */
    FETCH_BAD_ANSWER, /* not HTTP, or a redirect that must not be followed */
};

/* How far it came, whatever ended it. */
enum fetch_reach {
    FETCH_NOWHERE,
    FETCH_ACCEPTED, /* there was a connection, and not a byte from the other side */
    FETCH_ANSWERED, /* something, if only a certificate that is not trusted */
};

struct fetch_field {
    struct str name, value;
};

/* All that it points to is copied. Text is checked: a line end in it is -EINVAL. */
struct fetch_request {
    const char *method;
    struct str url; /* http or https, without a user's name */
    const struct fetch_field *headers;
    size_t n_headers;
    struct str bearer; /* Authorization: Bearer …, over https only; p == NULL: none */
    struct str body;   /* p == NULL: none */
    struct str ca;     /* PEM: verifies the server only by these; p == NULL: by the system's CAs */
    struct str certificate, key; /* PEM: who we are, over https; p == NULL: nobody */
    struct str proxy;    /* http://HOST:PORT; p == NULL: none, whatever the environment says */
    uint32_t connect_ms; /* until there is a connection; waiting for its turn counts */
    uint32_t answer_ms;  /* from then on until the answer begins */
    uint32_t silence_ms; /* between two pieces of the answer; 0: no bound */
    uint32_t whole_ms;   /* for all of it; 0: no bound, where there is one for silence */
    size_t body_max_bytes;
    /* The body is had piece by piece from fetch_take and may have any length. The server is made to
     * wait where its owner does not take it. */
    bool stream;
    /* Redirects are followed, from https only to https; `bearer` goes to no other server. */
    bool follows;
    /* The server may get it twice. A connection that was kept open may turn out to be dead; then a
     * request that is repeatable is sent again on a new one, and others never use such a
     * connection. GET and HEAD are always repeatable. */
    bool repeatable;
    bool looks; /* on a connection of its own, and tells the server's certificate */
    struct waiter waiter;
};

struct fetch_port;

struct fetch {
    /* 0: not known yet. That the answer to a `stream` has begun wakes the waiter. */
    int status;
    bool done; /* wakes the waiter; nothing below changes any more */
    enum fetch_fault fault;
    enum fetch_reach reach; /* of the last server, without a proxy */
    struct str body; /* all of it, followed by a NUL, valid until fetch_end; empty with `stream` */
    struct str certificate; /* of `looks` and FETCH_OK over TLS: PEM, valid until fetch_end */
    struct err err;         /* why it is not FETCH_OK: the server and one line */
    const struct fetch_port *port;
};

struct fetch_port {
    int (*start)(void *cls, const struct fetch_request *q, struct fetch **ret, struct err *e);
    struct str (*take)(struct fetch *f);
    struct str (*header)(struct fetch *f, const char *name);
    void (*end)(struct fetch *f);
    void *cls;
};

/* A loop of its own, for a thread that waits for its fetches. */
struct fetch_turns {
    const struct fetch_port *port;
    /* Waits until something has happened to a fetch, at most `wait_ms`. Look again then. */
    void (*turn)(void *cls, uint32_t wait_ms);
    void *cls;
};

/* -EINVAL: the request is malformed; -EBUSY: too many wait for their turn. */
static inline int fetch_start(const struct fetch_port *port, const struct fetch_request *q,
                              struct fetch **ret, struct err *e)
{
    return port->start(port->cls, q, ret, e);
}

/* The next bytes of a stream, valid until the next call; empty: there are none yet or, once it is
 * done, no more. */
static inline struct str fetch_take(struct fetch *f)
{
    return f->port->take(f);
}

/* The value of a header of the answer, once it is done or its stream has begun, valid until
 * fetch_end; p == NULL: there is none. Where it is repeated, the last one. */
static inline struct str fetch_header(struct fetch *f, const char *name)
{
    return f->port->header(f, name);
}

/* NULL is fine. */
static inline void fetch_end(struct fetch *f)
{
    if (f)
        f->port->end(f);
}

#endif
