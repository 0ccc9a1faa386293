/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: one request and its answer, as core sees them.
 *
 * A listener fills `in`, asks the port to step, and sends `out`; it knows nothing else of core. An
 * exchange ends once, when its answer went out or its peer left. It pins one snapshot: a reload
 * never changes the world under it. Everything that it needs beyond that lives in its arena and
 * dies with it.
 */
#ifndef CLOUDSEED_PORT_EXCHANGE_H
#define CLOUDSEED_PORT_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/address.h"

struct snapshot;

enum exchange_method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER };
enum exchange_listener { LISTENER_BOOT, LISTENER_NODE, LISTENER_ADMIN, LISTENER_TFTP };

struct exchange_in {
    enum exchange_method method;
    enum exchange_listener listener;
    struct str path;          /* as it came, nothing decoded, without the query */
    struct str if_none_match; /* header values; p == NULL where there is none */
    struct str accept_encoding;
    struct address peer;
};

/* What is sent. Text and body live in the exchange's arena or buffer, or for ever. */
struct exchange_out {
    int status;           /* HTTP's numbers */
    const char *type;     /* Content-Type, NULL: none */
    const char *etag;     /* with its quotes, NULL: none */
    const char *encoding; /* Content-Encoding, NULL: none */
    const char *cache;    /* Cache-Control, NULL: none */
    const char *allow;    /* for 405 */
    bool vary_encoding;
    bool retry_later; /* Retry-After */
    struct str body;  /* for HEAD and 304 too: the listener leaves it out but tells its length */
    /* For the log, never sent: */
    const char *event; /* "served", "refused", …; NULL: nothing worth a line */
    struct str node;
    struct str file;
    struct str evidence; /* what the peer said of itself, foreign text; p == NULL: nothing */
    const char *reason;  /* why it was refused */
};

struct exchange {
    struct exchange_in in;
    struct exchange_out out;
    struct arena arena;
    struct buf body; /* where core renders to */
    struct snapshot *snapshot;
};

enum exchange_verdict { EXCHANGE_DONE, EXCHANGE_WAIT };

/* Who answers, as a listener sees him. `begin` pins the snapshot, `step` may be called again after
 * EXCHANGE_WAIT, `end` is called once for each begun exchange, whatever became of its peer. */
struct exchange_port {
    void (*begin)(void *cls, struct exchange *x);
    enum exchange_verdict (*step)(void *cls, struct exchange *x);
    void (*end)(void *cls, struct exchange *x);
    void *cls;
};

#endif
