/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: the one table of what can be asked for.
 *
 * A row says which paths it answers, to which methods and on which listeners, how large a body may
 * be, how the peer must show who it is, what a success is logged as, and the function that answers.
 * 404, 405 with Allow, 413 and the refusal of a peer without the right identity follow from the
 * rows. HTTP and TFTP use the same table. Nothing is looked up here: whether a node or a file
 * exists is for the function to find out.
 */
#ifndef CLOUDSEED_CORE_ROUTE_H
#define CLOUDSEED_CORE_ROUTE_H

#include "model/role.h"
#include "model/site.h"
#include "port/exchange.h"

struct request_ctx;

/* How a peer shows who it is. */
enum identity {
    IDENTITY_NONE,
    IDENTITY_SEED_KEY, /* the node's seed key, or the key of its open window, in the path */
    IDENTITY_BOOT_KEY, /* the same, and of a window that ended while the boot that began in it runs
                        */
    IDENTITY_JOIN_KEY, /* the same, for joining: with the join key of the open window as bearer */
    IDENTITY_EVIDENCE, /* weak evidence in the path, which counts only in an open window */
    IDENTITY_ADMIN,    /* a process at the other end of a unix socket, a token as bearer, or a
                          session of the web page */
    IDENTITY_SESSION,  /* only the last of these */
};

/* Sets of enum exchange_method and of enum exchange_listener. */
#define METHOD(m) (1U << METHOD_##m)
#define METHODS_READ (METHOD(GET) | METHOD(HEAD))
#define ON(l) (1U << LISTENER_##l)

struct route {
    /* Literal text and, in braces, the names of `placeholders` in route.c. */
    const char *pattern;
    unsigned methods, listeners;
    enum identity identity;
    size_t body_max_bytes; /* 0: no body is taken */
    const char *event;     /* of a success in the log; NULL: not worth a line */
    enum exchange_verdict (*answer)(struct exchange *x, struct request_ctx *rq);
    const char *usage;  /* the 404 of a path that only begins like the pattern; NULL: the usual */
    enum access access; /* of IDENTITY_ADMIN: the least that it takes */
};

/* What stands in a path in place of the pattern's placeholders. Text points into the path, or,
 * where it was decoded, into the arena. */
struct route_path {
    struct str key;
    enum seed_file file;    /* SEED_FILE_COUNT: none */
    enum evidence evidence; /* the kind of `value` */
    struct str value;
    struct str asset;
    struct str name, document; /* of a node, and of one of its documents */
};

struct route_match {
    const struct route *route; /* NULL: none */
    struct route_path path;
    unsigned methods;   /* without a route: those that the path answers; 0: no such path */
    const char *reason; /* for 404: one line for a console */
};

/* The path that was meant: "/a//b" and "/./a/b" are "/a/b". Nothing is decoded; ".." stays. In the
 * arena, or the path itself. */
struct str route_usual_path(struct str path, struct arena *a);

/* Whether it is for admins' tools, which read JSON, and not for a console. */
bool route_is_api(enum exchange_listener listener, struct str path);

/* `path` is the request's, with nothing decoded and without its query. */
struct route_match route_find(enum exchange_listener listener, enum exchange_method method,
                              struct str path, struct arena *a);

/* "GET, HEAD" */
const char *route_method_names(unsigned methods, struct arena *a);

/* All rows, for tests. */
const struct route *route_at(size_t i);

#endif
